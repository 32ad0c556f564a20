import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { addForwarding, listForwardings, removeForwarding, replaceForwarding } from "./forwarding.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { changeLink, createLink } from "./link.ts";
import { openSocket } from "./native.ts";
import {
  addNeighbor,
  addProxyNeighbor,
  listNeighbors,
  listProxyNeighbors,
  removeNeighbor,
  removeProxyNeighbor,
  replaceNeighbor,
} from "./neighbor.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const LINK = 100;
const mac = Mac.parse("02:00:00:00:00:77");
const otherMac = Mac.parse("02:00:00:00:00:78");

const stacks: [name: string, addresses: string[]][] = [
  ["IPv6 only", ["fd00::7"]],
  ["IPv4 only", ["10.0.0.7"]],
  ["dual-stack", ["fd00::7", "10.0.0.7"]],
];

function connect(namespace: TestNamespace): Connection {
  const connection = new Connection(openSocket("route", { namespace }));
  connection.execute([
    createLink({ kind: "veth", name: "hx1", index: LINK, peer: { name: "other" } }),
    changeLink({ index: LINK }, { addressGeneration: "none" }),
    changeLink({ index: LINK }, { up: true }),
  ]);
  return connection;
}

function shown(namespace: TestNamespace, ...args: readonly string[]): { readonly dst: string }[] {
  return JSON.parse(namespace.run("ip", "-j", "neigh", "show", ...args));
}

describe("neighbors", () => {
  test.for(stacks)("%s: ip shows what was added, until it is removed", ([, addresses], { node }) => {
    using connection = connect(node);
    const all = addresses.map((text) => ({ link: LINK, address: Address.parse(text), mac, protocol: 72 }));
    connection.execute(all.map(addNeighbor));
    const seen = shown(node, "dev", "hx1", "nud", "permanent");
    expect(seen.sort((one, other) => (one.dst < other.dst ? 1 : -1))).toMatchObject(
      addresses.map((dst) => ({ dst, lladdr: String(mac), state: ["PERMANENT"], protocol: "72" })),
    );
    connection.execute(all.map(removeNeighbor));
    expect(shown(node, "dev", "hx1", "nud", "permanent")).toEqual([]);
  });

  test.for(stacks)("%s: one that is there is replaced, one that is gone not removed", ([, addresses], { node }) => {
    using connection = connect(node);
    for (const text of addresses) {
      const one = { link: LINK, address: Address.parse(text), mac };
      connection.execute([addNeighbor(one)]);
      expect(() => connection.execute([addNeighbor(one)])).toThrow(expect.toSatisfy(alreadyExists));
      connection.execute([replaceNeighbor({ ...one, mac: otherMac })]);
      expect(shown(node, text)).toMatchObject([{ lladdr: String(otherMac) }]);
      connection.execute([removeNeighbor(one)]);
      expect(() => connection.execute([removeNeighbor(one)])).toThrow(expect.toSatisfy(isGone));
    }
  });

  test.for<[state: string, read: string]>([
    ["permanent", "permanent"],
    ["noarp", "no-arp"],
    ["reachable", "reachable"],
    ["stale", "stale"],
  ])("that ip made %s are read so", ([state, read], { node }) => {
    using connection = connect(node);
    node.run("ip", "neigh", "add", "fe80::9", "lladdr", String(mac), "dev", "hx1", "nud", state, "router");
    const found = connection
      .dump(listNeighbors({ link: LINK, family: "v6" }))
      .filter(({ address }) => address.isLinkLocal);
    expect(found).toMatchObject([{ address: Address.parse("fe80::9"), mac, state: read, router: true, protocol: 0 }]);
  });
});

describe("proxies", () => {
  test.for(stacks)("%s: ip shows what was added, until it is removed", ([, addresses], { node }) => {
    using connection = connect(node);
    const all = addresses.map((text) => ({ link: LINK, address: Address.parse(text), protocol: 72 }));
    connection.execute(all.map(addProxyNeighbor));
    const seen = shown(node, "proxy").map(({ dst }) => dst);
    expect(seen.sort()).toEqual(addresses.toSorted());
    expect(connection.dump(listProxyNeighbors({ link: LINK }))).toHaveLength(addresses.length);
    connection.execute(all.map(removeProxyNeighbor));
    expect(shown(node, "proxy")).toEqual([]);
    for (const one of all) {
      expect(() => connection.execute([removeProxyNeighbor(one)])).toThrow(expect.toSatisfy(isGone));
    }
  });
});

describe("forwardings", () => {
  interface ShownEntry {
    readonly mac: string;
    readonly dst?: string;
    readonly state?: string;
  }

  function fdb(namespace: TestNamespace, ...args: readonly string[]): ShownEntry[] {
    const all: ShownEntry[] = JSON.parse(namespace.run("bridge", "-j", "fdb", "show", ...args));
    return all.filter((entry) => entry.mac === String(mac) || entry.mac === "00:00:00:00:00:00");
  }

  test("of a bridge: the program bridge shows what was added, until it is removed", ({ node }) => {
    using connection = connect(node);
    const one = { kind: "bridge", link: LINK, mac } as const;
    connection.execute([
      createLink({ kind: "bridge", name: "br0", index: 50 }),
      changeLink({ index: LINK }, { master: 50 }),
      addForwarding(one),
    ]);
    expect(fdb(node, "br", "br0")).toMatchObject([{ mac: String(mac), ifname: "hx1", master: "br0", state: "static" }]);
    expect(() => connection.execute([addForwarding(one)])).toThrow(expect.toSatisfy(alreadyExists));
    expect(connection.dump(listForwardings({ master: 50 }))).toContainEqual(
      expect.objectContaining({ link: LINK, mac, static: true, local: false }),
    );
    connection.execute([removeForwarding(one)]);
    expect(fdb(node, "br", "br0")).toEqual([]);
    expect(() => connection.execute([removeForwarding(one)])).toThrow(expect.toSatisfy(isGone));
  });

  test.for<[family: string, local: string, first: string, second: string]>([
    ["IPv6", "fd00::1", "fd00::8", "fd00::9"],
    ["IPv4", "10.0.0.1", "10.0.0.8", "10.0.0.9"],
  ])("of a VXLAN link over %s: the program bridge shows them", ([, local, first, second], { node }) => {
    using connection = connect(node);
    const to = (text: string) => ({ kind: "vxlan", link: 60, mac, remote: Address.parse(text) }) as const;
    const everyoneTo = (text: string) => ({ ...to(text), mac: "everyone" }) as const;
    connection.execute([
      createLink({
        kind: "vxlan",
        name: "vx0",
        index: 60,
        id: 42,
        port: 8472,
        learning: false,
        local: Address.parse(local),
      }),
      addForwarding(to(first)),
      addForwarding(everyoneTo(first)),
      addForwarding(everyoneTo(second)),
      replaceForwarding(to(second)),
    ]);
    const seen = fdb(node, "dev", "vx0").map((entry) => `${entry.mac} ${entry.dst} ${entry.state}`);
    expect(seen.sort()).toEqual([
      `00:00:00:00:00:00 ${first} permanent`,
      `00:00:00:00:00:00 ${second} permanent`,
      `${mac} ${second} permanent`,
    ]);
    connection.execute([removeForwarding(to(second)), removeForwarding(everyoneTo(first))]);
    expect(fdb(node, "dev", "vx0").map(({ dst }) => dst)).toEqual([second]);
  });
});
