import { describe, expect, test } from "vitest";
import type { ClusterNode } from "../cluster/view.ts";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { Lease } from "../ipam/lease.ts";
import { outlyingFault } from "./outlying-leases.ts";

function lease(address: string, pod?: string): Lease {
  return {
    attachment: { network: "hextet", containerId: "0123456789abcdef", interfaceName: "eth0" },
    address: Address.parse(address),
    state: "active",
    position: 0,
    ...(pod === undefined ? {} : { pod: { namespace: "default", name: pod } }),
    bootId: "boot",
    leasedAtMs: 0,
  };
}

function nodeWith(prefixes: readonly string[]): ClusterNode {
  return {
    name: "alpha",
    addresses: [],
    prefixes: prefixes.map((text) => ({ prefix: Prefix.parse(text), state: "active" })),
  };
}

const columns = {
  v4: { was: ["10.244.2.7"], is: ["10.244.3.0/24"], inside: ["10.244.3.7"] },
  v6: { was: ["fd00:0:0:2::7"], is: ["fd00:0:0:3::/64"], inside: ["fd00:0:0:3::7"] },
  dual: {
    was: ["fd00:0:0:2::7", "10.244.2.7"],
    is: ["fd00:0:0:3::/64", "10.244.3.0/24"],
    inside: ["fd00:0:0:3::7", "10.244.3.7"],
  },
} as const;

describe.for(Object.entries(columns))("%s: outlyingFault()", ([, { was, is, inside }]) => {
  test("names a pod that kept its addresses from before, and what mends it", () => {
    const leases = [...inside.map((each) => lease(each, "new")), ...was.map((each) => lease(each, "old"))];
    expect(outlyingFault(leases, nodeWith(is))).toBe(
      `Pod default/old kept addresses outside of the prefixes of node alpha (${is.join(" and ")}), as ${was[0]}, ` +
        "which other nodes do not reach: delete them, so that those in their place get addresses inside",
    );
  });

  test("counts several, and names a container that is no pod", () => {
    const leases = [...was.map((each) => lease(each)), ...was.map((each) => lease(each, "old"))];
    expect(outlyingFault(leases, nodeWith(is))).toMatch(/^Container 0123456789ab and 1 more kept addresses outside/);
  });

  test("says nothing where all lie in prefixes of the node, or it has none, which is told otherwise", () => {
    const leases = inside.map((each) => lease(each, "new"));
    expect(outlyingFault(leases, nodeWith(is))).toBeUndefined();
    expect(outlyingFault(leases, nodeWith([]))).toBeUndefined();
    expect(outlyingFault([], nodeWith(is))).toBeUndefined();
  });
});
