// The log: one JSON object per line on standard error, with time, level, a message of constant text, and fields. Standard
// output belongs to the CNI result. Logging never throws and never fails what it tells of: a line that cannot be written is lost.
import { writeSync } from "node:fs";

export const levels = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof levels)[number];

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  /** A decision. */
  debug(message: string, fields?: Fields): void;
  /** Something in the world changed. */
  info(message: string, fields?: Fields): void;
  /** It goes on, and somebody should look. */
  warning(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** The same log, with these fields in every line. */
  with(fields: Fields): Log;
}

export interface LogOptions {
  /** Lines below this level are left out; "info" where nothing is said. */
  readonly level?: Level;
  /** Takes one line, its end included. Standard error where nothing is said. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

export function createLog(options: LogOptions = {}, fields: Fields = {}): Log {
  const { level: least = "info", write = writeToStderr, now = () => new Date() } = options;
  const at =
    (level: Level) =>
    (message: string, more: Fields = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return;
      try {
        write(`${lineOf({ time: now().toISOString(), level, message }, { ...fields, ...more })}\n`);
      } catch {
        // A closed or full standard error must not fail an attachment.
      }
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    with: (more) => createLog(options, { ...fields, ...more }),
  };
}

const ignore = () => {};

/** Says nothing; for tests. */
export const silent: Log = { debug: ignore, info: ignore, warning: ignore, error: ignore, with: () => silent };

interface Head {
  readonly time: string;
  readonly level: Level;
  readonly message: string;
}

/** A field cannot take the place of time, level or message; one that cannot be printed loses the fields, not the line. */
function lineOf(head: Head, fields: Fields): string {
  try {
    return JSON.stringify({ ...head, ...fields, ...head }, printable);
  } catch (error) {
    return JSON.stringify({ ...head, fieldsLost: String(error) });
  }
}

function printable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (!(value instanceof Error)) return value;
  const { name, message, cause } = value;
  return { ...value, name, message, ...(cause === undefined ? {} : { cause }) };
}

/** Synchronous, so that the last line before an exit is not lost. */
function writeToStderr(line: string): void {
  writeSync(2, line);
}
