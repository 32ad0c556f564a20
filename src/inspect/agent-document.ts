// Reads what an agent answered as a document with a version: what was added since is passed over, and what is not an agent's word is told as such.
import * as v from "valibot";

export interface DocumentKind<T> {
  /** As people call it. */
  readonly name: string;
  readonly version: number;
  readonly schema: v.GenericSchema<unknown, T>;
}

/** An error says why it cannot be understood. */
export function parseDocument<T>(text: string, { name, version: own, schema }: DocumentKind<T>): T {
  const { version, ...rest } = understood(v.looseObject({ version: v.number() }), jsonIn(text));
  if (version !== own) {
    throw new Error(`its ${name} is of version ${version}, and this hextetctl reads ${own}: use that of its build`);
  }
  return understood(schema, { version, ...rest });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error("it answered, but not as an agent does: that is no JSON", { cause: error });
  }
}

function understood<T>(as: v.GenericSchema<unknown, T>, value: unknown): T {
  const { success, output, issues } = v.safeParse(as, value);
  if (success) return output;
  throw new Error(`it answered, but not as an agent does: ${v.summarize(issues).split("\n")[0]}`);
}
