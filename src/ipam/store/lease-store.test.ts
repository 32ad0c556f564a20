import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { parseIpam } from "../config/config.ts";
import { addressesOf, attachment, errorOf, request, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

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
