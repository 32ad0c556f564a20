// Answers for pods on the uplink's own link, where other hosts look for them: an entry of the kernel's NDP or ARP proxy for
// each pod address, the sysctls these need, and an announcement of each address that appears. RFC 4861, 7.2.8; RFC 4389 tells
// why one might.
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import type { Connection } from "../netlink/connection.ts";
import { addProxyNeighbor, listProxyNeighbors, type ProxyNeighbor, removeProxyNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { type Identity, plan, type Step } from "../reconcile/plan.ts";
import type { Setting } from "./forwarding.ts";
import type { Host } from "./host.ts";
import { announcementFrame } from "./neighbor-announcement.ts";
import type { Report } from "./report.ts";
import type { Uplink } from "./uplink.ts";

/** `auto`: for pods of prefixes that are a part of one on the uplink's link; `on`: for all pods. */
export type NeighborProxyMode = "auto" | "on" | "off";

export interface NeighborProxyInput {
  readonly mode: NeighborProxyMode;
  /** The node's own. */
  readonly prefixes: readonly Prefix[];
  readonly uplinks: readonly Uplink[];
  /** Of the pods behind this node; those that are hosts on the link themselves (macvlan) answer for themselves. */
  readonly podAddresses: readonly Address[];
}

/** Sends whole frames on the link with this index. */
export type SendFrames = (link: number, frames: readonly Uint8Array[]) => void;

const identity: Identity<ProxyNeighbor> = {
  key: ({ link, address: { family, value } }) => `${family} ${value} ${link}`,
  same: () => true,
};

/** Whether what the node must have follows from which pods it has. */
export function answersForPods({ mode, prefixes, uplinks }: Omit<NeighborProxyInput, "podAddresses">): boolean {
  if (mode !== "auto") return mode === "on";
  return uplinks.some(({ onLink }) => prefixes.some((prefix) => onLink.some((around) => around.contains(prefix))));
}

export function desiredProxies({ mode, prefixes, uplinks, podAddresses }: NeighborProxyInput): ProxyNeighbor[] {
  if (mode === "off") return [];
  return uplinks.flatMap(({ index, onLink }) => {
    const shared = prefixes.filter((prefix) => onLink.some((around) => around.contains(prefix)));
    const wanted = podAddresses.filter((address) => mode === "on" || shared.some((prefix) => prefix.contains(address)));
    return wanted.map((address) => ({ link: index, address, protocol: hextetProtocol }));
  });
}

/**
 * The kernel answers for an entry only where it may, and by default takes up to 0.8 s, lest two proxies answer at once;
 * we are one.
 */
export function proxySettings(proxies: readonly ProxyNeighbor[], uplinks: readonly Uplink[]): Setting[] {
  return uplinks.flatMap(({ index, name }) => {
    const needs = (family: Address["family"]) =>
      proxies.some(({ link, address }) => link === index && address.family === family);
    return [
      ...(needs("v6")
        ? [
            { name: `net/ipv6/conf/${name}/proxy_ndp`, value: "1" },
            { name: `net/ipv6/neigh/${name}/proxy_delay`, value: "0" },
          ]
        : []),
      ...(needs("v4") ? [{ name: `net/ipv4/neigh/${name}/proxy_delay`, value: "0" }] : []),
    ];
  });
}

/** Keeps the kernel's entries in step, and tells the link of each that is new. Entries of others stay theirs. */
export function applyProxies(
  { connection, sendFrames }: { readonly connection: Connection; readonly sendFrames: SendFrames },
  desired: readonly ProxyNeighbor[],
  host: Host,
): Report {
  const all = connection.dump(listProxyNeighbors());
  const foreign = new Set(all.filter(({ protocol }) => protocol !== hextetProtocol).map(identity.key));
  const steps = plan(
    desired.filter((proxy) => !foreign.has(identity.key(proxy))),
    all.filter((proxy) => !foreign.has(identity.key(proxy))),
    identity,
  );
  if (steps.length > 0) connection.execute(steps.map(requestOf));
  const added = steps.flatMap((step) => (step.do === "add" ? step.want : []));
  for (const [link, proxies] of Map.groupBy(added, (proxy) => proxy.link)) {
    sendFrames(link, announcements(link, proxies, host));
  }
  return { changes: steps.map(describeStep), faults: [] };
}

/** Links without a MAC have no neighbors to tell. */
function announcements(link: number, proxies: readonly ProxyNeighbor[], { links, addresses }: Host): Uint8Array[] {
  const mac = links.find(({ index }) => index === link)?.mac;
  if (mac === undefined) return [];
  const usable = addresses.filter((one) => one.link === link && !one.tentative && one.address.family === "v6");
  const own = usable.find(({ address }) => address.address.isLinkLocal) ?? usable[0];
  return proxies.map(({ address }) => announcementFrame({ address, mac, from: own?.address.address ?? address }));
}

function requestOf(step: Step<ProxyNeighbor>): Request {
  return step.do === "remove" ? removeProxyNeighbor(step.have) : addProxyNeighbor(step.want);
}

function describeStep(step: Step<ProxyNeighbor>): string {
  const { address, link } = step.do === "remove" ? step.have : step.want;
  return `${step.do === "remove" ? "-" : "+"} proxy for ${address} on link ${link}`;
}
