import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { addressesOf, attachment, errorOf, request, shownBy, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

describe("comparing with the kernel", () => {
  test("enters what is missing, keeps what is known, and reports what is disputed", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.dual));
    store[Symbol.dispose]();
    fixture.held = [
      { address: Address.parse("fd00::2"), attachment: attachment("a") },
      { address: Address.parse("10.1.0.2"), attachment: attachment("other") },
      { address: Address.parse("fd00::3"), attachment: attachment("b"), hostLink: "hxb" },
      { address: Address.parse("fd00::4"), hostLink: "hxunknown" },
      { address: Address.parse("10.1.0.2"), hostLink: "hxunknown" },
    ];
    const after = fixture.open({ compare: true });
    expect(fixture.events.at(-1)).toEqual({
      kind: "compared",
      reason: "opened to stay",
      adopted: { leases: 1, unknown: 1, disputed: [fixture.held[1]] },
    });
    expect(after.find(attachment("b"))).toMatchObject([{ state: "active", hostLink: "hxb" }]);
    expect(after.unknownHolders()).toEqual([fixture.held[3]]);
    expect(addressesOf(after.lease(request("c", stacks.v6)))).toEqual(["fd00::5"]);
  });

  test("says nothing where both agree", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.dual));
    fixture.held = shownBy(store, "a");
    fixture.open({ compare: true });
    expect(fixture.events).toEqual([{ kind: "created" }]);
  });

  test("addresses of unknown holders go to nobody in any network until their link is gone", ({ fixture }) => {
    fixture.held = [{ address: Address.parse("10.1.0.2"), hostLink: "hx0" }];
    const store = fixture.open();
    const wanted = { requested: [{ address: Address.parse("10.1.0.2") }] };
    const error = errorOf(() => store.lease(request("a", stacks.v4, wanted)));
    expect(error.message).toBe("Cannot lease address 10.1.0.2: somebody unknown holds it on link hx0");
    expect(addressesOf(store.lease(request("a", stacks.v4)))).toEqual(["10.1.0.3"]);
    store.release(attachment("x"), { hostLink: "hx0" });
    expect(store.unknownHolders()).toEqual([]);
    expect(addressesOf(store.lease(request("b", stacks.v4)))).toEqual(["10.1.0.2"]);
  });

  test("an address that was entered is given again after its release, as any other of a small range", ({ fixture }) => {
    fixture.open().lease(request("a", { ...stacks.v4 }));
    fixture.held = [{ address: Address.parse("10.1.0.3"), attachment: attachment("b") }];
    const store = fixture.open({ compare: true });
    store.release(attachment("b"));
    for (let at = 0; at < 252; at++) store.lease(request(`c${at}`, stacks.v4));
    expect(errorOf(() => store.lease(request("d", stacks.v4))).reason).toBe("exhausted");
  });
});
