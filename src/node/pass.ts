// One pass over all that a node must have, for the reconcile loop: reads the host, decides, and applies each part in the order
// in which one needs another. What one part cannot do keeps none of the others from being done.
import type { ClusterView } from "../cluster/view.ts";
import { type Address, families } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { listNeighborTables } from "../netlink/neighbor-table.ts";
import { RememberedEntries } from "../netlink/remembered-entries.ts";
import type { Route } from "../netlink/route.ts";
import type { Fault } from "./fault.ts";
import { applyForwarding, applySettings } from "./forwarding.ts";
import { type Host, readHost, readMainTable } from "./host.ts";
import { decideMtu } from "./mtu.ts";
import {
  answersForPods,
  applyProxies,
  desiredProxies,
  type NeighborProxyMode,
  proxySettings,
  type SendFrames,
} from "./neighbor-proxy.ts";
import { NeighborTables } from "./neighbor-tables.ts";
import { decideRouting, type Routing, RoutingMemory, type RoutingMode } from "./peer-routes.ts";
import type { Report } from "./report.ts";
import { applyRoutes, desiredRoutes, nodeRoutesOf } from "./routes.ts";
import type { SysctlRecord } from "./sysctl-record.ts";
import { decideTunnels, needsPathMtu } from "./tunnel.ts";
import { findUplinks, ipv6Of, type Uplinks } from "./uplink.ts";
import { applyTunnels, readTunnels, removeTunnels } from "./vxlan.ts";

export interface NodeSettings {
  readonly nodeName: string;
  readonly uplink: "auto" | readonly string[];
  readonly routing: { readonly mode: RoutingMode; readonly vxlan: { readonly id: number; readonly port: number } };
  readonly ndpProxy: NeighborProxyMode;
  readonly mtu: "auto" | number;
}

export interface NodePassOptions {
  readonly kernel: Kernel;
  readonly record: SysctlRecord;
  readonly settings: NodeSettings;
  /** What is known of the cluster now; until there is something a pass does nothing. */
  readonly view: () => ClusterView | undefined;
  /** Of the pods that are attached behind this node now. */
  readonly podAddresses: () => readonly Address[];
  readonly sendFrames: SendFrames;
  /** To be kept from pass to pass where each is made by a call of its own. */
  readonly memory?: NodeMemory;
  /** Told of the port of the pass's socket before anything is changed from there. */
  readonly onOpen?: (port: number) => void;
  /** Called after every pass that could read the host, also where parts of it failed. */
  readonly onState: (state: NodeState) => void;
}

/** What only shows in how things change, and what need not be worked out again where they do not. */
export class NodeMemory {
  readonly neighborTables = new NeighborTables();
  /** Links on which a router has advertised a default route. */
  readonly heardRouters = new Set<string>();
  readonly routes = new RememberedEntries<Route>();
  readonly routing = new RoutingMemory();
}

export interface NodeState extends Report {
  readonly uplinks: Uplinks;
  /** Indexes of the tunnels' links. */
  readonly tunnels: readonly number[];
  /** For pods to be attached from now on; absent where it cannot be decided. */
  readonly podMtu?: number;
  /** Whether another pass is due when pods come or go. */
  readonly answersForPods: boolean;
}

const heedPathMtu = { name: "net/ipv4/ip_forward_use_pmtu", value: "1" } as const;

/** Makes the pass. It rejects where the kernel refused something, and is then to be tried again. */
export function nodePass(given: NodePassOptions): () => Promise<void> {
  const options = { memory: new NodeMemory(), ...given };
  return async () => {
    const view = options.view();
    if (view === undefined) return;
    using connection = new Connection(options.kernel.socket("route"));
    options.onOpen?.(connection.port);
    await applyNode(connection, view, options);
  };
}

type PassOptions = NodePassOptions & { readonly memory: NodeMemory };

async function applyNode(connection: Connection, view: ClusterView, options: PassOptions): Promise<void> {
  const { record, settings, memory } = options;
  const sysctl = options.kernel.sysctl();
  const routes = readMainTable(connection, memory.routes);
  const host = readHost(connection, routes);
  const { families, uplinks, routing, tunnels, mtus, proxies } = decideNode(view, host, options);
  const { reports, errors } = await inOrder([
    () => applyForwarding(sysctl, record, { families, host, uplinks, heard: memory.heardRouters }),
    () => applySettings(sysctl, record, needsPathMtu(routing) ? [heedPathMtu] : []),
    () => applyTunnels({ connection, sysctl }, tunnels, { ...settings.routing.vxlan, mtu: mtus.tunnels }),
    // Thousands are not read twice where nothing can have changed them meanwhile.
    (isUntouched) =>
      applyRoutes(
        connection,
        desiredRoutes(routing, readTunnels(connection)),
        isUntouched ? nodeRoutesOf(routes) : undefined,
      ),
    () => removeTunnels(connection, tunnels),
    () => applySettings(sysctl, record, proxySettings(proxies, uplinks.links)),
    () => applyProxies({ connection, sendFrames: options.sendFrames }, proxies, host),
    () => lookAtNeighborTables(connection, memory),
  ]);
  const faults: Fault[] = [...recordFaults(record), ...uplinks.faults, ...mtus.faults, ...routing.faults];
  options.onState({
    uplinks,
    tunnels: Object.values(readTunnels(connection)),
    ...(mtus.pods === undefined ? {} : { podMtu: mtus.pods }),
    answersForPods: answersForPods({ mode: settings.ndpProxy, prefixes: routing.own, uplinks: uplinks.links }),
    changes: reports.flatMap(({ changes }) => changes),
    faults: [...faults, ...reports.flatMap((report) => report.faults)],
  });
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join("; "));
  if (errors.length === 1) throw errors[0];
}

interface Deciding extends Pick<NodePassOptions, "settings" | "podAddresses"> {
  readonly kernel: Pick<Kernel, "sysctl">;
  readonly memory?: Pick<NodeMemory, "routing">;
}

/** All that is wanted, from what is known of the cluster and what the host has. */
export function decideNode(view: ClusterView, host: Host, { kernel, settings, podAddresses, memory }: Deciding) {
  const { nodeName, routing: network, uplink, ndpProxy, mtu } = settings;
  const own = view.nodes.find(({ name }) => name === nodeName)?.prefixes.map(({ prefix }) => prefix) ?? [];
  const uplinks = findUplinks(host, { uplink, prefixes: own }, ipv6Of(kernel.sysctl()));
  const { links } = uplinks;
  const remembered = memory && { memory: memory.routing };
  const routing = decideRouting({ view, nodeName, mode: network.mode, uplinks: links, host, ...remembered });
  const answering = { mode: ndpProxy, prefixes: routing.own, uplinks: links };
  return {
    families: families.filter((family) => own.some((prefix) => prefix.family === family)),
    uplinks,
    routing,
    tunnels: decideTunnels(routing, nodeName),
    mtus: decideMtu({ configured: mtu, uplinks: links, underlays: underlaysOf(routing, network.mode) }),
    // Whose pods these are costs a look at every route.
    proxies: answersForPods(answering) ? desiredProxies({ ...answering, podAddresses: podAddresses() }) : [],
  };
}

function lookAtNeighborTables(connection: Connection, { neighborTables }: NodeMemory): Report {
  return { changes: [], faults: neighborTables.faults(connection.dump(listNeighborTables()), performance.now()) };
}

/** Where all nodes are to be reached through tunnels, the MTU does not wait for the first of them. */
function underlaysOf({ local, peers }: Routing, mode: RoutingMode) {
  const used = peers.flatMap(({ way }) => (way.kind === "vxlan" ? way.remote.family : []));
  const preferred = families.find((family) => local[family] !== undefined);
  return mode === "vxlan" && preferred !== undefined ? [...used, preferred] : used;
}

function recordFaults({ fault }: SysctlRecord): Fault[] {
  return fault === undefined ? [] : [{ code: "record-unreadable", message: fault }];
}

async function inOrder(
  parts: readonly ((isUntouched: boolean) => Report | Promise<Report>)[],
): Promise<{ readonly reports: readonly Report[]; readonly errors: readonly unknown[] }> {
  const reports: Report[] = [];
  const errors: unknown[] = [];
  for (const part of parts) {
    try {
      const isUntouched = errors.length === 0 && reports.every(({ changes }) => changes.length === 0);
      reports.push(await part(isUntouched));
    } catch (error) {
      errors.push(error);
    }
  }
  return { reports, errors };
}
