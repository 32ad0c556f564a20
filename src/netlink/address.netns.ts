import { test as base, describe, expect } from "vitest";
import { Address, type Family } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { addAddress, listAddresses, type NewAddress, removeAddress, replaceAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { changeLink, createLink } from "./link.ts";
import { openSocket } from "./native.ts";
import { assignNamespaceId, getNamespaceId, listNamespaceIds } from "./netnsid.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace }>({ pod: fresh, node: fresh });

const stacks: [name: string, addresses: string[]][] = [
  ["IPv6 only", ["fd00::1/64"]],
  ["IPv4 only", ["10.0.0.1/24"]],
  ["dual-stack", ["fd00::1/64", "10.0.0.1/24"]],
];

/** A connection, and link 100 up with a quiet other end. */
function connect(namespace: TestNamespace): Connection {
  const connection = new Connection(openSocket("route", { namespace }));
  connection.execute([
    createLink({ kind: "veth", name: "hx1", index: 100, peer: { name: "other", index: 101 } }),
    ...[100, 101].flatMap((index) => [
      changeLink({ index }, { addressGeneration: "none" }),
      changeLink({ index }, { up: true }),
    ]),
  ]);
  return connection;
}

interface Shown {
  readonly family: string;
  readonly local: string;
  readonly prefixlen: number;
}

function shown(namespace: TestNamespace): Shown[] {
  const [link]: { readonly addr_info: Shown[] }[] = JSON.parse(
    namespace.run("ip", "-d", "-j", "address", "show", "dev", "hx1"),
  );
  return link?.addr_info ?? [];
}

const added = (text: string): NewAddress => ({ link: 100, address: InterfaceAddress.parse(text), noDad: true });

describe("addresses", () => {
  test.for(stacks)("%s: ip shows what was added, until it is removed", ([, addresses], { node }) => {
    using connection = connect(node);
    connection.execute(addresses.map((text) => addAddress(added(text))));
    const seen = shown(node).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    expect(seen.sort()).toEqual(addresses.toSorted());
    expect(
      connection
        .dump(listAddresses({ link: 100 }))
        .map(({ address }) => `${address}`)
        .sort(),
    ).toEqual(seen);
    connection.execute(addresses.map((text) => removeAddress(added(text))));
    expect(shown(node)).toEqual([]);
  });

  test.for(stacks)("%s: one that is there is not added, one that is gone not removed", ([, addresses], { node }) => {
    using connection = connect(node);
    for (const text of addresses) {
      connection.execute([addAddress(added(text))]);
      expect(() => connection.execute([addAddress(added(text))])).toThrow(expect.toSatisfy(alreadyExists));
      connection.execute([removeAddress(added(text))]);
      expect(() => connection.execute([removeAddress(added(text))])).toThrow(expect.toSatisfy(isGone));
    }
  });

  test.for<[what: string, address: NewAddress, shown: object]>([
    ["without duplicate detection", added("fd00::1/64"), { scope: "global", nodad: true }],
    ["without a prefix route", { ...added("fd00::1/64"), noPrefixRoute: true }, { noprefixroute: true }],
    ["without a prefix route", { ...added("10.0.0.1/24"), noPrefixRoute: true }, { noprefixroute: true }],
    ["that temporary ones are made of", { ...added("fd00::1/64"), managesTemporary: true }, { mngtmpaddr: true }],
    ["with a peer", { ...added("fd00::1/128"), peer: Address.parse("fd00::2") }, { address: "fd00::2" }],
    ["with a peer", { ...added("10.0.0.1/32"), peer: Address.parse("10.0.0.2") }, { address: "10.0.0.2" }],
    [
      "with a label, a broadcast address and a scope",
      { ...added("10.0.0.1/24"), label: "hx1:0", broadcast: Address.parse("10.0.0.255"), scope: 253 },
      { label: "hx1:0", broadcast: "10.0.0.255", scope: "link" },
    ],
    [
      "with lifetimes",
      { ...added("fd00::1/64"), validSeconds: 1000, preferredSeconds: 500 },
      { valid_life_time: 1000, preferred_life_time: 500 },
    ],
    [
      "with lifetimes",
      { ...added("10.0.0.1/24"), validSeconds: 1000, preferredSeconds: 500 },
      { valid_life_time: 1000, preferred_life_time: 500 },
    ],
  ])("%s: %j", ([, address, expected], { node }) => {
    using connection = connect(node);
    connection.execute([addAddress(address)]);
    expect(shown(node)).toEqual([expect.objectContaining(expected)]);
    const { noDad: _flag, broadcast: _unread, ...read } = address;
    expect(connection.dump(listAddresses({ link: 100 }))).toMatchObject([read]);
  });

  test("of a link-local prefix have the scope of the link, whatever was said", ({ node }) => {
    using connection = connect(node);
    connection.execute([addAddress(added("fe80::1/64"))]);
    expect(connection.dump(listAddresses({ link: 100 }))).toMatchObject([{ scope: 253, tentative: false }]);
  });

  test("get other lifetimes when they are replaced", ({ node }) => {
    using connection = connect(node);
    connection.execute([addAddress(added("fd00::1/64")), replaceAddress({ ...added("fd00::1/64"), validSeconds: 60 })]);
    expect(shown(node)).toEqual([expect.objectContaining({ valid_life_time: 60, preferred_life_time: 60 })]);
  });

  test.for<[text: string, link: number, message: string]>([
    [
      "fd00::1/64",
      999,
      "Cannot add address fd00::1/64 on link 999: No such device (ipv6: Unable to find the interface)",
    ],
    ["10.0.0.1/24", 999, "Cannot add address 10.0.0.1/24 on link 999: No such device (ipv4: Device not found)"],
    [
      "ff02::1/64",
      100,
      'Cannot add address ff02::1/64 on link 100: Address not available (ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag)',
    ],
  ])("%s on link %d is refused with the kernel's own words", ([text, link, message], { node }) => {
    using connection = connect(node);
    const request = addAddress({ link, address: InterfaceAddress.parse(text) });
    expect(() => connection.execute([request])).toThrow(expect.objectContaining({ message }));
  });

  test.for<Family>(["v6", "v4"])("that ip added in IP%s are read", (family, { node }) => {
    using connection = connect(node);
    const text = family === "v6" ? "fd00::1/64" : "10.0.0.1/24";
    node.run("ip", "address", "add", text, "dev", "hx1", "valid_lft", "1000", "preferred_lft", "0");
    expect(connection.dump(listAddresses({ family }))).toMatchObject([
      { link: 100, address: InterfaceAddress.parse(text), permanent: false, validSeconds: 1000, preferredSeconds: 0 },
    ]);
  });
});

describe("namespace ids", () => {
  test("let addresses of another namespace be listed without a socket in it", ({ node, pod }) => {
    pod.loopbackUp();
    using connection = connect(node);
    expect(connection.get(getNamespaceId(pod))).toEqual({ id: undefined });
    connection.execute([assignNamespaceId(pod, 7)]);
    expect(connection.get(getNamespaceId(pod))).toEqual({ id: 7 });
    expect(connection.dump(listNamespaceIds())).toEqual([7]);
    const found = connection.dump(listAddresses({ namespaceId: 7 })).map(({ address }) => `${address}`);
    expect(found.sort()).toEqual(["127.0.0.1/8", "::1/128"]);
  });

  test("are chosen by the kernel, and given once", ({ node, pod }) => {
    using connection = connect(node);
    connection.execute([assignNamespaceId(pod)]);
    expect(connection.get(getNamespaceId(pod))).toEqual({ id: 0 });
    expect(() => connection.execute([assignNamespaceId(pod, 3)])).toThrow(expect.toSatisfy(alreadyExists));
  });
});
