// Statements X1 to X5: GC, which came with version 1.1.0. The plugin's own GC is called directly, because the runtime's sends a
// DEL for what it remembers first, and GC is there for what nobody remembers.
import { isIPv6 } from "node:net";
import { test as base, describe, expect } from "vitest";
import { versions } from "../../src/cni/versions.ts";
import {
  addressesOf,
  chosen,
  columns,
  end,
  everyKind,
  expectSound,
  failureOf,
  freshNode,
  interfacesOf,
  type Node,
  type Pod,
} from "./node.ts";
import { documentFor, type Json, type NetworkList, PluginFailure } from "./runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

const attachmentOf = ({ container }: Pod) => ({ containerID: container.containerId, ifname: container.interfaceName });

/** GC with these keys beside the configuration's. */
async function expectCollected(node: Node, list: NetworkList, keys: Json): Promise<void> {
  const [plugin] = list.plugins;
  if (plugin === undefined) throw new Error("A network without a plugin");
  const stdin = JSON.stringify({ ...documentFor(list, plugin, {}), ...keys });
  const environment = { CNI_COMMAND: "GC", CNI_PATH: node.runtime.environmentOf("GC")["CNI_PATH"] ?? "" };
  const execution = await node.runtime.execute("hextet", environment, stdin);
  if (execution.code !== 0) throw new PluginFailure("hextet", "GC", execution);
  expect(execution.stdout).toBe("");
}

/** Two interfaces of one pod cannot both have its default route. */
function withoutRoutes(list: NetworkList): NetworkList {
  return {
    ...list,
    plugins: list.plugins.map((plugin) => ({ ...plugin, ipam: { ...Object(plugin["ipam"]), routes: [] } })),
  };
}

const valid = (...pods: readonly Pod[]) => ({ "cni.dev/valid-attachments": pods.map(attachmentOf) });

async function addAll(node: Node, list: NetworkList, pods: readonly Pod[]): Promise<readonly (readonly string[])[]> {
  const addresses: (readonly string[])[] = [];
  for (const { container } of pods) addresses.push(addressesOf(await node.runtime.add(list, container)));
  return addresses;
}

describe.for(versions.filter((version) => version !== "1.1.0"))("GC in version %s", (version) => {
  test("has code 1", async ({ node }) => {
    expect((await failureOf(expectCollected(node, node.network({ version }), valid()))).code).toBe(1);
  });
});

describe.for(columns)("a link whose maker died before it wrote on it whose it is (%s)", (families) => {
  test("goes with the leases it was made for", async ({ node }) => {
    const list = node.network({ families });
    const [kept, gone] = [node.pod(), node.pod()];
    for (const { container } of [kept, gone]) await node.runtime.add(list, container);
    const [link = ""] = node.host
      .run("ip", "-o", "link")
      .split("\n")
      .filter((line) => line.includes(`/${gone.container.containerId}/`))
      .map((line) => /hx\w+/.exec(line)?.[0] ?? "");
    node.host.run("ip", "link", "set", link, "alias", "");
    await expectCollected(node, list, valid(kept));
    expect(node.links()).not.toContain(link);
    expect(interfacesOf(gone.namespace)).toEqual([]);
    await expectSound(node, list, kept.container);
  });
});

describe.for(everyKind)("X1 X4 ($mode, $families)", (kind) => {
  test("frees what is not in the list, and leaves alone what is", async ({ node }) => {
    const list = node.network(kind);
    const pods = [node.pod(), node.pod(), node.pod()] as const;
    const [stale, kept, alsoStale] = pods;
    const [one, two, three] = await addAll(node, list, pods);
    for (const pod of [stale, alsoStale]) end(pod);
    await expectCollected(node, list, valid(kept));
    for (const address of [...(one ?? []), ...(three ?? [])]) expect(await node.isFree(list, address)).toBe(true);
    for (const address of two ?? []) expect(await node.isFree(list, address)).toBe(false);
    await expectSound(node, list, kept.container);
  });

  test("leaves other networks alone, which use the same database", async ({ node }) => {
    const list = node.network(kind);
    const other = node.network({ ...kind, name: "others" });
    const [mine, theirs] = [node.pod(), node.pod()];
    await node.runtime.add(list, mine.container);
    await node.runtime.add(other, theirs.container);
    await expectCollected(node, list, valid());
    await expectSound(node, other, theirs.container);
  });

  test("tells interfaces of one container apart", async ({ node }) => {
    const list = withoutRoutes(node.network(kind));
    const { namespace, container } = node.pod();
    const [kept, stale] = [container, { ...container, interfaceName: "net1" }];
    const addresses = await addAll(node, list, [
      { namespace, container: kept },
      { namespace, container: stale },
    ]);
    await expectCollected(node, list, valid({ namespace, container: kept }));
    for (const address of addresses[0] ?? []) expect(await node.isFree(list, address)).toBe(false);
    for (const address of addresses[1] ?? []) expect(await node.isFree(list, address)).toBe(true);
  });

  test("frees all where the list is empty", async ({ node }) => {
    const list = node.network(kind);
    const pods = [node.pod(), node.pod()];
    const addresses = (await addAll(node, list, pods)).flat();
    for (const pod of pods) end(pod);
    await expectCollected(node, list, valid());
    for (const address of addresses) expect(await node.isFree(list, address)).toBe(true);
  });

  test.for<Json>([{}, { "cni.dev/valid-attachments": null }])(
    "frees nothing where there is no list: %j",
    async (keys, { node }) => {
      const list = node.network(kind);
      const pod = node.pod();
      await node.runtime.add(list, pod.container);
      await expectCollected(node, list, keys);
      await expectSound(node, list, pod.container);
    },
  );

  test("frees nothing where the list cannot be read", async ({ node }) => {
    const list = node.network(kind);
    const pod = node.pod();
    await node.runtime.add(list, pod.container);
    const failure = await failureOf(expectCollected(node, list, { "cni.dev/valid-attachments": [{ ifname: "eth0" }] }));
    expect(failure.code).toBe(7);
    await expectSound(node, list, pod.container);
  });
});

describe.for(columns)("X2 X3 (%s)", (families) => {
  const ips = chosen[families].map((address) => ({ address: `${address}/${isIPv6(address) ? 64 : 24}` }));

  test("executes the delegate's GC with the same list", async ({ node }) => {
    const ipam = node.recorder("some-ipam");
    const keep = valid(node.pod());
    await expectCollected(node, node.network({ families, ipam: { type: "some-ipam" } }), keep);
    expect(ipam.verbs()).toEqual(["GC"]);
    expect(ipam.calls()[0]?.document).toMatchObject(keep);
  });

  test("goes on after the delegate failed, and returns its error at the end", async ({ node }) => {
    const ipam = node.recorder("some-ipam").answer("ADD", { stdout: { cniVersion: "1.1.0", ips } });
    ipam.answer("VERSION", { stdout: { cniVersion: "1.1.0", supportedVersions: versions } });
    ipam.answer("GC", { code: 1, stdout: { cniVersion: "1.1.0", code: 144, msg: "the server is gone" } });
    const list = node.network({ families, ipam: { type: "some-ipam" } });
    const { namespace, container } = node.pod();
    const before = node.traces();
    await node.runtime.add(list, container);
    const failure = await failureOf(expectCollected(node, list, valid()));
    expect([failure.code, failure.msg]).toEqual([144, expect.stringContaining("the server is gone")]);
    expect(interfacesOf(namespace)).toEqual([]);
    expect(node.traces()).toEqual(before);
  });
});

describe.for(everyKind)("X5 ($mode, $families)", (kind) => {
  test("succeeds where there is nothing, and again after it freed what there was", async ({ node }) => {
    const list = node.network(kind);
    await expectCollected(node, list, valid());
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    namespace[Symbol.dispose]();
    for (let time = 0; time < 3; time++) await expectCollected(node, list, valid());
  });

  test("takes the node's side of what is stale away, although the pod's namespace is still there", async ({ node }) => {
    const list = node.network(kind);
    const warm = node.pod();
    await node.runtime.add(list, warm.container);
    await node.runtime.del(list, warm.container);
    const before = node.traces();
    await node.runtime.add(list, node.pod().container);
    await expectCollected(node, list, valid());
    expect(node.traces()).toEqual(before);
  });

  test("as a runtime does it: DEL for what it remembers, then GC", async ({ node }) => {
    const list = node.network(kind);
    const [stale, kept] = [node.pod(), node.pod()];
    await addAll(node, list, [stale, kept]);
    await node.runtime.gc(list, [attachmentOf(kept)]);
    await expectSound(node, list, kept.container);
    expect(interfacesOf(stale.namespace)).toEqual([]);
  });
});
