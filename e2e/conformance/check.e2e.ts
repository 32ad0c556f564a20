// Statements C1 to C5: CHECK, which came with version 0.4.0.
import { isIPv6 } from "node:net";
import { test as base, describe, expect } from "vitest";
import { type Version, versions } from "../../src/cni/versions.ts";
import {
  chosen,
  columns,
  everyKind,
  expectSound,
  failureOf,
  freshNode,
  type Kind,
  kernelAddresses,
  type Node,
  type Pod,
} from "./node.ts";
import { documentFor, type Json, type NetworkList, PluginFailure } from "./runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

const withCheck: readonly Version[] = versions.filter((version) => !version.startsWith("0.3"));

async function added(node: Node, kind: Kind): Promise<{ list: NetworkList; pod: Pod; result: Json }> {
  const list = node.network(kind);
  const pod = node.pod();
  return { list, pod, result: await node.runtime.add(list, pod.container) };
}

/** CHECK against a result that need not be the one ADD gave. */
async function checkAgainst(node: Node, list: NetworkList, pod: Pod, previous?: Json): Promise<void> {
  const [plugin] = list.plugins;
  if (plugin === undefined) throw new Error("A network without a plugin");
  const stdin = JSON.stringify(documentFor(list, plugin, { previous }));
  const execution = await node.runtime.execute("hextet", node.runtime.environmentOf("CHECK", pod.container), stdin);
  if (execution.code !== 0) throw new PluginFailure("hextet", "CHECK", execution);
}

describe.for(["0.3.0", "0.3.1"] as const)("CHECK in version %s", (version) => {
  test("has code 1", async ({ node }) => {
    const list = node.network({ version });
    const pod = node.pod();
    const result = await node.runtime.add(list, pod.container);
    expect((await failureOf(checkAgainst(node, list, pod, result))).code).toBe(1);
  });
});

describe.for(everyKind)("C1 ($mode, $families)", (kind) => {
  test("fails without a prevResult", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    const failure = await failureOf(checkAgainst(node, list, pod));
    expect([failure.code, failure.msg]).toEqual([7, expect.stringContaining("prevResult")]);
  });

  test("expects the addresses and interfaces of prevResult: one more that is not there is an error", async ({
    node,
  }) => {
    const { list, pod, result } = await added(node, kind);
    const address = kind.families === "v4" ? "10.10.0.99/32" : "fd00:10::99/128";
    const ips = Array.isArray(result["ips"]) ? result["ips"] : [];
    const interfaces = Array.isArray(result["interfaces"]) ? result["interfaces"] : [];
    const index = interfaces.findIndex((each) => Object(each)["name"] === "eth0");
    const more = { ...result, ips: [...ips, { address, interface: index }] };
    expect((await failureOf(checkAgainst(node, list, pod, more))).msg).toContain(address.split("/")[0]);
  });
});

describe.for(everyKind)("C2 ($mode, $families)", (kind) => {
  test("allows another MAC, which a plugin after ours gave the interface", async ({ node }) => {
    const { list, pod, result } = await added(node, kind);
    const mac = "02:12:34:56:78:9a";
    pod.namespace.run("ip", "link", "set", "eth0", "address", mac);
    const interfaces = Array.isArray(result["interfaces"]) ? result["interfaces"] : [];
    const changed = interfaces.map((each) => (Object(each)["name"] === "eth0" ? { ...Object(each), mac } : each));
    await expect(checkAgainst(node, list, pod, { ...result, interfaces: changed })).resolves.toBeUndefined();
  });

  test("allows more addresses, routes and interfaces, which plugins after ours made", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    const { namespace } = pod;
    namespace.run("ip", "link", "add", "tun7", "type", "bridge");
    namespace.run("ip", "addr", "add", "198.51.100.7/32", "dev", "eth0");
    namespace.run("ip", "-6", "addr", "add", "2001:db8:7::7/128", "dev", "eth0", "nodad");
    namespace.run("ip", "route", "add", "203.0.113.0/24", "dev", "eth0");
    namespace.run("ip", "-6", "route", "add", "2001:db8:8::/64", "dev", "eth0");
    await expectSound(node, list, pod.container);
  });
});

describe.for(everyKind)("C3 ($mode, $families)", (kind) => {
  test("fails where the interface is missing", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    pod.namespace.run("ip", "link", "del", "eth0");
    const failure = await failureOf(node.runtime.check(list, pod.container));
    expect([failure.code, failure.msg]).toEqual([107, expect.stringContaining("eth0")]);
  });

  test("fails where the interface is down", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    pod.namespace.run("ip", "link", "set", "eth0", "down");
    expect((await failureOf(node.runtime.check(list, pod.container))).code).toBe(107);
  });

  test("fails where an address is missing, each of them", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    for (const address of kernelAddresses(pod.namespace, "eth0")) {
      pod.namespace.run("ip", "addr", "del", address, "dev", "eth0");
      const failure = await failureOf(node.runtime.check(list, pod.container));
      expect([failure.code, failure.msg]).toEqual([107, expect.stringContaining(address.split("/")[0] ?? "")]);
      pod.namespace.run(
        "ip",
        "addr",
        "add",
        address,
        "dev",
        "eth0",
        ...(isIPv6(address.split("/")[0] ?? "") ? ["nodad"] : []),
      );
    }
  });

  const flags = { v4: ["-4"], v6: ["-6"], dual: ["-6", "-4"] }[kind.families];
  test.for(flags)("fails where the pod's default route is missing, ip %s", async (flag, { node }) => {
    const { list, pod } = await added(node, kind);
    pod.namespace.run("ip", flag, "route", "del", "default");
    const failure = await failureOf(node.runtime.check(list, pod.container));
    expect([failure.code, failure.msg]).toEqual([107, expect.stringMatching(/route/)]);
  });

  test.runIf(kind.mode !== "macvlan")("fails where the host's end is down", async ({ node }) => {
    const before = new Set(node.links());
    const { list, pod } = await added(node, kind);
    const [hostLink] = node.links().filter((name) => !before.has(name) && !name.startsWith("hextet"));
    node.host.run("ip", "link", "set", `${hostLink}`, "down");
    const failure = await failureOf(node.runtime.check(list, pod.container));
    expect([failure.code, failure.msg]).toEqual([107, expect.stringContaining(`${hostLink}`)]);
  });

  test.runIf(kind.mode === "routed").for(flags)(
    "fails where the host's route to the pod is missing, ip %s",
    async (flag, { node }) => {
      const { list, pod } = await added(node, kind);
      const address = kernelAddresses(pod.namespace, "eth0").find(
        (each) => isIPv6(each.split("/")[0] ?? "") === (flag === "-6"),
      );
      node.host.run("ip", flag, "route", "del", `${address}`);
      const failure = await failureOf(node.runtime.check(list, pod.container));
      expect([failure.code, failure.msg]).toEqual([107, expect.stringMatching(/route/)]);
    },
  );

  test.runIf(kind.mode === "bridge")("fails where the host's end has left the bridge", async ({ node }) => {
    const before = new Set(node.links());
    const { list, pod } = await added(node, kind);
    const [hostLink] = node.links().filter((name) => !before.has(name) && !name.startsWith("hextet"));
    node.host.run("ip", "link", "set", `${hostLink}`, "nomaster");
    expect((await failureOf(node.runtime.check(list, pod.container))).code).toBe(107);
  });

  test("fails where the reservation of the addresses is missing", async ({ node }) => {
    const { list, pod } = await added(node, kind);
    const ipam = { ...Object(list.plugins[0]?.["ipam"]), type: "hextet-ipam" };
    const document = JSON.stringify({ type: "other", name: list.name, cniVersion: list.cniVersion, ipam });
    const released = await node.runtime.execute(
      "hextet-ipam",
      node.runtime.environmentOf("DEL", pod.container),
      document,
    );
    expect(released.code).toBe(0);
    expect((await failureOf(node.runtime.check(list, pod.container))).code).toBe(107);
  });
});

describe.for(everyKind)("C4 ($mode, $families)", (kind) => {
  test.for(withCheck)("passes right after ADD, and again, in version %s", async (version, { node }) => {
    const list = node.network({ ...kind, version });
    const { container } = node.pod();
    await node.runtime.add(list, container);
    await expectSound(node, list, container);
    await expectSound(node, list, container);
  });

  test("passes with a requested MAC and MTU, and several pods", async ({ node }) => {
    const list = node.network({ ...kind, plugin: { mtu: 1400 } });
    const pods = [1, 2, 3].map((last) => node.pod({ capabilityArgs: { mac: `02:00:00:00:00:0${last}` } }));
    for (const { container } of pods) await node.runtime.add(list, container);
    for (const { container } of pods) await expectSound(node, list, container);
  });
});

describe.for(columns)("C5 (%s)", (families) => {
  const ips = chosen[families].map((address) => ({ address: `${address}/${isIPv6(address) ? 64 : 24}` }));

  test("executes the delegate's CHECK, with prevResult, and passes its error on", async ({ node }) => {
    const ipam = node.recorder("some-ipam").answer("ADD", { stdout: { cniVersion: "1.1.0", ips } });
    const list = node.network({ families, ipam: { type: "some-ipam" } });
    const { container } = node.pod();
    const result = await node.runtime.add(list, container);
    await expectSound(node, list, container);
    expect(ipam.verbs()).toEqual(["ADD", "CHECK"]);
    expect(ipam.calls()[1]?.document["prevResult"]).toEqual(result);
    ipam.answer("CHECK", { code: 1, stdout: { cniVersion: "1.1.0", code: 143, msg: "this address is not yours" } });
    const failure = await failureOf(node.runtime.check(list, container));
    expect([failure.code, failure.msg]).toEqual([143, expect.stringContaining("this address is not yours")]);
  });
});
