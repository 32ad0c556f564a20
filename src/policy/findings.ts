// What a reader of Kubernetes objects found wrong, part by part. Objects are read as far as they are understood, so that one odd field
// does not cost the rest: the value is what remains and errs on the closed side, the findings say what was left out and why.
import * as v from "valibot";
import { ConfigError } from "../config/config-error.ts";
import { describe, pathOf } from "../config/parse.ts";

type Path = readonly (string | number)[];

export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** Whether the key is meant, or what stands behind it. */
  readonly origin: "key" | "value";
}

export interface Reading<T> {
  /** Absent where the object is of no concern, or nothing of it can be used. */
  readonly value?: T;
  /** What the API does not allow, or this version does not know. A file that has one is refused. */
  readonly faults: readonly Finding[];
  /** What is understood and rarely meant. */
  readonly remarks: readonly Finding[];
}

export class Findings {
  readonly faults: Finding[] = [];
  readonly remarks: Finding[] = [];

  /** What the schema makes of a part; otherwise nothing, and its faults are noted. */
  read<T>(schema: v.GenericSchema<unknown, T>, part: unknown, at: Path): T | undefined {
    const parsed = v.safeParse(schema, part);
    if (parsed.success) return parsed.output;
    for (const issue of parsed.issues) {
      const items = issue.path ?? [];
      const path = [...at, ...items.map(({ key }) => (typeof key === "number" ? key : String(key)))];
      this.faults.push({ path, message: describe(issue), origin: items.at(-1)?.origin === "key" ? "key" : "value" });
    }
    return undefined;
  }

  fault(path: Path, message: string): void {
    this.faults.push({ path, message, origin: "value" });
  }

  remark(path: Path, message: string): void {
    this.remarks.push({ path, message, origin: "value" });
  }

  reading<T>(value: T | undefined): Reading<T> {
    return { ...(value === undefined ? {} : { value }), faults: this.faults, remarks: this.remarks };
  }
}

/** Faults and remarks for a log, each with its field. */
export function describeFindings({ faults, remarks }: Reading<unknown>): string[] {
  return [...faults, ...remarks].map(({ path, message }) => textOf(path, message));
}

function textOf(path: Path, message: string): string {
  return new ConfigError(pathOf(path.map((key) => ({ key }))), message).message;
}

/**
 * A reader as a schema, for documents that know the line of every fault. Whatever was not understood refuses the object; what is of no
 * concern becomes undefined.
 */
export function strictly<T>(read: (part: unknown) => Reading<T>) {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): Reading<T> => {
      const reading = read(dataset.value);
      for (const { path, message, origin } of reading.faults) {
        const [first, ...others] = path.map((key): v.IssuePathItem => {
          return { type: "unknown", origin, input: dataset.value, key, value: undefined };
        });
        addIssue(first === undefined ? { message } : { message, path: [first, ...others] });
      }
      return reading.faults.length > 0 ? NEVER : reading;
    }),
  );
}
