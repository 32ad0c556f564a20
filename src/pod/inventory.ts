// Which attachments and addresses the kernel knows of: the second copy of the leases, from which the first is rebuilt, and what GC
// compares with the attachments that are still valid. Whose a link is stands in its alias; its addresses are the host's routes to it
// (routed), the bridge's neighbors behind it (bridge), or in the pod (macvlan).
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import type { Attachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { listAddresses } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { listForwardings } from "../netlink/forwarding.ts";
import { isGone, KernelError } from "../netlink/kernel-error.ts";
import { type Link, listLinks } from "../netlink/link.ts";
import { listNeighbors, type Neighbor } from "../netlink/neighbor.ts";
import { listNamespaceIds } from "../netlink/netnsid.ts";
import { listRoutes, type Route } from "../netlink/route.ts";
import { parseAlias } from "./alias.ts";
import { hostLinkOf } from "./identity.ts";
import type { Mode } from "./pod-network.ts";

export interface Found {
  readonly attachment: Attachment;
  readonly mode: Mode["kind"];
  readonly addresses: readonly Address[];
  /** Index of its link: on the host, or in the namespace of that id. */
  readonly link: number;
  /** The link's name on the host; macvlan has none there. */
  readonly hostLink?: string;
  readonly namespaceId?: number;
}

export function inventory(kernel: Kernel): Found[] {
  using host = new Connection(kernel.socket("route"));
  return [...foundOnHost(host), ...foundInPods(host)];
}

function foundOnHost(host: Connection): Found[] {
  const links = host.dump(listLinks());
  const routes = host.dump(listRoutes({ protocol: hextetProtocol }));
  const bridges = new Set(links.map(({ master }) => master).filter((master) => master !== undefined));
  const behind = new Map([...bridges].flatMap((bridge) => [...addressesByPort(host, bridge)]));
  return links.flatMap((link): Found[] => {
    const attachment = holderOf(link);
    if (attachment === undefined) return [];
    const found = { attachment, link: link.index, hostLink: link.name };
    if (link.master === undefined) return [{ ...found, mode: "routed", addresses: addressesRoutedTo(link, routes) }];
    return [{ ...found, mode: "bridge", addresses: behind.get(link.index) ?? [] }];
  });
}

/** A link that is being deleted has another name, and so has one that only pretends. */
function holderOf({ name, alias }: Link): Attachment | undefined {
  const attachment = parseAlias(alias);
  return attachment !== undefined && hostLinkOf(attachment) === name ? attachment : undefined;
}

function addressesRoutedTo({ index }: Link, routes: readonly Route[]): Address[] {
  const own = routes.filter(({ nextHop }) => nextHop.kind === "link" && nextHop.link === index);
  return own.map(({ destination }) => destination.address);
}

function addressesByPort(host: Connection, bridge: number): Map<number, Address[]> {
  const neighbors = host.dump(listNeighbors({ link: bridge })).filter(({ protocol }) => protocol === hextetProtocol);
  const ports = host.dump(listForwardings({ master: bridge })).filter((entry) => entry.static && !entry.local);
  const byPort = new Map<number, Address[]>();
  for (const { link, mac } of ports) {
    if (mac === "everyone") continue;
    byPort.set(link, [...(byPort.get(link) ?? []), ...addressesWith(mac, neighbors)]);
  }
  return byPort;
}

function addressesWith(mac: Mac, neighbors: readonly Neighbor[]): Address[] {
  return neighbors.filter((one) => one.mac?.equals(mac)).map(({ address }) => address);
}

/** Pods on macvlan links: in namespaces that the host knows by an id. */
function foundInPods(host: Connection): Found[] {
  return host.dump(listNamespaceIds()).flatMap((namespaceId) => unlessGone(() => foundIn(host, namespaceId)));
}

function foundIn(host: Connection, namespaceId: number): Found[] {
  const links = host.dump(listLinks({ kind: "macvlan", namespaceId }));
  return links.flatMap((link) => {
    const attachment = parseAlias(link.alias);
    if (attachment === undefined || attachment.interfaceName !== link.name) return [];
    const held = host.dump(listAddresses({ namespaceId })).filter((one) => one.link === link.index);
    const addresses = held.map(({ address }) => address.address).filter((address) => !address.isLinkLocal);
    return [{ attachment, mode: "macvlan", addresses, link: link.index, namespaceId }];
  });
}

/** A namespace may end while it is looked at; its id is then unknown (EINVAL). */
function unlessGone(look: () => Found[]): Found[] {
  try {
    return look();
  } catch (error) {
    if (isGone(error) || (error instanceof KernelError && error.code === "EINVAL")) return [];
    throw error;
  }
}
