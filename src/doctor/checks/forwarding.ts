// Whether this node forwards packets of its pods, and still hears routers while it does.
import { type Family, familyName } from "../../ip/address.ts";
import { acceptRaOf, findListeners, listenerFaults, mustBeRaised } from "../../node/router-advertisements.ts";
import type { Facts } from "../facts.ts";
import { type Check, command, type Finding, problem, type Remedy, sysctl, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { linkName, nodeOf, sysctlsOf, valueOf } from "../view.ts";
import { findingsOf } from "./faults.ts";

const ipv6Off: Check = {
  id: "ipv6-off",
  why: "without IPv6 on its links a node has no routers, no neighbors and no pods of IPv6",
  look(facts) {
    const { families, uplinks } = nodeOf(facts);
    if (!families.includes("v6")) return [];
    const found = findingsOf(uplinks.faults, ["ipv6-disabled", "ipv6-absent"]);
    // Links that are made for pods take what `default` has, and `all` is what somebody switched off everywhere.
    const everywhere = ["all", "default"].map((link) => `net/ipv6/conf/${link}/disable_ipv6`);
    const off = everywhere.filter((name) => valueOf(facts, name) === "1");
    return [...found, ...off.map((name) => problem(`${name} is 1: IPv6 is switched off`, sysctl(name, 0)))];
  },
};

const forwarding: Check = {
  id: "forwarding",
  why: "a node that does not forward drops every packet from and to its pods but its own",
  look(facts) {
    const { families, uplinks } = nodeOf(facts);
    const names = uplinks.links.map(({ name }) => name);
    return families.flatMap((family) => notForwarding(facts, family, names));
  },
};

function notForwarding(facts: Facts, family: Family, uplinks: readonly string[]): Finding[] {
  const kind = familyName(family);
  const nameOf = (link: string) => `net/${kind.toLowerCase()}/conf/${link}/forwarding`;
  // First what keeps the advertised default route, which forwarding would take away.
  const first = family === "v6" ? raises(facts) : [];
  // Whoever switches `all` on switches every link on.
  if (valueOf(facts, nameOf("all")) === "0") {
    return [problem(`${nameOf("all")} is 0: ${kind} is not forwarded`, ...first, sysctl(nameOf("all"), 1))];
  }
  const off = uplinks.filter((link) => valueOf(facts, nameOf(link)) === "0");
  return off.map((link) =>
    problem(`${nameOf(link)} is 0: ${kind} that comes by ${link} is not forwarded`, ...first, sysctl(nameOf(link), 1)),
  );
}

const routerAdvertisements: Check = {
  id: "router-advertisements",
  why: "a forwarding kernel hears router advertisements only where accept_ra is 2: elsewhere the default route and addresses end",
  look(facts) {
    const { families } = nodeOf(facts);
    if (!families.includes("v6")) return [];
    const others = findingsOf(listenersOf(facts).flatMap(listenerFaults), ["advertisements-elsewhere"]);
    if (valueOf(facts, "net/ipv6/conf/all/forwarding") === "0") return others;
    const deaf = listenersOf(facts).filter(mustBeRaised);
    return [...deaf.map(({ link, acceptRa }) => deafFinding(link, acceptRa)), ...others];
  },
};

function deafFinding(link: string, acceptRa: string): Finding {
  const seen = `${acceptRaOf(link)} is ${acceptRa} while the node forwards: what routers advertise on ${link} is not heard`;
  return problem(seen, sysctl(acceptRaOf(link), 2));
}

function raises(facts: Facts): Remedy[] {
  return listenersOf(facts)
    .filter(mustBeRaised)
    .map(({ link }) => sysctl(acceptRaOf(link), 2));
}

/** Of one look: what was heard or raised before is not known. */
function listenersOf(facts: Facts) {
  const earlier = { record: { find: () => undefined }, heard: new Set<string>() };
  return findListeners(known(facts.host), nodeOf(facts).uplinks, { sysctl: sysctlsOf(facts), ...earlier });
}

const reversePath: Check = {
  id: "reverse-path",
  why: "strict reverse path filtering drops IPv4 that comes by another link than the answer leaves by, as tunnels and second uplinks make it",
  look(facts) {
    const { families, uplinks } = nodeOf(facts);
    const tunnels = Object.values(known(facts.tunnels)).map((index) => linkName(facts, index));
    const links = uplinks.links.map(({ name }) => name);
    if (!families.includes("v4") || links.length + tunnels.length < 2) return [];
    const nameOf = (link: string) => `net/ipv4/conf/${link}/rp_filter`;
    // The greater of the two holds.
    const value = (link: string) => Math.max(...["all", link].map((each) => Number(valueOf(facts, nameOf(each)) ?? 0)));
    const strict = [...links, ...tunnels].filter((link) => value(link) === 1);
    return strict.map((link) => problem(`rp_filter is 1 (strict) on ${link}`, sysctl(nameOf(link), 2)));
  },
};

const sysctlsWritable: Check = {
  id: "sysctls-writable",
  why: "the agent and the executable set sysctls of the node and of pods' links",
  look(facts) {
    if (known(facts.sysctlsWritable)) return [];
    const fix = "mount -o remount,rw /proc/sys";
    return [problem("/proc/sys/net is mounted read-only", command(fix))];
  },
};

const advertisedMtu: Check = {
  id: "advertised-mtu",
  why: "a router may advertise a smaller MTU than the link has; IPv6 then sends less than IPv4 and than pods do",
  look(facts) {
    return nodeOf(facts).uplinks.links.flatMap(({ name, index }) => {
      const advertised = Number(valueOf(facts, `net/ipv6/conf/${name}/mtu`) ?? Number.POSITIVE_INFINITY);
      const link = known(facts.host).links.find((each) => each.index === index)?.mtu ?? 0;
      if (advertised >= link) return [];
      const seen = `IPv6 uses an MTU of ${advertised} on ${name}, which has ${link}: a router advertised it, or somebody set it`;
      return [warning(seen, command(`ip link set ${name} mtu ${advertised}`))];
    });
  },
};

export const forwardingChecks: readonly Check[] = [
  ipv6Off,
  forwarding,
  routerAdvertisements,
  reversePath,
  sysctlsWritable,
  advertisedMtu,
];
