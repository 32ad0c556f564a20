// Finds a command by its name, or says which one was probably meant.
import { nearest } from "../../src/config/nearest.ts";
import { type Command, UsageError } from "./command.ts";

export function findCommand(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `commands are ${names.join(", ")}` : `did you mean ${guess}`;
  throw new UsageError(`There is no command ${JSON.stringify(name)}; ${hint}`);
}
