import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { anyAddress, anyFamily } from "../ip/arbitraries.ts";
import { Connection } from "./connection.ts";
import {
  type ConnectionFilter,
  connections,
  deleteConnection,
  deleteConnections,
  describeConnection,
  listConnections,
  protocolNumber,
  type TrackedConnection,
} from "./conntrack.ts";
import { connectionType, decodeConnection, encodeConnection } from "./conntrack-message.ts";
import { hex } from "./hex.ts";
import { messageType, readMessages } from "./message.ts";
import { sampleConnection, samplePing } from "./sample-connections.ts";
import { acknowledgement, answer, done, ScriptedSocket } from "./scripted-socket.ts";

const pod = Address.parse("fd00::2");
const node = Address.parse("fd00::1");

function tracked(connection: ReturnType<typeof samplePing>, id = 1): TrackedConnection {
  return { status: 8, mark: 0, id, ...connection };
}

describe("what the kernel tells of", () => {
  test.for<[what: string, bytes: string, connection: TrackedConnection]>([
    [
      "UDP over IPv6, its original direction in a zone of its own",
      `
      0a 00 00 00  # struct nfgenmsg, AF_INET6
      54 00 01 80  # CTA_TUPLE_ORIG
      2c 00 01 80  # CTA_TUPLE_IP
      14 00 03 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # CTA_IP_V6_SRC fd00::2
      14 00 04 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # CTA_IP_V6_DST fd00::1
      1c 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  11 00 00 00  # CTA_PROTO_NUM 17
      06 00 02 00  00 03 00 00  # CTA_PROTO_SRC_PORT 3
      06 00 03 00  00 04 00 00  # CTA_PROTO_DST_PORT 4
      06 00 03 00  00 09 00 00  # CTA_TUPLE_ZONE 9
      4c 00 02 80  # CTA_TUPLE_REPLY
      2c 00 01 80  # CTA_TUPLE_IP
      14 00 03 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # CTA_IP_V6_SRC fd00::1
      14 00 04 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # CTA_IP_V6_DST fd00::2
      1c 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  11 00 00 00  # CTA_PROTO_NUM 17
      06 00 02 00  00 04 00 00  # CTA_PROTO_SRC_PORT 4
      06 00 03 00  00 03 00 00  # CTA_PROTO_DST_PORT 3
      08 00 03 00  00 00 00 08  # CTA_STATUS: confirmed
      08 00 08 00  00 00 00 00  # CTA_MARK 0
      08 00 0c 00  99 dd 53 14  # CTA_ID
      08 00 0b 00  00 00 00 01  # CTA_USE 1
      08 00 07 00  00 00 02 57  # CTA_TIMEOUT 599
      1c 00 18 80  # CTA_SYNPROXY
      08 00 01 00  00 00 00 00  08 00 02 00  00 00 00 00  08 00 03 00  00 00 00 00`,
      {
        family: "v6",
        protocol: 17,
        original: { source: pod, destination: node, sourcePort: 3, destinationPort: 4, zone: 9 },
        reply: { source: node, destination: pod, sourcePort: 4, destinationPort: 3 },
        status: 8,
        mark: 0,
        id: 0x99dd5314,
      },
    ],
    [
      "an echo over IPv6",
      `
      0a 00 00 00  # struct nfgenmsg, AF_INET6
      54 00 01 80  # CTA_TUPLE_ORIG
      2c 00 01 80  # CTA_TUPLE_IP
      14 00 03 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # CTA_IP_V6_SRC fd00::2
      14 00 04 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # CTA_IP_V6_DST fd00::1
      24 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  3a 00 00 00  # CTA_PROTO_NUM 58
      06 00 07 00  00 07 00 00  # CTA_PROTO_ICMPV6_ID 7
      05 00 08 00  80 00 00 00  # CTA_PROTO_ICMPV6_TYPE 128
      05 00 09 00  00 00 00 00  # CTA_PROTO_ICMPV6_CODE 0
      54 00 02 80  # CTA_TUPLE_REPLY
      2c 00 01 80  # CTA_TUPLE_IP
      14 00 03 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # CTA_IP_V6_SRC fd00::1
      14 00 04 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # CTA_IP_V6_DST fd00::2
      24 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  3a 00 00 00  # CTA_PROTO_NUM 58
      06 00 07 00  00 07 00 00  # CTA_PROTO_ICMPV6_ID 7
      05 00 08 00  81 00 00 00  # CTA_PROTO_ICMPV6_TYPE 129
      05 00 09 00  00 00 00 00  # CTA_PROTO_ICMPV6_CODE 0
      08 00 03 00  00 00 00 08  # CTA_STATUS: confirmed
      08 00 08 00  00 00 00 00  # CTA_MARK 0
      08 00 0c 00  5b 5d 5f 9e  # CTA_ID`,
      tracked(samplePing("v6"), 0x5b5d5f9e),
    ],
    [
      "TCP over IPv4",
      `
      02 00 00 00  # struct nfgenmsg, AF_INET
      34 00 01 80  # CTA_TUPLE_ORIG
      14 00 01 80  08 00 01 00  0a 00 00 02  08 00 02 00  0a 00 00 01  # CTA_TUPLE_IP 10.0.0.2 10.0.0.1
      1c 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  06 00 00 00  # CTA_PROTO_NUM 6
      06 00 02 00  13 88 00 00  # CTA_PROTO_SRC_PORT 5000
      06 00 03 00  00 35 00 00  # CTA_PROTO_DST_PORT 53
      34 00 02 80  # CTA_TUPLE_REPLY
      14 00 01 80  08 00 01 00  0a 00 00 01  08 00 02 00  0a 00 00 02  # CTA_TUPLE_IP 10.0.0.1 10.0.0.2
      1c 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  06 00 00 00  # CTA_PROTO_NUM 6
      06 00 02 00  00 35 00 00  # CTA_PROTO_SRC_PORT 53
      06 00 03 00  13 88 00 00  # CTA_PROTO_DST_PORT 5000
      08 00 03 00  00 00 00 08  # CTA_STATUS: confirmed
      08 00 08 00  00 00 00 00  # CTA_MARK 0
      08 00 0c 00  c3 7e 8d d4  # CTA_ID
      08 00 0b 00  00 00 00 01  # CTA_USE 1
      08 00 07 00  00 00 02 57  # CTA_TIMEOUT 599
      30 00 04 80  2c 00 01 80  # CTA_PROTOINFO, CTA_PROTOINFO_TCP
      05 00 01 00  00 00 00 00  05 00 02 00  00 00 00 00  05 00 03 00  00 00 00 00
      06 00 04 00  00 00 00 00  06 00 05 00  00 00 00 00`,
      tracked(sampleConnection("v4", "tcp"), 0xc37e8dd4),
    ],
  ])("%s is read", ([, bytes, connection]) => {
    expect(decodeConnection(hex(bytes))).toEqual(connection);
  });

  test("is passed over where it has no tuples, or another family than IP", () => {
    expect(decodeConnection(hex("0a 00 00 00"))).toBeUndefined();
    expect(decodeConnection(hex("07 00 00 00"))).toBeUndefined();
  });
});

test("any connection comes back as it was", () => {
  const u8 = fc.nat(0xff);
  const u16 = fc.nat(0xffff);
  const u32 = fc.nat(0xffffffff);
  const connection = anyFamily().chain((family) => {
    const icmp = family === "v6" ? protocolNumber.icmp6 : protocolNumber.icmp;
    const ends = { source: anyAddress(family), destination: anyAddress(family) };
    const key = fc.record({ type: u8, code: u8, id: u16 }, { noNullPrototype: true });
    const plain: { noNullPrototype: true; requiredKeys: ("source" | "destination")[] } = {
      noNullPrototype: true,
      requiredKeys: ["source", "destination"],
    };
    const withPorts = fc.record({ ...ends, sourcePort: u16, destinationPort: u16, zone: u16 }, plain);
    const withKey = fc.record({ ...ends, icmp: key, zone: u16 }, plain);
    const of = (protocol: number, tuple: fc.Arbitrary<TrackedConnection["original"]>) =>
      fc.record(
        {
          family: fc.constant(family),
          protocol: fc.constant(protocol),
          original: tuple,
          reply: tuple,
          status: u32,
          mark: u32,
          zone: u16,
          id: u32,
        },
        {
          noNullPrototype: true,
          requiredKeys: ["family", "protocol", "original", "reply", "status", "mark", "id"],
        },
      );
    return fc.oneof(
      ...[protocolNumber.tcp, protocolNumber.udp, protocolNumber.sctp].map((protocol) => of(protocol, withPorts)),
      of(icmp, withKey),
      of(47, fc.record(ends, plain)),
    );
  });
  fc.assert(
    fc.property(connection, (one) => {
      expect(decodeConnection(encodeConnection(one))).toEqual(one);
    }),
  );
});

describe("a request", () => {
  test("to delete names the original tuple and the id", () => {
    const { type, flags, body } = deleteConnection({ ...tracked(sampleConnection("v6", "udp"), 0x01020304), zone: 5 });
    expect({ type, flags }).toEqual({ type: connectionType.delete, flags: 0 });
    expect(connectionType.delete).toBe(0x102);
    expect(body).toEqual(
      hex(`
      0a 00 00 00  # struct nfgenmsg, AF_INET6
      4c 00 01 80  # CTA_TUPLE_ORIG
      2c 00 01 80  # CTA_TUPLE_IP
      14 00 03 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # CTA_IP_V6_SRC fd00::2
      14 00 04 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # CTA_IP_V6_DST fd00::1
      1c 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  11 00 00 00  # CTA_PROTO_NUM 17
      06 00 02 00  13 88 00 00  # CTA_PROTO_SRC_PORT 5000
      06 00 03 00  00 35 00 00  # CTA_PROTO_DST_PORT 53
      06 00 12 00  00 05 00 00  # CTA_ZONE 5
      08 00 0c 00  01 02 03 04  # CTA_ID`),
    );
  });

  test("to list by addresses of IPv4 has the kernel compare them", () => {
    const source = Address.parse("10.0.0.2");
    expect(listConnections({ protocol: 6, original: { source, destinationPort: 53 } }).body).toEqual(
      hex(`
      02 00 00 00  # struct nfgenmsg, AF_INET
      24 00 01 80  # CTA_TUPLE_ORIG
      0c 00 01 80  08 00 01 00  0a 00 00 02  # CTA_TUPLE_IP, CTA_IP_V4_SRC 10.0.0.2
      14 00 02 80  # CTA_TUPLE_PROTO
      05 00 01 00  06 00 00 00  # CTA_PROTO_NUM 6
      06 00 03 00  00 35 00 00  # CTA_PROTO_DST_PORT 53
      0c 00 19 80  # CTA_FILTER
      08 00 01 00  29 00 00 00  # CTA_FILTER_ORIG_FLAGS: source, protocol, destination port`),
    );
  });

  test.for<[what: string, filter: ConnectionFilter, bytes: string]>([
    ["everything", {}, "00 00 00 00"],
    ["a family", { family: "v6" }, "0a 00 00 00"],
    ["an address of IPv6, which the kernel compares the wrong way round", { original: { source: pod } }, "0a 00 00 00"],
    ["a protocol in either family", { protocol: 6 }, "00 00 00 00"],
    ["no bits of the status, which the kernel refuses", { status: { value: 0, mask: 0 } }, "00 00 00 00"],
    [
      "status, mark and zone",
      { status: { value: 2, mask: 6 }, mark: { value: 1, mask: 0xff }, zone: 5 },
      `
      00 00 00 00  # struct nfgenmsg
      08 00 03 00  00 00 00 02  # CTA_STATUS
      08 00 1a 00  00 00 00 06  # CTA_STATUS_MASK
      08 00 08 00  00 00 00 01  # CTA_MARK
      08 00 15 00  00 00 00 ff  # CTA_MARK_MASK
      06 00 12 00  00 05 00 00  # CTA_ZONE`,
    ],
  ])("to list by %s leaves the rest to us", ([, filter, bytes]) => {
    expect(listConnections(filter).body).toEqual(hex(bytes));
  });
});

describe("what a connection is called", () => {
  test.for<[name: string, connection: TrackedConnection]>([
    ["tcp 10.0.0.2:5000 to 10.0.0.1:53", tracked(sampleConnection("v4", "tcp"))],
    ["sctp [fd00::2]:5000 to [fd00::1]:53", tracked(sampleConnection("v6", "sctp"))],
    ["icmp 10.0.0.2 to 10.0.0.1 type 8 code 0 id 7", tracked(samplePing("v4"))],
    ["icmp6 fd00::2 to fd00::1 type 128 code 0 id 7", tracked(samplePing("v6"))],
    [
      "protocol 47 fd00::2 to fd00::1",
      tracked({
        family: "v6",
        protocol: 47,
        original: { source: pod, destination: node },
        reply: { source: node, destination: pod },
      }),
    ],
  ])("%s", ([name, connection]) => {
    expect(describeConnection(connection)).toBe(name);
    expect(deleteConnection(connection).operation).toBe(`delete connection ${name}`);
  });
});

describe("deleting", () => {
  const all = [tracked(sampleConnection("v6", "tcp"), 1), tracked(sampleConnection("v4", "udp"), 2)];

  /** A kernel that lists them all whatever the filter, and answers the deletions with these. */
  function kernel(...errnos: readonly number[]): Connection {
    return new Connection(
      new ScriptedSocket((messages) =>
        messages[0]?.type === connectionType.get
          ? [...all.map((one) => answer({ type: connectionType.new, body: encodeConnection(one) })), done(0)]
          : messages.map(({ sequence }, at) => acknowledgement(sequence, errnos[at])),
      ),
    );
  }

  test("what an old kernel did not filter is filtered, and nothing else deleted", () => {
    expect(connections(kernel(), { family: "v4" })).toEqual(all.slice(1));
    expect(deleteConnections(kernel(0), () => true, { protocol: protocolNumber.tcp })).toBe(1);
    expect(deleteConnections(kernel(), () => false)).toBe(0);
  });

  test("counts those it ended", () => {
    expect(deleteConnections(kernel(0, 0), () => true)).toBe(2);
    expect(deleteConnections(kernel(2, 0), () => true)).toBe(1);
    expect(deleteConnections(kernel(2, 2), () => true)).toBe(0);
  });

  test("tells what is refused for another reason than being gone", () => {
    expect(() => deleteConnections(kernel(2, 1), () => true)).toThrow(
      "Cannot delete connection udp 10.0.0.2:5000 to 10.0.0.1:53: Operation not permitted",
    );
  });
});

test("nothing is sent where nothing is to be deleted", () => {
  const socket = new ScriptedSocket(() => [done(0)]);
  expect(deleteConnections(new Connection(socket), () => true)).toBe(0);
  expect(socket.sent.flatMap(readMessages).map(({ type }) => type)).toEqual([connectionType.get]);
  expect(messageType.family).toBeLessThan(connectionType.get);
});
