import { describe, expect, test } from "vitest";
import { printNft } from "../firewall/nftables/nftables.ts";
import { Address } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import type { HostPort } from "../ipam/host-port.ts";
import { hostPortRuleset, hostPortRulesetName, usesLoopback } from "./host-port-rules.ts";

function port(target: string, hostAddress?: string, more: Partial<HostPort> = {}): HostPort {
  const on = hostAddress === undefined ? {} : { hostAddress: Address.parse(hostAddress) };
  return { protocol: "tcp", port: 8080, ...on, target: InterfaceAddress.parse(target), targetPort: 80, ...more };
}

function printed(...ports: readonly HostPort[]): readonly string[] {
  const text = printNft(hostPortRuleset("hextet-hp", ports));
  return text.split("\n").filter((line) => line.startsWith("add rule"));
}

describe("the rules", () => {
  test("for a routed pod of both families, one port of each protocol, all of the node and one of it", () => {
    expect(
      printed(
        port("10.1.0.2/32"),
        port("10.1.0.2/32", "192.0.2.1", { protocol: "udp" }),
        port("fd00::2/128"),
        port("fd00::2/128", undefined, { protocol: "sctp", port: 5000, targetPort: 5000 }),
      ),
    ).toMatchInlineSnapshot(`
      [
        "add rule ip6 hextet-hp hextet-hp-ports ip6 daddr ::1/128 return",
        "add rule ip6 hextet-hp hextet-hp-ports ip6 daddr fe80::/10 return",
        "add rule ip6 hextet-hp hextet-hp-ports fib daddr type local tcp dport { 8080 } dnat to [fd00::2]:80",
        "add rule ip6 hextet-hp hextet-hp-ports fib daddr type local sctp dport { 5000 } dnat to [fd00::2]:5000",
        "add rule ip6 hextet-hp hextet-hp-prerouting jump hextet-hp-ports",
        "add rule ip6 hextet-hp hextet-hp-outgoing jump hextet-hp-ports",
        "add rule ip6 hextet-hp hextet-hp-postrouting ip6 saddr fd00::2/128 ip6 daddr fd00::2/128 ct status dnat masquerade fully-random",
        "add rule ip hextet-hp hextet-hp-guard ip daddr 127.0.0.0/8 meta iifname != "lo" drop",
        "add rule ip hextet-hp hextet-hp-ports fib daddr type local tcp dport { 8080 } dnat to 10.1.0.2:80",
        "add rule ip hextet-hp hextet-hp-ports ip daddr 192.0.2.1/32 udp dport { 8080 } dnat to 10.1.0.2:80",
        "add rule ip hextet-hp hextet-hp-prerouting jump hextet-hp-ports",
        "add rule ip hextet-hp hextet-hp-outgoing jump hextet-hp-ports",
        "add rule ip hextet-hp hextet-hp-postrouting ip saddr 10.1.0.2/32 ip daddr 10.1.0.2/32 ct status dnat masquerade fully-random",
        "add rule ip hextet-hp hextet-hp-postrouting ip saddr 127.0.0.0/8 ip daddr 10.1.0.2/32 ct status dnat masquerade fully-random",
      ]
    `);
  });

  test("for a pod on a bridge put the node's address in place of those of the same link", () => {
    expect(printed(port("fd00::2/64")).filter((rule) => rule.includes("masquerade"))).toMatchInlineSnapshot(`
      [
        "add rule ip6 hextet-hp hextet-hp-postrouting ip6 saddr fd00::/64 ip6 daddr fd00::2/128 ct status dnat masquerade fully-random",
      ]
    `);
  });

  test("keep pods from 127.0.0.0/8 also where there are no ports", () => {
    expect(printed()).toMatchInlineSnapshot(`
      [
        "add rule ip hextet-hp hextet-hp-guard ip daddr 127.0.0.0/8 meta iifname != "lo" drop",
      ]
    `);
  });
});

test.for<[string, string | undefined, boolean]>([
  ["10.1.0.2/32", undefined, true],
  ["10.1.0.2/32", "127.0.0.1", true],
  ["10.1.0.2/32", "192.0.2.1", false],
  ["fd00::2/128", undefined, false],
])("a port to %s on %s needs 127.0.0.0/8 to be routed: %s", ([target, hostAddress, needs]) => {
  expect(usesLoopback(port(target, hostAddress))).toBe(needs);
});

test("each lease database has a ruleset of its own", () => {
  expect(hostPortRulesetName("/var/lib/hextet")).toBe("hextet-hp");
  const others = ["/srv/one", "/srv/two"].map(hostPortRulesetName);
  expect(new Set(others).size).toBe(2);
  for (const name of others) expect(name).toMatch(/^hxp-[a-z]{5}$/);
});
