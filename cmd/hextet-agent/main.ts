// The agent as a program: reads its configuration, runs until it is told to stop, and leaves the node's data path as it is.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { startAgent } from "../../src/agent/agent.ts";
import { defaultConfigFile, loadAgentConfig } from "../../src/agent/config-file.ts";
import { LeaseError } from "../../src/ipam/lease-error.ts";
import { linuxWithSysctls } from "../../src/kernel/linux.ts";
import { createLog } from "../../src/log/log.ts";

const usage = `hextet-agent [--config FILE]

Serves the CNI executable from a warm process and keeps this node as its cluster needs it.

  --config FILE                the configuration; ${defaultConfigFile} where it is there, else every default
  --node-name NAME             what the cluster calls this node, where the configuration does not say; else the host's name
  --network-sysctls DIRECTORY  where /proc/sys/net of the host can be written; a container's own is read-only
  --help                       this text
`;

const options = {
  config: { type: "string" },
  "node-name": { type: "string" },
  "network-sysctls": { type: "string", default: "/proc/sys/net" },
  help: { type: "boolean" },
} as const;

// An agent is idle most of its life, and its memory is taken from the pods': V8 is to give back early what a pass over thousands of
// nodes has used, where it would keep three times as much for the next one. What is compiled from then on stays as it is.
setFlagsFromString("--optimize-for-size");

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const file = values.config ?? defaultConfigFile;
  const config = await loadAgentConfig({
    file,
    mayBeMissing: values.config === undefined,
    hostName: values["node-name"] ?? hostname(),
  });
  const log = createLog({ level: config.logLevel });
  await using _agent = await startAgent({
    config,
    kernel: linuxWithSysctls(values["network-sysctls"]),
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
    const isUsage = error instanceof TypeError && "code" in error;
    const details = error instanceof LeaseError && error.details !== undefined ? `: ${error.details}` : "";
    process.stderr.write(`hextet-agent: ${error instanceof Error ? error.message : String(error)}${details}\n`);
    if (isUsage) process.stderr.write(`\n${usage}`);
    process.exitCode = isUsage ? 2 : 1;
  },
);
