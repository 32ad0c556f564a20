import { describe, expect, test } from "vitest";
import type { ClusterView } from "../cluster/view.ts";
import { Address, type Family } from "../ip/address.ts";
import { FakeKernel } from "../kernel/fake.ts";
import { cluster } from "../node/sample-cluster.ts";
import { ask, questionsOf } from "./mesh.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];
const written = {
  v6: ["2001:db8::1", "2001:db8::2", "fd00:2::/64", "fd00:2::5"],
  v4: ["192.0.2.1", "192.0.2.2", "10.2.0.0/24", "10.2.0.5"],
} as const;

function viewOf(families: readonly Family[]): ClusterView {
  const at = (place: 0 | 1 | 2 | 3) => families.map((family) => written[family][place]);
  const { nodes } = cluster({ alpha: at(0), beta: [...at(1), ...at(2)] });
  const pod = { namespace: "shop", name: "db", labels: {}, ports: [], addresses: at(3).map(Address.parse) };
  return { nodes, policies: { namespaces: new Map(), pods: new Map([["shop/db", pod]]), policies: new Map() } };
}

const answered = `PING x
3 packets transmitted, 3 received, 0% packet loss, time 402ms
rtt min/avg/max/mdev = 0.031/0.044/0.060/0.012 ms
`;

describe.for(columns)("%s", ([, families]) => {
  test("asks each other node, and a pod of each from a pod, once in each family", () => {
    const view = viewOf(families);
    const all = questionsOf({ view, node: "alpha", podFamilies: families });
    expect(all.map(({ from, to, address }) => `${from} to ${to} at ${address}`)).toEqual([
      ...families.map((family) => `node to node beta at ${written[family][1]}`),
      ...families.map((family) => `pod to pod shop/db at ${written[family][3]}`),
    ]);
    expect(questionsOf({ view, node: "alpha", podFamilies: [] })).toHaveLength(families.length);
  });

  test("tells the average, from the node and from the pod's namespace", async () => {
    const kernel = new FakeKernel();
    const inside: unknown[] = [];
    kernel.addProgram("ping", (_, { namespacePath }) => {
      inside.push(namespacePath);
      return { stdout: answered };
    });
    const all = questionsOf({ view: viewOf(families), node: "alpha", podFamilies: families });
    for (const question of all) {
      expect(await ask(kernel, question, "/run/netns/pod")).toEqual({
        ...question,
        reached: true,
        roundTripMs: 0.044,
        lostPercent: 0,
      });
    }
    expect(inside).toEqual([...families.map(() => undefined), ...families.map(() => "/run/netns/pod")]);
  });
});

test.for([
  ["3 packets transmitted, 0 received, 100% packet loss, time 2040ms\n", 1, "", 100],
  ["", 2, "ping: connect: Network is unreachable", 100],
] as const)("what does not come back is not reached: %j", async ([stdout, code, stderr, lostPercent]) => {
  const kernel = new FakeKernel();
  kernel.addProgram("ping", () => ({ stdout, code, stderr }));
  const [question] = questionsOf({ view: viewOf(["v6"]), node: "alpha", podFamilies: [] });
  if (question === undefined) throw new Error("No question");
  expect(await ask(kernel, question)).toEqual({ ...question, reached: false, lostPercent });
});
