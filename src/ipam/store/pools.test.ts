import { test as base, describe, expect } from "vitest";
import { parseIpam } from "../config/config.ts";
import { addressesOf, attachment, errorOf, request, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

describe("an address that was released", () => {
  test("of IPv4 comes back when it was released longest ago", ({ fixture }) => {
    const config = parseIpam({ subnet: "10.1.0.0/29" });
    const store = fixture.open();
    for (const id of ["a", "b", "c", "d", "e"]) store.lease(request(id, config));
    for (const id of ["c", "a", "e"]) {
      store.release(attachment(id));
      fixture.pass(1);
    }
    const again = ["f", "g", "h"].flatMap((id) => addressesOf(store.lease(request(id, config))));
    expect(again).toEqual(["10.1.0.4", "10.1.0.2", "10.1.0.6"]);
    expect(errorOf(() => store.lease(request("i", config))).reason).toBe("exhausted");
  });

  test("is not given before its cool-down while another is free, and is given when none is", ({ fixture }) => {
    const config = parseIpam({ subnet: "10.1.0.0/29", cooldownSeconds: 100 });
    const quick = { ...config, cooldownSeconds: 0 };
    const store = fixture.open();
    for (const id of ["a", "b", "c"]) store.lease(request(id, config));
    for (const id of ["d", "e"]) store.lease(request(id, quick));
    store.release(attachment("a"));
    fixture.pass(10);
    store.release(attachment("d"));
    expect(addressesOf(store.lease(request("f", config)))).toEqual(["10.1.0.5"]);
    expect(addressesOf(store.lease(request("g", config)))).toEqual(["10.1.0.2"]);
  });

  test("of a /64 is not given again, also after its record is gone, closing and a reboot", ({ fixture }) => {
    const seen = new Set<string>();
    for (let round = 0; round < 40; round++) {
      fixture.bootId = `boot-${Math.floor(round / 10)}`;
      using store = fixture.open();
      const [address = ""] = addressesOf(store.lease(request(`c${round}`, stacks.v6)));
      expect(seen.has(address)).toBe(false);
      seen.add(address);
      store.release(attachment(`c${round}`));
      fixture.pass(1000);
    }
    expect(addressesOf(fixture.open().leases({ states: ["released"] }))).toEqual(["fd00::29"]);
  });

  test("is still told of while it cools down", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.v6));
    store.release(attachment("a"));
    const [lease] = store.leases({ states: ["released"] });
    expect(lease?.releasedAtMs).toBe(fixture.nowMs);
    expect(lease?.availableFromMs).toBe(fixture.nowMs + 150_000);
  });

  test("of a range that was changed meanwhile is found again", ({ fixture }) => {
    const store = fixture.open();
    const small = parseIpam({ subnet: "10.1.0.0/29" });
    for (const id of ["a", "b", "c", "d", "e"]) store.lease(request(id, small));
    store.release(attachment("c"));
    store.release(attachment("a"));
    const moved = parseIpam({ subnet: "10.1.0.0/28", rangeStart: "10.1.0.3", rangeEnd: "10.1.0.8" });
    const given = ["f", "g", "h"].flatMap((id) => addressesOf(store.lease(request(id, moved))));
    expect(given).toEqual(["10.1.0.7", "10.1.0.8", "10.1.0.4"]);
    expect(errorOf(() => store.lease(request("i", moved))).reason).toBe("exhausted");
    store.release(attachment("d"));
    expect(addressesOf(store.lease(request("i", small)))).toEqual(["10.1.0.2"]);
    expect(addressesOf(store.lease(request("j", small)))).toEqual(["10.1.0.5"]);
  });

  test("of a range made smaller is not lost with those whose records are gone", ({ fixture }) => {
    const store = fixture.open();
    for (let at = 0; at < 20; at++) {
      store.lease(request(`c${at}`, stacks.v6));
      store.release(attachment(`c${at}`));
      fixture.pass(1000);
    }
    const small = parseIpam({ subnet: "fd00::/125" });
    expect(store.capacity("pods", small)).toEqual([true]);
    const given = ["a", "b", "c", "d", "e", "f"].flatMap((id) => addressesOf(store.lease(request(id, small))));
    expect(given).toEqual(["fd00::2", "fd00::3", "fd00::4", "fd00::5", "fd00::6", "fd00::7"]);
  });
});
