import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { Lease } from "../ipam/lease.ts";
import type { Found } from "../pod/inventory.ts";
import { attachmentsOf } from "./attachments.ts";
import { confirmed, disagreementsIn, type Records } from "./disagreements.ts";

const columns = {
  v4: ["10.1.0.2"],
  v6: ["fd00::2"],
  dual: ["fd00::2", "10.1.0.2"],
} as const;
const every = Object.entries(columns);

const attachment = { network: "hextet", containerId: "c1", interfaceName: "eth0" };
const pod = { namespace: "default", name: "web" };

function lease(address: string, more: Partial<Lease> = {}): Lease {
  const known = {
    attachment,
    pod,
    state: "active",
    position: 0,
    hostLink: "hx1",
    bootId: "now",
    leasedAtMs: 0,
  } as const;
  return { ...known, address: Address.parse(address), ...more };
}

function link(addresses: readonly string[], more: Partial<Found> = {}): Found {
  return { attachment, mode: "routed", addresses: addresses.map(Address.parse), link: 7, hostLink: "hx1", ...more };
}

function records(addresses: readonly string[], more: Partial<Records> = {}): Records {
  return {
    leases: addresses.map((address) => lease(address)),
    unknown: [],
    found: [link(addresses)],
    bootId: "now",
    nowMs: 1_000,
    network: "hextet",
    prefixes: ["fd00::/64", "10.1.0.0/24"].map(Prefix.parse),
    pods: [],
    ...more,
  };
}

function kinds(of: Records): readonly string[] {
  return disagreementsIn(of).map(({ kind }) => kind);
}

describe.for(every)("%s", ([_, addresses]) => {
  const each = (kind: string) => addresses.map(() => kind);
  const clusterPod = { ...pod, labels: {}, ports: [], addresses: addresses.map(Address.parse) };

  test("records that agree are no disagreement", () => {
    expect(kinds(records(addresses, { pods: [clusterPod] }))).toEqual([]);
  });

  test.for<[string, Partial<Records>, readonly string[]]>([
    ["a link that is gone", { found: [] }, each("link-gone")],
    ["a link without a lease", { leases: [] }, ["lease-missing"]],
    ["an address that is led nowhere", { found: [link([])] }, each("not-routed")],
    ["leases of an earlier boot", { bootId: "later" }, each("earlier-boot")],
    ["a prefix the node has not", { prefixes: [Prefix.parse("fd01::/64")] }, each("outside-prefixes")],
    ["a damaged file", { damage: "page 3" }, ["damaged"]],
    ["pods another has the addresses of", { pods: [{ ...clusterPod, name: "other" }] }, each("cluster-differs")],
  ])("%s", ([, change, expected]) => {
    expect(kinds(records(addresses, change))).toEqual(expected);
  });

  test("an address that is led to another link than that of its holder", () => {
    const thief = { ...attachment, containerId: "c2" };
    const of = records(addresses, {
      leases: [...addresses.map((address) => lease(address)), lease("fd00::9", { attachment: thief })],
      found: [link(addresses), link([...addresses, "fd00::9"], { attachment: thief, hostLink: "hx2" })],
    });
    expect(kinds(of)).toEqual(each("other-holder"));
    expect(disagreementsIn(of)[0]?.message).toContain(`and it is leased to pod default/web (eth0 of container c1`);
  });

  test("a pending lease is somebody's work, and after ten minutes nobody's", () => {
    const leases = addresses.map((address) => lease(address, { state: "pending" }));
    expect(kinds(records(addresses, { leases }))).toEqual([]);
    expect(kinds(records(addresses, { leases, nowMs: 600_000 }))).toEqual(each("long-pending"));
  });

  test("one address in two networks", () => {
    const other = addresses.map((address) => lease(address, { attachment: { ...attachment, network: "b" } }));
    const of = records(addresses);
    expect(kinds({ ...of, leases: [...of.leases, ...other], found: [] })).toEqual(
      expect.arrayContaining(each("two-networks")),
    );
  });

  test("leases without a host link are another plugin's to compare", () => {
    const leases = addresses.map((address) => {
      const { hostLink: _, ...rest } = lease(address);
      return rest;
    });
    expect(kinds(records(addresses, { leases, found: [] }))).toEqual([]);
  });

  test("attachments are put together from leases and links", () => {
    const { leases, found } = records(addresses);
    expect(attachmentsOf(leases, found)).toMatchObject([{ pod, state: "active", mode: "routed", hostLink: "hx1" }]);
    expect(attachmentsOf(leases, [])).toMatchObject([{ state: "no-link" }]);
    expect(attachmentsOf([], found)).toMatchObject([{ state: "no-lease", hostLink: "hx1" }]);
  });
});

test("every disagreement says what mends it", () => {
  const unknown = [{ address: Address.parse("fd00::7"), hostLink: "hx9" }];
  const found = disagreementsIn(records(["fd00::2"], { found: [], unknown, damage: "x" }));
  expect(found.map(({ kind }) => kind)).toEqual(["damaged", "link-gone", "unknown-holder"]);
  for (const { fix } of found) expect(fix).not.toBe("");
});

test("confirmed() keeps what both looks found", () => {
  const before = disagreementsIn(records(["fd00::2", "10.1.0.2"], { found: [] }));
  const now = disagreementsIn(records(["fd00::2", "fd00::3"], { found: [] }));
  expect(confirmed(before, now).map(({ subject }) => subject)).toEqual(["fd00::2"]);
});
