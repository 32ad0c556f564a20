import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { changeLink, createLink, decodeLink } from "./link.ts";

describe("any link", () => {
  const some: { requiredKeys: []; noNullPrototype: true } = { requiredKeys: [], noNullPrototype: true };
  const name = fc.stringMatching(/^[a-z0-9.]{1,15}$/);
  const index = fc.integer({ min: 1, max: 0x7fffffff });
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Mac.fromBytes(bytes));
  const end = {
    index,
    mac,
    mtu: fc.nat(65535).map((mtu) => mtu + 1),
    group: fc.integer({ min: 1, max: 0xffffffff }),
    up: fc.boolean(),
  };
  const bridge = {
    forwardDelayMs: fc.nat(3000).map((ticks) => ticks * 10),
    ageingTimeMs: fc.nat(100_000).map((ticks) => ticks * 10),
    multicastSnooping: fc.boolean(),
    spanningTree: fc.boolean(),
    vlanFiltering: fc.boolean(),
  };
  const vxlan = {
    id: fc.nat(0xffffff),
    port: fc.nat(0xffff),
    learning: fc.boolean(),
    local: fc.oneof(
      fc.bigInt(1n, 0xffffffffn).map((value) => Address.of("v4", value)),
      fc.bigInt(1n, (1n << 128n) - 1n).map((value) => Address.of("v6", value)),
    ),
    underlay: index,
    ttl: fc.oneof(fc.nat(255), fc.constant("inherit" as const)),
    doNotFragment: fc.constantFrom("unset", "set", "inherit"),
  };
  const macvlanMode = fc.constantFrom("private", "vepa", "bridge", "passthru", "source");

  test("that is a bridge comes back as it was", () => {
    fc.assert(
      fc.property(name, fc.record(end, some), fc.record(bridge, some), (name, end, bridge) => {
        const read = decodeLink(createLink({ kind: "bridge", name, ...end, ...bridge }).body);
        expect(read).toMatchObject({ kind: "bridge", name, ...end });
        expect(read.bridge).toEqual(bridge);
      }),
    );
  });

  test("that is a VXLAN link comes back as it was", () => {
    const settings = fc.record(vxlan, { requiredKeys: ["id", "port", "learning"], noNullPrototype: true });
    fc.assert(
      fc.property(name, settings, (name, vxlan) => {
        const read = decodeLink(createLink({ kind: "vxlan", name, ...vxlan }).body);
        // The kernel always says how it goes about fragmentation.
        expect(read.vxlan).toEqual({ doNotFragment: "unset", ...vxlan });
      }),
    );
  });

  test("that is a macvlan comes back as it was", () => {
    fc.assert(
      fc.property(name, index, macvlanMode, (name, link, mode) => {
        const read = decodeLink(createLink({ kind: "macvlan", name, link, mode }).body);
        expect(read).toMatchObject({ kind: "macvlan", name, link, macvlan: { mode } });
      }),
    );
  });

  test("that is changed gets what it was to get", () => {
    const change = fc.record(
      { ...end, alias: fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !text.includes("\0")) },
      some,
    );
    const port = fc.record(
      {
        hairpin: fc.boolean(),
        isolated: fc.boolean(),
        learning: fc.boolean(),
        flood: fc.boolean(),
        neighborSuppression: fc.boolean(),
      },
      some,
    );
    fc.assert(
      fc.property(index, change, port, (index, change, port) => {
        const read = decodeLink(changeLink({ index }, { ...change, port }).body);
        expect(read).toMatchObject({ ...change, index, port });
      }),
    );
  });
});
