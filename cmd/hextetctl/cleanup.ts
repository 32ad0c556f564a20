// `hextetctl cleanup`: takes Hextet's doings off this node. What is done is in src/agent/cleanup.ts.
import { hostname } from "node:os";
import { cleanUp } from "../../src/agent/cleanup.ts";
import { defaultConfigFile, loadAgentConfig } from "../../src/agent/config-file.ts";
import { linux, linuxWithSysctls } from "../../src/kernel/linux.ts";
import type { Command } from "./command.ts";

export const cleanupCommand: Command = {
  name: "cleanup",
  summary: "take what the agent made off this node, and put its sysctls back",
  options: {
    config: { value: "FILE", help: `the agent's configuration (${defaultConfigFile})` },
    pods: { help: "detach the network's pods as well" },
    "network-sysctls": {
      value: "DIR",
      help: "where /proc/sys/net of the host can be written; a container's own is read-only",
    },
  },
  examples: [
    ["cleanup", "routes, tunnels, rules, network configuration; running pods stay"],
    ["cleanup --pods", "pods too: on a node that is to get another plugin"],
  ],
  async run(call) {
    const { options } = call;
    const file = options.get("config");
    const config = await loadAgentConfig({
      file: file ?? defaultConfigFile,
      mayBeMissing: file === undefined,
      hostName: hostname(),
    });
    const sysctls = options.get("network-sysctls");
    const kernel = sysctls === undefined ? linux : linuxWithSysctls(sysctls);
    const done = await cleanUp({ config, kernel, pods: options.has("pods") });
    for (const line of done) call.print(line);
    const { length } = done;
    call.print(length === 0 ? "Nothing of the agent is left on this node" : "The node is as it was before the agent");
    return 0;
  },
};
