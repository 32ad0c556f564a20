import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { parseIpam } from "./config/config.ts";
import { addressesOf, attachment, errorOf, request, stacks, storeFixtures } from "./store/store-fixture.ts";

const test = base.extend(storeFixtures);

const ask = (...texts: readonly string[]) => texts.map((text) => ({ address: Address.parse(text) }));

describe("requested addresses", () => {
  for (const [name, wanted] of [
    ["v4", ["10.1.0.99"]],
    ["v6", ["fd00::99"]],
    ["dual", ["fd00::99", "10.1.0.99"]],
    ["dual", ["10.1.0.99"]],
  ] as const) {
    test(`${wanted.join(" and ")} of ${name} are granted`, ({ fixture }) => {
      const leases = addressesOf(fixture.open().lease(request("a", stacks[name], { requested: ask(...wanted) })));
      expect(leases).toEqual(expect.arrayContaining([...wanted]));
      expect(leases).toHaveLength(stacks[name].rangeSets.length);
    });
  }

  test("are granted while they cool down", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.v6));
    store.release(attachment("a"));
    expect(addressesOf(store.lease(request("b", stacks.v6, { requested: ask("fd00::2") })))).toEqual(["fd00::2"]);
  });

  for (const [name, wanted] of [
    ["v4", "10.1.0.99"],
    ["v6", "fd00::99"],
    ["dual", "fd00::99"],
  ] as const) {
    test(`by one who keeps cool-downs wait for that of ${wanted} (${name}), unless a pod of the namespace had it`, ({
      fixture,
    }) => {
      const store = fixture.open();
      const [asked] = ask(wanted);
      const requested = asked === undefined ? [] : [{ ...asked, keepsCooldown: true }];
      const by = (namespace: string) => ({ pod: { namespace, name: "db-0" }, requested });
      store.lease(request("a", stacks[name], by("bank")));
      store.release(attachment("a"));
      const error = errorOf(() => store.lease(request("b", stacks[name], by("shop"))));
      expect(error.message).toBe(
        `Cannot lease address ${wanted}: pod bank/db-0 had it, and no pod of another namespace is given it before 2026-08-20T12:02:30.000Z`,
      );
      expect(error.details).toBe("Ask for another address, or wait until then; the runtime tries again");
      expect(addressesOf(store.lease(request("c", stacks[name], by("bank"))))).toContain(wanted);
      store.release(attachment("c"));
      fixture.pass(151);
      expect(addressesOf(store.lease(request("d", stacks[name], by("shop"))))).toContain(wanted);
    });
  }

  const config = parseIpam({
    ranges: [[{ subnet: "fd00::/64", rangeStart: "fd00::10" }], [{ subnet: "10.1.0.0/24" }]],
    exclude: ["fd00::20/124", "10.1.0.9"],
  });
  for (const [wanted, words] of [
    [
      ["fd00::9"],
      "Cannot lease address fd00::9: it lies outside every range, which are fd00::10-fd00::ffff:ffff:ffff:ffff of fd00::/64",
    ],
    [["fd01::9"], "it lies outside every range"],
    [["10.2.0.9"], "it lies outside every range, which are 10.1.0.1-10.1.0.254 of 10.1.0.0/24"],
    [["10.1.0.255"], "it lies outside every range"],
    [["fd00::2a"], "ipam.exclude has fd00::20/124"],
    [["10.1.0.9"], "ipam.exclude has 10.1.0.9/32"],
    [["fd00::1"], "it is the gateway of fd00::/64"],
    [["10.1.0.1"], "it is the gateway of 10.1.0.0/24"],
    [["fd00::77"], "container holder holds it as eth0 (pod default/web-0)"],
    [["10.1.0.10", "10.1.0.11"], "10.1.0.10 was asked for too, and both are of one range set, which gives one address"],
  ] as const) {
    test(`${wanted.join(" and ")} are refused: ${words}`, ({ fixture }) => {
      const store = fixture.open();
      const pod = { namespace: "default", name: "web-0" };
      store.lease(request("holder", config, { pod, requested: ask("fd00::77") }));
      const error = errorOf(() => store.lease(request("a", config, { requested: ask(...wanted) })));
      expect(error.reason).toBe("unavailable");
      expect(error.message).toContain(words);
      expect(store.find(attachment("a"))).toEqual([]);
    });
  }

  test("of a family without a range are refused, and the place they were asked for in is named", ({ fixture }) => {
    const requested = [{ address: Address.parse("10.1.0.9"), from: "runtimeConfig.ips[0]" }];
    const error = errorOf(() => fixture.open().lease(request("a", stacks.v6, { requested })));
    expect(error.message).toBe(
      "Cannot lease address 10.1.0.9 (asked for in runtimeConfig.ips[0]): the network has no IPv4 range",
    );
  });
});
