import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { Mac } from "../../ip/mac.ts";
import { type IpamConfig, parseIpam } from "../config/config.ts";
import { macFor } from "../mac-for.ts";
import { addressesOf, attachment, errorOf, request, StoreFixture, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

const ask = (...texts: readonly string[]) => texts.map((text) => ({ address: Address.parse(text) }));

describe("modes of assignment", () => {
  const dual = (assign: string, more: object = {}): IpamConfig =>
    parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/24" }]], assign, ...more });

  test("random: the random source decides, and the address is another each time", ({ fixture }) => {
    let next = 1;
    const store = fixture.open({ randomBytes: (count) => new Uint8Array(count).fill(next++) });
    const leases = ["a", "b"].map((id) => addressesOf(store.lease(request(id, dual("random"))))[0]);
    expect(new Set(leases).size).toBe(2);
    expect(leases[0]).toMatch(/^fd00::[0-9a-f:]{15,}$/);
  });

  test("stable: a pod comes back with its address, in a new container, after a reboot", ({ fixture }) => {
    const pod = { namespace: "default", name: "web-0" };
    const first = fixture.open();
    const [before] = addressesOf(first.lease(request("a", dual("stable"), { pod })));
    first.release(attachment("a"));
    expect(addressesOf(first.lease(request("b", dual("stable"), { pod })))[0]).toBe(before);
    first[Symbol.dispose]();
    fixture.bootId = "boot-2";
    const second = fixture.open();
    expect(addressesOf(second.lease(request("c", dual("stable"), { pod })))[0]).toBe(before);
    expect(addressesOf(second.lease(request("d", dual("stable"), { pod })))[0]).not.toBe(before);
  });

  test("stable: another node gives the same pod another address", ({ fixture }) => {
    using other = new StoreFixture();
    const pod = { namespace: "default", name: "web-0" };
    const leases = [fixture, other].map((each) =>
      addressesOf(each.open().lease(request("a", dual("stable"), { pod }))),
    );
    expect(leases[0]).not.toEqual(leases[1]);
  });

  test("eui64: the address follows from the attachment, or from the MAC that was asked for", ({ fixture }) => {
    const store = fixture.open();
    const expected = Address.of("v6", Address.parse("fd00::").value + macFor(attachment("a")).interfaceId);
    expect(addressesOf(store.lease(request("a", dual("eui64"))))).toEqual([String(expected), "10.1.0.2"]);
    const mac = Mac.parse("02:00:5e:10:00:01");
    expect(addressesOf(store.lease(request("b", dual("eui64"), { mac })))[0]).toBe("fd00::5eff:fe10:1");
    const error = errorOf(() => store.lease(request("c", dual("eui64"), { mac })));
    expect(error).toMatchObject({ reason: "unavailable" });
    expect(error.message).toBe(
      "Cannot lease address fd00::5eff:fe10:1, the one eui64 makes of MAC 02:00:5e:10:00:01: container b holds it as eth0",
    );
  });

  test("embed-ipv4: the IPv4 address stands in the low 32 bits, whichever set comes first", ({ fixture }) => {
    const store = fixture.open();
    expect(addressesOf(store.lease(request("a", dual("embed-ipv4"))))).toEqual(["fd00::a01:2", "10.1.0.2"]);
    const requested = ask("10.1.0.200");
    expect(addressesOf(store.lease(request("b", dual("embed-ipv4"), { requested })))).toEqual([
      "fd00::a01:c8",
      "10.1.0.200",
    ]);
  });
});

describe("replaceAddress()", () => {
  for (const [name, inUse, after] of [
    ["v4", "10.1.0.2", ["10.1.0.3"]],
    ["v6", "fd00::2", ["fd00::3"]],
    ["dual", "fd00::2", ["fd00::3", "10.1.0.2"]],
    ["dual", "10.1.0.2", ["fd00::2", "10.1.0.3"]],
  ] as const) {
    test(`gives another address for ${inUse} of ${name}, and keeps that one aside`, ({ fixture }) => {
      const store = fixture.open();
      store.lease(request("a", stacks[name]));
      expect(addressesOf(store.replaceAddress(request("a", stacks[name]), Address.parse(inUse)))).toEqual(after);
      const error = errorOf(() => store.lease(request("b", stacks[name], { requested: ask(inUse) })));
      expect(error.message).toBe(
        `Cannot lease address ${inUse}: somebody else was found using it on the link; it is tried again after 2026-08-20T12:10:00.000Z`,
      );
      fixture.pass(601);
      expect(addressesOf(store.lease(request("b", stacks[name], { requested: ask(inUse) })))).toContain(inUse);
    });
  }

  test("embeds the IPv4 address that took the place of another", ({ fixture }) => {
    const config = parseIpam({
      ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/24" }]],
      assign: "embed-ipv4",
    });
    const store = fixture.open();
    store.lease(request("a", config));
    const replaced = store.replaceAddress(request("a", config), Address.parse("10.1.0.2"));
    expect(addressesOf(replaced)).toEqual(["fd00::a01:3", "10.1.0.3"]);
  });

  test("keeps the address aside also when there is no other, and tries it again after a while", ({ fixture }) => {
    const config = parseIpam({ subnet: "10.1.0.0/30" });
    const store = fixture.open();
    store.lease(request("a", config));
    const error = errorOf(() => store.replaceAddress(request("a", config), Address.parse("10.1.0.2")));
    expect(error.message).toContain("of 1 addresses 0 are held, 0 cool down, 1 are in use by others on the link");
    expect(errorOf(() => store.lease(request("b", config))).reason).toBe("exhausted");
    expect(store.capacity("pods", config)).toEqual([false]);
    fixture.pass(601);
    expect(store.capacity("pods", config)).toEqual([true]);
    expect(addressesOf(store.lease(request("b", config)))).toEqual(["10.1.0.2"]);
  });

  test("refuses where just that address was requested", ({ fixture }) => {
    const store = fixture.open();
    const wanted = request("a", stacks.v6, { requested: ask("fd00::9") });
    store.lease(wanted);
    expect(errorOf(() => store.replaceAddress(wanted, Address.parse("fd00::9"))).reason).toBe("unavailable");
  });

  test("says so when the address is not the attachment's any more", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.v6));
    store.release(attachment("a"));
    expect(errorOf(() => store.replaceAddress(request("a", stacks.v6), Address.parse("fd00::2"))).reason).toBe("lost");
  });
});
