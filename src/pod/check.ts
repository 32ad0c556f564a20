// CHECK's part of the work: compares the kernel with the pod's network, and only what we made of it. What a later plugin of a chain
// added is none of our business. All that is missing is told at once.
import { families } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { Prefix } from "../ip/prefix.ts";
import { sameAttachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { listForwardings } from "../netlink/forwarding.ts";
import type { Link } from "../netlink/link.ts";
import { bridgeAlias, parseAlias } from "./alias.ts";
import { bandwidthFaults } from "./bandwidth-limit.ts";
import { gatewaysOnLink } from "./bridge.ts";
import {
  linkFaults,
  missingAddresses,
  missingLink,
  missingNeighbors,
  missingRoutes,
  type Place,
  type WantedNeighbor,
} from "./missing.ts";
import { CheckFailed } from "./pod-error.ts";
import { type BridgeMode, hostGateway, type PodNetwork, speaks } from "./pod-network.ts";
import { hostLinkLocal } from "./routed.ts";
import { findLink, openNamespace } from "./site.ts";

/**
 * Throws CheckFailed where the pod's network is not as ADD left it. A later plugin of the chain may have given the pod's end another
 * MAC, which the result then says; with it went the neighbor entries, and they are that plugin's affair.
 */
export function check(kernel: Kernel, network: PodNetwork, namespacePath: string, macInResult?: Mac): void {
  using namespace = openNamespace(kernel, namespacePath);
  using host = new Connection(kernel.socket("route"));
  using pod = new Connection(kernel.socket("route", namespace));
  const node: Place = { connection: host, where: "on the host", enter: "" };
  const inside: Place = { connection: pod, where: "in the pod", enter: `nsenter --net=${namespacePath} ` };
  const faults = [
    ...nodeFaults(node, network),
    ...podFaults(inside, node, { network, mac: macInResult ?? network.podMac }),
  ];
  if (faults.length > 0) throw new CheckFailed(faults);
}

function nodeFaults(node: Place, network: PodNetwork): string[] {
  const { mode, hostLink } = network;
  if (mode.kind === "macvlan") return [];
  const link = findLink(node.connection, { name: hostLink });
  if (link === undefined) return [missingLink(node, hostLink)];
  return [
    ...markFaults(link, network),
    ...linkFaults(node, link, network),
    ...(network.bandwidth === undefined ? [] : bandwidthFaults(node.connection, network, link)),
    ...(mode.kind === "routed" ? routedFaults(node, network, link) : bridgeFaults(node, { network, mode, port: link })),
  ];
}

function markFaults({ name, alias }: Link, { attachment }: PodNetwork): string[] {
  const holder = parseAlias(alias);
  if (holder !== undefined && sameAttachment(holder, attachment)) return [];
  return [`Link ${name} on the host does not carry this attachment as its alias (ip link show ${name})`];
}

function routedFaults(node: Place, network: PodNetwork, link: Link): string[] {
  const routes = network.addresses.map(({ address }) => ({ destination: Prefix.host(address.address) }));
  return [
    ...missingAddresses(node, link, speaks(network, "v6") ? [hostLinkLocal] : []),
    ...missingRoutes(node, link, routes),
    ...missingNeighbors(node, link, podNeighbors(network)),
  ];
}

interface Port {
  readonly network: PodNetwork;
  readonly mode: BridgeMode;
  readonly port: Link;
}

function bridgeFaults(node: Place, { network, mode, port }: Port): string[] {
  const bridge = findLink(node.connection, { name: mode.bridge });
  if (bridge === undefined) return [missingLink(node, mode.bridge)];
  const forwardings = node.connection.dump(listForwardings({ link: port.index }));
  const isPort = port.master === bridge.index;
  return [
    ...linkFaults(node, bridge, {}),
    ...(isPort ? [] : [`Link ${port.name} is no port of bridge ${bridge.name} (bridge link show dev ${port.name})`]),
    ...(forwardings.some((one) => one.static && !one.local)
      ? []
      : [`No MAC is assigned to port ${port.name} of bridge ${bridge.name} (bridge fdb show dev ${port.name})`]),
    ...(bridge.alias === bridgeAlias
      ? [...missingAddresses(node, bridge, mode.gateways), ...missingNeighbors(node, bridge, podNeighbors(network))]
      : []),
  ];
}

interface Seen {
  readonly network: PodNetwork;
  /** What the pod's end is to have now. */
  readonly mac: Mac;
}

function podFaults(pod: Place, node: Place, { network, mac }: Seen): string[] {
  const { interfaceName } = network.attachment;
  const link = findLink(pod.connection, { name: interfaceName });
  if (link === undefined) return [missingLink(pod, interfaceName)];
  return [
    ...linkFaults(pod, link, network),
    ...macFaults(pod, link, mac),
    ...missingAddresses(
      pod,
      link,
      network.addresses.map(({ address }) => address),
    ),
    ...missingRoutes(pod, link, network.routes),
    ...(mac.equals(network.podMac) ? missingNeighbors(pod, link, gatewaysKnownTo(network, node)) : []),
  ];
}

function macFaults({ enter }: Place, { name, mac }: Link, wanted: Mac): string[] {
  if (mac?.equals(wanted)) return [];
  return [`Link ${name} has MAC ${mac} instead of ${wanted} in the pod (${enter}ip link show ${name})`];
}

/** Also where a later plugin gave the pod another MAC: the host knows the first one. */
function podNeighbors({ addresses, podMac }: PodNetwork): WantedNeighbor[] {
  return addresses.map(({ address }) => ({ address: address.address, macs: [podMac] }));
}

function gatewaysKnownTo(network: PodNetwork, node: Place): WantedNeighbor[] {
  const { mode, hostMac } = network;
  if (mode.kind === "routed") {
    const spoken = families.filter((family) => speaks(network, family));
    return spoken.map((family) => ({ address: hostGateway[family], macs: [hostMac] }));
  }
  if (mode.kind === "macvlan") return [];
  const { alias, mac } = findLink(node.connection, { name: mode.bridge }) ?? {};
  if (alias !== bridgeAlias || mac === undefined) return [];
  return gatewaysOnLink(network, mode).map((address) => ({ address, macs: [mac] }));
}
