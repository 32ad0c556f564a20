// Notifications: what a namespace tells those who joined a multicast group (RTNLGRP_* of include/uapi/linux/rtnetlink.h).
import type { Family } from "../../ip/address.ts";
import type { NamespaceState, Notification } from "./state.ts";

export const notifyGroup = {
  link: 1,
  neighbor: 3,
  traffic: 4,
  address: { v4: 5, v6: 9 },
  route: { v4: 7, v6: 11 },
  rule: { v4: 8, v6: 19 },
  namespaceId: 28,
} as const satisfies Record<string, number | Record<Family, number>>;

export function notify(namespace: NamespaceState, group: number, message: Notification): void {
  for (const watcher of namespace.watchers) if (watcher.groups.has(group)) watcher.deliver(message);
}
