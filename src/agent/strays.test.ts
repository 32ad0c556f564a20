import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import type { Attachment } from "../ipam/attachment.ts";
import type { Lease } from "../ipam/lease.ts";
import type { Found } from "../pod/inventory.ts";
import { confirmed, noStrays, type Seen, straysOf } from "./strays.ts";

const columns = { v4: ["10.1.0.2"], v6: ["fd00::2"], dual: ["fd00::2", "10.1.0.2"] } as const;
const pod: Attachment = { network: "hextet", containerId: "one", interfaceName: "eth0" };

function link(changed: Partial<Found> = {}): Found {
  return { attachment: pod, mode: "routed", addresses: [], link: 7, hostLink: "hx1", ...changed };
}

function leasesOf(texts: readonly string[], changed: Partial<Lease> = {}): Lease[] {
  return texts.map((text, position) => ({
    attachment: pod,
    address: Address.parse(text),
    state: "active",
    position,
    hostLink: "hx1",
    bootId: "boot",
    leasedAtMs: 1000,
    ...changed,
  }));
}

function withoutHostLink({ hostLink: _, ...lease }: Lease): Lease {
  return lease;
}

const nothing: Seen = { links: [], named: [], held: [], wasReleased: () => false };

describe.for(Object.entries(columns))("straysOf, %s", ([, addresses]) => {
  test("finds nothing where link and leases are both there", () => {
    const seen = { ...nothing, links: [link()], named: [pod], held: leasesOf(addresses) };
    expect(straysOf(seen)).toEqual(noStrays);
  });

  test("finds leases whose link is gone", () => {
    const held = leasesOf(addresses);
    expect(straysOf({ ...nothing, held })).toEqual({ ...noStrays, leases: held });
  });

  test("leaves leases alone whose link has another name now", () => {
    expect(straysOf({ ...nothing, named: [pod], held: leasesOf(addresses) })).toEqual(noStrays);
  });

  test("leaves pending leases alone", () => {
    expect(straysOf({ ...nothing, held: leasesOf(addresses, { state: "pending" }) })).toEqual(noStrays);
  });

  test("leaves leases alone that never had a link of ours: those of hextet-ipam and of macvlan", () => {
    expect(straysOf({ ...nothing, held: leasesOf(addresses).map(withoutHostLink) })).toEqual(noStrays);
  });

  test("leaves a link alone whose leases are pending", () => {
    const held = leasesOf(addresses, { state: "pending" });
    expect(straysOf({ ...nothing, links: [link()], named: [pod], held })).toEqual(noStrays);
  });

  test("does not take leases of the container's other interface for this one's", () => {
    const other = { ...pod, interfaceName: "net1" };
    const held = leasesOf(addresses, { attachment: other });
    const seen = { ...nothing, links: [link()], named: [pod], held, wasReleased: () => true };
    expect(straysOf(seen)).toEqual({ links: [link()], unknown: [], leases: held });
  });
});

describe("straysOf", () => {
  test.for([
    { wasReleased: true, expected: { ...noStrays, links: [link()] } },
    { wasReleased: false, expected: { ...noStrays, unknown: [link()] } },
  ])(
    "a link without a lease is to be deleted only where one was released: $wasReleased",
    ({ wasReleased, expected }) => {
      expect(straysOf({ ...nothing, links: [link()], named: [pod], wasReleased: () => wasReleased })).toEqual(expected);
    },
  );
});

describe.for(Object.entries(columns))("confirmed, %s", ([, addresses]) => {
  test("one look confirms nothing", () => {
    expect(confirmed(noStrays, { links: [link()], unknown: [link()], leases: leasesOf(addresses) })).toEqual(noStrays);
  });

  test("two looks confirm what both found", () => {
    const found = { links: [link()], unknown: [], leases: leasesOf(addresses) };
    expect(confirmed(found, found)).toEqual(found);
  });

  test("an attachment that was made anew in between is another one", () => {
    const before = { links: [link()], unknown: [], leases: leasesOf(addresses) };
    const now = { links: [link({ link: 8 })], unknown: [], leases: leasesOf(addresses, { leasedAtMs: 2000 }) };
    expect(confirmed(before, now)).toEqual(noStrays);
  });

  test("what has healed in between is not confirmed", () => {
    expect(confirmed({ links: [link()], unknown: [], leases: leasesOf(addresses) }, noStrays)).toEqual(noStrays);
  });
});
