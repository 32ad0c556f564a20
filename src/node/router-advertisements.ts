// Which links must go on hearing router advertisements when the node forwards. A forwarding kernel hears them only where
// accept_ra is 2, and switching forwarding on removes what came from them elsewhere: the default route at once, addresses as
// they age. https://docs.kernel.org/networking/ip-sysctl.html (accept_ra, forwarding), net/ipv6/route.c
// (rt6_purge_dflt_routers)
import type { Sysctl } from "../kernel/kernel.ts";
import { isGone } from "../netlink/kernel-error.ts";
import type { Fault } from "./fault.ts";
import type { Host } from "./host.ts";
import type { SysctlRecord } from "./sysctl-record.ts";
import { defaultRoutes, type Uplinks } from "./uplink.ts";

/** A link and what matters for whether it listens. */
export interface Listener {
  readonly link: string;
  /** 0 never, 1 unless forwarding, 2 always. */
  readonly acceptRa: string;
  /** Its default route of IPv6, and whose doing that is. */
  readonly defaultRoute: "advertised" | "other" | "none";
  /** It has an address made of an advertised prefix. */
  readonly autoconfigured: boolean;
  /** We have made it listen before, in this boot. */
  readonly raised: boolean;
  /** An uplink of a node that has no default route of IPv6 at all: a router may yet appear there. */
  readonly expectsRouter: boolean;
  /** It had an advertised default route, and now this node has none of IPv6. */
  readonly lostRouter: boolean;
}

/** Links on which a default route was advertised since the process started. */
type HeardRouters = Set<string>;

export function acceptRaOf(link: string): string {
  return `net/ipv6/conf/${link}/accept_ra`;
}

/** Whether accept_ra must become 2; a link that nothing advertised was ever heard on stays as it is. */
export function mustBeRaised({ acceptRa, ...link }: Listener): boolean {
  const hears = link.defaultRoute === "advertised" || link.autoconfigured;
  const heard = link.raised && link.defaultRoute === "none";
  if (acceptRa === "1") return hears || heard || link.expectsRouter;
  // Who sets it to 0 listens by a program of his own, unless it was on before we came.
  return acceptRa === "0" && link.raised && (hears || heard);
}

/** A default route that has gone, or one from advertisements that the kernel does not hear itself. */
export function listenerFaults({ link, acceptRa, defaultRoute, raised, lostRouter }: Listener): Fault[] {
  if (lostRouter) return [lost(link)];
  if (acceptRa !== "0" || defaultRoute !== "advertised" || raised) return [];
  const message =
    `The default route of ${link} comes from router advertisements that another program hears, as accept_ra is 0; ` +
    "let that program go on hearing them while the node forwards (systemd-networkd: IPv6AcceptRA=yes), " +
    `or leave it to the kernel: sysctl -w ${acceptRaOf(link)}=2`;
  return [{ code: "advertisements-elsewhere", message }];
}

function lost(link: string): Fault {
  const message =
    `The default route of IPv6 that a router advertised on ${link} is lost, and there is no other; look whether the router still ` +
    `advertises one (rdisc6 ${link}), or add one by hand: ip -6 route add default via ROUTER dev ${link}`;
  return { code: "default-route-lost", message };
}

/** All links that have, had or may get something from router advertisements. */
export function findListeners(
  host: Host,
  uplinks: Uplinks,
  known: { readonly sysctl: Sysctl; readonly record: Pick<SysctlRecord, "find">; readonly heard: HeardRouters },
): Listener[] {
  const defaults = defaultRoutes(host).filter(({ family }) => family === "v6");
  const expecting = defaults.length === 0 ? uplinks.links.map(({ name }) => name) : [];
  return host.links.flatMap(({ index, name }) => {
    const route = defaults.find(({ link }) => link === index);
    if (route?.advertised) known.heard.add(name);
    const listener = {
      link: name,
      defaultRoute: route === undefined ? "none" : route.advertised ? "advertised" : "other",
      autoconfigured: isAutoconfigured(host, index),
      raised: known.record.find(acceptRaOf(name)) !== undefined,
      expectsRouter: expecting.includes(name),
      lostRouter: defaults.length === 0 && known.heard.has(name),
    } as const;
    const { autoconfigured, raised, expectsRouter, lostRouter } = listener;
    if (route === undefined && !autoconfigured && !raised && !expectsRouter && !lostRouter) return [];
    const acceptRa = readIfThere(known.sysctl, acceptRaOf(name));
    return acceptRa === undefined ? [] : [{ ...listener, acceptRa }];
  });
}

/** The kernel marks the addresses it makes of advertised prefixes as those that may have temporary ones made of them. */
function isAutoconfigured({ addresses }: Host, index: number): boolean {
  return addresses.some(({ link, managesTemporary, permanent }) => link === index && managesTemporary && !permanent);
}

/** Undefined where the link is gone, or the kernel lacks the family. */
export function readIfThere(sysctl: Sysctl, name: string): string | undefined {
  try {
    return sysctl.get(name);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
