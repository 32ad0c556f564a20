// The operator's tool: a table of commands, and nothing else.
import { join } from "node:path";
import { cleanupCommand } from "./cleanup.ts";
import { installCommand, uninstallCommand } from "./install.ts";
import { runProgram } from "./program.ts";
import { statusCommand } from "./status.ts";
import { versionCommand } from "./version.ts";

const commands = [statusCommand, installCommand, uninstallCommand, cleanupCommand, versionCommand];

void runProgram(
  { name: "hextetctl", commands, commandByDefault: "help", build: join(import.meta.dirname, "..") },
  process.argv.slice(2),
).then((code) => {
  process.exitCode = code;
});
