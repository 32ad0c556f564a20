import { describe, expect, test } from "vitest";
import { type Family, families } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import type { Chain, PortRange, Rule, Ruleset } from "../ruleset.ts";
import { sampleRuleset, withForward } from "../sample-ruleset.ts";
import { printIpSets } from "./ipset.ts";
import { iptablesRulesOf, printIptables } from "./iptables.ts";

function printed(ruleset: Ruleset, family: Family): { readonly rules: string; readonly sets: string } {
  const rules = iptablesRulesOf(ruleset)[family];
  return {
    rules: rules === undefined ? "" : printIptables(rules),
    sets: rules === undefined ? "" : printIpSets(rules.sets),
  };
}

/** What a rule of the chain on `forward` becomes. */
function forwardRules(family: Family, rule: Rule): string[] {
  const start = "-A HEXTET-FORWARD ";
  const lines = printed(withForward(family, [rule]), family).rules.split("\n");
  return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}

const tcpPorts = (ports: readonly PortRange[]) =>
  ({ kind: "ports", protocol: "tcp", end: "destination", ports }) as const;
const accept = { kind: "accept" } as const;

describe("printIptables()", () => {
  test("IPv6-only", () => {
    expect(printed(sampleRuleset(["v6"]), "v6").rules).toMatchInlineSnapshot(`
      "*raw
      :HEXTET-INGRESS - [0:0]
      -A HEXTET-INGRESS -m devgroup --src-group 0x68780000/0xffff0000 -m rpfilter --invert -m comment --comment hextet-spoofed -j DROP
      -I PREROUTING 1 -j HEXTET-INGRESS
      COMMIT
      *filter
      :HEXTET-INPUT - [0:0]
      :HEXTET-FORWARD - [0:0]
      :HEXTET-INGRESS.D - [0:0]
      :HEXTET-I-NONE - [0:0]
      :HEXTET-I-WEB - [0:0]
      -A HEXTET-INPUT -p sctp -m devgroup --src-group 0x68780000/0xffff0000 -j DROP
      -A HEXTET-FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 1 -j ACCEPT
      -A HEXTET-FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT
      -A HEXTET-FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 3 -j ACCEPT
      -A HEXTET-FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 4 -j ACCEPT
      -A HEXTET-FORWARD -p tcp -m conntrack --ctstate NEW -m tcp ! --syn -j DROP
      -A HEXTET-FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
      -A HEXTET-FORWARD -m bpf --bytecode "18,32 0 0 8,7 0 0 0,32 0 0 24,29 0 13 0,32 0 0 12,7 0 0 0,32 0 0 28,29 0 9 0,32 0 0 16,7 0 0 0,32 0 0 32,29 0 5 0,32 0 0 20,7 0 0 0,32 0 0 36,29 0 1 0,6 0 0 65535,6 0 0 0" -m set --match-set hextet-self-s6 src -j ACCEPT
      -A HEXTET-FORWARD -j HEXTET-INGRESS.D
      -A HEXTET-FORWARD -m devgroup --dst-group 0x68780001/0xffffffff -m set ! --match-set hextet-known-a6 dst -j DROP
      -A HEXTET-FORWARD ! -i eth+ -m conntrack --ctstate DNAT
      -A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-none-c6 dst -g HEXTET-I-NONE
      -A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-web-c6 dst -g HEXTET-I-WEB
      -A HEXTET-I-NONE -m comment --comment hextet-denied -j DROP
      -A HEXTET-I-WEB -p tcp -m set --match-set hextet-p-peers-a6 src -m multiport --dports 80,443,8000:8100 -j RETURN
      -A HEXTET-I-WEB -m set --match-set hextet-b-blocks-p6 src -m set --match-set hextet-n-named-e6 dst,dst -j RETURN
      -A HEXTET-I-WEB -m comment --comment hextet-denied
      -A HEXTET-I-WEB -m limit --limit 10/second --limit-burst 10 -j NFLOG --nflog-group 100 --nflog-prefix "hextet denied: " --nflog-size 128
      -A HEXTET-I-WEB -j DROP
      -I FORWARD 1 -j HEXTET-FORWARD
      -I INPUT 1 -j HEXTET-INPUT
      COMMIT
      *nat
      :HEXTET-POSTROUTING - [0:0]
      :HEXTET-OUTGOING - [0:0]
      :HEXTET-PREROUTING - [0:0]
      -A HEXTET-POSTROUTING -s 2001:db8:9::/48 -j NETMAP --to 2001:db8:8::/48
      -A HEXTET-POSTROUTING -s 2001:db8:9::/48 -m iprange ! --src-range 2001:db8:8::-2001:db8:8:ffff:ffff:ffff:ffff:ffff -m comment --comment hextet-masqueraded -j MASQUERADE --random-fully
      -A HEXTET-PREROUTING -p tcp -m addrtype --dst-type LOCAL -m multiport --dports 8080 -j DNAT --to-destination [fd00::2]:80
      -A HEXTET-PREROUTING -d 2001:db8::a/128 -j DNAT --to-destination fd00::2
      -I PREROUTING 1 -j HEXTET-PREROUTING
      -I OUTPUT 1 -j HEXTET-OUTGOING
      -I POSTROUTING 1 -j HEXTET-POSTROUTING
      COMMIT
      "
    `);
  });

  test("IPv4-only", () => {
    expect(printed(sampleRuleset(["v4"]), "v4").rules).toMatchInlineSnapshot(`
      "*raw
      :HEXTET-INGRESS - [0:0]
      -A HEXTET-INGRESS -m devgroup --src-group 0x68780000/0xffff0000 -m rpfilter --invert -m comment --comment hextet-spoofed -j DROP
      -I PREROUTING 1 -j HEXTET-INGRESS
      COMMIT
      *filter
      :HEXTET-INPUT - [0:0]
      :HEXTET-FORWARD - [0:0]
      :HEXTET-INGRESS.D - [0:0]
      :HEXTET-I-NONE - [0:0]
      :HEXTET-I-WEB - [0:0]
      -A HEXTET-INPUT -p sctp -m devgroup --src-group 0x68780000/0xffff0000 -j DROP
      -A HEXTET-FORWARD -p icmp -m icmp --icmp-type 3 -j ACCEPT
      -A HEXTET-FORWARD -p icmp -m icmp --icmp-type 11 -j ACCEPT
      -A HEXTET-FORWARD -p icmp -m icmp --icmp-type 12 -j ACCEPT
      -A HEXTET-FORWARD -p tcp -m conntrack --ctstate NEW -m tcp ! --syn -j DROP
      -A HEXTET-FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
      -A HEXTET-FORWARD -m bpf --bytecode "6,32 0 0 12,7 0 0 0,32 0 0 16,29 0 1 0,6 0 0 65535,6 0 0 0" -m set --match-set hextet-self-s4 src -j ACCEPT
      -A HEXTET-FORWARD -j HEXTET-INGRESS.D
      -A HEXTET-FORWARD -m devgroup --dst-group 0x68780001/0xffffffff -m set ! --match-set hextet-known-a4 dst -j DROP
      -A HEXTET-FORWARD ! -i eth+ -m conntrack --ctstate DNAT
      -A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-none-c4 dst -g HEXTET-I-NONE
      -A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-web-c4 dst -g HEXTET-I-WEB
      -A HEXTET-I-NONE -m comment --comment hextet-denied -j DROP
      -A HEXTET-I-WEB -p tcp -m set --match-set hextet-p-peers-a4 src -m multiport --dports 80,443,8000:8100 -j RETURN
      -A HEXTET-I-WEB -m set --match-set hextet-b-blocks-p4 src -m set --match-set hextet-n-named-e4 dst,dst -j RETURN
      -A HEXTET-I-WEB -m comment --comment hextet-denied
      -A HEXTET-I-WEB -m limit --limit 10/second --limit-burst 10 -j NFLOG --nflog-group 100 --nflog-prefix "hextet denied: " --nflog-size 128
      -A HEXTET-I-WEB -j DROP
      -I FORWARD 1 -j HEXTET-FORWARD
      -I INPUT 1 -j HEXTET-INPUT
      COMMIT
      *nat
      :HEXTET-POSTROUTING - [0:0]
      :HEXTET-OUTGOING - [0:0]
      :HEXTET-PREROUTING - [0:0]
      -A HEXTET-POSTROUTING -s 10.9.0.0/16 -j NETMAP --to 10.8.0.0/16
      -A HEXTET-POSTROUTING -s 10.9.0.0/16 -m iprange ! --src-range 10.8.0.0-10.8.255.255 -m comment --comment hextet-masqueraded -j MASQUERADE --random-fully
      -A HEXTET-PREROUTING -p tcp -m addrtype --dst-type LOCAL -m multiport --dports 8080 -j DNAT --to-destination 10.1.0.2:80
      -A HEXTET-PREROUTING -d 192.0.2.10/32 -j DNAT --to-destination 10.1.0.2
      -I PREROUTING 1 -j HEXTET-PREROUTING
      -I OUTPUT 1 -j HEXTET-OUTGOING
      -I POSTROUTING 1 -j HEXTET-POSTROUTING
      COMMIT
      "
    `);
  });

  test.for<[name: string, wanted: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v4", "v6"]],
  ])("%s: each family has its own rules and sets, whatever the other has", ([, wanted]) => {
    for (const family of families) {
      const alone = printed(sampleRuleset([family]), family);
      const nothing = { rules: "", sets: "" };
      expect(printed(sampleRuleset(wanted), family)).toEqual(wanted.includes(family) ? alone : nothing);
    }
  });

  test("fifteen ports fit a line, and a range takes the room of two", () => {
    const single = Array.from({ length: 14 }, (_, at) => ({ first: 2 * at + 1, last: 2 * at + 1 }));
    const ports = tcpPorts([...single, { first: 100, last: 200 }]);
    expect(forwardRules("v6", { when: [ports], then: accept })).toEqual([
      "-p tcp -m multiport --dports 1,3,5,7,9,11,13,15,17,19,21,23,25,27 -j ACCEPT",
      "-p tcp -m multiport --dports 100:200 -j ACCEPT",
    ]);
  });

  test("every second port of 65,536 takes 2185 lines, all of them one", () => {
    const half = Array.from({ length: 32_768 }, (_, at) => ({ first: 2 * at, last: 2 * at }));
    expect(forwardRules("v4", { when: [tcpPorts(half)], then: accept })).toHaveLength(2185);
    const all = Array.from({ length: 65_536 }, (_, at) => ({ first: at, last: at }));
    expect(forwardRules("v4", { when: [tcpPorts(all)], then: accept })).toEqual([
      "-p tcp -m multiport --dports 0:65535 -j ACCEPT",
    ]);
  });

  test("what takes several lines twice takes all their combinations", () => {
    const icmp = { kind: "icmp", types: [1, 2] } as const;
    expect(forwardRules("v6", { when: [icmp, { kind: "link", link: "out", name: "hx*" }], then: accept })).toEqual([
      "-p ipv6-icmp -m icmp6 --icmpv6-type 1 -o hx+ -j ACCEPT",
      "-p ipv6-icmp -m icmp6 --icmpv6-type 2 -o hx+ -j ACCEPT",
    ]);
  });

  test.for<[family: Family, everything: string]>([
    ["v4", "0.0.0.0/0"],
    ["v6", "::/0"],
  ])("%s: the prefix of everything is no condition, and a rule for all but it is none", ([family, everything]) => {
    const match = { kind: "prefix", end: "source", prefix: Prefix.parse(everything) } as const;
    expect(forwardRules(family, { when: [match], then: accept })).toEqual(["-j ACCEPT"]);
    expect(forwardRules(family, { when: [{ ...match, not: true }], then: accept })).toEqual([]);
  });
});

describe.for([["v6"], ["v4"], ["v6", "v4"]] satisfies Family[][])("%s: a chain that was printed before", (wanted) => {
  const chain: Chain = {
    hook: "forward",
    rules: [{ when: [{ kind: "set", set: "peers", end: "source" }], then: accept }],
  };
  const rulesetOf = (name: string, kind: "addresses" | "prefixes"): Ruleset => {
    const rules = {
      chains: new Map([["forward", chain]]),
      sets: new Map([["peers", { kind, elements: new Set<string>() }]]),
    };
    return { name, families: Object.fromEntries(wanted.map((family) => [family, rules])) };
  };
  const linesOf = (name: string, kind: "addresses" | "prefixes") =>
    wanted.map((family) =>
      iptablesRulesOf(rulesetOf(name, kind))[family]?.tables.filter.chains.get(`${name.toUpperCase()}-FORWARD`),
    );
  const asking = (prefix: string) =>
    wanted.map((family) => [`-m set --match-set ${prefix}${family === "v6" ? 6 : 4} src -j ACCEPT`]);

  test("is not printed again", () => {
    const before = linesOf("hextet", "addresses");
    for (const [at, lines] of linesOf("hextet", "addresses").entries()) expect(lines).toBe(before[at]);
  });

  test("names a set of its own ruleset, and for what the set holds now", () => {
    expect(linesOf("hextet", "addresses")).toEqual(asking("hextet-peers-a"));
    expect(linesOf("hextet", "prefixes")).toEqual(asking("hextet-peers-p"));
    expect(linesOf("hxp", "prefixes")).toEqual(asking("hxp-peers-p"));
    expect(linesOf("hextet", "addresses")).toEqual(asking("hextet-peers-a"));
  });
});

describe("printIpSets()", () => {
  test("IPv6-only", () => {
    expect(printed(sampleRuleset(["v6"]), "v6").sets).toMatchInlineSnapshot(`
      "create hextet-known-a6 hash:ip family inet6 hashsize 64 maxelem 4194304
      add hextet-known-a6 fd00::2
      add hextet-known-a6 fd00::3
      create hextet-p-peers-a6 hash:ip family inet6 hashsize 64 maxelem 4194304
      add hextet-p-peers-a6 fd00::3
      create hextet-b-blocks-p6 hash:net family inet6 hashsize 64 maxelem 4194304
      add hextet-b-blocks-p6 2001:db8:9::/48
      add hextet-b-blocks-p6 2001:db8:8::/48
      create hextet-n-named-e6 hash:ip,port family inet6 hashsize 64 maxelem 4194304
      add hextet-n-named-e6 fd00::2,tcp:80
      add hextet-n-named-e6 fd00::2,udp:53
      create hextet-self-s6 hash:ip family inet6 hashsize 64 maxelem 4194304
      add hextet-self-s6 fd00::2
      add hextet-self-s6 fd00::3
      create hextet-ingress.i-web-c6 hash:ip family inet6 hashsize 64 maxelem 4194304
      add hextet-ingress.i-web-c6 fd00::2
      create hextet-ingress.i-none-c6 hash:ip family inet6 hashsize 64 maxelem 4194304
      add hextet-ingress.i-none-c6 fd00::3
      "
    `);
  });

  test("IPv4-only", () => {
    expect(printed(sampleRuleset(["v4"]), "v4").sets).toMatchInlineSnapshot(`
      "create hextet-known-a4 hash:ip family inet hashsize 64 maxelem 4194304
      add hextet-known-a4 10.1.0.2
      add hextet-known-a4 10.1.0.3
      create hextet-p-peers-a4 hash:ip family inet hashsize 64 maxelem 4194304
      add hextet-p-peers-a4 10.1.0.3
      create hextet-b-blocks-p4 hash:net family inet hashsize 64 maxelem 4194304
      add hextet-b-blocks-p4 10.9.0.0/16
      add hextet-b-blocks-p4 10.8.0.0/16
      create hextet-n-named-e4 hash:ip,port family inet hashsize 64 maxelem 4194304
      add hextet-n-named-e4 10.1.0.2,tcp:80
      add hextet-n-named-e4 10.1.0.2,udp:53
      create hextet-self-s4 hash:ip family inet hashsize 64 maxelem 4194304
      add hextet-self-s4 10.1.0.2
      add hextet-self-s4 10.1.0.3
      create hextet-ingress.i-web-c4 hash:ip family inet hashsize 64 maxelem 4194304
      add hextet-ingress.i-web-c4 10.1.0.2
      create hextet-ingress.i-none-c4 hash:ip family inet hashsize 64 maxelem 4194304
      add hextet-ingress.i-none-c4 10.1.0.3
      "
    `);
  });

  test.for<[family: Family, everything: string, halves: string[]]>([
    ["v4", "0.0.0.0/0", ["0.0.0.0/1", "128.0.0.0/1"]],
    ["v6", "::/0", ["::/1", "8000::/1"]],
  ])("%s: the prefix of everything is two halves, which ipset takes", ([family, everything, halves]) => {
    const ruleset = withForward(family, [], new Map([["b", { kind: "prefixes", elements: new Set([everything]) }]]));
    const name = `hextet-b-p${family === "v4" ? 4 : 6}`;
    expect(printed(ruleset, family).sets.split("\n").slice(1, 3)).toEqual(halves.map((half) => `add ${name} ${half}`));
  });

  test("names have at most 31 characters, also of the set for one chain of many", () => {
    const chain = "e-0123456789abcd";
    const rules = { rules: [] };
    const set = { kind: "chains", elements: new Map([["fd00::1", chain]]) } as const;
    const sets = new Map([["egress-012345678", set]]);
    const ruleset = { name: "nine-char", families: { v6: { chains: new Map([[chain, rules]]), sets } } };
    const [create = ""] = printed(ruleset, "v6").sets.split("\n");
    expect(create.split(" ")[1]).toMatch(/^nine_char-\.[0-9a-f]{16}-c6$/);
  });
});
