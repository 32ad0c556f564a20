// The pair of links of modes routed and bridge: one end on the host, the other in the pod. One message makes both, each with its
// name, MAC and MTU, and each where it belongs; the rest the kernel takes in later messages only.
import { createLink, type Link } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import type { Namespace } from "../netlink/socket.ts";
import { createOnHost } from "./existing.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { BareLink } from "./pod-side.ts";
import { removeLink, type Site } from "./site.ts";

/** Both ends as the kernel numbered them, each in its own namespace. */
export interface Pair {
  readonly host: Link;
  readonly pod: BareLink;
}

/** Its host end becomes a port of the bridge with the index `master`, if one is given. */
export function makePair(site: Site, network: PodNetwork, master?: number): Pair {
  const host = createOnHost(site, network, createPair(network, site.namespace, master), network.hostLink);
  site.undo.defer(() => removeLink(site.host, { index: host.index }));
  return pairOf(host);
}

export function createPair(network: PodNetwork, namespace: Namespace, master?: number): Request {
  const { hostLink, hostMac, podMac, attachment, mtu, linkGroup } = network;
  // More are for programs that redirect or balance packets on the link; each takes the kernel as long as an address.
  const shape = { queues: 1, ...(mtu === undefined ? {} : { mtu }) };
  return createLink({
    kind: "veth",
    name: hostLink,
    mac: hostMac,
    ...shape,
    ...(linkGroup === undefined ? {} : { group: linkGroup }),
    ...(master === undefined ? {} : { master }),
    peer: { name: attachment.interfaceName, mac: podMac, ...shape, namespace },
  });
}

/** The host's end says what the pod's is called by its own namespace, so nobody has to ask there. */
function pairOf(host: Link): Pair {
  const { addressGeneration, link } = host;
  if (link === undefined) throw new TypeError(`The kernel does not say what is at the other end of link ${host.name}`);
  return { host, pod: { index: link, ...(addressGeneration === undefined ? {} : { addressGeneration }) } };
}
