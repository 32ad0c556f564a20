import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import type { AddRequest } from "../../cni/request.ts";
import { InterfaceAddress } from "../../ip/prefix.ts";
import { guardingByView, waitingAdd } from "./guarding.ts";
import { addressesOf, pod, policyOf, policyView, shopView, stacks } from "./sample-shop.ts";

const db = { namespace: "shop", name: "db" };
const web = { namespace: "shop", name: "web" };

describe("a pod's link", () => {
  const guarding = (view: ClusterView | undefined) => guardingByView(() => view);
  const known = shopView(["v6"], policyOf.closed);

  test("is guarded where a policy selects the pod, and no other's is", () => {
    expect(guarding(known)(db)).toBe("guarded");
    expect(guarding(known)(web)).toBe("open");
    expect(guarding(known)({ namespace: "blog", name: "db" })).toBe("open");
  });

  test("is guarded where a policy of its namespace may be meant for it: it is new, or another pod of a known name", () => {
    expect(guarding(known)({ namespace: "shop", name: "new" })).toBe("guarded");
    const again = { nodes: [], policies: policyView([{ ...pod("web", ["v6"]), uid: "old" }], policyOf.closed) };
    expect(guarding(again)({ ...web, uid: "old" })).toBe("open");
    expect(guarding(again)({ ...web, uid: "new" })).toBe("guarded");
  });

  test("is guarded while nothing is known of the cluster, and open in one without policies", () => {
    expect(guarding(undefined)(web)).toBe("guarded");
    expect(guarding({ nodes: [] })(db)).toBe("open");
    expect(guarding(shopView(["v6"]))(db)).toBe("open");
  });

  test("is open for a container that is no pod", () => {
    expect(guarding(known)(undefined)).toBe("open");
  });
});

/** An ADD that says what it did, in the order in which it was done. */
async function add(
  request: Pick<AddRequest, "pod">,
  { addresses = addressesOf("db", ["v6"]), isInForce = true, inForce = Promise.resolve() } = {},
): Promise<readonly string[]> {
  const did: string[] = [];
  const attach = async () => {
    did.push("attached");
    const ips = addresses.map((each) => ({ address: new InterfaceAddress(each, 32) }));
    return { result: { interfaces: [], routes: [], ips } };
  };
  const guard = {
    view: () => shopView(["v6", "v4"], policyOf.closed),
    isInForce: () => isInForce,
    inForce: () => inForce.then(() => void did.push("in force")),
    limits: { firstMs: 1, usualMs: 1 },
  };
  await waitingAdd(attach, guard)(request);
  return did;
}

const never = new Promise<void>(() => {});

describe("an ADD", () => {
  test("of a pod under a policy ends when the policy is in force", async () => {
    expect(await add({ pod: db })).toEqual(["attached", "in force"]);
  });

  test("of others waits for nobody", async () => {
    expect(await add({ pod: web }, { inForce: never })).toEqual(["attached"]);
    expect(await add({}, { inForce: never, addresses: addressesOf("web", ["v6"]) })).toEqual(["attached"]);
  });

  test.for(stacks)(
    "of a container that has the addresses of a pod under a policy waits as well, %s",
    async ([, families]) => {
      expect(await add({}, { addresses: addressesOf("db", families) })).toEqual(["attached", "in force"]);
    },
  );

  test("does not wait for ever: the link is guarded meanwhile", async () => {
    expect(await add({ pod: db }, { inForce: never })).toEqual(["attached"]);
  });

  test("of a pod under a policy waits before it is attached while the rules know somebody who has gone", async () => {
    expect(await add({ pod: db }, { isInForce: false })).toEqual(["in force", "attached", "in force"]);
    expect(await add({ pod: web }, { isInForce: false })).toEqual(["attached"]);
  });

  test("of a pod under a policy is refused with code 11 where there are no rules behind which it would be safe", async () => {
    await expect(add({ pod: db }, { isInForce: false, inForce: never })).rejects.toMatchObject({
      code: 11,
      message: "Cannot attach pod shop/db yet: a NetworkPolicy may be meant for it, and the firewall is not in force",
    });
    expect(await add({ pod: web }, { isInForce: false, inForce: never })).toEqual(["attached"]);
  });
});
