// Tracked connections in the fake kernel. Messages alone make them, as no packet passes here, and filters of lists are left to those
// who ask, as an old kernel does. net/netfilter/nf_conntrack_netlink.c
import { connectionStatus, deleteConnection, type TrackedConnection } from "../../netlink/conntrack.ts";
import { connectionMessage, decodeConnection, encodeConnection } from "../../netlink/conntrack-message.ts";
import type { Message } from "../../netlink/message.ts";
import { familyOf } from "../../netlink/values.ts";
import { refuse } from "./refusal.ts";
import type { NamespaceState } from "./state.ts";

export function addConnection(namespace: NamespaceState, { body }: Message): void {
  const asked = decodeConnection(body) ?? refuse("EINVAL");
  const made = { ...asked, status: asked.status | connectionStatus.confirmed, id: 0 };
  if (namespace.connections.some((one) => isNamed({ ...one, id: 0 }, deleteConnection(made).body))) refuse("EEXIST");
  namespace.lastConnectionId += 1;
  namespace.connections.push({ ...made, id: namespace.lastConnectionId });
}

export function removeConnection(namespace: NamespaceState, { body }: Message): void {
  const gone = namespace.connections.find((one) => isNamed(one, body)) ?? refuse("ENOENT");
  namespace.connections = namespace.connections.filter((one) => one !== gone);
}

export function listConnections({ connections }: NamespaceState, { body }: Message): Uint8Array[] {
  const only = familyOf(connectionMessage.decode(body).header.family);
  return connections.filter(({ family }) => (only ?? family) === family).map(encodeConnection);
}

/** By its tuple, zone and id, which is what a deletion says. */
function isNamed(connection: TrackedConnection, deletion: Uint8Array): boolean {
  return Buffer.compare(deleteConnection(connection).body, deletion) === 0;
}
