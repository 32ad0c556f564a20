// What both kernels do with tracked connections that messages made. What packets make of them is Linux's own (conntrack.netns.ts).
import { describe, expect, test } from "vitest";
import { type Family, families } from "../../ip/address.ts";
import { Connection } from "../../netlink/connection.ts";
import { connections, deleteConnection, deleteConnections, protocolNumber } from "../../netlink/conntrack.ts";
import { createConnection, ends, sampleConnection, samplePing } from "../../netlink/sample-connections.ts";
import { type OpenWorld, outcome } from "./world.ts";

const stacks: [name: string, families: readonly Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", families],
];

export function connectionContract(open: OpenWorld): void {
  describe.for(stacks)("tracked connections, %s,", ([, stack]) => {
    const samples = stack.flatMap((family) => [
      ...(["tcp", "udp", "sctp"] as const).map((protocol) => sampleConnection(family, protocol)),
      samplePing(family),
    ]);

    test("are there as they were made, each once", () => {
      using world = open();
      using connection = new Connection(world.kernel.socket("netfilter"));
      expect(connections(connection)).toEqual([]);
      connection.execute(samples.map(createConnection));
      const found = connections(connection);
      expect(found).toHaveLength(samples.length);
      expect(found).toEqual(
        expect.arrayContaining(samples.map((one) => expect.objectContaining({ ...one, status: 8 }))),
      );
      expect(new Set(found.map(({ id }) => id)).size).toBe(samples.length);
      for (const one of samples) expect(outcome(connection, createConnection(one))).toBe("EEXIST");
    });

    test("are found by what they have", () => {
      using world = open();
      using connection = new Connection(world.kernel.socket("netfilter"));
      connection.execute(samples.map(createConnection));
      expect(connections(connection, { protocol: protocolNumber.udp })).toHaveLength(stack.length);
      for (const family of stack) {
        expect(connections(connection, { family })).toHaveLength(4);
        expect(connections(connection, { original: { source: ends[family][0] } })).toHaveLength(4);
        expect(connections(connection, { original: { source: ends[family][1] } })).toEqual([]);
      }
    });

    test("are deleted once, and only by their own id and zone", () => {
      using world = open();
      using connection = new Connection(world.kernel.socket("netfilter"));
      connection.execute(samples.map(createConnection));
      for (const one of connections(connection)) {
        expect(outcome(connection, deleteConnection({ ...one, id: (one.id ^ 1) >>> 0 }))).toBe("ENOENT");
        expect(outcome(connection, deleteConnection({ ...one, zone: 5 }))).toBe("ENOENT");
        expect(outcome(connection, deleteConnection(one))).toBe("done");
        expect(outcome(connection, deleteConnection(one))).toBe("ENOENT");
      }
      expect(connections(connection)).toEqual([]);
    });

    test("are counted when they are deleted together, and are those of one namespace", () => {
      using world = open();
      using connection = new Connection(world.kernel.socket("netfilter"));
      using inPod = new Connection(world.kernel.socket("netfilter", world.podNamespace));
      connection.execute(samples.map(createConnection));
      inPod.execute(samples.slice(1).map(createConnection));
      const isUdp = ({ protocol }: { readonly protocol: number }) => protocol === protocolNumber.udp;
      expect(deleteConnections(connection, isUdp)).toBe(stack.length);
      expect(deleteConnections(connection, isUdp)).toBe(0);
      expect(deleteConnections(inPod, () => true)).toBe(samples.length - 1);
      expect(connections(connection)).toHaveLength(samples.length - stack.length);
    });
  });
}
