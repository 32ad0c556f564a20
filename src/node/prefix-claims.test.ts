import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { harmOf } from "./fault.ts";
import { servedClaims } from "./prefix-claims.ts";
import { cluster } from "./sample-cluster.ts";
import type { Uplink } from "./uplink.ts";

const eth0 = (...onLink: string[]): Uplink => ({
  index: 2,
  name: "eth0",
  mtu: 1500,
  addresses: [],
  defaults: [],
  onLink: onLink.map((text) => Prefix.parse(text)),
});

function claimed(nodes: Readonly<Record<string, readonly string[]>>, ...onLink: string[]) {
  const { served, faults } = servedClaims(cluster(nodes), "alpha", [eth0(...onLink)]);
  return {
    served: [...served].flatMap(([node, prefixes]) => prefixes.map((prefix) => `${node} ${prefix}`)).toSorted(),
    faults: faults.map(({ node, message }) => `${node}: ${message}`),
  };
}

describe("servedClaims()", () => {
  test.for([
    ["IPv4-only", "10.1.0.0/24"],
    ["IPv6-only", "fd00:1::/64"],
  ])(
    "%s: a prefix that others give to a node before this one harms this one, and to a node after it does not",
    ([, prefix = ""]) => {
      const harms = (nodes: Readonly<Record<string, readonly string[]>>) =>
        servedClaims(cluster(nodes), "alpha", []).faults.map((fault) => harmOf(fault, "alpha"));
      expect(harms({ alpha: [prefix], beta: [prefix] })).toEqual(["nothing"]);
      expect(harms({ aaron: [prefix], alpha: [prefix] })).toEqual(["reach"]);
      expect(harms({ alpha: [], beta: [prefix], gamma: [prefix] })).toEqual(["nothing"]);
    },
  );

  test.for<[name: string, nodes: Readonly<Record<string, readonly string[]>>]>([
    ["IPv4-only", { alpha: ["10.1.0.0/24"], beta: ["10.1.2.0/24"] }],
    ["IPv6-only", { alpha: ["fd00:1::/64"], beta: ["fd00:2::/64"] }],
    ["dual-stack", { alpha: ["fd00:1::/64", "10.1.0.0/24"], beta: ["fd00:2::/64", "10.1.2.0/24"] }],
    ["two of a family", { alpha: ["fd00:1::/64", "fd00:3::/64"], beta: ["fd00:2::/64", "fd00:4::/64"] }],
    ["parts of the link's own", { alpha: ["2001:db8::1:0/112", "192.0.2.64/28"], beta: ["2001:db8::2:0/112"] }],
    ["the link's own, whole", { alpha: ["2001:db8::/64"] }],
  ])("%s: prefixes that lie apart are all served", ([, nodes]) => {
    const all = Object.entries(nodes).flatMap(([name, prefixes]) => prefixes.map((prefix) => `${name} ${prefix}`));
    const { served, faults } = claimed(nodes, "2001:db8::/64", "192.0.2.0/24");
    expect(new Set(served)).toEqual(new Set(all));
    expect(faults).toEqual([]);
  });

  test("of two nodes that claim one prefix the first in the view is served", () => {
    expect(claimed({ beta: ["fd00:2::/64"], gamma: ["fd00:2::/64", "10.1.3.0/24"] })).toEqual({
      served: ["beta fd00:2::/64", "gamma 10.1.3.0/24"],
      faults: [
        "gamma: Prefix fd00:2::/64 of node gamma overlaps fd00:2::/64 of node beta and is not routed; " +
          "give each node a prefix of its own",
      ],
    });
  });

  test("this node's own prefix goes before all others, wherever it stands", () => {
    expect(claimed({ beta: ["10.1.0.0/16"], alpha: ["10.1.1.0/24"] })).toEqual({
      served: ["alpha 10.1.1.0/24"],
      faults: [
        "beta: Prefix 10.1.0.0/16 of node beta overlaps 10.1.1.0/24 of node alpha and is not routed; " +
          "give each node a prefix of its own",
      ],
    });
  });

  test("a prefix that lies in one which is not served is served", () => {
    const { served } = claimed({ alpha: ["fd00:1:1::/64"], beta: ["fd00:1::/32"], gamma: ["fd00:1:2::/64"] });
    expect(served).toEqual(["alpha fd00:1:1::/64", "gamma fd00:1:2::/64"]);
  });

  test("one node's prefixes may not overlap either", () => {
    expect(claimed({ beta: ["fd00:2::/64", "fd00:2::/80"] })).toEqual({
      served: ["beta fd00:2::/64"],
      faults: [
        "beta: Prefix fd00:2::/80 of node beta overlaps fd00:2::/64 of the same node and is left out; write one of the two",
      ],
    });
  });

  test("a prefix around that of the link is a fault; another node's is not served, this node's is", () => {
    const nodes = { alpha: ["2001:db8::/48"], beta: ["192.0.0.0/16"] };
    expect(claimed(nodes, "2001:db8::/64", "192.0.2.0/24")).toEqual({
      served: ["alpha 2001:db8::/48"],
      faults: [
        "alpha: Prefix 2001:db8::/48 of node alpha contains 2001:db8::/64, which is on the link of eth0 and has other hosts; " +
          "give alpha a prefix outside of it, or a part of it",
        "beta: Prefix 192.0.0.0/16 of node beta contains 192.0.2.0/24, which is on the link of eth0 and has other hosts; " +
          "give beta a prefix outside of it, or a part of it",
      ],
    });
  });

  test("a prefix with another node's address in it is not served; with the node's own it is", () => {
    const nodes = { alpha: ["fd00:1::/64", "fd00:1::a"], beta: ["10.1.2.0/24"], gamma: ["10.1.2.7"] };
    expect(claimed(nodes)).toEqual({
      served: ["alpha fd00:1::/64"],
      faults: [
        "beta: Prefix 10.1.2.0/24 of node beta contains 10.1.2.7, the address of node gamma, and is not routed; " +
          "give beta a prefix without nodes in it",
      ],
    });
  });

  test("what is served never overlaps, and what is not served overlaps something served that comes before it", () => {
    const prefix = fc
      .tuple(fc.integer({ min: 4, max: 8 }), fc.nat(255))
      .map(([length, value]) => Prefix.around(Address.of("v4", BigInt(value) << 24n), length).toString());
    const nodes = fc.dictionary(
      fc.constantFrom("beta", "gamma", "delta", "epsilon"),
      fc.array(prefix, { maxLength: 4 }),
    );
    fc.assert(
      fc.property(nodes, (given) => {
        const all = Object.entries(given).flatMap(([node, texts]) =>
          texts.map((text) => ({ node, prefix: Prefix.parse(text) })),
        );
        const expected: typeof all = [];
        for (const one of all) {
          if (!expected.some((other) => other.prefix.overlaps(one.prefix))) expected.push(one);
        }
        expect(claimed(given).served).toEqual(expected.map((one) => `${one.node} ${one.prefix}`).toSorted());
        expect(claimed(given).faults).toHaveLength(all.length - expected.length);
      }),
    );
  });
});
