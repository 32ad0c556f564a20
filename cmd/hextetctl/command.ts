// What a command of hextetctl is, and how its arguments are read. Adding one: a file beside this one that exports a Command,
// and a line in commands.ts. The lab's commands are made of the same.
import { nearest } from "../../src/config/nearest.ts";

export interface Command {
  /** One word, or two where several do something to the same: `leases`, `leases check`. */
  readonly name: string;
  /** One line for `hextetctl help`, without a full stop. */
  readonly summary: string;
  /** What may follow besides options, as help prints it: `[COMMAND]`. */
  readonly operands?: string;
  readonly options?: Readonly<Record<string, Option>>;
  /** Command lines with what they are for, for help. */
  readonly examples?: readonly (readonly [line: string, purpose: string])[];
  /** It only looks: an error means that nothing was found out, which is exit code 3. */
  readonly asks?: true;
  /** For other programs; help does not name it. */
  readonly hidden?: true;
  /** From the first operand on every word is one, dashes or not: it is a command line for somebody else. */
  readonly verbatim?: true;
  /** Returns the exit code; an error's message is printed and the exit code is 1. */
  run(call: Call): number | Promise<number>;
}

export interface Option {
  /** Name of the value this option takes, as help prints it: `DIR`. Without it the option is a switch. */
  readonly value?: string;
  /** The letter that may stand for it after one dash. */
  readonly short?: string;
  /** The values there are, where these are few: for completion. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface Call {
  /** Options given, without their dashes; a switch has the value "". */
  readonly options: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  /** The build this program belongs to: the directory with bin/ and lib/. */
  readonly build: string;
  /** Whether who reads is at a terminal that shows colors. */
  readonly colored?: boolean;
  /** How many characters a line of that terminal has. */
  readonly columns?: number;
  /** Prints a line on standard output. */
  print(line: string): void;
}

/** What of a command decides how its arguments are read. */
type Takes = Pick<Command, "name" | "operands" | "options" | "verbatim">;

/** The call cannot be understood: exit code 2, and a pointer to help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function parseArguments(command: Takes, args: readonly string[]): Pick<Call, "options" | "operands"> {
  const options = new Map<string, string>();
  const operands: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      operands.push(...rest.splice(0));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      operands.push(word, ...(command.verbatim ? rest.splice(0) : []));
      continue;
    }
    const { name, value } = readOption(command, word);
    options.set(name, value ?? rest.shift() ?? complainOfMissingValue(command, name));
  }
  const unexpected = operands[0];
  if (command.operands === undefined && unexpected !== undefined) {
    throw new UsageError(`${command.name} takes no ${JSON.stringify(unexpected)}, only options`);
  }
  return { options, operands };
}

/** `--name=value`, `--name` of a switch (value ""), or `--name` whose value is the next word (no value); `-nvalue`, `-n` alike. */
function readOption(command: Takes, word: string): { readonly name: string; readonly value?: string } {
  const known = command.options ?? {};
  const [, name, value] = longForm(word, known).match(/^--([^=]+)(?:=(.*))?$/s) ?? [];
  const option = name === undefined ? undefined : known[name];
  if (name === undefined || option === undefined) throw new UsageError(describeUnknown(word, known));
  if (option.value === undefined && value !== undefined) throw new UsageError(`--${name} takes no value`);
  const read = option.value === undefined ? "" : value;
  return read === undefined ? { name } : { name, value: read };
}

function longForm(word: string, known: Readonly<Record<string, Option>>): string {
  const [, letter, rest = ""] = word.match(/^-([^-])(.*)$/s) ?? [];
  const [name] = Object.entries(known).find(([, { short }]) => short !== undefined && short === letter) ?? [];
  if (name === undefined) return word;
  return rest === "" ? `--${name}` : `--${name}=${rest.replace(/^=/, "")}`;
}

function describeUnknown(word: string, known: Readonly<Record<string, Option>>): string {
  const names = Object.keys(known);
  const guess = nearest(word.replace(/^-+/, "").replace(/=.*$/s, ""), names);
  if (guess !== undefined) return `There is no option ${word}; did you mean --${guess}`;
  return `There is no option ${word}; ${names.length === 0 ? "there are none" : `known are ${names.map((name) => `--${name}`).join(", ")}`}`;
}

function complainOfMissingValue(command: Takes, name: string): never {
  throw new UsageError(`--${name} needs a value: --${name} ${command.options?.[name]?.value ?? "VALUE"}`);
}
