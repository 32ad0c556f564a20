import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import type { Chain, Content, Rule } from "../ruleset.ts";
import { sampleRuleset, withForward } from "../sample-ruleset.ts";
import { printNft } from "./nftables.ts";

const printed = (...families: Family[]) => printNft(sampleRuleset(families));
const commandsOn = (table: string, text: string) =>
  text.split("\n").filter((line) => line.includes(` ${table} hextet`));

/** What a rule of the chain on `forward` becomes; nothing where it is left out. */
function forwardRule(family: Family, rule: Rule): string | undefined {
  const line = printNft(withForward(family, [rule]))
    .split("\n")
    .find((each) => each.startsWith("add rule"));
  return line?.split(" hextet-forward ")[1];
}

describe("printNft()", () => {
  test("IPv6-only", () => {
    expect(printed("v6")).toMatchInlineSnapshot(`
      "add table ip6 hextet
      delete table ip6 hextet
      add table ip6 hextet
      add counter ip6 hextet hextet-spoofed
      add counter ip6 hextet hextet-masqueraded
      add counter ip6 hextet hextet-denied
      add set ip6 hextet hextet-known { type ipv6_addr; }
      add set ip6 hextet hextet-p-peers { type ipv6_addr; }
      add set ip6 hextet hextet-b-blocks { type ipv6_addr; flags interval; }
      add set ip6 hextet hextet-n-named { type ipv6_addr . inet_proto . inet_service; }
      add set ip6 hextet hextet-self { type ipv6_addr . ipv6_addr; }
      add map ip6 hextet hextet-ingress { type ipv6_addr : verdict; }
      add chain ip6 hextet hextet-ingress { type filter hook prerouting priority -305; }
      add chain ip6 hextet hextet-forward { type filter hook forward priority -5; }
      add chain ip6 hextet hextet-input { type filter hook input priority -5; }
      add chain ip6 hextet hextet-prerouting { type nat hook prerouting priority -105; }
      add chain ip6 hextet hextet-outgoing { type nat hook output priority -105; }
      add chain ip6 hextet hextet-postrouting { type nat hook postrouting priority 95; }
      add chain ip6 hextet hextet-i-web
      add chain ip6 hextet hextet-i-none
      add element ip6 hextet hextet-known { fd00::2, fd00::3 }
      add element ip6 hextet hextet-p-peers { fd00::3 }
      add element ip6 hextet hextet-b-blocks { 2001:db8:9::/48, 2001:db8:8::/48 }
      add element ip6 hextet hextet-n-named { fd00::2 . tcp . 80, fd00::2 . udp . 53 }
      add element ip6 hextet hextet-self { fd00::2 . fd00::2, fd00::3 . fd00::3 }
      add element ip6 hextet hextet-ingress { fd00::2 : jump hextet-i-web, fd00::3 : jump hextet-i-none }
      add rule ip6 hextet hextet-ingress meta iifgroup & 0xffff0000 == 0x68780000 ip6 saddr != :: fib saddr . iif oif missing counter name hextet-spoofed drop
      add rule ip6 hextet hextet-forward icmpv6 type { 1, 2, 3, 4 } accept
      add rule ip6 hextet hextet-forward ct state { new } tcp flags & (fin | syn | rst | ack) != syn drop
      add rule ip6 hextet hextet-forward ct state { established, related } accept
      add rule ip6 hextet hextet-forward ip6 saddr . ip6 daddr @hextet-self accept
      add rule ip6 hextet hextet-forward ip6 daddr vmap @hextet-ingress
      add rule ip6 hextet hextet-forward meta oifgroup & 0xffffffff == 0x68780001 ip6 daddr != @hextet-known drop
      add rule ip6 hextet hextet-forward meta iifname != "eth*" ct status dnat
      add rule ip6 hextet hextet-input meta iifgroup & 0xffff0000 == 0x68780000 meta l4proto sctp drop
      add rule ip6 hextet hextet-prerouting fib daddr type local tcp dport { 8080 } dnat to [fd00::2]:80
      add rule ip6 hextet hextet-prerouting ip6 daddr 2001:db8::a/128 dnat to fd00::2
      add rule ip6 hextet hextet-postrouting snat ip6 prefix to ip6 saddr map { 2001:db8:9::/48 : 2001:db8:8::/48 }
      add rule ip6 hextet hextet-postrouting ip6 saddr 2001:db8:9::/48 ip6 saddr != 2001:db8:8::/48 counter name hextet-masqueraded masquerade fully-random
      add rule ip6 hextet hextet-i-web ip6 saddr @hextet-p-peers tcp dport { 80, 443, 8000-8100 } return
      add rule ip6 hextet hextet-i-web ip6 saddr @hextet-b-blocks ip6 daddr . meta l4proto . th dport @hextet-n-named return
      add rule ip6 hextet hextet-i-web counter name hextet-denied limit rate 10/second burst 10 packets log prefix "hextet denied: " group 100 snaplen 128
      add rule ip6 hextet hextet-i-web drop
      add rule ip6 hextet hextet-i-none counter name hextet-denied drop
      add table ip hextet
      delete table ip hextet
      "
    `);
  });

  test("IPv4-only", () => {
    expect(printed("v4")).toMatchInlineSnapshot(`
      "add table ip6 hextet
      delete table ip6 hextet
      add table ip hextet
      delete table ip hextet
      add table ip hextet
      add counter ip hextet hextet-spoofed
      add counter ip hextet hextet-masqueraded
      add counter ip hextet hextet-denied
      add set ip hextet hextet-known { type ipv4_addr; }
      add set ip hextet hextet-p-peers { type ipv4_addr; }
      add set ip hextet hextet-b-blocks { type ipv4_addr; flags interval; }
      add set ip hextet hextet-n-named { type ipv4_addr . inet_proto . inet_service; }
      add set ip hextet hextet-self { type ipv4_addr . ipv4_addr; }
      add map ip hextet hextet-ingress { type ipv4_addr : verdict; }
      add chain ip hextet hextet-ingress { type filter hook prerouting priority -305; }
      add chain ip hextet hextet-forward { type filter hook forward priority -5; }
      add chain ip hextet hextet-input { type filter hook input priority -5; }
      add chain ip hextet hextet-prerouting { type nat hook prerouting priority -105; }
      add chain ip hextet hextet-outgoing { type nat hook output priority -105; }
      add chain ip hextet hextet-postrouting { type nat hook postrouting priority 95; }
      add chain ip hextet hextet-i-web
      add chain ip hextet hextet-i-none
      add element ip hextet hextet-known { 10.1.0.2, 10.1.0.3 }
      add element ip hextet hextet-p-peers { 10.1.0.3 }
      add element ip hextet hextet-b-blocks { 10.9.0.0/16, 10.8.0.0/16 }
      add element ip hextet hextet-n-named { 10.1.0.2 . tcp . 80, 10.1.0.2 . udp . 53 }
      add element ip hextet hextet-self { 10.1.0.2 . 10.1.0.2, 10.1.0.3 . 10.1.0.3 }
      add element ip hextet hextet-ingress { 10.1.0.2 : jump hextet-i-web, 10.1.0.3 : jump hextet-i-none }
      add rule ip hextet hextet-ingress meta iifgroup & 0xffff0000 == 0x68780000 ip saddr != 0.0.0.0 fib saddr . iif oif missing counter name hextet-spoofed drop
      add rule ip hextet hextet-forward icmp type { 3, 11, 12 } accept
      add rule ip hextet hextet-forward ct state { new } tcp flags & (fin | syn | rst | ack) != syn drop
      add rule ip hextet hextet-forward ct state { established, related } accept
      add rule ip hextet hextet-forward ip saddr . ip daddr @hextet-self accept
      add rule ip hextet hextet-forward ip daddr vmap @hextet-ingress
      add rule ip hextet hextet-forward meta oifgroup & 0xffffffff == 0x68780001 ip daddr != @hextet-known drop
      add rule ip hextet hextet-forward meta iifname != "eth*" ct status dnat
      add rule ip hextet hextet-input meta iifgroup & 0xffff0000 == 0x68780000 meta l4proto sctp drop
      add rule ip hextet hextet-prerouting fib daddr type local tcp dport { 8080 } dnat to 10.1.0.2:80
      add rule ip hextet hextet-prerouting ip daddr 192.0.2.10/32 dnat to 10.1.0.2
      add rule ip hextet hextet-postrouting snat ip prefix to ip saddr map { 10.9.0.0/16 : 10.8.0.0/16 }
      add rule ip hextet hextet-postrouting ip saddr 10.9.0.0/16 ip saddr != 10.8.0.0/16 counter name hextet-masqueraded masquerade fully-random
      add rule ip hextet hextet-i-web ip saddr @hextet-p-peers tcp dport { 80, 443, 8000-8100 } return
      add rule ip hextet hextet-i-web ip saddr @hextet-b-blocks ip daddr . meta l4proto . th dport @hextet-n-named return
      add rule ip hextet hextet-i-web counter name hextet-denied limit rate 10/second burst 10 packets log prefix "hextet denied: " group 100 snaplen 128
      add rule ip hextet hextet-i-web drop
      add rule ip hextet hextet-i-none counter name hextet-denied drop
      "
    `);
  });

  test("dual-stack is both of these, side by side", () => {
    const both = printed("v4", "v6");
    expect(commandsOn("ip6", both)).toEqual(commandsOn("ip6", printed("v6")));
    expect(commandsOn("ip", both)).toEqual(commandsOn("ip", printed("v4")));
  });

  test.for<[name: string, families: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v6", "v4"]],
    ["no family", []],
  ])("%s: a table that is not wanted is taken away, if it is there", ([, families]) => {
    const lines = printed(...families).split("\n");
    expect(lines).toEqual(expect.arrayContaining(["delete table ip6 hextet", "delete table ip hextet"]));
    expect(lines.filter((line) => line === "add table ip6 hextet")).toHaveLength(families.includes("v6") ? 2 : 1);
    expect(lines.filter((line) => line === "add table ip hextet")).toHaveLength(families.includes("v4") ? 2 : 1);
  });

  test("ports are put in order and joined, for nft refuses what overlaps", () => {
    const ports = [
      { first: 90, last: 95 },
      { first: 80, last: 80 },
      { first: 81, last: 92 },
      { first: 7, last: 7 },
    ];
    const when = [{ kind: "ports", protocol: "sctp", end: "source", ports }] as const;
    expect(forwardRule("v6", { when, then: { kind: "accept" } })).toBe("sctp sport { 7, 80-95 } accept");
  });

  test.for<[family: Family, everything: string]>([
    ["v4", "0.0.0.0/0"],
    ["v6", "::/0"],
  ])("%s: the prefix of everything is no condition, and a rule for all but it is none", ([family, everything]) => {
    const match = { kind: "prefix", end: "source", prefix: Prefix.parse(everything) } as const;
    expect(forwardRule(family, { when: [match], then: { kind: "drop" } })).toBe("drop");
    expect(forwardRule(family, { when: [{ ...match, not: true }], then: { kind: "drop" } })).toBeUndefined();
  });

  test("a rule about two protocols at once is left out, because no packet fits", () => {
    const when = [{ kind: "protocol", protocol: "udp" }, { kind: "midstream" }] as const;
    expect(forwardRule("v6", { when, then: { kind: "drop" } })).toBeUndefined();
  });
});

test("printNft() gives one chain in two rulesets the names of each, and does so again", () => {
  const target = { rules: [] };
  const chain = { rules: [{ when: [], then: { kind: "jump", chain: "target" } }] } as const;
  const rules = {
    chains: new Map<string, Chain>([
      ["target", target],
      ["chain", chain],
    ]),
    sets: new Map<string, Content>(),
  };
  for (const name of ["one", "other", "one"]) {
    const lines = printNft({ name, families: { v6: rules, v4: rules } }).split("\n");
    expect(lines.filter((line) => line.startsWith("add rule")).toSorted()).toEqual([
      `add rule ip ${name} ${name}-chain jump ${name}-target`,
      `add rule ip6 ${name} ${name}-chain jump ${name}-target`,
    ]);
  }
});
