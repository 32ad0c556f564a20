// Mode bridge: pods share one link, and the bridge holds the gateways of their ranges. Who has which MAC is written down from the
// start where we know it: the port and the neighbors on the host, the gateways in the pod. bridge-link.ts makes the bridge.
import type { Address } from "../ip/address.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { replaceForwarding } from "../netlink/forwarding.ts";
import { changeLink, type Link } from "../netlink/link.ts";
import { removeNeighbor, replaceNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { aliasOf } from "./alias.ts";
import type { Bridge } from "./bridge-link.ts";
import { type BridgeMode, isOffLink, type PodNetwork } from "./pod-network.ts";
import { bringUp, gatewayNeighbors } from "./pod-side.ts";

export function bridgeHostSide(network: PodNetwork, mode: BridgeMode, bridge: Bridge, host: Link): Request[] {
  const { podMac: mac, addresses, attachment } = network;
  return [
    changeLink({ index: host.index }, { port: { hairpin: mode.hairpin, isolated: mode.isolated } }),
    ...bringUp(host, { alias: aliasOf(attachment) }),
    // An earlier port of this attachment may still be on its way out.
    replaceForwarding({ kind: "bridge", link: host.index, mac }),
    ...(bridge.ours ? addresses : []).map(({ address: { address } }) =>
      replaceNeighbor({ link: bridge.link.index, address, mac, protocol: hextetProtocol }),
    ),
  ];
}

/** Of a bridge that is not ours we know no MAC for long: it may change with every port. */
export function bridgeNeighbors(network: PodNetwork, mode: BridgeMode, bridge: Bridge, podIndex: number): Request[] {
  const { mac } = bridge.link;
  if (!bridge.ours || mac === undefined) return [];
  return gatewayNeighbors(network, podIndex, gatewaysOnLink(network, mode), mac);
}

/** Those of the bridge's gateways that are in a prefix of the pod. */
export function gatewaysOnLink(network: PodNetwork, { gateways }: BridgeMode): Address[] {
  return gateways.map(({ address }) => address).filter((address) => !isOffLink(network, address));
}

/** What an attachment leaves on the bridge itself, where it outlives the pod's link. */
export function bridgeLeavings({ addresses }: PodNetwork, { link, ours }: Bridge): Request[] {
  return (ours ? addresses : []).map(({ address: { address } }) => removeNeighbor({ link: link.index, address }));
}
