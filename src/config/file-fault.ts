// A fault in a file that a person wrote, with the place an editor can jump to. It is a ConfigError whose text begins with
// the file, the line and the column.
import { ConfigError } from "./config-error.ts";

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export class FileFault extends ConfigError {
  readonly file: string;
  /** Absent where the file as a whole is meant. */
  readonly position?: Position;

  constructor(file: string, fault: { position?: Position; path?: string; message: string }) {
    super(fault.path ?? "", fault.message);
    this.file = file;
    if (fault.position !== undefined) this.position = fault.position;
    this.message = `${placeText(file, fault.position)}: ${this.message}`;
  }

  /** `cluster.yaml:3:15`, as compilers print it. */
  get place(): string {
    return placeText(this.file, this.position);
  }
}

/** Top to bottom; files by name. */
export function compareFaults(one: FileFault, other: FileFault): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  const [a, b] = [one.position ?? nowhere, other.position ?? nowhere];
  return a.line - b.line || a.column - b.column;
}

const nowhere: Position = { line: 0, column: 0 };

function placeText(file: string, position: Position | undefined): string {
  return position === undefined ? file : `${file}:${position.line}:${position.column}`;
}
