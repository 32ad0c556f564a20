// Reads a document by a valibot schema. All faults are found in one go, each with its path and in words that say what to
// write; where there are several they become one ConfigError. What comes out is frozen.
import * as v from "valibot";
import { ConfigError } from "./config-error.ts";
import { describeUnknownKey, nearest } from "./nearest.ts";

type Issue = v.BaseIssue<unknown>;
type Schema<T> = v.GenericSchema<unknown, T>;

/** The value the schema makes of the input; throws one ConfigError that names every fault. */
export function parse<T>(schema: Schema<T>, input: unknown, at = ""): T {
  const parsed = v.safeParse(schema, input);
  if (!parsed.success) throw oneError(faultsOf(parsed.issues, at));
  return freeze(parsed.output);
}

export function faultsOf(issues: readonly Issue[], at = ""): readonly ConfigError[] {
  return issues.map((issue) => new ConfigError(pathOf(issue.path ?? [], at), describe(issue)));
}

/** The one fault as it is; several in one error that lists them, with an AggregateError of them as its cause. */
export function oneError(errors: readonly ConfigError[]): ConfigError {
  const faults = errors.flatMap(faultsIn);
  const [first, ...others] = faults;
  if (first === undefined) throw new RangeError("There is no fault to report");
  if (others.length === 0) return first;
  const list = faults.map((fault) => fault.message).join("; ");
  return new ConfigError("", `${faults.length} faults: ${list}`, { cause: new AggregateError(faults, list) });
}

function faultsIn(error: ConfigError): readonly ConfigError[] {
  const inner: readonly unknown[] = error.cause instanceof AggregateError ? error.cause.errors : [];
  const faults = inner.filter((each) => each instanceof ConfigError);
  return faults.length === 0 ? [error] : faults;
}

/** An object with these keys and no others; says which known key an unknown one resembles. For our own files. */
export function closedObject<const Entries extends v.ObjectEntries>(entries: Entries) {
  return objectOf(entries, Object.keys(entries));
}

/** An object with these keys; others are left out, and `unknownKeys` tells of them. For what other tools write. */
export function openObject<const Entries extends v.ObjectEntries>(entries: Entries) {
  return objectOf(entries);
}

/** What an object held beside the keys of its schema, as it came. */
export interface WithOthers {
  readonly others?: Readonly<Record<string, unknown>>;
}

/** An object with these keys, and all its other members as they came in `others`. For what is handed on. */
export function objectWithOthers<const Entries extends v.ObjectEntries>(entries: Entries, keys = Object.keys(entries)) {
  const schema = v.object(entries);
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): v.InferOutput<typeof schema> & WithOthers => {
      const input = dataset.value;
      const members = isObject(input) && !Array.isArray(input) ? Object.entries(input) : [];
      const ours = members.filter(([key]) => keys.includes(key));
      const parsed = read(
        schema,
        isObject(input) && !Array.isArray(input) ? Object.fromEntries(ours) : input,
        addIssue,
      );
      if (parsed === undefined) return NEVER;
      const others = members.filter(([key]) => !keys.includes(key));
      return others.length === 0 ? parsed : { ...parsed, others: Object.fromEntries(others) };
    }),
  );
}

/** Unlike valibot's own it takes no list for an object, and reports all unknown keys beside all other faults. */
function objectOf<const Entries extends v.ObjectEntries>(entries: Entries, known?: readonly string[]) {
  const schema = v.object(entries);
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): v.InferOutput<typeof schema> => {
      const input = dataset.value;
      const keys = isObject(input) && !Array.isArray(input) ? Object.keys(input) : [];
      const strangers = known === undefined ? [] : keys.filter((key) => !known.includes(key));
      for (const key of strangers) {
        const item = { type: "unknown", origin: "key", input, key, value: key } as const;
        addIssue({ message: describeUnknownKey(key, known ?? []), path: [item] });
      }
      const parsed = read(schema, input, addIssue);
      return parsed === undefined || strangers.length > 0 ? NEVER : parsed;
    }),
  );
}

type AddIssue = (issue: { message: string; path?: [v.IssuePathItem, ...v.IssuePathItem[]] }) => void;

/** What the schema makes of the input, which may be no list; otherwise nothing, and the faults are added. */
function read<T>(schema: Schema<T>, input: unknown, addIssue: AddIssue): T | undefined {
  if (!isObject(input) || Array.isArray(input)) {
    addIssue({ message: `${nameOf(input)} is not an object` });
    return undefined;
  }
  const parsed = v.safeParse(schema, input);
  for (const issue of parsed.issues ?? []) addIssue({ message: describe(issue), ...pathEntry(issue) });
  return parsed.success ? parsed.output : undefined;
}

/** Text that this function reads into a value; what it throws becomes the fault. */
export function text<T>(valueOf: (text: string) => T) {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      try {
        return valueOf(dataset.value);
      } catch (error) {
        if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

/** `ipam.ranges[0][1].subnet`: a key that is no plain word stands in brackets, unless it comes first. */
export function pathOf(items: readonly { readonly key: unknown }[], at = ""): string {
  return items.reduce((path, { key }) => {
    if (typeof key === "number") return `${path}[${key}]`;
    const word = String(key);
    if (path === "") return word;
    return /^[\w-]+$/.test(word) ? `${path}.${word}` : `${path}[${JSON.stringify(word)}]`;
  }, at);
}

function pathEntry(issue: Issue): { path?: [v.IssuePathItem, ...v.IssuePathItem[]] } {
  return issue.path === undefined ? {} : { path: issue.path };
}

function nameOf(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  return input === undefined ? "nothing" : shorten(JSON.stringify(input));
}

/** Our own messages as they are; those of valibot, which all begin with "Invalid", in the words of this project. */
export function describe(issue: Issue): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.received === "undefined") return "it is missing";
  const received = shorten(words[issue.received] ?? issue.received);
  if (issue.expected === null) return `${received} is not valid`;
  const choices = Array.from(issue.expected.matchAll(/"([^"]*)"/g), ([, word = ""]) => word);
  const guess = typeof issue.input === "string" ? nearest(issue.input, choices) : undefined;
  const expected = words[issue.expected] ?? issue.expected.replace(/^\((.*)\)$/, "$1").replaceAll(" | ", " or ");
  return `${received} is not ${expected}${fixOf(issue, guess)}`;
}

function fixOf({ expected, input }: Issue, guess: string | undefined): string {
  if (guess !== undefined) return `; did you mean ${guess}`;
  return expected === "string" && typeof input !== "object" && input !== undefined ? "; put it in quotes" : "";
}

const words: Readonly<Record<string, string>> = {
  Object: "an object",
  Array: "a list",
  string: "a string",
  number: "a number",
  boolean: "true or false",
};

function shorten(received: string): string {
  return received.length <= 80 ? received : `${received.slice(0, 77)}...`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Freezes lists and plain objects; values of classes are immutable by themselves. */
export function freeze<T>(value: T): T {
  if (!isObject(value) || Object.isFrozen(value)) return value;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}
