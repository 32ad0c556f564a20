// What pods ask for by annotations, with the installed executable and with the agent, from the JSON that containerd and CRI-O hand
// over: all annotations of the pod, below the capability's name. containerd itself is in e2e/runtimes/pod-annotations.e2e.ts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, test as base, describe, expect, vi } from "vitest";
import { podAnnotationsCapability } from "../../src/cni/runtime-config.ts";
import { guardFileName } from "../../src/firewall/guard-file.ts";
import { AgentNode } from "../agent/agent-node.ts";
import { CopiedBuild } from "../agent/copied-build.ts";
import {
  addressesOf,
  chosen,
  columns,
  failureOf,
  freshNode,
  interfacesOf,
  kernelAddresses,
  type Node,
  type Pod,
} from "../conformance/node.ts";
import type { Json, NetworkList } from "../conformance/runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });
const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

type Families = (typeof columns)[number];
type Annotations = Readonly<Record<string, string>>;

const annotated = { ips: true, [podAnnotationsCapability]: true };
const networkOf = (node: Node, families: Families, ipam?: Json): NetworkList =>
  node.network({ families, plugin: { capabilities: annotated }, ...(ipam === undefined ? {} : { ipam }) });

/** As the kubelet names it to the runtime: `shop/db-0`. */
function podOf(node: Node, name: string, annotations: Annotations): Pod {
  const [namespace = "", pod = ""] = name.split("/");
  const args = { IgnoreUnknown: "1", K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: pod };
  return node.pod({ args, capabilityArgs: { [podAnnotationsCapability]: annotations } });
}

const asking = (families: Families) => ({ "hextet.dev/ips": chosen[families].join(",") });
const withLength = (address: string) => `${address}/${address.includes(":") ? 128 : 32}`;

async function attached({ runtime }: Node, list: NetworkList, { container }: Pod): Promise<readonly string[]> {
  return addressesOf(await runtime.add(list, container));
}

describe.for(columns)("a pod that asks (%s)", (families) => {
  test("has the addresses it asks for, is checked, and has them again when it comes back", async ({ node }) => {
    const list = networkOf(node, families);
    // Whoever else hands annotations over, there may be many.
    const last = { "kubectl.kubernetes.io/last-applied-configuration": '"<>&'.repeat(50_000) };
    const pod = podOf(node, "shop/db-0", { ...asking(families), ...last });
    expect(await attached(node, list, pod)).toEqual(chosen[families]);
    expect(kernelAddresses(pod.namespace, "eth0").toSorted()).toEqual(chosen[families].map(withLength).toSorted());
    await node.runtime.check(list, pod.container);
    // The runtime forgot the first ADD, and the container has come back in another namespace.
    const { netns = "" } = node.pod().container;
    expect(addressesOf(await node.runtime.add(list, { ...pod.container, netns }))).toEqual(chosen[families]);
    await node.runtime.del(list, pod.container);
    const others = [podOf(node, "shop/web", {}), podOf(node, "shop/web", {})];
    for (const other of others) expect(chosen[families]).not.toContain((await attached(node, list, other))[0]);
    expect(await attached(node, list, podOf(node, "shop/db-0", asking(families)))).toEqual(chosen[families]);
  });

  test("is refused with the reason, and nothing is left", async ({ node }) => {
    const list = networkOf(node, families);
    const [first = ""] = chosen[families];
    const [second, third] = [first.replace(/7$/, "8"), first.replace(/7$/, "9")];
    await attached(node, list, podOf(node, "shop/db-0", asking(families)));
    const gone = podOf(node, "bank/vault", { "hextet.dev/ips": second });
    await attached(node, list, gone);
    await node.runtime.del(list, gone.container);
    const before = node.traces();
    const elsewhere =
      families === "dual" ? ": it lies outside every range, which are fd00:10::" : ": the network has no IP";
    const where = "(asked for in annotation hextet.dev/ips)";
    const refused = [
      [
        asking(families),
        101,
        `Cannot lease address ${first} ${where}: container container-1 holds it as eth0 (pod shop/db-0)`,
      ],
      [
        { "hextet.dev/ips": second },
        101,
        "pod bank/vault had it, and no pod of another namespace is given it before 20",
      ],
      [{ "hextet.dev/ips": families === "v6" ? "192.0.2.7" : "2001:db8::7" }, 101, elsewhere],
      [{ "hextet.dev/ips": `${second},${third}` }, 101, "both are of one range set, which gives one address"],
      [{ "hextet.dev/ips": `${first}g` }, 7, `annotation hextet.dev/ips: "${first}g" is not an IP address: `],
      [{ "hextet.dev/assign": "stabel" }, 7, "did you mean stable? There are sequential, random, stable, "],
    ] as const;
    for (const [annotations, code, words] of refused) {
      const pod = podOf(node, "shop/new", annotations);
      const failure = await failureOf(node.runtime.add(list, pod.container));
      expect(failure).toMatchObject({ code, msg: expect.stringContaining(words) });
      expect(`${failure.msg}; ${failure.details}`).toMatch(/^[ -~]{1,700}$/);
      expect(interfacesOf(pod.namespace)).toEqual([]);
    }
    expect(node.traces()).toEqual(before);
  });

  test("is refused where its operator has switched that off", async ({ node }) => {
    const [plugin = { type: "hextet" }] = networkOf(node, families).plugins;
    const list = networkOf(node, families, { ...Object(plugin["ipam"]), annotations: [] });
    const failure = await failureOf(attached(node, list, podOf(node, "shop/db-0", asking(families))));
    expect(failure).toMatchObject({ code: 7, msg: expect.stringContaining("network pods does not allow it") });
    expect(await attached(node, list, podOf(node, "shop/db-0", {}))).toHaveLength(chosen[families].length);
  });

  test("for stable addresses comes back to its own, between others that are given theirs in turn", async ({ node }) => {
    const list = networkOf(node, families);
    const stable = (at: number) => podOf(node, `shop/db-${at}`, { "hextet.dev/assign": "stable" });
    const set = [0, 1, 2, 3].map(stable);
    const given: (readonly string[])[] = [];
    for (const pod of set) {
      given.push(await attached(node, list, podOf(node, "shop/web", {})), await attached(node, list, pod));
    }
    expect(new Set(given.flat()).size).toBe(8 * chosen[families].length);
    for (const { container } of set) await node.runtime.del(list, container);
    const between: (readonly string[])[] = [];
    for (let at = 0; at < 4; at++) between.push(await attached(node, list, podOf(node, "shop/web", {})));
    const back: (readonly string[])[] = [];
    for (const at of [3, 1, 0, 2]) back[at] = await attached(node, list, stable(at));
    expect(back).toEqual(given.filter((_, at) => at % 2 === 1));
    expect(new Set([...given, ...between].flat()).size).toBe(12 * chosen[families].length);
  });

  test("is heard by hextet-ipam below another plugin as well", async ({ node }) => {
    const [{ ipam } = { ipam: {} }] = networkOf(node, families).plugins;
    const bridge = { type: "bridge", bridge: "other0", isGateway: true, capabilities: annotated };
    const plugins = [{ ...bridge, ipam: { ...Object(ipam), type: "hextet-ipam" } }];
    const list = { cniVersion: "1.0.0", name: "pods", plugins };
    const pod = podOf(node, "shop/db-0", asking(families));
    expect(await attached(node, list, pod)).toEqual(chosen[families]);
    await node.runtime.del(list, pod.container);
  });

  test("is refused where another plugin gives the addresses", async ({ node }) => {
    const ipam = { type: "host-local", ranges: [[{ subnet: families === "v4" ? "10.10.0.0/24" : "fd00:10::/64" }]] };
    const pod = podOf(node, "shop/db-0", asking(families));
    const failure = await failureOf(attached(node, networkOf(node, families, ipam), pod));
    expect(failure.msg).toContain(
      "annotation hextet.dev/ips: The IPAM plugin host-local gives the addresses of network pods",
    );
  });

  test("is served by the agent from the network that it wrote, and by the runtime without it", async () => {
    await using place = new AgentNode({ families, build: build.path });
    const { node } = place;
    const agent = await place.start();
    const list = await vi.waitFor(() => place.writtenNetwork(), { timeout: 20_000 });
    const pod = podOf(node, "shop/db-0", { ...asking(families), "hextet.dev/ip": "x" });
    expect(await attached(node, list, pod)).toEqual(chosen[families]);
    await vi.waitFor(() => expect(agent.served(pod.container.containerId)).toEqual(["ADD"]), { timeout: 20_000 });
    await agent.says("annotation not heard");
    const stranger = podOf(node, "bank/thief", asking(families));
    const refusal = await failureOf(node.runtime.add(list, stranger.container));
    // Without this file the runtime attaches no pod: it cannot know which ones a policy is meant for.
    const guard = join(node.dataDirectory, guardFileName);
    await vi.waitFor(() => expect(existsSync(guard)).toBe(true), { timeout: 20_000 });
    await agent.kill();
    const { msg, details } = await failureOf(node.runtime.add(list, stranger.container));
    expect({ msg, details }).toEqual({ msg: refusal.msg, details: refusal.details });
    expect(msg).toContain(`container ${pod.container.containerId} holds it as eth0 (pod shop/db-0)`);
    await node.runtime.del(list, pod.container);
    const thief = await failureOf(node.runtime.add(list, stranger.container));
    expect(thief.msg).toContain("pod shop/db-0 had it, and no pod of another namespace is given it before");
    expect(await attached(node, list, podOf(node, "shop/db-0", asking(families)))).toEqual(chosen[families]);
  });
});
