// Which part of the fake kernel answers which message, and how: with an acknowledgement, an entry, or a table.
import { addressType } from "../../netlink/address.ts";
import { connectionType } from "../../netlink/conntrack-message.ts";
import { linkType } from "../../netlink/link-message.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import { neighborMessage, neighborType } from "../../netlink/neighbor.ts";
import { neighborTableType } from "../../netlink/neighbor-table.ts";
import { namespaceIdType } from "../../netlink/netnsid.ts";
import { routeType } from "../../netlink/route-message.ts";
import { ruleType } from "../../netlink/rule.ts";
import { trafficType } from "../../netlink/tc-message.ts";
import { bridgeFamily } from "../../netlink/values.ts";
import { addAddress, listAddresses, removeAddress } from "./addresses.ts";
import { addConnection, listConnections, removeConnection } from "./connections.ts";
import { addForwarding, listForwardings, removeForwarding } from "./forwardings.ts";
import { deleteLink, getLink, listLinks, newLink } from "./links.ts";
import { assignNamespaceId, getNamespaceId, listNamespaceIds } from "./namespace-ids.ts";
import { listNeighborTables } from "./neighbor-tables.ts";
import { addNeighbor, listNeighbors, removeNeighbor } from "./neighbors.ts";
import { refuse } from "./refusal.ts";
import { addRoute, findRoute, listRoutes, removeRoute } from "./routes.ts";
import { addRule, listRules, removeRule } from "./rules.ts";
import type { NamespaceState } from "./state.ts";
import { addQueue, addRedirect, listQueues, listRedirects, removeQueue, removeRedirect } from "./traffic.ts";

type Act = (namespace: NamespaceState, message: Message) => void;
type Get = (namespace: NamespaceState, message: Message) => Uint8Array;
type List = (namespace: NamespaceState, message: Message) => Uint8Array[];

/** What a message is called in faults that a test orders. */
export const messageNames = [
  ["RTM_NEWLINK", linkType.new],
  ["RTM_DELLINK", linkType.delete],
  ["RTM_GETLINK", linkType.get],
  ["RTM_NEWADDR", addressType.new],
  ["RTM_DELADDR", addressType.delete],
  ["RTM_GETADDR", addressType.get],
  ["RTM_NEWROUTE", routeType.new],
  ["RTM_DELROUTE", routeType.delete],
  ["RTM_GETROUTE", routeType.get],
  ["RTM_NEWNEIGH", neighborType.new],
  ["RTM_DELNEIGH", neighborType.delete],
  ["RTM_GETNEIGH", neighborType.get],
  ["RTM_NEWRULE", ruleType.new],
  ["RTM_DELRULE", ruleType.delete],
  ["RTM_GETRULE", ruleType.get],
  ["RTM_NEWQDISC", trafficType.newQueue],
  ["RTM_DELQDISC", trafficType.deleteQueue],
  ["RTM_GETQDISC", trafficType.getQueue],
  ["RTM_NEWTFILTER", trafficType.newFilter],
  ["RTM_DELTFILTER", trafficType.deleteFilter],
  ["RTM_GETTFILTER", trafficType.getFilter],
  ["RTM_NEWNSID", namespaceIdType.new],
  ["RTM_GETNSID", namespaceIdType.get],
  ["IPCTNL_MSG_CT_NEW", connectionType.new],
  ["IPCTNL_MSG_CT_GET", connectionType.get],
  ["IPCTNL_MSG_CT_DELETE", connectionType.delete],
] as const;
export type MessageName = (typeof messageNames)[number][0];

const acts = new Map<number, Act>([
  [linkType.new, newLink],
  [linkType.delete, deleteLink],
  [addressType.new, addAddress],
  [addressType.delete, removeAddress],
  [routeType.new, addRoute],
  [routeType.delete, removeRoute],
  [neighborType.new, byFamily(addNeighbor, addForwarding)],
  [neighborType.delete, byFamily(removeNeighbor, removeForwarding)],
  [ruleType.new, addRule],
  [ruleType.delete, removeRule],
  [trafficType.newQueue, addQueue],
  [trafficType.deleteQueue, removeQueue],
  [trafficType.newFilter, addRedirect],
  [trafficType.deleteFilter, removeRedirect],
  [namespaceIdType.new, assignNamespaceId],
  [connectionType.new, addConnection],
  [connectionType.delete, removeConnection],
]);

const gets = new Map<number, Get>([
  [linkType.get, getLink],
  [routeType.get, findRoute],
  [namespaceIdType.get, getNamespaceId],
]);

const lists = new Map<number, List>([
  [linkType.get, listLinks],
  [addressType.get, listAddresses],
  [routeType.get, listRoutes],
  [neighborType.get, byFamily(listNeighbors, listForwardings)],
  [ruleType.get, listRules],
  [trafficType.getQueue, listQueues],
  [trafficType.getFilter, listRedirects],
  [namespaceIdType.get, listNamespaceIds],
  [connectionType.get, listConnections],
  [neighborTableType.get, listNeighborTables],
]);

/** What there is to say to a message: the entries of a list, the one that was asked for, or nothing. */
export function answer(namespace: NamespaceState, message: Message): readonly Uint8Array[] {
  const { type } = message;
  const act = acts.get(type);
  if (act !== undefined) {
    act(namespace, message);
    return [];
  }
  if (isList(message)) return (lists.get(type) ?? refuse("EOPNOTSUPP"))(namespace, message);
  return [(gets.get(type) ?? refuse("EOPNOTSUPP"))(namespace, message)];
}

export function isList({ type, flags }: Message): boolean {
  return !acts.has(type) && (flags & messageFlag.dump) === messageFlag.dump;
}

function byFamily<T>(
  neighbors: (namespace: NamespaceState, message: Message) => T,
  forwardings: (namespace: NamespaceState, message: Message) => T,
): (namespace: NamespaceState, message: Message) => T {
  return (namespace, message) => {
    const { family } = neighborMessage.decode(message.body).header;
    return (family === bridgeFamily ? forwardings : neighbors)(namespace, message);
  };
}
