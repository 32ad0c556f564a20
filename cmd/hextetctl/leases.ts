// `hextetctl leases`, `leases release` and `leases check`: the addresses that are held, giving one back, and whether all records agree.
import { setTimeout as wait } from "node:timers/promises";
import type { AgentConfig } from "../../src/agent/config.ts";
import { keyOf } from "../../src/inspect/attachments.ts";
import { confirmed, type Disagreement, disagreementsIn } from "../../src/inspect/disagreements.ts";
import { usersOf } from "../../src/inspect/holders.ts";
import type { Lease, LeaseState } from "../../src/ipam/lease.ts";
import { LeaseReader } from "../../src/ipam/store/lease-reader.ts";
import { linux } from "../../src/kernel/linux.ts";
import { silent } from "../../src/log/log.ts";
import { readBootId, standaloneHost } from "../../src/plugin/host.ts";
import { inventory } from "../../src/pod/inventory.ts";
import { type Call, type Command, UsageError } from "./command.ts";
import {
  askOwnAgent,
  configOption,
  loadConfig,
  nodeNameOf,
  nodeNameOption,
  type ReadView,
  readView,
} from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { codeOf, searchOf, searchOperands } from "./searches.ts";
import { paint, type Style, table } from "./table.ts";

const everyState: readonly LeaseState[] = ["pending", "active", "released", "conflicting"];
/** Longer than an ADD or DEL takes. */
const secondLookMs = 1_000;

export const leasesCommand: Command = {
  name: "leases",
  summary: "list the addresses that are held on this node",
  operands: searchOperands,
  options: {
    all: { help: "also released addresses that are remembered, and those found in use by others" },
    config: configOption,
    output: outputOption,
  },
  examples: [
    ["leases 10.10.0.7", "who holds it"],
    ["leases --all fd00:10::/64", "what a range has given, and what cools down"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const config = await loadConfig(call);
    const leases = readLeases(config, call, call.options.has("all") ? everyState : undefined);
    present(call, { value: leases.map(recordOf), text: (style) => textOf(leases, style) });
    return codeOf(leases, call);
  },
};

export const leasesReleaseCommand: Command = {
  name: "leases release",
  summary: "give back the addresses of an attachment that is gone",
  operands: "ADDRESS|NAMESPACE/POD|CONTAINER",
  options: {
    force: { help: "even while a link or a namespace still has them" },
    config: configOption,
    output: outputOption,
  },
  examples: [["leases release fd00:10::7", "with it go all addresses of the same attachment"]],
  run: async (call) => {
    formatOf(call);
    if (call.operands.length !== 1) throw new UsageError("leases release needs one address, pod or container");
    const config = await loadConfig(call);
    const [first, ...others] = readLeases(config, call);
    if (first === undefined)
      throw new Error(`Nothing on this node holds ${call.operands[0]}: hextetctl leases lists what is held`);
    const isSame = (lease: Lease) => keyOf(lease.attachment) === keyOf(first.attachment);
    if (!others.every(isSame)) {
      throw new UsageError(
        `${call.operands[0]} is held by several attachments: name one address of that which is meant`,
      );
    }
    release(call, config, first);
    return 0;
  },
};

export const leasesCheckCommand: Command = {
  name: "leases check",
  summary: "prove that lease database, kernel and cluster agree, or tell where they do not",
  options: { config: configOption, "node-name": nodeNameOption, output: outputOption },
  examples: [["leases check", "exit code 0 where all agree, 1 where not, 3 where that cannot be told"]],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const config = await loadConfig(call);
    const node = nodeNameOf(config, await askOwnAgent(config));
    const cluster = await readView(config);
    const look = () => lookAt(config, node, cluster);
    const first = look();
    if (first.length > 0) await wait(secondLookMs);
    const found = first.length === 0 ? [] : confirmed(first, look());
    const note = cluster.view === undefined ? `The cluster could not be compared: ${cluster.fault}` : undefined;
    const value = { agree: found.length === 0, ...(note === undefined ? {} : { note }), disagreements: found };
    present(call, {
      value,
      text: (style) => [verdictOf(found, style), ...(note === undefined ? [] : [note])].join("\n\n"),
    });
    return found.length === 0 ? 0 : 1;
  },
};

function readLeases(config: AgentConfig, call: Call, states?: readonly LeaseState[]): readonly Lease[] {
  const isWanted = searchOf(call);
  using reader = LeaseReader.open(config.dataDirectory);
  if (reader === undefined) {
    throw new Error(
      `There are no leases in ${config.dataDirectory}: no pod was attached yet, or --config names another dataDirectory`,
    );
  }
  return reader.leases(states === undefined ? {} : { states }).filter(({ attachment, pod, address, hostLink }) => {
    const { network, containerId } = attachment;
    const names = hostLink === undefined ? [network] : [network, hostLink];
    return isWanted({ ...(pod === undefined ? {} : { pod }), addresses: [address], names, containerId });
  });
}

function release(call: Call, config: AgentConfig, { attachment }: Lease): void {
  const store = standaloneHost(silent).leases(config.dataDirectory);
  const held = store.find(attachment).map(({ address }) => address);
  const { containerId, interfaceName } = attachment;
  const users = usersOf(linux, held);
  const what = `${held.join(" and ")} of ${interfaceName} of container ${containerId}`;
  if (users.length > 0 && !call.options.has("force")) {
    throw new Error(
      `Cannot release ${what}: ${users.join("; ")}: end the container, or use --force, and another pod may get the address while this one uses it`,
    );
  }
  const released = store.release(attachment).map(({ address }) => address);
  const text = `Released ${released.join(" and ")} of ${interfaceName} of container ${containerId}`;
  present(call, {
    value: { released, ...attachment, stillInUse: users },
    text: () => [...users.map((user) => `Still in use: ${user}`), text].join("\n"),
  });
}

function lookAt(config: AgentConfig, node: string, { view }: ReadView): Disagreement[] {
  // Links first: what a DEL takes away in between is then missing on both sides.
  const found = inventory(linux);
  using reader = LeaseReader.open(config.dataDirectory);
  const damage = reader?.damage();
  const pods = [...(view?.policies?.pods.values() ?? [])];
  return disagreementsIn({
    ...(damage === undefined ? {} : { damage }),
    leases: reader?.leases() ?? [],
    unknown: reader?.unknownHolders() ?? [],
    found,
    bootId: readBootId(),
    nowMs: Date.now(),
    network: config.cni.network,
    prefixes: view?.nodes.find(({ name }) => name === node)?.prefixes.map(({ prefix }) => prefix) ?? [],
    pods: pods.filter((pod) => pod.node === node),
  });
}

function verdictOf(found: readonly Disagreement[], style: Style): string {
  if (found.length === 0) return paint(style, "green", "Lease database, kernel and cluster agree.");
  const lines = found.map(({ message, fix }) => `${paint(style, "red", message)}\n  fix: ${fix}`);
  return [`${found.length === 1 ? "One disagreement" : `${found.length} disagreements`}:`, ...lines].join("\n");
}

function recordOf({ attachment, address, state, pod, hostLink, ...rest }: Lease) {
  const { leasedAtMs, releasedAtMs, availableFromMs } = rest;
  const time = (name: string, ms: number | undefined) =>
    ms === undefined ? {} : { [name]: new Date(ms).toISOString() };
  return {
    address,
    state,
    ...attachment,
    ...(pod === undefined ? {} : { pod }),
    ...(hostLink === undefined ? {} : { hostLink }),
    ...time("leasedAt", leasedAtMs),
    ...time("releasedAt", releasedAtMs),
    ...time("availableFrom", availableFromMs),
  };
}

function textOf(leases: readonly Lease[], style: Style): string {
  if (leases.length === 0) return "No such lease.";
  const cells = leases.map(({ attachment, address, state, pod, hostLink, leasedAtMs }) => [
    String(address),
    state,
    pod === undefined ? undefined : `${pod.namespace}/${pod.name}`,
    attachment.containerId.slice(0, 13),
    attachment.interfaceName,
    attachment.network,
    hostLink,
    new Date(leasedAtMs).toISOString(),
  ]);
  return table(["ADDRESS", "STATE", "POD", "CONTAINER", "INTERFACE", "NETWORK", "LINK", "SINCE"], cells, style);
}
