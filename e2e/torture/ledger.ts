// What an experiment saw: how often a fault was put in, what was lost or left behind, and how long it took until all was well. One row
// of docs/reliability.md. Pure.
import { table } from "../table.ts";

export interface Row {
  readonly fault: string;
  /** How it was put in. */
  readonly how: string;
  readonly columns: string;
  readonly times: number;
  /** Attachments, leases and answers that were not what had been said of them. */
  readonly lost: readonly string[];
  /** What was left of attachments that had ended. */
  readonly leaked: readonly string[];
  /** The longest it took from the end of the fault until a call succeeded; absent where nothing had to recover. */
  readonly recoveredMs?: number;
  /** What else was counted. */
  readonly remark?: string;
}

export class Ledger {
  readonly #about: Pick<Row, "fault" | "how" | "columns">;
  readonly #lost: string[] = [];
  readonly #leaked: string[] = [];
  #times = 0;
  #recoveredMs: number | undefined;
  #remark: string | undefined;

  constructor(about: Pick<Row, "fault" | "how" | "columns">) {
    this.#about = about;
  }

  fault(count = 1): void {
    this.#times += count;
  }

  lost(what: string): void {
    this.#lost.push(what);
  }

  leaked(what: string): void {
    this.#leaked.push(what);
  }

  remark(text: string): void {
    this.#remark = text;
  }

  /** Has a call recover what a fault has done, and notes how long that took. */
  async recover(work: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    await work();
    this.#recoveredMs = Math.max(this.#recoveredMs ?? 0, performance.now() - start);
  }

  get row(): Row {
    return {
      ...this.#about,
      times: this.#times,
      lost: this.#lost,
      leaked: this.#leaked,
      ...(this.#recoveredMs === undefined ? {} : { recoveredMs: this.#recoveredMs }),
      ...(this.#remark === undefined ? {} : { remark: this.#remark }),
    };
  }
}

const head = ["fault", "how", "columns", "times", "lost", "leaked", "recovered in", ""];

function cellsOf({ fault, how, columns, times, lost, leaked, recoveredMs, remark = "" }: Row): readonly string[] {
  const recovered = recoveredMs === undefined ? "-" : `${Math.ceil(recoveredMs)} ms`;
  return [fault, how, columns, `${times}`, `${lost.length}`, `${leaked.length}`, recovered, remark];
}

/** For a terminal, and after it every single thing that was lost or leaked. */
export function printRows(rows: readonly Row[]): string {
  const findings = rows.flatMap(({ fault, columns, lost, leaked }) => [
    ...lost.map((what) => `lost: ${fault} (${columns}): ${what}`),
    ...leaked.map((what) => `leaked: ${fault} (${columns}): ${what}`),
  ]);
  return [table([head, ...rows.map(cellsOf)]), ...findings].join("\n");
}

/** For docs/reliability.md. */
export function printMarkdown(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map((row) => line(cellsOf(row)))].join("\n");
}

export function isClean({ times, lost, leaked }: Row): boolean {
  return times > 0 && lost.length === 0 && leaked.length === 0;
}
