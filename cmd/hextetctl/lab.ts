// `hextetctl lab`: the lab of the repository this program was built in, where it is at hand. Its commands are its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "./command.ts";

const script = "e2e/lab/run.sh";

export const labCommand: Command = {
  name: "lab",
  summary: "make nodes and pods on one machine, to try Hextet and to look at it",
  operands: "[COMMAND ARGUMENTS]",
  verbatim: true,
  examples: [
    ["lab up --family v6", "three nodes with two pods each"],
    ["lab exec alpha-1 ping -c1 beta-1", "a program in a pod"],
    ["lab help", "all it can do"],
  ],
  async run(call) {
    const found = repositoryAbove(realpathSync(call.build));
    if (found === undefined) {
      throw new Error(
        "The lab is part of Hextet's repository, and this hextetctl is not run from one: clone the repository, and run npm run lab in it",
      );
    }
    // An interrupt at the terminal is for the lab, which has the last word on it.
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {});
    const child = spawn("sh", [join(found, script), ...call.operands], { stdio: "inherit" });
    await once(child, "exit");
    return child.signalCode === null ? (child.exitCode ?? 1) : 128 + constants.signals[child.signalCode];
  },
};

/** A build lies in `dist` of its repository. */
function repositoryAbove(build: string): string | undefined {
  return [build, dirname(build)].find((directory) => existsSync(join(directory, script)));
}
