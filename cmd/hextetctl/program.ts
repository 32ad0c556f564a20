// A program that consists of commands: finds the one that is asked for, reads its arguments, runs it, and turns an error into a
// sentence and an exit code: 1 for something that failed, 2 for a call that cannot be understood, 3 where a question has no answer or
// the answer cannot be written.
import { wordsOf } from "../../src/kernel/system-error.ts";
import { type Call, type Command, parseArguments, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";
import { helpCommand } from "./help.ts";
import { sentenceOf } from "./sentence.ts";

export interface Program {
  /** How it is called, for help: `hextetctl`. */
  readonly name: string;
  /** Its commands besides `help`. */
  readonly commands: readonly Command[];
  /** Runs where none is named: `help`, or one whose options may then stand alone. */
  readonly commandByDefault: string;
  /** The build it belongs to. */
  readonly build: string;
}

export async function runProgram(program: Program, argv: readonly string[]): Promise<number> {
  const { name, build } = program;
  const commands = [...program.commands];
  commands.push(helpCommand(commands, name));
  surviveOutput();
  const print = (line: string) => process.stdout.write(`${line}\n`);
  let command: Command | undefined;
  try {
    const found = chosen(program, commands, argv);
    command = found.command;
    return await command.run({ ...parseArguments(command, found.args), build, print, ...terminal() });
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`);
    if (!(error instanceof UsageError)) return command?.asks ? 3 : 1;
    const isNamed = command !== undefined && command.name !== "help";
    process.stderr.write(`${name} help${isNamed ? ` ${command?.name} says what it takes` : " says what there is"}\n`);
    return 2;
  }
}

/** Colors as in https://no-color.org, and how wide it is. */
function terminal(): Pick<Call, "colored" | "columns"> {
  const { isTTY, columns } = process.stdout;
  const colored = isTTY && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  return { colored, ...(isTTY && columns > 0 ? { columns } : {}) };
}

/** Whatever becomes of what is printed, the command goes on with what it came for. */
function surviveOutput(): void {
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    // A reader may leave early, as `head` does.
    if (error.code === "EPIPE") return;
    process.stderr.write(`Cannot write the answer to standard output: ${wordsOf(error)}\n`);
    process.once("exit", () => (process.exitCode = 3));
  });
  // Nothing can be said of it where nothing can be said.
  process.stderr.on("error", () => {});
}

interface Chosen {
  readonly command: Command;
  readonly args: readonly string[];
}

function chosen({ commandByDefault }: Program, commands: readonly Command[], argv: readonly string[]): Chosen {
  const [first = commandByDefault, ...rest] = argv;
  if (isHelp(first)) return { command: named(commands, "help"), args: rest };
  if (first === "--version") return { command: named(commands, "version"), args: rest };
  if (commandByDefault === "help" && first.startsWith("-")) {
    throw new UsageError(
      `Options stand behind a command: ${JSON.stringify(first)} stands before; alone are --help and --version`,
    );
  }
  const words = first.startsWith("-") ? [commandByDefault, ...argv] : [first, ...rest];
  if (words.some(isHelp) && !commands.some(({ name }) => name === first)) {
    const group = words.slice(0, words.findIndex(isHelp));
    return { command: named(commands, "help"), args: group };
  }
  const { command, rest: args } = findCommand(commands, words);
  // Beyond its first operand what looks like an option of ours is somebody else's.
  const own = command.verbatim ? args.slice(0, 1) : args;
  return own.some(isHelp) ? { command: named(commands, "help"), args: command.name.split(" ") } : { command, args };
}

function named(commands: readonly Command[], name: string): Command {
  return findCommand(commands, [name]).command;
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}
