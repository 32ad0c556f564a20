import { test as base, describe, expect } from "vitest";
import { type Family, families, type Stack } from "../ip/address.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import {
  type ConnectionFilter,
  connectionStatus,
  connections,
  deleteConnection,
  deleteConnections,
  protocolNumber,
  type TrackedConnection,
} from "./conntrack.ts";
import { isGone } from "./kernel-error.ts";
import { openSocket } from "./native.ts";
import { createConnection, ends, sampleConnection, samplePing } from "./sample-connections.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const stacks: [name: string, families: readonly Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", ["v6", "v4"]],
];
const loopback: Required<Stack<string>> = { v6: "::1", v4: "127.0.0.1" };

function connect(namespace: TestNamespace): Connection {
  return new Connection(openSocket("netfilter", { namespace }));
}

/** One of each kind. */
function samplesOf(family: Family) {
  return [
    ...(["tcp", "udp", "sctp"] as const).map((protocol) => sampleConnection(family, protocol)),
    samplePing(family),
  ];
}

/** What the kernel shows of its table, as `udp 5000 53`. */
function shown(namespace: TestNamespace): string[] {
  const lines = namespace.run("cat", "/proc/self/net/nf_conntrack").split("\n").filter(Boolean);
  return lines.map((line) =>
    line.replace(/^(\S+) .*?(\S+) +\d+ \d+ .*?(?:sport|type)=(\d+) (?:dport|code)=(\d+).*/, "$1 $2 $3 $4"),
  );
}

function told({ family, protocol, original }: TrackedConnection): string {
  const name = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" }[protocol];
  const { icmp, sourcePort, destinationPort } = original;
  return `ip${family} ${name} ${icmp?.type ?? sourcePort} ${icmp?.code ?? destinationPort}`;
}

describe.for(stacks)("connections, %s:", ([, stack]) => {
  const both = stack.length > 1;
  const samples = stack.flatMap(samplesOf);

  test("of every protocol are listed as the kernel shows them, and deleted each by itself", ({ node }) => {
    using connection = connect(node);
    connection.execute(samples.map(createConnection));
    const found = connections(connection);
    expect(found).toHaveLength(samples.length);
    expect(found).toEqual(expect.arrayContaining(samples.map((one) => expect.objectContaining(one))));
    expect(found.map(told).toSorted()).toEqual(shown(node).toSorted());
    for (const one of found) {
      connection.execute([deleteConnection(one)]);
      expect(connections(connection)).not.toContainEqual(expect.objectContaining({ id: one.id }));
      expect(() => connection.execute([deleteConnection(one)])).toThrow(expect.toSatisfy(isGone));
    }
    expect(shown(node)).toEqual([]);
  });

  test("that real packets made are told with their answers", ({ node }) => {
    node.loopbackUp();
    node.run(
      "nft",
      "add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o ct state new",
    );
    for (const family of stack) node.run("ping", "-c1", loopback[family]);
    using connection = connect(node);
    for (const family of stack) {
      const [ping, ...more] = connections(connection, { family });
      expect(more).toEqual([]);
      expect(ping?.original.source.toString()).toBe(loopback[family]);
      expect(ping?.original.icmp?.id).toBe(ping?.reply.icmp?.id);
      expect((ping?.status ?? 0) & connectionStatus.answered).toBe(connectionStatus.answered);
    }
  });

  test.for<[what: string, filter: (family: Family) => ConnectionFilter, left: number]>([
    ["a family", (family) => ({ family }), 4],
    ["a family and protocol", (family) => ({ family, protocol: protocolNumber.udp }), 1],
    ["a protocol", () => ({ protocol: protocolNumber.udp }), both ? 2 : 1],
    ["a protocol and port", () => ({ protocol: protocolNumber.udp, original: { destinationPort: 53 } }), both ? 2 : 1],
    ["a port", () => ({ original: { destinationPort: 53 } }), both ? 6 : 3],
    ["a source", (family) => ({ original: { source: ends[family][0] } }), 4],
    ["a destination", (family) => ({ original: { destination: ends[family][1] } }), 4],
    ["a source nobody has", (family) => ({ original: { source: ends[family][1] } }), 0],
    ["the source of replies", (family) => ({ reply: { source: ends[family][1] } }), 4],
    ["the port of replies", (family) => ({ family, protocol: protocolNumber.tcp, reply: { sourcePort: 53 } }), 1],
    ["a port nobody has", (family) => ({ family, protocol: protocolNumber.tcp, reply: { sourcePort: 54 } }), 0],
    ["two families", (family) => ({ family, original: { source: ends[family === "v6" ? "v4" : "v6"][0] } }), 0],
    ["no answer", () => ({ status: { value: 0, mask: connectionStatus.answered } }), both ? 8 : 4],
    ["an answer", () => ({ status: { value: connectionStatus.answered, mask: connectionStatus.answered } }), 0],
    ["no bits", () => ({ mark: { value: 0, mask: 0 }, status: { value: 0, mask: 0 }, zone: 0 }), both ? 8 : 4],
    ["a zone nobody has", () => ({ zone: 1 }), 0],
  ])("filtered by %s", ([, filter, left], { node }) => {
    using connection = connect(node);
    connection.execute(samples.map(createConnection));
    for (const family of stack) expect(connections(connection, filter(family)).length).toBe(left);
  });

  test("of one zone, with one mark, in one state are found", ({ node }) => {
    using connection = connect(node);
    const status = connectionStatus.confirmed | connectionStatus.answered | connectionStatus.assured;
    const special = stack.map((family) => ({ ...sampleConnection(family, "udp"), zone: 5, mark: 0x77, status }));
    connection.execute([...samples, ...special].map(createConnection));
    const { answered } = connectionStatus;
    for (const filter of [
      { zone: 5 },
      { mark: { value: 0x70, mask: 0xf0 } },
      { status: { value: answered, mask: answered } },
    ]) {
      const found = connections(connection, filter);
      expect(found).toHaveLength(stack.length);
      expect(found).toEqual(expect.arrayContaining(special.map((one) => expect.objectContaining(one))));
    }
    connection.execute(connections(connection, { zone: 5 }).map(deleteConnection));
    expect(connections(connection)).toHaveLength(samples.length);
  });

  test("of which one direction is in a zone are told so, and deleted", ({ node }) => {
    using connection = connect(node);
    const one = stack.flatMap((family) => {
      const { original, reply, ...rest } = sampleConnection(family, "udp");
      return [
        { ...rest, original: { ...original, zone: 9 }, reply },
        { ...rest, original, reply: { ...reply, zone: 8 } },
      ];
    });
    connection.execute(one.map(createConnection));
    expect(connections(connection, { zone: 9 })).toHaveLength(stack.length);
    expect(connections(connection, { zone: 8 })).toHaveLength(stack.length);
    expect(deleteConnections(connection, () => true)).toBe(one.length);
    expect(connections(connection)).toEqual([]);
  });

  test("5,000 are deleted but for those a predicate spares, and the number is told", ({ node }) => {
    using connection = connect(node);
    const many = stack.flatMap((family) =>
      Array.from({ length: 5000 / stack.length }, (_, at) => sampleConnection(family, "udp", [1000 + at, 53])),
    );
    connection.execute(many.map(createConnection));
    const [family] = stack;
    const old = ({ original }: TrackedConnection) => original.sourcePort !== 1007;
    expect(deleteConnections(connection, old, { family: family ?? "v6" })).toBe(5000 / stack.length - 1);
    expect(deleteConnections(connection, old)).toBe(both ? 2499 : 0);
    expect(connections(connection).map(({ original }) => original.sourcePort)).toEqual(stack.map(() => 1007));
  });
});

describe("deleting connections", () => {
  test("passes over those that end meanwhile, and does not count them", ({ node }) => {
    using connection = connect(node);
    using other = connect(node);
    connection.execute(families.flatMap(samplesOf).map(createConnection));
    let first = true;
    const count = deleteConnections(connection, (tracked) => {
      if (first) other.execute([deleteConnection(tracked)]);
      first = false;
      return true;
    });
    expect(count).toBe(7);
    expect(connections(connection)).toEqual([]);
  });

  test("spares one that came with the same tuples since, which has another id", ({ node }) => {
    using connection = connect(node);
    connection.execute([createConnection(sampleConnection("v6", "udp"))]);
    const earlier = connections(connection).map((tracked) => ({ ...tracked, id: (tracked.id ^ 1) >>> 0 }));
    const failures = connection.attempt(earlier.map(deleteConnection));
    expect(failures.map(String)).toEqual([
      "KernelError: Cannot delete connection udp [fd00::2]:5000 to [fd00::1]:53: No such file or directory",
    ]);
    expect(connections(connection)).toHaveLength(1);
  });
});
