// Mode macvlan: the pod is directly on a link of the node, with a MAC of its own. The host has no end of it, so the mark of whose it
// is stands on the pod's link, and the host remembers the pod's namespace by an id to find it again.
import type { Address } from "../ip/address.ts";
import { families } from "../ip/address.ts";
import { listAddresses } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import { createLink, getLink, type Link } from "../netlink/link.ts";
import { assignNamespaceId, getNamespaceId } from "../netlink/netnsid.ts";
import type { Request } from "../netlink/request.ts";
import { listRoutes, mainTable } from "../netlink/route.ts";
import type { Namespace } from "../netlink/socket.ts";
import { createInPod } from "./existing.ts";
import { AddressInUse, PodError } from "./pod-error.ts";
import type { MacvlanMode, PodNetwork } from "./pod-network.ts";
import { findLink, removeLink, type Site } from "./site.ts";

export function makeMacvlan(site: Site, network: PodNetwork, mode: MacvlanMode): Link {
  const master = findMaster(site.host, mode);
  refuseOwnAddresses(site.host, network, master);
  const { interfaceName: name } = network.attachment;
  createInPod(site, network, createMacvlan(network, mode, { master, namespace: site.namespace }));
  site.undo.defer(() => removeLink(site.pod, { name }));
  rememberNamespace(site);
  return site.pod.get(getLink({ name }));
}

export function createMacvlan(
  { attachment, podMac, mtu }: PodNetwork,
  { macvlanMode }: MacvlanMode,
  { master, namespace }: { readonly master: Link; readonly namespace: Namespace },
): Request {
  return createLink({
    kind: "macvlan",
    name: attachment.interfaceName,
    namespace,
    link: master.index,
    mode: macvlanMode,
    mac: podMac,
    ...(mtu === undefined ? {} : { mtu }),
  });
}

function findMaster(host: Connection, { master: name }: MacvlanMode): Link {
  const master = name === undefined ? linkOfDefaultRoute(host) : findLink(host, { name });
  if (master === undefined) {
    const why = name === undefined ? "the node has no default route" : `the node has no link ${name}`;
    throw new PodError("invalidConfig", `master: ${why}; name a link of the node that pods are to share`);
  }
  if (!master.up || !master.carrier) {
    const fix = master.up ? "check its cable or its lower link" : `run ip link set ${master.name} up`;
    throw new PodError("notAvailable", `Cannot put a pod on link ${master.name}: it has no carrier; ${fix}`);
  }
  return master;
}

/** IPv6 first; of several default routes the one the kernel prefers. */
function linkOfDefaultRoute(host: Connection): Link | undefined {
  for (const family of families) {
    const [best] = host
      .dump(listRoutes({ family, table: mainTable }))
      .filter(({ destination }) => destination.length === 0)
      .sort((one, other) => (one.priority ?? 0) - (other.priority ?? 0));
    const hop = best?.nextHop.kind === "multipath" ? best.nextHop.paths[0] : best?.nextHop;
    if (hop?.link !== undefined) return findLink(host, { index: hop.link });
  }
  return undefined;
}

/** A macvlan link never hears its own master, so nobody would answer for the node's addresses. */
function refuseOwnAddresses(host: Connection, { addresses }: PodNetwork, master: Link): void {
  const held = host.dump(listAddresses({ link: master.index }));
  const isHeld = (address: Address) => held.some((one) => one.address.address.equals(address));
  const own = addresses.find(({ address }) => isHeld(address.address));
  if (own !== undefined) throw new AddressInUse(own.address.address, `the node has it on ${master.name}`);
}

function rememberNamespace({ host, namespace }: Site): void {
  const { id } = host.get(getNamespaceId(namespace));
  if (id === undefined) host.execute([assignNamespaceId(namespace)]);
}
