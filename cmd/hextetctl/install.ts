// `hextetctl install` and `hextetctl uninstall`: the programs in a CNI binary directory. What they do is in src/install.
import { resolve } from "node:path";
import { install, uninstall } from "../../src/install/install.ts";
import type { Call, Command, Option } from "./command.ts";

const defaultDirectory = "/opt/cni/bin";
const binDirectory: Option = { value: "DIR", help: `the CNI binary directory (${defaultDirectory})` };

export const installCommand: Command = {
  name: "install",
  summary: "install Hextet where container runtimes look for CNI plugins",
  options: {
    "bin-dir": binDirectory,
    loopback: { help: "serve loopback too where the host has one of its own" },
    from: { value: "DIR", help: "install the build in this directory, not the one this hextetctl belongs to" },
  },
  examples: [
    ["install", "what is there already is left as it is; safe to repeat"],
    ["install --bin-dir /usr/lib/cni", "where containerd or podman is told to look for plugins there"],
    ["install --from /tmp/hextet-0.2.0/dist", "an upgrade, from a build that was unpacked there"],
  ],
  run(call) {
    const directory = directoryOf(call);
    const build = resolve(call.options.get("from") ?? call.build);
    const done = install({ directory, build, loopback: call.options.has("loopback") });
    for (const line of done) call.print(line);
    call.print(done.length === 0 ? `${directory} is up to date` : `Hextet is installed in ${directory}`);
    return 0;
  },
};

export const uninstallCommand: Command = {
  name: "uninstall",
  summary: "remove what install put there, and give back what it replaced",
  options: {
    "bin-dir": binDirectory,
    stay: { help: "do not end: for a pod that is to be ready as long as its node is clean" },
  },
  examples: [
    ["uninstall", "the programs only; first, hextetctl cleanup for what the agent made"],
    ["uninstall --bin-dir /usr/lib/cni", "from another directory"],
  ],
  async run(call) {
    const directory = directoryOf(call);
    const done = uninstall(directory);
    for (const line of done) call.print(line);
    call.print(done.length === 0 ? `Hextet is not installed in ${directory}` : `Hextet is removed from ${directory}`);
    if (call.options.has("stay")) await untilTerminated();
    return 0;
  },
};

function untilTerminated(): Promise<void> {
  return new Promise((resolve) => {
    // A listener for signals alone does not keep a process going.
    const hour = setInterval(() => {}, 3_600_000);
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.once(name, () => {
        clearInterval(hour);
        resolve();
      });
    }
  });
}

function directoryOf(call: Call): string {
  return resolve(call.options.get("bin-dir") ?? defaultDirectory);
}
