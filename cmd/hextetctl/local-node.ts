// This node as hextetctl comes upon it: the agent's configuration, its agent if one answers, and the cluster as its source tells. What can
// be read goes on without the rest, and what could not is said.
import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { createClusterSource } from "../../src/agent/cluster-source.ts";
import type { AgentConfig } from "../../src/agent/config.ts";
import { defaultConfigFile, loadAgentConfig } from "../../src/agent/config-file.ts";
import { isListening } from "../../src/agent/listener.ts";
import type { ClusterView } from "../../src/cluster/view.ts";
import { type AgentAnswer, askFirst } from "../../src/inspect/agent-query.ts";
import { Address } from "../../src/ip/address.ts";
import { silent } from "../../src/log/log.ts";
import type { Call, Option } from "./command.ts";

export const configOption: Option = { value: "FILE", help: `the agent's configuration (${defaultConfigFile})` };
export const nodeNameOption: Option = {
  value: "NAME",
  help: "what the cluster calls this node, where neither the agent nor the configuration says it (the host's name)",
};

/** Reading a file takes milliseconds, listing the objects of a large cluster seconds. */
const viewTimeoutMs = 10_000;

export async function loadConfig({ options }: Pick<Call, "options">): Promise<AgentConfig> {
  const file = options.get("config");
  return loadAgentConfig({
    file: file ?? defaultConfigFile,
    mayBeMissing: file === undefined,
    hostName: options.get("node-name") ?? hostname(),
  });
}

/** The agent of this node; where none tells of itself, whether one serves pods all the same. */
export async function askOwnAgent({ listen, socket }: Pick<AgentConfig, "listen" | "socket">): Promise<AgentAnswer> {
  const answer = await askFirst(ownAddresses({ listen }), listen.port);
  if (answer.kind === "status") return answer;
  const isServing = await isListening(socket);
  const why = isServing ? `running, but its status cannot be read: ${answer.why}` : `not running (${answer.why})`;
  return { kind: "none", why };
}

/** At which it answers on its own node. */
export function ownAddresses({ listen: { address } }: Pick<AgentConfig, "listen">): readonly Address[] {
  const loopback = [Address.parse("::1"), Address.parse("127.0.0.1")];
  const own = loopback.filter(({ family }) => address.family === "v6" || family === "v4");
  return address.isUnspecified ? own : [address];
}

/** The agent knows what it is called; the configuration read here may not be all it was told. */
export function nodeNameOf(config: AgentConfig, answer: AgentAnswer): string {
  return answer.kind === "status" ? answer.status.node : config.nodeName;
}

export interface ReadView {
  readonly view?: ClusterView;
  /** What is wrong with where it comes from. */
  readonly fault?: string;
}

/** The cluster as its source has it now. */
export async function readView({ cluster }: Pick<AgentConfig, "cluster">): Promise<ReadView> {
  await using source = createClusterSource({ cluster, log: silent, environment: process.env, withPolicies: true });
  const seen = Promise.withResolvers<void>();
  const look = () => {
    if (source.view !== undefined || source.fault !== undefined) seen.resolve();
  };
  const started = source.start(look).then(look);
  await Promise.race([started.then(() => seen.promise), wait(viewTimeoutMs, undefined, { ref: false })]);
  const { view } = source;
  const fault = source.fault ?? (view === undefined ? `nothing came within ${viewTimeoutMs / 1000} s` : undefined);
  return { ...(view === undefined ? {} : { view }), ...(fault === undefined ? {} : { fault }) };
}
