import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import { Address, type Family } from "../../ip/address.ts";
import { cluster } from "../../node/sample-cluster.ts";
import { nodeQuestions, podQuestions, sampleOf } from "./questions.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];
const written = {
  v6: ["2001:db8::1", "2001:db8::2", "fd00:2::/64", "fd00:2::5", "fd00:2::"],
  v4: ["192.0.2.1", "192.0.2.2", "10.2.0.0/24", "10.2.0.5", "10.2.0.0"],
} as const;

function viewOf(families: readonly Family[]): ClusterView {
  const at = (place: 0 | 1 | 2 | 3) => families.map((family) => written[family][place]);
  const { nodes } = cluster({ alpha: at(0), beta: [...at(1), ...at(2)] });
  const pod = { namespace: "shop", name: "db", labels: {}, ports: [], addresses: at(3).map(Address.parse) };
  return { nodes, policies: { namespaces: new Map(), pods: new Map([["shop/db", pod]]), policies: new Map() } };
}

describe.for(columns)("%s", ([, families]) => {
  test("asks each other node, and by the first address of its prefix, once in each family", () => {
    const all = nodeQuestions(viewOf(families), "alpha");
    expect(all.map(({ from, kind, to, address }) => `${from} ${kind}: ${to} at ${address}`)).toEqual([
      ...families.map((family) => `node node: node beta at ${written[family][1]}`),
      ...families.map((family) => `node prefix: pods of beta at ${written[family][4]}`),
    ]);
    expect(all.filter(({ kind }) => kind === "prefix").flatMap(({ refusers }) => refusers.map(String))).toEqual(
      families.flatMap(() => families.map((family) => written[family][1])),
    );
    expect(nodeQuestions(viewOf(families), "alpha", new Set(["gamma"]))).toEqual([]);
  });

  test("asks a pod of each other node from a pod of this one", () => {
    const all = podQuestions(viewOf(families), "alpha", families);
    expect(all.map(({ from, kind, to, address }) => `${from} ${kind}: ${to} at ${address}`)).toEqual(
      families.map((family) => `pod pod: pod shop/db at ${written[family][3]}`),
    );
    expect(podQuestions(viewOf(families), "alpha", [])).toEqual([]);
  });
});

test("asks in no family that this node does not speak, and for no prefix that is going away", () => {
  const { nodes } = cluster({
    alpha: ["2001:db8::1"],
    beta: ["2001:db8::2", "192.0.2.2", "10.2.0.0/24", "fd00:2::/64"],
  });
  const draining = nodes.map((node) => ({
    ...node,
    prefixes: node.prefixes.map((each) => ({ ...each, state: "draining" as const })),
  }));
  const all = nodeQuestions({ nodes }, "alpha");
  expect(all.map(({ kind, address }) => `${kind} ${address}`)).toEqual(["node 2001:db8::2", "prefix fd00:2::"]);
  expect(nodeQuestions({ nodes: draining }, "alpha").map(({ kind }) => kind)).toEqual(["node"]);
});

describe("sampleOf()", () => {
  const named = (count: number) => Array.from({ length: count }, (_, at) => `node${at}`);

  test("has all others where these are few", () => {
    expect([...sampleOf(named(5), "node2", 4)]).toEqual(["node0", "node1", "node3", "node4"]);
    expect(sampleOf(named(1), "node0", 4).size).toBe(0);
  });

  test.for([
    [6, 4],
    [7, 4],
    [8, 5],
    [24, 2],
    [33, 16],
    [64, 16],
  ] as const)(
    "of %i nodes and %i to ask has as many, each of which has this one, in whatever order they are told",
    ([count, most]) => {
      const names = named(count);
      const samples = new Map(names.map((name) => [name, sampleOf(names, name, most)]));
      for (const [name, sample] of samples) {
        expect(sample.size).toBe(Math.floor(most / 2) * 2);
        expect(sample).not.toContain(name);
        expect([...sample].every((other) => samples.get(other)?.has(name))).toBe(true);
        expect(new Set(sampleOf(names.toReversed(), name, most))).toEqual(sample);
      }
    },
  );

  test("joins all 300 nodes of a cluster in four steps", () => {
    const names = named(300);
    let reached = new Set(["node0"]);
    for (let step = 0; step < 4; step++) {
      reached = new Set([...reached].flatMap((name) => [name, ...sampleOf(names, name, 16)]));
    }
    expect(reached.size).toBe(300);
  });

  test("of a node that the cluster does not have is empty", () => {
    expect(sampleOf(named(50), "other", 4).size).toBe(0);
  });
});
