// The way of a packet as far as this node knows it: by the kernel's own lookups in the pod and on the host, and what follows from them: the
// tunnel, the translation, the next node, the MTU. It asks as a packet of the host's own would be routed, so rules that look at where a packet
// comes from are not seen.
import type { ClusterView } from "../cluster/view.ts";
import { baseRules } from "../firewall/base-rules.ts";
import type { FirewallSettings } from "../firewall/base-settings.ts";
import { evaluate } from "../firewall/evaluate.ts";
import type { Address, Family } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { type Link, listLinks } from "../netlink/link.ts";
import type { NextHop, Path } from "../netlink/next-hop.ts";
import { findRoute, type Route } from "../netlink/route.ts";
import { readHost } from "../node/host.ts";
import { decideNode, type NodeSettings } from "../node/pass.ts";
import { readTunnels } from "../node/vxlan.ts";
import { type FlowSide, type Known, nodeHolding, pairsOf } from "./flow-ends.ts";
import { openNamespaceOf } from "./pod-namespace.ts";

export interface PathExplanation {
  readonly source: string;
  readonly destination: string;
  readonly from: Address;
  readonly to: Address;
  readonly hops: readonly Hop[];
  /** Whether, as far as is known here, packets get there. */
  readonly arrives: boolean;
  /** Of the smallest hop that is known. */
  readonly mtu?: number;
}

export interface Hop {
  /** `pod default/web`, `node alpha`. */
  readonly place: string;
  /** What the kernel answers, or what is known instead. */
  readonly route: string;
  readonly link?: string;
  readonly mtu?: number;
  /** The other end of the tunnel packets go through. */
  readonly tunnel?: Address;
  readonly translation?: string;
}

export interface PathQuestion {
  readonly kernel: Kernel;
  readonly known: Known;
  readonly settings: NodeSettings;
  readonly firewall: FirewallSettings;
  readonly source: FlowSide;
  readonly destination: FlowSide;
  /** Where network namespaces can be opened. */
  readonly namespacePaths: readonly string[];
  /** What is known of another node, by asking its agent. */
  readonly ask: (node: string) => Promise<string>;
}

/** One for each family that both ends have; where the source is on another node an Error says where to ask. */
export async function explainPath(question: PathQuestion): Promise<readonly PathExplanation[]> {
  const { known, source, destination } = question;
  const isHere = source.kind !== "outside" && source.node === known.node;
  if (!isHere) {
    const where = source.node === undefined ? "not in the cluster" : `on node ${source.node}: ask there`;
    throw new Error(`The way from ${source.name} begins elsewhere: it is ${where}`);
  }
  const paths: PathExplanation[] = [];
  for (const { family, from, to } of pairsOf(source, destination)) {
    const hops = await hopsOf(question, { family, from, to });
    const mtus = hops.flatMap(({ mtu }) => mtu ?? []);
    const arrives = hops.every(({ route }) => !route.startsWith(refusal));
    const mtu = mtus.length === 0 ? {} : { mtu: Math.min(...mtus) };
    paths.push({ source: source.name, destination: destination.name, from, to, hops, arrives, ...mtu });
  }
  return paths;
}

const refusal = "refused";

interface Pair {
  readonly family: Family;
  readonly from: Address;
  readonly to: Address;
}

async function hopsOf(question: PathQuestion, pair: Pair): Promise<readonly Hop[]> {
  const { kernel, source, known } = question;
  using host = new Connection(kernel.socket("route"));
  const first = source.kind === "pod" ? [podHop(question, pair)] : [];
  const here = lookUp(host, pair.to);
  const place = `node ${known.node}`;
  if (here.kind === "refused") return [...first, { place, route: here.why }];
  const hop = { place, ...described(here), ...translationOf(question, pair, here) };
  const end = await rest(question, pair, { host, here });
  return [...first, { ...hop, ...end.more }, ...end.hops];
}

function podHop({ kernel, source, namespacePaths }: PathQuestion, { to }: Pair): Hop {
  const place = source.name;
  using namespace = source.attachment && openNamespaceOf(kernel, source.attachment, namespacePaths);
  if (namespace === undefined) return { place, route: "unknown: its network namespace is not visible here" };
  using pod = new Connection(kernel.socket("route", namespace));
  const found = lookUp(pod, to);
  return found.kind === "refused" ? { place, route: found.why } : { place, ...described(found) };
}

interface Found {
  readonly kind: "found";
  readonly route: Route;
  readonly path: NextHop | Path;
  readonly link?: Link;
}

function lookUp(connection: Connection, to: Address): Found | { readonly kind: "refused"; readonly why: string } {
  try {
    const route = connection.get(findRoute(to));
    const { nextHop } = route;
    const path = nextHop.kind === "multipath" ? (nextHop.paths[0] ?? nextHop) : nextHop;
    const index = path.kind === "multipath" ? undefined : path.link;
    const link = connection.dump(listLinks()).find((each) => each.index === index);
    return { kind: "found", route, path, ...(link === undefined ? {} : { link }) };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { kind: "refused", why: `${refusal}: ${error.message}` };
  }
}

function described({ route, path, link }: Found): Pick<Hop, "route" | "link" | "mtu"> {
  const via = path.kind === "gateway" ? ` via ${path.gateway}` : path.kind === "link" ? "" : ` ${path.kind}`;
  const more = route.nextHop.kind === "multipath" ? ` (the first of ${route.nextHop.paths.length} ways)` : "";
  const mtu = route.mtu ?? link?.mtu;
  return {
    route: `${route.destination}${via}${more}`,
    ...(link === undefined ? {} : { link: link.name }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

interface End {
  /** What is to be added to the hop of this node. */
  readonly more?: Pick<Hop, "tunnel">;
  readonly hops: readonly Hop[];
}

/** What comes after this node's own lookup. */
async function rest(
  question: PathQuestion,
  { to }: Pair,
  { host, here }: { readonly host: Connection; readonly here: Found },
): Promise<End> {
  const { known, destination, ask } = question;
  const { path, link } = here;
  if (path.kind === "local") return { hops: [] };
  const local = known.attachments.find(({ hostLink }) => hostLink !== undefined && hostLink === link?.name);
  if (local !== undefined) return { hops: [arrival(destination)] };
  const tunnel = tunnelTo(question, host, here);
  const outer = tunnel === undefined ? [] : [outerHop(host, tunnel)];
  const node = nodeOf(to, known.view) ?? destination.node;
  const peer = node === undefined || node === known.node ? [] : [{ place: `node ${node}`, route: await ask(node) }];
  const last = destination.kind === "node" && peer.length > 0 ? [] : [arrival(destination)];
  return { ...(tunnel === undefined ? {} : { more: { tunnel } }), hops: [...outer, ...peer, ...last] };
}

function arrival({ name, kind, node }: FlowSide): Hop {
  if (kind !== "outside") return { place: name, route: "arrives" };
  const why =
    node === undefined
      ? "beyond the cluster: nothing is known of it"
      : `of a prefix of node ${node}: which pod has it is known there`;
  return { place: name, route: why };
}

function nodeOf(to: Address, view: ClusterView | undefined): string | undefined {
  const holder = view?.nodes.find(({ addresses }) => addresses.some((address) => address.equals(to)));
  return holder?.name ?? nodeHolding([to], view);
}

/** The address of the node at the other end, where the route leads into a tunnel of ours. */
function tunnelTo(
  { kernel, known, settings }: PathQuestion,
  host: Connection,
  { path, link }: Found,
): Address | undefined {
  const ours = Object.values(readTunnels(host));
  if (known.view === undefined || path.kind !== "gateway" || link === undefined || !ours.includes(link.index))
    return undefined;
  const { tunnels } = decideNode(known.view, readHost(host), { kernel, settings, podAddresses: () => [] });
  const peers = tunnels.flatMap(({ name, peers: all }) => (name === link.name ? all : []));
  return peers.find(({ gateways }) => gateways.some((gateway) => gateway.equals(path.gateway)))?.remote;
}

function outerHop(host: Connection, remote: Address): Hop {
  const found = lookUp(host, remote);
  const place = `tunnel to ${remote}`;
  if (found.kind === "refused") return { place, route: found.why };
  // Its MTU is that of outer packets, which are longer than what they carry.
  const { mtu: _outer, ...hop } = described(found);
  return { place, ...hop };
}

function translationOf(question: PathQuestion, { family, from, to }: Pair, { path }: Found): Pick<Hop, "translation"> {
  const { known, firewall, source } = question;
  const nodes = known.view?.nodes ?? [];
  if (source.kind !== "pod" || path.kind === "local" || nodes.length === 0) return {};
  const prefixes = nodes.flatMap((node) => node.prefixes.map(({ prefix }) => prefix));
  const own = nodes
    .filter(({ name }) => name === known.node)
    .flatMap((node) => node.prefixes.map(({ prefix }) => prefix));
  const cluster = { prefixes, nodes: nodes.flatMap(({ addresses }) => addresses) };
  const rules = baseRules(firewall, { families: [family], own, cluster }).families[family];
  const translation = rules && evaluate(rules, "postrouting", { source: from, destination: to }).translation;
  if (translation?.kind === "masquerade") return { translation: "its source becomes the node's address" };
  if (translation?.kind === "translate-prefix") return { translation: `its source gets the prefix ${translation.to}` };
  return {};
}
