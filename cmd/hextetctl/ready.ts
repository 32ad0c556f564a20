// `hextetctl ready`: whether pods can be attached to this node, in one line, for a probe whose words people are shown. The launcher asks the
// agent by itself, without Node; this runs where the agent does not answer there, and says why.
import { readyAnswer } from "../../src/agent/ready-answer.ts";
import { readAgentFaults } from "../../src/doctor/reading/agent-facts.ts";
import type { Command } from "./command.ts";
import { configOption, loadConfig } from "./local-node.ts";

export const readyCommand: Command = {
  name: "ready",
  summary: "say in one line whether pods can be attached to this node",
  options: { config: configOption },
  examples: [["ready", "exit code 0 and `ready`, or 1 and all faults with their fixes"]],
  asks: true,
  run: async (call) => {
    const { listen, socket } = await loadConfig(call);
    const faults = await readAgentFaults(listen);
    if (faults === undefined) {
      throw new Error(
        `No agent answers, neither at ${socket} nor at ${listen}: it starts just now, hangs, or is not running`,
      );
    }
    const { exitCode, stdout } = readyAnswer(faults);
    call.print(stdout.trimEnd());
    return exitCode;
  },
};
