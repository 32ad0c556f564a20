// The operator's tool: a table of commands, and nothing else.
import { join } from "node:path";
import { commands } from "./commands.ts";
import { completeCommand } from "./completion.ts";
import { runProgram } from "./program.ts";

void runProgram(
  {
    name: "hextetctl",
    commands: [...commands, completeCommand(commands)],
    commandByDefault: "help",
    build: join(import.meta.dirname, ".."),
  },
  process.argv.slice(2),
).then((code) => {
  process.exitCode = code;
});
