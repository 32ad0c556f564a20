import { describe, expect, test } from "vitest";
import { stacks } from "../../src/policy/arbitraries.ts";
import { compile } from "../../src/policy/compile.ts";
import { policyCluster } from "./policy-cluster.ts";

describe.for(stacks)("policyCluster(), %s", ([, families]) => {
  const size = { families, pods: 1000, policies: 100, here: 40 };

  test("is as large as it was asked to be, and no two pods share an address", () => {
    const { view, here } = policyCluster(size);
    expect([view.pods.size, view.policies.size, view.namespaces.size, here.length]).toEqual([1000, 100, 10, 40]);
    const addresses = [...view.pods.values()].flatMap((pod) => pod.addresses.map(String));
    expect(new Set(addresses).size).toBe(1000 * families.length);
  });

  test("selects every pod of this node, by more than one class", () => {
    const { view, here } = policyCluster(size);
    const parts = compile({ view, localPods: here });
    for (const family of families) {
      expect(parts[family].sets.get("isolated")?.elements.size).toBe(40);
      expect(parts[family].chains.size).toBeGreaterThan(20);
    }
  });
});
