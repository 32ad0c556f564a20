// Finds a command by its name, or says which one was probably meant. A name has one word or two.
import { nearest } from "../../src/config/nearest.ts";
import { type Command, UsageError } from "./command.ts";

export interface FoundCommand {
  readonly command: Command;
  /** The words behind its name. */
  readonly rest: readonly string[];
}

export function findCommand(commands: readonly Command[], words: readonly string[]): FoundCommand {
  const [first = "", second = ""] = words;
  for (const [name, length] of [[`${first} ${second}`, 2] as const, [first, 1] as const]) {
    const command = commands.find((each) => each.name === name);
    if (command === undefined) continue;
    if (length === 1) requireNoMistake(commands, first, second);
    return { command, rest: words.slice(length) };
  }
  throw new UsageError(describeUnknown(commands, first, second));
}

/** What looks like the second word of a command is not taken for something to look for: a pod of such a name is found by `namespace/pod`. */
function requireNoMistake(commands: readonly Command[], first: string, second: string): void {
  const seconds = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : []));
  if (second.length < 3 || nearest(second, seconds) === undefined) return;
  throw new UsageError(describeUnknown(commands, first, second));
}

function describeUnknown(commands: readonly Command[], first: string, second: string): string {
  const names = commands.filter(({ hidden }) => hidden === undefined).map(({ name }) => name);
  const inGroup = names.flatMap((name) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : []));
  if (inGroup.length > 0 && (second === "" || second.startsWith("-"))) {
    return `${first} needs a word behind it: ${inGroup.join(", ")}`;
  }
  if (inGroup.length > 0) {
    const guess = nearest(`${first} ${second}`, names);
    const hint = guess === undefined ? `${first} is followed by ${inGroup.join(" or ")}` : `did you mean ${guess}`;
    return `There is no command ${JSON.stringify(`${first} ${second}`)}; ${hint}`;
  }
  const known = firstWords(names);
  const guess = names.find((name) => name.endsWith(` ${first}`)) ?? nearest(first, known);
  const hint = guess === undefined ? `commands are ${known.join(", ")}` : `did you mean ${guess}`;
  return `There is no command ${JSON.stringify(first)}; ${hint}`;
}

function firstWords(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.split(" ")[0] ?? name))];
}
