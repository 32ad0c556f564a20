// `hextetctl pods`: what is attached to this node, by leases and kernel; with --cluster also what the cluster says of other nodes.
import { type AttachmentRecord, attachmentsOf } from "../../src/inspect/attachments.ts";
import type { Address } from "../../src/ip/address.ts";
import { LeaseReader } from "../../src/ipam/store/lease-reader.ts";
import { linux } from "../../src/kernel/linux.ts";
import { inventory } from "../../src/pod/inventory.ts";
import type { PolicyPod } from "../../src/policy/policy-view.ts";
import type { Command } from "./command.ts";
import { askOwnAgent, configOption, loadConfig, nodeNameOf, nodeNameOption, readView } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { codeOf, searchOf, searchOperands } from "./searches.ts";
import { type Style, table } from "./table.ts";

interface PodRow {
  readonly namespace?: string;
  readonly name?: string;
  readonly node: string;
  readonly addresses: readonly Address[];
  readonly interface?: string;
  readonly network?: string;
  readonly container?: string;
  readonly hostLink?: string;
  readonly mode?: string;
  /** What another node's pod is in is known there. */
  readonly state?: string;
  readonly since?: string;
}

export const podsCommand: Command = {
  name: "pods",
  summary: "list the pods of this node, with addresses and links",
  operands: searchOperands,
  options: {
    cluster: { help: "also pods of other nodes, as far as the cluster's source tells of them" },
    config: configOption,
    "node-name": nodeNameOption,
    output: outputOption,
  },
  examples: [
    ["pods default/web-0", "one pod"],
    ["pods 2001:DB8:0::0:1", "whose address this is, however it is written"],
    ["pods fd00:10::/64 -o json", "those with an address in a prefix, for a program"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const isWanted = searchOf(call);
    const config = await loadConfig(call);
    const node = nodeNameOf(config, await askOwnAgent(config));
    using reader = LeaseReader.open(config.dataDirectory);
    const own = attachmentsOf(reader?.leases() ?? [], inventory(linux)).map((each) => rowOf(each, node));
    const others = call.options.has("cluster") ? await podsElsewhere(config, node) : [];
    const rows = [...own, ...others].filter((row) => isWanted(searched(row)));
    present(call, { value: rows, text: (style) => textOf(rows, style) });
    return codeOf(rows, call);
  },
};

function rowOf({ attachment, pod, addresses, mode, hostLink, state, sinceMs }: AttachmentRecord, node: string): PodRow {
  const { network, containerId, interfaceName } = attachment;
  return {
    ...(pod === undefined ? {} : { namespace: pod.namespace, name: pod.name }),
    node,
    addresses,
    interface: interfaceName,
    network,
    container: containerId,
    ...(hostLink === undefined ? {} : { hostLink }),
    ...(mode === undefined ? {} : { mode }),
    state,
    ...(sinceMs === undefined ? {} : { since: new Date(sinceMs).toISOString() }),
  };
}

async function podsElsewhere(config: Parameters<typeof readView>[0], own: string): Promise<readonly PodRow[]> {
  const { view, fault } = await readView(config);
  if (view === undefined) throw new Error(`Cannot tell which pods other nodes have: ${fault}`);
  const pods = [...(view.policies?.pods.values() ?? [])];
  return pods.flatMap(({ namespace, name, node, addresses }: PolicyPod) => {
    return node === undefined || node === own ? [] : [{ namespace, name, node, addresses }];
  });
}

function searched({ namespace, name, node, addresses, network, container, hostLink }: PodRow) {
  return {
    ...(namespace === undefined || name === undefined ? {} : { pod: { namespace, name } }),
    addresses,
    names: [node, network, hostLink].flatMap((each) => each ?? []),
    ...(container === undefined ? {} : { containerId: container }),
  };
}

function textOf(rows: readonly PodRow[], style: Style): string {
  if (rows.length === 0) return "No such pod.";
  const cells = rows.map(({ namespace, name, node, addresses, hostLink, state, since, container }) => [
    name === undefined ? `container ${container?.slice(0, 13)}` : `${namespace}/${name}`,
    addresses.join(", "),
    node,
    hostLink,
    state,
    since,
  ]);
  return table(["POD", "ADDRESSES", "NODE", "LINK", "STATE", "SINCE"], cells, style);
}
