// Statements D1 to D5: DEL.
import { isIPv6 } from "node:net";
import { test as base, describe, expect } from "vitest";
import { versions } from "../../src/cni/versions.ts";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { chosen, columns, end, everyKind, expectSound, failureOf, freshNode, interfacesOf, type Node } from "./node.ts";
import { documentFor, type NetworkList } from "./runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

/** The node as it is once a first pod has come and gone: what is made once, a bridge for example, is there. */
async function quietNode(node: Node, list: NetworkList): Promise<readonly string[]> {
  const { container } = node.pod();
  await node.runtime.add(list, container);
  await node.runtime.del(list, container);
  return node.traces();
}

/** Nobody can reach a macvlan in a namespace nobody names; it would go on answering for its addresses. */
function silence(namespace: TestNamespace): void {
  for (const name of interfacesOf(namespace)) namespace.run("ip", "link", "set", name, "down");
}

describe.for(everyKind)("D1 ($mode, $families)", ({ mode, families }) => {
  const asks = chosen[families];
  const askFor = { capabilityArgs: { ips: asks } };

  test("takes away what ADD made, on the node and in the pod, and frees the addresses", async ({ node }) => {
    const list = node.network({ mode, families });
    const before = await quietNode(node, list);
    const { namespace, container } = node.pod(askFor);
    await node.runtime.add(list, container);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(false);
    await node.runtime.del(list, container);
    expect(interfacesOf(namespace)).toEqual([]);
    expect(node.traces()).toEqual(before);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(true);
  });

  test("does so without CNI_NETNS, while the pod's namespace is still there", async ({ node }) => {
    const list = node.network({ mode, families });
    const before = await quietNode(node, list);
    const { namespace, container } = node.pod(askFor);
    await node.runtime.add(list, container);
    const { netns: _, ...withoutNamespace } = container;
    await node.runtime.del(list, withoutNamespace);
    silence(namespace);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(true);
    if (mode !== "macvlan") expect(node.traces()).toEqual(before);
  });

  test.for(["gone", "a path that never was"])("does so where CNI_NETNS is %s", async (kind, { node }) => {
    const list = node.network({ mode, families });
    const before = await quietNode(node, list);
    const pod = node.pod(askFor);
    const { namespace, container } = pod;
    await node.runtime.add(list, container);
    if (kind === "gone") end(pod);
    await node.runtime.del(list, kind === "gone" ? container : { ...container, netns: "/run/netns/nowhere" });
    if (kind !== "gone") silence(namespace);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(true);
    if (kind === "gone" || mode !== "macvlan") expect(node.traces()).toEqual(before);
  });
});

describe.for(everyKind)("D2 ($mode, $families)", ({ mode, families }) => {
  test.for(versions)("needs no prevResult, in version %s", async (version, { node }) => {
    const list = node.network({ mode, families, version });
    const { namespace, container } = node.pod({ capabilityArgs: { ips: chosen[families] } });
    await node.runtime.add(list, container);
    const [plugin] = list.plugins;
    if (plugin === undefined) throw new Error("A network without a plugin");
    const stdin = JSON.stringify(documentFor(list, plugin, {}));
    const execution = await node.runtime.execute("hextet", node.runtime.environmentOf("DEL", container), stdin);
    expect(execution).toMatchObject({ code: 0, stdout: "" });
    expect(interfacesOf(namespace)).toEqual([]);
    for (const address of chosen[families]) expect(await node.isFree(list, address)).toBe(true);
  });
});

describe.for(everyKind)("D3 ($mode, $families)", ({ mode, families }) => {
  test("a second and a third DEL of the same attachment succeed, and hurt nobody else", async ({ node }) => {
    const list = node.network({ mode, families });
    const leaving = node.pod();
    const staying = node.pod();
    for (const { container } of [leaving, staying]) await node.runtime.add(list, container);
    for (let time = 0; time < 3; time++) await node.runtime.del(list, leaving.container);
    await expectSound(node, list, staying.container);
  });

  test("a late DEL does not take what the next attachment of the same name has", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    await node.runtime.del(list, container);
    const next = { ...container, containerId: "another" };
    await node.runtime.add(list, next);
    await node.runtime.del(list, container);
    expect(interfacesOf(namespace)).toEqual(["eth0"]);
    await expectSound(node, list, next);
  });
});

describe.for(everyKind)("D4 ($mode, $families)", ({ mode, families }) => {
  test("succeeds for what was never added, where nothing was ever added", async ({ node }) => {
    const before = node.traces();
    await node.runtime.del(node.network({ mode, families }), node.pod().container);
    expect(node.traces()).toEqual(before);
  });

  test("succeeds after a failed ADD, and frees", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod({ capabilityArgs: { ips: chosen[families] } });
    namespace.run("ip", "link", "add", "eth0", "type", "bridge");
    await failureOf(node.runtime.add(list, container));
    await node.runtime.del(list, container);
    for (const address of chosen[families]) expect(await node.isFree(list, address)).toBe(true);
  });

  test("succeeds in spite of faults of the configuration that ADD refuses", async ({ node }) => {
    const list = node.network({ mode, families });
    const { container } = node.pod({ capabilityArgs: { ips: chosen[families] } });
    await node.runtime.add(list, container);
    const wrong = { ...container, capabilityArgs: { mac: "no MAC" }, args: { FOO: "BAR" } };
    await node.runtime.del(list, wrong);
    for (const address of chosen[families]) expect(await node.isFree(list, address)).toBe(true);
  });
});

describe.for(columns)("D5 (%s)", (families) => {
  const ips = chosen[families].map((address) => ({ address: `${address}/${isIPv6(address) ? 64 : 24}` }));

  test("executes the delegate's DEL, also without a namespace", async ({ node }) => {
    const ipam = node.recorder("some-ipam").answer("ADD", { stdout: { cniVersion: "1.1.0", ips } });
    const list = node.network({ families, ipam: { type: "some-ipam" } });
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    await node.runtime.del(list, container);
    namespace[Symbol.dispose]();
    await node.runtime.del(list, container);
    expect(ipam.verbs()).toEqual(["ADD", "DEL", "DEL"]);
  });

  test("returns the delegate's error, and takes the interface away all the same", async ({ node }) => {
    const ipam = node.recorder("some-ipam").answer("ADD", { stdout: { cniVersion: "1.1.0", ips } });
    ipam.answer("DEL", { code: 1, stdout: { cniVersion: "1.1.0", code: 11, msg: "the server is busy" } });
    const list = node.network({ families, ipam: { type: "some-ipam" } });
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    const failure = await failureOf(node.runtime.del(list, container));
    expect([failure.code, failure.msg]).toEqual([11, expect.stringContaining("the server is busy")]);
    expect(interfacesOf(namespace)).toEqual([]);
  });
});
