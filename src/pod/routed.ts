// Mode routed: no bridge, the host is the pod's only neighbor. The pod has each address alone in its prefix and sends everything to
// the host; the host has a route to each address. Both know each other's MACs from the start, so nobody ever asks for them.
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { addAddress } from "../netlink/address.ts";
import type { Link } from "../netlink/link.ts";
import { addNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { addRoute } from "../netlink/route.ts";
import { aliasOf } from "./alias.ts";
import { hostGateway, type PodAddress, type PodNetwork, speaks } from "./pod-network.ts";
import { type BareLink, bringUp, gatewayNeighbors, unquestionedAddresses } from "./pod-side.ts";

/** The host's own address on every pod's link. */
export const hostLinkLocal = new InterfaceAddress(hostGateway.v6, 64);

/** The pod's end without its routes. */
export function routedPodSide(network: PodNetwork, pod: BareLink): Request[] {
  const { index } = pod;
  return [
    ...bringUp(pod),
    ...unquestionedAddresses(network, index),
    ...gatewayNeighbors(network, index, Object.values(hostGateway), network.hostMac),
  ];
}

/** The host's end without the routes to the pod. */
export function routedHostSide(network: PodNetwork, host: Link): Request[] {
  const link = host.index;
  return [
    ...bringUp(host, { alias: aliasOf(network.attachment) }),
    ...(speaks(network, "v6") ? [addAddress({ link, address: hostLinkLocal, noDad: true })] : []),
    ...network.addresses.map(({ address: { address } }) =>
      addNeighbor({ link, address, mac: network.podMac, protocol: hextetProtocol }),
    ),
  ];
}

/** The host's route to one address of the pod. The kernel refuses it where another pod has the address already. */
export function routeToPod({ address: { address } }: PodAddress, link: number): Request {
  return addRoute({ destination: Prefix.host(address), nextHop: { kind: "link", link }, protocol: hextetProtocol });
}
