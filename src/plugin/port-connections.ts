// Connections that were tracked before a port of the node led where it leads now. Translation is decided by a connection's first packet
// alone, and a client that keeps sending UDP from one port keeps the first decision alive for ever.
import type { HostPort } from "../ipam/host-port.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { listAddresses } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { connectionStatus, deleteConnections, protocolNumber, type TrackedConnection } from "../netlink/conntrack.ts";

/** What came to the node's port so far, by UDP: it knows no beginning from which a client would start over. */
export function endEarlierConnections(kernel: Kernel, ports: readonly HostPort[]): number {
  const udp = ports.filter(({ protocol }) => protocol === "udp");
  if (udp.length === 0) return 0;
  const isOfNode = addressesOfNode(kernel);
  return endWhere(kernel, (tracked, port) => {
    const { destination } = tracked.original;
    const comesHere = port.hostAddress?.equals(destination) ?? isOfNode(String(destination));
    return comesHere && !tracked.reply.source.equals(port.target.address);
  })(udp);
}

/** What was led to a pod that goes. */
export function endConnectionsTo(kernel: Kernel, ports: readonly HostPort[]): number {
  return endWhere(kernel, ({ status, reply }, { target }) => {
    return (status & connectionStatus.destinationTranslated) !== 0 && reply.source.equals(target.address);
  })(ports);
}

type IsMeant = (tracked: TrackedConnection, port: HostPort) => boolean;

function endWhere(kernel: Kernel, isMeant: IsMeant): (ports: readonly HostPort[]) => number {
  return (ports) => {
    using connection = new Connection(kernel.socket("netfilter"));
    return deleteConnections(connection, (tracked) =>
      ports.some((one) => isToPort(tracked, one) && isMeant(tracked, one)),
    );
  };
}

function isToPort({ family, protocol, original }: TrackedConnection, port: HostPort): boolean {
  if (family !== port.target.family || protocol !== protocolNumber[port.protocol]) return false;
  return original.destinationPort === port.port;
}

function addressesOfNode(kernel: Kernel): (address: string) => boolean {
  using host = new Connection(kernel.socket("route"));
  const held = new Set(host.dump(listAddresses()).map(({ address }) => String(address.address)));
  return (address) => held.has(address) || address.startsWith("127.");
}
