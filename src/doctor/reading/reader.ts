// Reads all facts: what files and the kernel tell, and what only packets can, where somebody asks for it. What cannot be read is a fact
// too.
import { join } from "node:path";
import type { AgentConfig } from "../../agent/config.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Cluster, Facts } from "../facts.ts";
import { known, type Reading, reading } from "../reading.ts";
import type { NodeFacts } from "../view.ts";
import { readAgent, readAgentFaults } from "./agent-facts.ts";
import { readAheadOfServer } from "./api-clock.ts";
import { readFirewall } from "./filter-facts.ts";
import { readGuardedBoot, readInstalled, readNetworks, readStore, readStrays } from "./hextet-facts.ts";
import { readKernelFacts, readSysctlsWritable } from "./kernel-facts.ts";
import { readControllerManager, readDisk, readInotify, readMachine, readModules } from "./machine-facts.ts";
import { probeGateways, probePeers, probeReturns } from "./probes.ts";

export interface ReaderOptions {
  readonly kernel: Kernel;
  readonly config: Reading<AgentConfig>;
  readonly cluster: Reading<Cluster>;
  /** Where container runtimes look for plugins. */
  readonly binDirectory: string;
  /** Where sysctls of the network can be written. */
  readonly networkSysctls: string;
  /** Whether anybody asks for what only packets can tell. */
  readonly sends: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export async function readFacts(options: ReaderOptions): Promise<Facts> {
  const { kernel, config, cluster } = options;
  const facts = { config, cluster, ...(await readKernelFacts(kernel)) };
  const [ofHost, own, sent] = await Promise.all([
    readHostFacts(options),
    readOwnFacts(options),
    options.sends ? readSentFacts(kernel, facts) : notSent,
  ]);
  return { ...facts, ...ofHost, ...own, ...sent };
}

const none = { unseen: "no packets were sent" } as const;
const notSent: Pick<Facts, "peers" | "gateways" | "returns"> = { peers: none, gateways: none, returns: none };

async function readSentFacts(kernel: Kernel, facts: NodeFacts): Promise<typeof notSent> {
  const [peers, gateways, returns] = await Promise.all([
    reading(() => probePeers(kernel, facts)),
    reading(() => probeGateways(kernel, facts)),
    reading(() => probeReturns(kernel, facts)),
  ]);
  return { peers, gateways, returns };
}

async function readHostFacts({ kernel, config, networkSysctls, environment }: ReaderOptions) {
  const machine = await reading(() => readMachine(writtenFiles(config)));
  return {
    machine,
    sysctlsWritable: await reading(() => readSysctlsWritable(join(networkSysctls, "ipv4/ip_forward"))),
    modules: await reading(() => readModules(known(machine).release)),
    firewall: await reading(() => readFirewall(kernel)),
    inotify: await reading(readInotify),
    controllerManager: await reading(() => readControllerManager()),
    aheadOfServerMs: await reading(() => readAheadOfServer(known(config).cluster, environment)),
  };
}

async function readOwnFacts({ kernel, config, binDirectory }: ReaderOptions) {
  const installation = await reading(() => readInstalled(binDirectory));
  const buildId = "value" in installation ? installation.value.buildId : undefined;
  return {
    installation,
    disk: await reading(() => readDisk(known(config).dataDirectory)),
    store: await reading(() => readStore(known(config).dataDirectory)),
    strays: await reading(() => readStrays(kernel, known(config))),
    guardedBoot: await reading(() => readGuardedBoot(known(config).dataDirectory)),
    networks: await reading(() => readNetworks(known(config).cni)),
    agent: await reading(() => readAgent(known(config).socket, buildId)),
    agentFaults: await reading(() => readAgentFaults(known(config).listen)),
  };
}

/** Files that this host wrote some time before now. */
function writtenFiles(config: Reading<AgentConfig>): string[] {
  if ("unseen" in config) return ["/etc"];
  const { dataDirectory, cni } = config.value;
  return [
    dataDirectory,
    join(dataDirectory, "leases.db"),
    join(dataDirectory, "guard.json"),
    join(cni.directory, cni.fileName),
  ];
}
