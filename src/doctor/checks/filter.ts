// Whether the packet filter lets pods' packets pass and keeps out what policies deny, beside whatever else is in it.
import { chooseBackend } from "../../firewall/detection.ts";
import { FirewallError } from "../../firewall/firewall-error.ts";
import { bridgeAlias } from "../../pod/alias.ts";
import { type Check, command, type Finding, problem, sysctl, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { valueOf, viewOf } from "../view.ts";
import { restartAgent } from "./runtime.ts";

const variants = ["nft", "legacy"] as const;

const filterPrograms: Check = {
  id: "filter-programs",
  why: "masquerading, anti-spoofing and policies need nft, or iptables and ipset",
  look(facts) {
    const { backend } = known(facts.config).firewall;
    if (backend === "none") return [];
    try {
      const { caution } = chooseBackend(backend, known(facts.firewall).backends);
      return caution === undefined ? [] : [warning(caution)];
    } catch (error) {
      if (!(error instanceof FirewallError)) throw error;
      const packages = [...error.message.matchAll(/Debian package (\w+)/g)].map(([, name]) => name);
      return [problem(error.message, ...packages.map((name) => command(`apt-get install ${name}`)))];
    }
  },
};

const acceptInDocker = ["iptables", "ip6tables"].flatMap((program) =>
  ["src", "dst"].map((end) =>
    command(`${program} -I DOCKER-USER -m devgroup --${end}-group 0x68780000/0xffff0000 -j ACCEPT`),
  ),
);

const forwardDrop: Check = {
  id: "forward-drop",
  why: "an accept of one packet filter is not heard by another that drops: pods' packets end there",
  look(facts) {
    if (known(facts.config).firewall.backend === "none") return [];
    const { backends, own, dropping } = known(facts.firewall);
    const closed = variants.flatMap((variant): Finding[] => {
      const why = backends.variants[variant].dropsForwarded;
      if (why === undefined || own.has(`iptables-${variant}`)) return [];
      const seen = `${why} (${variant}), and Hextet's rules are not there to make an exception`;
      const fixes = why.startsWith("Docker")
        ? acceptInDocker
        : [command(`iptables-${variant} -P FORWARD ACCEPT; ip6tables-${variant} -P FORWARD ACCEPT`)];
      return [
        problem(seen, command("set firewall.backend: iptables in agent.yaml and restart the agent, or:"), ...fixes),
      ];
    });
    return [...closed, ...dropping.map(droppingChain)];
  },
};

function droppingChain(chain: string): Finding {
  const seen = `The chain ${chain} drops forwarded packets that it does not know`;
  if (chain.includes("firewalld")) {
    return problem(
      seen,
      command("firewall-cmd --permanent --zone=trusted --add-interface=hx+ && firewall-cmd --reload"),
    );
  }
  const table = chain.split(" ").slice(0, -1).join(" ");
  const name = chain.split(" ").at(-1) ?? "";
  const accept = (side: string) => command(`nft insert rule ${table} ${name} meta ${side}name "hx*" accept`);
  return problem(seen, accept("iif"), accept("oif"));
}

const filterRules: Check = {
  id: "filter-rules",
  why: "without them pods can take each other's addresses, private ones leave untranslated, and no policy holds",
  look(facts) {
    const isWanted = known(facts.config).firewall.backend !== "none";
    if (!isWanted || known(facts.firewall).own.size > 0) return [];
    return [problem("None of Hextet's rules are in the packet filter", restartAgent)];
  },
};

const policies: Check = {
  id: "policies",
  why: "a policy that is written and not enforced is worse than none: people rely on it",
  look(facts) {
    const count = viewOf(facts).policies?.policies.size ?? 0;
    if (count === 0) return [];
    const { policies: enforced, backend } = known(facts.config).firewall;
    if (!enforced || backend === "none") {
      const fix = command(
        "set firewall.policies: true and firewall.backend: auto in agent.yaml, and restart the agent",
      );
      return [warning(`There are ${count} policies, and the configuration has the agent enforce none`, fix)];
    }
    const { bootId } = known(facts.machine);
    const boot = known(facts.guardedBoot);
    if (boot === bootId && known(facts.firewall).own.size > 0) return [];
    const why = boot === bootId ? "its rules are gone" : "no agent has put them in force since the host was started";
    return [problem(`There are ${count} policies, and ${why}`, restartAgent)];
  },
};

const conntrack: Check = {
  id: "conntrack",
  why: "a full connection tracking table drops the first packet of every new connection",
  look(facts) {
    const count = Number(valueOf(facts, "net/netfilter/nf_conntrack_count") ?? 0);
    const max = Number(valueOf(facts, "net/netfilter/nf_conntrack_max") ?? 0);
    // 0 is no limit.
    if (max === 0 || count * 4 < max * 3) return [];
    const seen = `${count} of ${max} connections are tracked`;
    const fix = sysctl("net/netfilter/nf_conntrack_max", max * 4);
    return [count * 10 >= max * 9 ? problem(seen, fix) : warning(seen, fix)];
  },
};

const bridgeNetfilter: Check = {
  id: "bridge-netfilter",
  why: "br_netfilter decides whether the filter sees packets between pods of one bridge: drops hit them, and Services need it",
  look(facts) {
    if (!known(facts.host).links.some(({ alias }) => alias === bridgeAlias)) return [];
    const { backends, own } = known(facts.firewall);
    const closed = variants.some(
      (variant) => backends.variants[variant].dropsForwarded !== undefined && !own.has(`iptables-${variant}`),
    );
    return ["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"].flatMap((name) => {
      const value = valueOf(facts, name);
      if (value === "1" && closed)
        return [
          problem(`${name} is 1, and FORWARD drops: pods of one bridge do not reach each other`, sysctl(name, 0)),
        ];
      if (value !== "1" && known(facts.config).cluster.source === "kubernetes") {
        return [
          warning(
            `${name} is ${value ?? "absent"}: Services do not work between pods of one bridge`,
            command("modprobe br_netfilter"),
            ...(value === undefined ? [] : [sysctl(name, 1)]),
          ),
        ];
      }
      return [];
    });
  },
};

export const filterChecks: readonly Check[] = [
  filterPrograms,
  filterRules,
  forwardDrop,
  policies,
  conntrack,
  bridgeNetfilter,
];
