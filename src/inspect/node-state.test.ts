import { describe, expect, test } from "vitest";
import type { ClusterView } from "../cluster/view.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { addAddress } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { listLinks } from "../netlink/link.ts";
import { addRoute } from "../netlink/route.ts";
import { readHost } from "../node/host.ts";
import { decideNode, type NodeSettings } from "../node/pass.ts";
import { applyRoutes, desiredRoutes } from "../node/routes.ts";
import { cluster } from "../node/sample-cluster.ts";
import { attachTo, fakeNode } from "../pod/fake-node.ts";
import { routed, sample, stacks } from "../pod/sample-networks.ts";
import { readStatus } from "./node-state.ts";
import { statusPage } from "./status.ts";

const settings: NodeSettings = {
  nodeName: "alpha",
  uplink: ["uplink"],
  routing: { mode: "direct", vxlan: { id: 1, port: 4789 } },
  ndpProxy: "auto",
  mtu: "auto",
};
const own = { v6: "2001:db8:1::/64", v4: "10.1.0.0/24" } as const;
const beta = { v6: "2001:db8:2::/64", v4: "10.2.0.0/24" } as const;

function viewOf(families: readonly ("v4" | "v6")[]): ClusterView {
  return cluster({
    alpha: ["2001:db8:ffff::1", "192.0.2.1", ...families.map((family) => own[family])],
    beta: ["2001:db8:ffff::2", "192.0.2.2", ...families.map((family) => beta[family])],
  });
}

function onLink(kernel: ReturnType<typeof fakeNode>): Connection {
  const connection = new Connection(kernel.socket("route"));
  const link = connection.dump(listLinks()).find(({ name }) => name === "uplink")?.index ?? 0;
  const addresses = ["2001:db8:ffff::1/64", "192.0.2.1/24"].map(InterfaceAddress.parse);
  connection.execute(addresses.map((address) => addAddress({ link, address, noDad: true })));
  return connection;
}

describe.for(stacks)("$name: readStatus()", (stack) => {
  const view = viewOf(stack.families);

  test("counts what is there of what is wanted, and names what differs", async () => {
    const kernel = fakeNode();
    using connection = onLink(kernel);
    await attachTo(kernel, sample(2, stack, { mode: routed }));
    const input = { kernel, settings, view, source: "file", usage: [] };
    const before = readStatus(input);
    const wanted = 2 * stack.families.length;
    expect(before.routes).toMatchObject({ wanted, present: 0 });
    expect(before.routes?.differing[0]).toMatch(/^missing /);

    const { routing } = decideNode(view, readHost(connection), { kernel, settings, podAddresses: () => [] });
    applyRoutes(connection, desiredRoutes(routing, {}));
    const destination = Prefix.parse("fd99::/64");
    connection.execute([addRoute({ destination, nextHop: { kind: "unreachable" }, protocol: 72, priority: 4096 })]);
    const after = readStatus(input);
    expect(after.routes).toEqual({
      wanted,
      present: wanted,
      differing: ["not wanted fd99::/64 unreachable metric 4096"],
    });
    expect(after).toMatchObject({ node: "alpha", attachments: 1, cluster: { nodes: 2 }, podMtu: 1500, faults: [] });
    expect(after.prefixes).toEqual(stack.families.map((family) => ({ prefix: own[family], state: "active" })));
    expect(statusPage.read(JSON.stringify(after))).toEqual(after);
  });

  test("says what it can where the cluster is not known", async () => {
    const kernel = fakeNode();
    await attachTo(kernel, sample(2, stack, { mode: routed }));
    const status = readStatus({ kernel, settings, view: undefined, source: "file", usage: [] });
    expect(status).toMatchObject({ attachments: 1, cluster: { source: "file" }, tunnels: [] });
    expect(statusPage.read(JSON.stringify(status))).toEqual(status);
  });
});

test("statusPage refuses another version, and says what to use", () => {
  expect(() => statusPage.read('{"version":2}')).toThrow("its status is of version 2, and this hextetctl reads 1");
});
