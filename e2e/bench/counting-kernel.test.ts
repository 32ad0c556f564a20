import { describe, expect, test } from "vitest";
import { FakeKernel } from "../../src/kernel/fake.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { createLink, listLinks } from "../../src/netlink/link.ts";
import { type Count, counting, isQuery, messageTypes } from "./counting-kernel.ts";

test.for([
  [16, "RTM_NEWLINK", false],
  [17, "RTM_DELLINK", false],
  [18, "RTM_GETLINK", true],
  [19, "RTM_SETLINK", false],
  [26, "RTM_GETROUTE", true],
  [24, "RTM_NEWROUTE", false],
  [90, "RTM_GETNSID", true],
] as const)("type %i, %s, asks: %j", ([type, , expected]) => {
  expect(isQuery(type)).toBe(expected);
});

describe("messageTypes()", () => {
  test("finds every message of a datagram, padding between them", () => {
    const datagram = new Uint8Array(20 + 16);
    datagram.set([17, 0, 0, 0, 16, 0]);
    datagram.set([16, 0, 0, 0, 18, 0], 20);
    expect(messageTypes(datagram)).toEqual([16, 18]);
  });

  test("stops at a message that has no length", () => {
    expect(messageTypes(new Uint8Array(64))).toEqual([0]);
  });
});

test("counting() tells dumps from changes", () => {
  const count: Count = { reads: 0, writes: [] };
  const kernel = counting(new FakeKernel(), count);
  using connection = new Connection(kernel.socket("route"));
  connection.dump(listLinks());
  expect(count).toEqual({ reads: 1, writes: [] });
  connection.execute([createLink({ kind: "bridge", name: "one" })]);
  kernel.sysctl().set("net/ipv6/conf/all/forwarding", "1");
  expect(count.writes).toEqual(["netlink message 16", "net/ipv6/conf/all/forwarding"]);
});
