import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { type IpamConfig, parseIpam } from "./config.ts";
import { macFor } from "./mac-for.ts";
import { addressesOf, attachment, errorOf, request, StoreFixture, stacks } from "./store-fixture.ts";

const test = base.extend<{ fixture: StoreFixture }>({
  fixture: async ({ task: _ }, use) => {
    using fixture = new StoreFixture();
    await use(fixture);
  },
});

const ask = (...texts: readonly string[]) => texts.map((text) => ({ address: Address.parse(text) }));

describe("lease()", () => {
  for (const [name, first, second] of [
    ["v4", ["10.1.0.2"], ["10.1.0.3"]],
    ["v6", ["fd00::2"], ["fd00::3"]],
    ["dual", ["fd00::2", "10.1.0.2"], ["fd00::3", "10.1.0.3"]],
  ] as const) {
    test(`gives one address of each range set: ${name}`, ({ fixture }) => {
      const store = fixture.open();
      expect(addressesOf(store.lease(request("a", stacks[name])))).toEqual(first);
      expect(addressesOf(store.lease(request("b", stacks[name])))).toEqual(second);
      expect(addressesOf(store.find(attachment("a")))).toEqual(first);
    });

    test(`gives them again when they were released, and never twice at a time: ${name}`, ({ fixture }) => {
      const store = fixture.open();
      store.lease(request("a", stacks[name]));
      expect(addressesOf(store.release(attachment("a")))).toEqual(first);
      expect(addressesOf(store.lease(request("a", stacks[name])))).toEqual(second);
    });
  }

  test("keeps what it is told of the attachment and its pod", ({ fixture }) => {
    const store = fixture.open();
    const pod = { namespace: "default", name: "web-0", uid: "u-1" };
    store.lease(request("a", stacks.v6, { pod }));
    fixture.pass(2);
    store.activate(attachment("a"), { hostLink: "hx0123456789abc" });
    expect(store.find(attachment("a"))).toEqual([
      {
        attachment: attachment("a"),
        address: Address.parse("fd00::2"),
        state: "active",
        position: 0,
        hostLink: "hx0123456789abc",
        pod,
        bootId: "boot-1",
        leasedAtMs: fixture.nowMs - 2000,
        activatedAtMs: fixture.nowMs,
      },
    ]);
  });

  test("gives addresses in the order of the range sets, two of a family as well", ({ fixture }) => {
    const config = parseIpam({
      ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "2001:db8::/64" }], [{ subnet: "fd00::/64" }]],
    });
    const store = fixture.open();
    expect(addressesOf(store.lease(request("a", config)))).toEqual(["10.1.0.2", "2001:db8::2", "fd00::2"]);
  });

  test("leaves nothing behind when one of the sets is exhausted", ({ fixture }) => {
    const config = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/30" }]] });
    const store = fixture.open();
    store.lease(request("a", config));
    const error = errorOf(() => store.lease(request("b", config)));
    expect(error.reason).toBe("exhausted");
    expect(error.message).toBe(
      "Cannot lease an address of 10.1.0.1-10.1.0.2 of 10.1.0.0/30 in network pods: of 1 addresses 1 are held, 0 cool down, 0 are in use by others on the link, 0 are free",
    );
    expect(error.details).toMatch(/^Make the range larger/);
    expect(store.find(attachment("b"))).toEqual([]);
    store.release(attachment("a"));
    expect(addressesOf(store.lease(request("b", config)))).toEqual(["fd00::3", "10.1.0.2"]);
  });

  test("of an attachment whose leases are active is refused, and names the container", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.dual));
    store.activate(attachment("a"));
    const error = errorOf(() => store.lease(request("a", stacks.dual)));
    expect(error.reason).toBe("duplicate");
    expect(error.message).toBe(
      "Cannot lease addresses for eth0 of container a in network pods: it holds fd00::2 and 10.1.0.2 already",
    );
    expect(addressesOf(store.find(attachment("a")))).toEqual(["fd00::2", "10.1.0.2"]);
  });

  test("of an attachment whose leases are pending starts anew: the attempt before did not end well", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.dual));
    expect(addressesOf(store.lease(request("a", stacks.dual)))).toEqual(["fd00::3", "10.1.0.3"]);
    expect(store.leases()).toHaveLength(2);
    const tiny = parseIpam({ subnet: "10.2.0.7/32" });
    expect(addressesOf(store.lease(request("b", tiny)))).toEqual(["10.2.0.7"]);
    expect(addressesOf(store.lease(request("b", tiny)))).toEqual(["10.2.0.7"]);
  });

  test("serves interfaces of one container, and networks, apart from each other", ({ fixture }) => {
    const store = fixture.open();
    const second = { attachment: attachment("a", { interfaceName: "net1" }) };
    const elsewhere = { attachment: attachment("a", { network: "others" }) };
    expect(addressesOf(store.lease(request("a", stacks.v6)))).toEqual(["fd00::2"]);
    expect(addressesOf(store.lease(request("a", stacks.v6, second)))).toEqual(["fd00::3"]);
    expect(addressesOf(store.lease(request("a", stacks.v6, elsewhere)))).toEqual(["fd00::2"]);
    store.release(attachment("a"));
    expect(store.leases().map((lease) => `${lease.attachment.network} ${lease.attachment.interfaceName}`)).toEqual([
      "others eth0",
      "pods net1",
    ]);
  });
});

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

describe("activate() and release()", () => {
  test("activate() of leases that are gone says so: the answer of ADD would be wrong", ({ fixture }) => {
    const error = errorOf(() => fixture.open().activate(attachment("a")));
    expect([error.reason, error.details]).toEqual(["lost", "A DEL or GC came between; run ADD again"]);
  });

  test("activate() may come twice, and keeps the first time", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.v6));
    store.activate(attachment("a"), { hostLink: "hx0" });
    const first = fixture.nowMs;
    fixture.pass(5);
    store.activate(attachment("a"));
    expect(store.find(attachment("a"))[0]).toMatchObject({ activatedAtMs: first, hostLink: "hx0", state: "active" });
  });

  test("release() succeeds for what is released already and for what never was", ({ fixture }) => {
    const store = fixture.open();
    store.lease(request("a", stacks.dual));
    expect(store.release(attachment("a"))).toHaveLength(2);
    expect(store.release(attachment("a"))).toEqual([]);
    expect(store.release(attachment("never"))).toEqual([]);
  });

  test("releaseAllBut() keeps what is listed, and other networks", ({ fixture }) => {
    const store = fixture.open();
    for (const id of ["a", "b", "c"]) store.lease(request(id, stacks.dual));
    store.lease(request("a", stacks.v6, { attachment: attachment("a", { network: "others" }) }));
    store.activate(attachment("b"));
    const released = store.releaseAllBut("pods", [attachment("b"), attachment("unheard")]);
    expect(addressesOf(released)).toEqual(["fd00::2", "10.1.0.2", "fd00::4", "10.1.0.4"]);
    expect(store.holders("pods")).toEqual([attachment("b")]);
    expect(store.holders("others")).toEqual([attachment("a", { network: "others" })]);
    expect(store.releaseAllBut("pods", [attachment("b")])).toEqual([]);
    expect(store.releaseAllBut("pods", [])).toHaveLength(2);
  });
});

describe("looking", () => {
  test("leases() finds by network, container, interface, address, pod and state", ({ fixture }) => {
    const store = fixture.open();
    const pod = { namespace: "default", name: "web-0" };
    store.lease(request("a", stacks.dual, { pod }));
    store.lease(request("b", stacks.v6, { attachment: attachment("b", { network: "others" }) }));
    store.activate(attachment("a"));
    const found = (filter: Parameters<typeof store.leases>[0]) => addressesOf(store.leases(filter));
    expect(found({ network: "others" })).toEqual(["fd00::2"]);
    expect(found({ containerId: "a" })).toEqual(["fd00::2", "10.1.0.2"]);
    expect(found({ interfaceName: "net1" })).toEqual([]);
    expect(found({ address: Address.parse("10.1.0.2") })).toEqual(["10.1.0.2"]);
    expect(found({ podNamespace: "default", podName: "web-0" })).toHaveLength(2);
    expect(found({ states: ["pending"] })).toEqual(["fd00::2"]);
    expect(found({})).toHaveLength(3);
  });

  test("usage() counts what is held, cooling and free of each set", ({ fixture }) => {
    const config = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/29" }]], cooldownSeconds: 60 });
    const store = fixture.open();
    for (const id of ["a", "b", "c"]) store.lease(request(id, config));
    store.release(attachment("a"));
    const counts = { held: 2, cooling: 1, conflicting: 0 };
    expect(store.usage("pods", config)).toEqual([
      { size: (1n << 64n) - 2n, ...counts, free: (1n << 64n) - 5n },
      { size: 5n, ...counts, free: 2n },
    ]);
    fixture.pass(60);
    expect(store.usage("pods", config)[1]).toEqual({ size: 5n, held: 2, cooling: 0, conflicting: 0, free: 3n });
  });

  test("capacity() says of each set whether it can give an address, before and after its first lease", ({
    fixture,
  }) => {
    const config = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/30" }]] });
    const store = fixture.open();
    expect(store.capacity("pods", config)).toEqual([true, true]);
    store.lease(request("a", config));
    expect(store.capacity("pods", config)).toEqual([true, false]);
    expect(store.capacity("others", config)).toEqual([true, true]);
    store.release(attachment("a"));
    expect(store.capacity("pods", config)).toEqual([true, true]);
  });

  test("faultOfWriting() finds nothing wrong with a directory that is in order", ({ fixture }) => {
    expect(fixture.open().faultOfWriting()).toBeUndefined();
  });
});

describe("a clock that was wrong", () => {
  test("does not keep an address from use until the time it showed", ({ fixture }) => {
    const config = parseIpam({ subnet: "10.1.0.0/30" });
    const store = fixture.open();
    fixture.pass(1_000_000_000);
    store.lease(request("a", config));
    errorOf(() => store.replaceAddress(request("a", config), Address.parse("10.1.0.2")));
    fixture.pass(-1_000_000_000);
    expect(addressesOf(store.lease(request("b", config)))).toEqual(["10.1.0.2"]);
  });
});
