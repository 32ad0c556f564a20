// Settings of links that netlink cannot make, as names and values below /proc/sys. Which ones follows from the pod's network alone.
import { families } from "../ip/address.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import type { Link } from "../netlink/link.ts";
import { isSlaac, type PodNetwork, type Probe, speaks } from "./pod-network.ts";

export type Sysctls = Readonly<Record<string, string>>;

export function setSysctls(sysctl: Sysctl, values: Sysctls): void {
  for (const [name, value] of Object.entries(values)) {
    if (!takesLinkLock.test(name) || sysctl.get(name) !== value) sysctl.set(name, value);
  }
}

/**
 * For these the kernel wants its lock for links, also where nothing changes; while others hold it, it does not sleep but begins the call
 * again and again. Reading takes no lock.
 */
const takesLinkLock = /\/disable_ipv6$/;

/** The host's end: a pod must not tell the node its routes. A node may have IPv6 off for new links, pods' links need it. */
export function hostSysctls(network: PodNetwork, { name, addressGeneration }: Link): Sysctls {
  if (addressGeneration === undefined) return {};
  return {
    [conf6(name, "accept_ra")]: "0",
    ...(speaks(network, "v6") ? { [conf6(name, "disable_ipv6")]: "0" } : {}),
  };
}

export function quietBridge({ name, addressGeneration }: Link): Sysctls {
  if (addressGeneration === undefined) return {};
  return { [conf6(name, "accept_ra")]: "0", [conf6(name, "disable_ipv6")]: "0" };
}

/** The pod's end; what the configuration asks for comes last. */
export function podSysctls(network: PodNetwork): Sysctls {
  const name = network.attachment.interfaceName;
  return { ...ipv6Sysctls(network, name), ...network.sysctls };
}

function ipv6Sysctls({ mode, ...network }: PodNetwork, name: string): Sysctls {
  if (!speaks({ mode, ...network }, "v6")) return {};
  // Runtimes switch IPv6 off in pods that they think have none.
  const on = { [conf6(name, "disable_ipv6")]: "0" };
  // The other end of a routed pod's link is the host, which advertises nothing.
  if (mode.kind === "routed") return on;
  if (!isSlaac(mode)) return { ...on, [conf6(name, "accept_ra")]: "0" };
  return {
    ...on,
    // 2: also where the pod forwards.
    [conf6(name, "accept_ra")]: "2",
    [conf6(name, "autoconf")]: "1",
    [conf6(name, "accept_ra_defrtr")]: "1",
    [conf6(name, "accept_ra_pinfo")]: "1",
    [conf6(name, "accept_ra_rt_info_max_plen")]: "128",
  };
}

/** How often and how fast the kernel asks whether an address is taken: for the time of asking only. */
export function probeSysctls(network: PodNetwork, { count, intervalMs }: Probe): Sysctls {
  const name = network.attachment.interfaceName;
  const asking = families.filter((family) => speaks(network, family));
  return Object.fromEntries(
    asking.flatMap((family) => [
      [`net/${family === "v6" ? "ipv6" : "ipv4"}/neigh/${name}/retrans_time_ms`, String(intervalMs)],
      ...(family === "v4"
        ? [[`net/ipv4/neigh/${name}/mcast_solicit`, String(count)]]
        : [
            [conf6(name, "accept_dad"), "1"],
            [conf6(name, "dad_transmits"), String(count)],
            // Without it the first question comes after a random part of a second.
            [conf6(name, "router_solicitation_delay"), "0"],
            // Seconds until routers are asked again.
            [conf6(name, "router_solicitation_interval"), "1"],
          ]),
    ]),
  );
}

/** Says to the link's neighbors whose the addresses are now, when the MAC is set. */
export function announceSysctls(network: PodNetwork): Sysctls {
  const name = network.attachment.interfaceName;
  return {
    ...(speaks(network, "v6") ? { [conf6(name, "ndisc_notify")]: "1" } : {}),
    ...(speaks(network, "v4") ? { [`net/ipv4/conf/${name}/arp_notify`]: "1" } : {}),
  };
}

function conf6(link: string, name: string): string {
  return `net/ipv6/conf/${link}/${name}`;
}
