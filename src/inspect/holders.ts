// Where an address is in use now, whatever any record says: on this host, in a namespace it knows, or by a route to a pod's link.
import type { Address } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { listAddresses } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { isGone, KernelError } from "../netlink/kernel-error.ts";
import { listLinks } from "../netlink/link.ts";
import { listNamespaceIds } from "../netlink/netnsid.ts";
import { listRoutes } from "../netlink/route.ts";

/** Of each of the addresses that is in use where it is, to be read after "it is": `on link eth0 of this host`. */
export function usersOf(kernel: Kernel, addresses: readonly Address[]): readonly string[] {
  using host = new Connection(kernel.socket("route"));
  const isAsked = (address: Address) => addresses.some((each) => each.equals(address));
  const links = new Map(host.dump(listLinks()).map(({ index, name }) => [index, name]));
  const nameOf = (link: number) => links.get(link) ?? `${link}`;
  const own = host.dump(listAddresses()).filter(({ address }) => isAsked(address.address));
  const routes = host.dump(listRoutes({ protocol: hextetProtocol })).flatMap(({ destination, nextHop }) => {
    const isTo = destination.size === 1n && nextHop.kind === "link" && isAsked(destination.address);
    return isTo ? [`${destination.address} is led to link ${nameOf(nextHop.link)}`] : [];
  });
  return [
    ...own.map(({ address, link }) => `${address.address} is on link ${nameOf(link)} of this host`),
    ...host.dump(listNamespaceIds()).flatMap((id) => inNamespace(host, id, isAsked)),
    ...routes,
  ];
}

/** A namespace may end while it is looked at; its id is then unknown (EINVAL). */
function inNamespace(host: Connection, namespaceId: number, isAsked: (address: Address) => boolean): readonly string[] {
  try {
    const held = host.dump(listAddresses({ namespaceId })).filter(({ address }) => isAsked(address.address));
    return held.map(
      ({ address }) => `${address.address} is on an interface in the network namespace of id ${namespaceId}`,
    );
  } catch (error) {
    if (isGone(error) || (error instanceof KernelError && error.code === "EINVAL")) return [];
    throw error;
  }
}
