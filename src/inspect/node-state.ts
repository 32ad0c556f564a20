// How the node's own state is, seen from the kernel and compared with what the cluster's view asks for: the part of its status that anybody
// can read who may ask the kernel. It changes nothing; src/node decides what is wanted, for the agent and here alike.
import type { ClusterView } from "../cluster/view.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { Connection } from "../netlink/connection.ts";
import { listProxyNeighbors } from "../netlink/neighbor.ts";
import { describeRoute, type Route } from "../netlink/route.ts";
import type { Fault } from "../node/fault.ts";
import { type Host, readHost } from "../node/host.ts";
import { decideNode, type NodeSettings } from "../node/pass.ts";
import { desiredRoutes, planRoutes, readRoutes } from "../node/routes.ts";
import { readTunnels } from "../node/vxlan.ts";
import { type Found, inventory } from "../pod/inventory.ts";
import type { Step } from "../reconcile/plan.ts";
import type { RangeUsage } from "./range-usage.ts";
import { type NodeStatus, statusVersion } from "./status.ts";

export interface StatusInput {
  readonly kernel: Kernel;
  readonly settings: NodeSettings;
  /** Absent where nothing is known of the cluster. */
  readonly view: ClusterView | undefined;
  /** Where the view comes from: `/etc/hextet/cluster.yaml`, `kubernetes`. */
  readonly source: string;
  /** How full each range of the node is. */
  readonly usage: readonly RangeUsage[];
}

/** More of them tell no more. */
const differencesTold = 10;

/** All but what only an agent knows of itself. */
export function readStatus(input: StatusInput): NodeStatus {
  const { kernel, settings, view, source, usage } = input;
  using connection = new Connection(kernel.socket("route"));
  const found = inventory(kernel);
  const own = view?.nodes.find(({ name }) => name === settings.nodeName);
  return {
    version: statusVersion,
    node: settings.nodeName,
    cluster: { source, ...sizeOf(view) },
    prefixes: (own?.prefixes ?? []).map(({ prefix, state }) => ({ prefix: `${prefix}`, state })),
    ranges: usage.map(({ range, usage: { size, free, ...rest } }) => ({
      range,
      size: `${size}`,
      free: `${free}`,
      ...rest,
    })),
    ...(view === undefined ? withoutView : compare(connection, readHost(connection), { ...input, view, found })),
    attachments: found.length,
  };
}

const withoutView = { uplinks: [], tunnels: [], faults: [] } as const satisfies Partial<NodeStatus>;

function sizeOf(view: ClusterView | undefined): Partial<NodeStatus["cluster"]> {
  if (view === undefined) return {};
  const { nodes, policies } = view;
  return { nodes: nodes.length, ...(policies && { pods: policies.pods.size, policies: policies.policies.size }) };
}

type Comparing = StatusInput & { readonly view: ClusterView; readonly found: readonly Found[] };
type Compared = Pick<NodeStatus, "uplinks" | "podMtu" | "routes" | "proxies" | "tunnels" | "faults">;

function compare(connection: Connection, host: Host, { kernel, settings, view, found }: Comparing): Compared {
  const podAddresses = () => found.flatMap(({ mode, addresses }) => (mode === "macvlan" ? [] : addresses));
  const { uplinks, routing, tunnels, mtus, proxies } = decideNode(view, host, { kernel, settings, podAddresses });
  const present = readTunnels(connection);
  const wanted = desiredRoutes(routing, present);
  const differing = planRoutes(wanted, readRoutes(connection));
  const ours = connection.dump(listProxyNeighbors()).filter(({ protocol }) => protocol === hextetProtocol);
  return {
    uplinks: uplinks.links.map(({ name, mtu, addresses }) => ({ name, mtu, addresses: addresses.map(String) })),
    ...(mtus.pods === undefined ? {} : { podMtu: mtus.pods }),
    routes: {
      wanted: wanted.length,
      present: wanted.length - differing.filter((step) => step.do !== "remove").length,
      differing: differing.slice(0, differencesTold).map(describeDifference),
    },
    proxies: { wanted: proxies.length, present: ours.length },
    tunnels: tunnels.map(({ name, underlay, peers }) => ({
      name,
      underlay,
      peers: peers.length,
      present: present[underlay] !== undefined,
    })),
    faults: [...uplinks.faults, ...mtus.faults, ...routing.faults].map(({ message }: Fault) => message),
  };
}

function describeDifference(step: Step<Route>): string {
  switch (step.do) {
    case "add":
      return `missing ${describeRoute(step.want)}`;
    case "change":
      return `other than wanted ${describeRoute(step.want)}`;
    case "remove":
      return `not wanted ${describeRoute(step.have)}`;
  }
}
