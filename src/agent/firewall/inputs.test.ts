import { describe, expect, test } from "vitest";
import { Prefix } from "../../ip/prefix.ts";
import { attachedPods, guardedNamespaces, nodeFacts, sameAttached } from "./inputs.ts";
import { addressesOf, leaseOf, leasesOf, pod, policyOf, policyView, stacks } from "./sample-shop.ts";

describe.for(stacks)("%s", ([, families]) => {
  test("the leases of an attachment are one pod with all of its addresses", () => {
    expect(attachedPods(leasesOf(families))).toEqual([
      { pod: { namespace: "shop", name: "web" }, addresses: addressesOf("web", families) },
      { pod: { namespace: "shop", name: "db" }, addresses: addressesOf("db", families) },
    ]);
  });

  test("readings are the same where pods and addresses are, whatever else changed", () => {
    const before = attachedPods(leasesOf(families));
    const activated = leasesOf(families).map((lease) => ({ ...lease, activatedAtMs: 5 }));
    expect(sameAttached(before, attachedPods(activated))).toBe(true);
    expect(sameAttached(before, attachedPods(leasesOf(families, ["web"])))).toBe(false);
    const renamed = leasesOf(families).map((lease) => ({ ...lease, pod: { namespace: "shop", name: "other" } }));
    expect(sameAttached(before, attachedPods(renamed))).toBe(false);
  });

  test("what the node is comes from the view", () => {
    const texts = families.map((family) => (family === "v6" ? "fd00:1::/64" : "10.1.0.0/24"));
    const prefixes = texts.map((text) => ({ prefix: Prefix.parse(text), state: "active" }) as const);
    const nodes = [
      { name: "alpha", addresses: addressesOf("web", families), prefixes },
      { name: "beta", addresses: addressesOf("db", families), prefixes: [] },
    ];
    const { own, cluster } = nodeFacts(nodes, "alpha", families);
    expect(own.map(String)).toEqual(texts);
    expect(nodeFacts(nodes, "beta", families).own).toEqual([]);
    expect(cluster.prefixes.map(String)).toEqual(texts);
    expect(cluster.nodes).toHaveLength(2 * families.length);
  });
});

test("an attachment that nobody calls a pod has addresses all the same", () => {
  const [address] = addressesOf("web", ["v6"]);
  if (address === undefined) throw new Error("There is no address");
  const { pod: _, ...lease } = leaseOf("web", address);
  expect(attachedPods([lease])).toEqual([{ addresses: [address] }]);
});

test("namespaces with policies are guarded, each told once", () => {
  const more = { ...policyOf.closed, name: "other" };
  const blog = { ...policyOf.closed, namespace: "blog" };
  expect(guardedNamespaces(policyView([pod("web", ["v6"])], policyOf.friendly, more, blog))).toEqual(["blog", "shop"]);
});
