// `npm run lab`: several nodes on one machine, in namespaces, to try Hextet and to look at it. docs/lab.md describes it.
import { join } from "node:path";
import type { Command } from "../../cmd/hextetctl/command.ts";
import { runProgram } from "../../cmd/hextetctl/program.ts";
import { upCommand } from "./up.ts";
import { downCommand, execCommand, logsCommand, matrixCommand, statusCommand } from "./visit.ts";

const commands: readonly Command[] = [upCommand, statusCommand, matrixCommand, execCommand, logsCommand, downCommand];

void runProgram(
  { name: "npm run lab --", commands, commandByDefault: "up", build: join(import.meta.dirname, "../../dist") },
  process.argv.slice(2),
).then((code) => {
  process.exitCode = code;
});
