// Facts that only packets can tell: whether other nodes, routers and the way back are there. A few pings each, all at the same time.
import { setTimeout as wait } from "node:timers/promises";
import type { Address } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { Connection } from "../../netlink/connection.ts";
import { listNeighbors } from "../../netlink/neighbor.ts";
import { tunnelAddress } from "../../node/tunnel.ts";
import { onLinkOf, type Uplink } from "../../node/uplink.ts";
import type { GatewayProbe, PeerProbe, ReturnProbe } from "../facts.ts";
import { known } from "../reading.ts";
import { linkName, type NodeFacts, nodeOf } from "../view.ts";
import { isTooBig, ping } from "./pings.ts";

/** What holds for these holds for others; a large cluster is not to be pinged by every node that somebody looks at. */
const mostPeers = 16;

export async function probePeers(kernel: Kernel, facts: NodeFacts): Promise<readonly PeerProbe[]> {
  const { view, uplinks, routing } = nodeOf(facts);
  const { nodeName } = known(facts.config);
  const at = view.nodes.findIndex(({ name }) => name === nodeName);
  const others = [...view.nodes.slice(at + 1), ...view.nodes.slice(0, Math.max(at, 0))].slice(0, mostPeers);
  const wanted = others.flatMap(({ name, addresses }) =>
    addresses.filter(({ family }) => routing.local[family] !== undefined).map((address) => ({ node: name, address })),
  );
  const tunnels = tunnelEnds(routing.peers);
  return Promise.all(
    wanted.map(({ node, address }) =>
      probePeer(kernel, { node, address }, { uplinks: uplinks.links, inner: tunnels.get(`${address}`) }),
    ),
  );
}

/** By the address of the other end, an address inside that answers there. */
function tunnelEnds(peers: ReturnType<typeof nodeOf>["routing"]["peers"]): ReadonlyMap<string, Address> {
  const ends = peers.flatMap(({ prefix, way }): [string, Address][] => {
    const inner = way.kind === "vxlan" ? tunnelAddress(prefix) : undefined;
    return way.kind === "vxlan" && inner !== undefined ? [[`${way.remote}`, inner]] : [];
  });
  return new Map(ends);
}

interface Place {
  readonly uplinks: readonly Uplink[];
  readonly inner: Address | undefined;
}

async function probePeer(
  kernel: Kernel,
  { node, address }: Pick<PeerProbe, "node" | "address">,
  { uplinks, inner }: Place,
): Promise<PeerProbe> {
  const link = onLinkOf(uplinks, address);
  const bytes = (link ?? uplinks[0])?.mtu ?? 1500;
  const [small, large, tunnel] = await Promise.all([
    ping(kernel, address),
    ping(kernel, address, { bytes }),
    inner === undefined ? undefined : ping(kernel, inner),
  ]);
  return {
    node,
    address,
    onLink: link !== undefined,
    small: small.answered,
    bytes,
    large: large.answered ? "answered" : isTooBig(large) ? "told" : "lost",
    ...(tunnel === undefined || inner === undefined ? {} : { tunnel: { answered: tunnel.answered, inner } }),
  };
}

export async function probeGateways(kernel: Kernel, facts: NodeFacts): Promise<readonly GatewayProbe[]> {
  return Promise.all(
    gatewaysOf(facts).map(async ({ address, link, index }) => {
      const { answered } = await ping(kernel, address, { link });
      return { address, link, answered: answered || (await isNeighbor(kernel, address, index)) };
    }),
  );
}

interface Gateway {
  readonly address: Address;
  readonly link: string;
  readonly index: number;
}

function gatewaysOf(facts: NodeFacts): Gateway[] {
  const found = known(facts.host).routes.flatMap(({ destination, nextHop }): Gateway[] => {
    if (destination.length > 0 || nextHop.kind !== "gateway" || nextHop.link === undefined) return [];
    return [{ address: nextHop.gateway, index: nextHop.link, link: linkName(facts, nextHop.link) }];
  });
  return [...new Map(found.map((each) => [`${each.address} ${each.link}`, each])).values()];
}

/** The kernel gives up five seconds after it first doubts, and three questions later. */
const doubts = { times: 45, everyMs: 200 } as const;

/** A router need not answer pings, but must answer for its address: whether it does is seen when the kernel has asked. */
async function isNeighbor(kernel: Kernel, address: Address, link: number): Promise<boolean> {
  for (let times = 0; times < doubts.times; times += 1) {
    using connection = new Connection(kernel.socket("route"));
    const entry = connection.dump(listNeighbors({ link })).find((each) => each.address.equals(address));
    if (entry?.state === "reachable" || entry?.state === "permanent" || entry?.state === "no-arp") return true;
    if (entry === undefined || entry.state === "failed" || entry.state === "none") return false;
    await wait(doubts.everyMs);
  }
  return false;
}

/** Enough to come back from the router, and no further. */
const hopsToRouterAndBack = 2;

/**
 * Hands the router a packet for an unused address of the node's own prefix. Where the router sends it back, this node finds its hop
 * limit used up and tells itself; any other answer comes from elsewhere. Only for addresses that others see.
 */
export async function probeReturns(kernel: Kernel, facts: NodeFacts): Promise<readonly ReturnProbe[]> {
  const { uplinks, routing } = nodeOf(facts);
  const router = gatewaysOf(facts).find(({ address, link }) => {
    return address.family === "v6" && uplinks.links.some(({ name }) => name === link);
  });
  if (router === undefined) return [];
  const own = new Set(known(facts.host).addresses.map(({ address }) => `${address.address}`));
  const onLink = uplinks.links.flatMap((each) => each.onLink);
  const seen = routing.own.filter(
    (prefix) => isSeenOutside(facts, prefix) && !onLink.some((each) => each.contains(prefix)),
  );
  return Promise.all(
    seen.map(async (prefix): Promise<ReturnProbe> => {
      const unused = prefix.at(prefix.size - 2n);
      const { answered, error } = await ping(kernel, unused, { link: router.link, hopLimit: hopsToRouterAndBack });
      const known = { prefix, link: router.link, router: router.address };
      if (answered) return { ...known, outcome: "returned", words: "it was answered" };
      if (error === undefined) return { ...known, outcome: "lost", words: "nothing came back" };
      const words = `${error.from}: ${error.words}`;
      if (own.has(error.from)) return { ...known, outcome: "returned", words };
      return { ...known, outcome: /unreachable/i.test(error.words) ? "refused" : "elsewhere", words };
    }),
  );
}

const uniqueLocal = Prefix.parse("fc00::/7");

/** Not behind an address of the node, nor by another prefix. */
function isSeenOutside(facts: NodeFacts, prefix: Prefix): boolean {
  const { masquerade, nptv6, backend } = known(facts.config).firewall;
  if (prefix.family !== "v6" || prefix.size < 4n) return false;
  if (backend === "none") return !uniqueLocal.contains(prefix);
  const isHidden = masquerade.ipv6 === "auto" ? uniqueLocal.contains(prefix) : masquerade.ipv6;
  return !isHidden && !nptv6.some(({ inside }) => inside.overlaps(prefix));
}
