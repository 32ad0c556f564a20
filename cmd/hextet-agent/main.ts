// The agent as a program: reads its configuration, runs until it is told to stop, and leaves the node's data path as it is.
import { readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { startAgent } from "../../src/agent/agent.ts";
import { defaultConfigFile, loadAgentConfig } from "../../src/agent/config-file.ts";
import { LeaseError } from "../../src/ipam/lease-error.ts";
import { linuxWithSysctls } from "../../src/kernel/linux.ts";
import { createLog } from "../../src/log/log.ts";
import { type Option, parseArguments, UsageError } from "../hextetctl/command.ts";

const usage = `hextet-agent [OPTIONS]

Serves the CNI executable from a warm process and keeps this node as its cluster needs it.

  --config FILE                the configuration; ${defaultConfigFile} where it is there, else every default
  --node-name NAME             what the cluster calls this node, where the configuration does not say; else the host's name
  --network-sysctls DIRECTORY  where /proc/sys/net of the host can be written; a container's own is read-only
  --version                    the build's id
  -h, --help                   this text
`;

const options: Readonly<Record<string, Option>> = {
  config: { value: "FILE", help: "the configuration" },
  "node-name": { value: "NAME", help: "what the cluster calls this node" },
  "network-sysctls": { value: "DIRECTORY", help: "where /proc/sys/net of the host can be written" },
  version: { help: "the build's id" },
  help: { short: "h", help: "the usage" },
};

// An agent is idle most of its life, and its memory is taken from the pods': V8 is to give back early what a pass over thousands of
// nodes has used, where it would keep three times as much for the next one. What is compiled from then on stays as it is.
setFlagsFromString("--optimize-for-size");

async function main(): Promise<number> {
  const { options: given } = parseArguments({ name: "hextet-agent", options }, process.argv.slice(2));
  if (given.has("help") || given.has("version")) {
    writeSync(1, given.has("help") ? usage : `hextet-agent build ${readBuildId()}\n`);
    return 0;
  }
  const config = await loadAgentConfig({
    file: given.get("config") ?? defaultConfigFile,
    mayBeMissing: !given.has("config"),
    hostName: given.get("node-name") ?? hostname(),
  });
  const log = createLog({ level: config.logLevel });
  await using _agent = await startAgent({
    config,
    kernel: linuxWithSysctls(given.get("network-sysctls") ?? "/proc/sys/net"),
    log,
    buildId: readBuildId(),
    environment: process.env,
  });
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, resolve);
  });
  log.info("agent stopping", { signal });
  return 0;
}

/** The build writes it beside the bundle. */
function readBuildId(): string {
  return readFileSync(join(import.meta.dirname, "build-id"), "utf8").trim();
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    const details = error instanceof LeaseError && error.details !== undefined ? `: ${error.details}` : "";
    process.stderr.write(`hextet-agent: ${error instanceof Error ? error.message : String(error)}${details}\n`);
    if (isUsage) process.stderr.write(`\n${usage}`);
    process.exitCode = isUsage ? 2 : 1;
  },
);
