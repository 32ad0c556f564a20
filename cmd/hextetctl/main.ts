// The operator's tool: finds the command in the table, reads its arguments, runs it, and turns an error into a sentence and an
// exit code: 1 for something that failed, 2 for a call that cannot be understood.
import { join } from "node:path";
import { type Command, parseArguments, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";
import { helpCommand } from "./help.ts";
import { installCommand, uninstallCommand } from "./install.ts";
import { versionCommand } from "./version.ts";

const commands: Command[] = [installCommand, uninstallCommand, versionCommand];
commands.push(helpCommand(commands));

async function main([name = "help", ...args]: readonly string[]): Promise<number> {
  const asked = name === "--help" || name === "-h" ? "help" : name === "--version" ? "version" : name;
  try {
    const command = findCommand(commands, asked);
    const wantsHelp = args.includes("--help") || args.includes("-h");
    const [actual, rest] = wantsHelp ? [findCommand(commands, "help"), [asked]] : [command, args];
    const print = (line: string) => process.stdout.write(`${line}\n`);
    return await actual.run({ ...parseArguments(actual, rest), build: join(import.meta.dirname, ".."), print });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write("hextetctl help says what there is\n");
    return 2;
  }
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
