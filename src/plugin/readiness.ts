// What is asked of the node before a pod is attached: by STATUS, whether it could be done now; by ADD, whether the pod will reach
// anything beyond its node. Cheap, because runtimes ask for STATUS every few seconds.
import { CniError } from "../cni/cni-error.ts";
import { type Family, familyName } from "../ip/address.ts";
import { Connection } from "../netlink/connection.ts";
import { isGone } from "../netlink/kernel-error.ts";
import { getLink } from "../netlink/link.ts";
import type { Host } from "./host.ts";
import type { Settings } from "./settings.ts";

export function requireKernel(host: Host, { mode, master }: Settings): void {
  using connection = new Connection(host.kernel.socket("route"));
  if (mode !== "macvlan" || master === undefined) return;
  try {
    connection.get(getLink({ name: master }));
  } catch (error) {
    if (!isGone(error)) throw error;
    const details = "Name a link that is there as master, or leave it out to use the link of the default route";
    throw new CniError("notAvailable", `master: there is no link ${master}`, { cause: error, details });
  }
}

const forwardingOf: Readonly<Record<Family, string>> = {
  v6: "net/ipv6/conf/all/forwarding",
  v4: "net/ipv4/conf/all/forwarding",
};

type Watched = Pick<Host, "kernel" | "log" | "nodeStatus">;

/**
 * Forwarding is the node's own affair: switched on carelessly it takes away an IPv6 default route that came from a router
 * advertisement. The agent does it rightly; where there is none, somebody should know why pods reach nobody else.
 */
export function warnWithoutForwarding(
  host: Watched,
  { mode }: Pick<Settings, "mode">,
  spoken: readonly Family[],
): void {
  const isAgent = host.nodeStatus !== undefined;
  if (mode === "macvlan" || isAgent) return;
  const sysctl = host.kernel.sysctl();
  for (const family of new Set(spoken)) {
    if (sysctl.get(forwardingOf[family]) !== "0") continue;
    const fix = `sysctl -w ${forwardingOf[family].replaceAll("/", ".")}=1`;
    host.log.warning("pods reach only this node, because it forwards nothing", { family: familyName(family), fix });
  }
}
