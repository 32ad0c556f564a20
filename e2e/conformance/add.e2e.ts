// Statements A1 to A7: ADD.
import { isIPv6 } from "node:net";
import { test as base, describe, expect } from "vitest";
import { type Version, versions } from "../../src/cni/versions.ts";
import {
  addressesOf,
  chosen,
  everyKind,
  expectSound,
  failureOf,
  freshNode,
  interfacesOf,
  kernelAddresses,
  type Node,
  resultOf,
} from "./node.ts";
import type { Json } from "./runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

const count = { v4: 1, v6: 1, dual: 2 } as const;

describe.for(everyKind)("A1 ($mode, $families)", ({ mode, families }) => {
  test.for(["eth0", "net1", "a.b-c_d", "fifteen-letters"])(
    "creates %s in CNI_NETNS",
    async (interfaceName, { node }) => {
      const { namespace, container } = node.pod({ interfaceName });
      await node.runtime.add(node.network({ mode, families }), container);
      expect(interfacesOf(namespace)).toEqual([interfaceName]);
    },
  );

  test("creates a second interface of the same container", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    await node.runtime.add(list, { ...container, interfaceName: "net1" });
    expect(interfacesOf(namespace).toSorted()).toEqual(["eth0", "net1"]);
  });

  test("fails where the kernel does not take the name: all", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod({ interfaceName: "all" });
    const failure = await failureOf(node.runtime.add(list, container));
    expect(failure.msg).toContain("all");
    expect(interfacesOf(namespace)).toEqual([]);
  });

  test.for(["/run/netns/nowhere", "/etc/passwd", "/"])("fails where CNI_NETNS is %s", async (netns, { node }) => {
    const failure = await failureOf(node.runtime.add(node.network({ mode, families }), node.pod({ netns }).container));
    expect(failure.msg).toContain(netns);
  });

  test("fails where CNI_NETNS is the node's own namespace", async ({ node }) => {
    const before = node.traces();
    const { container } = node.pod({ netns: node.host.path });
    const failure = await failureOf(node.runtime.add(node.network({ mode, families }), container));
    expect(failure.code).toBe(104);
    expect(node.traces()).toEqual(before);
  });
});

describe.for(everyKind)("A2 ($mode, $families)", ({ mode, families }) => {
  test("fails where the interface is there already, and leaves that one alone", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod();
    namespace.run("ip", "link", "add", "eth0", "address", "02:00:00:00:00:99", "type", "bridge");
    const failure = await failureOf(node.runtime.add(list, container));
    expect([failure.code, failure.msg]).toEqual([103, expect.stringContaining("eth0")]);
    expect(namespace.run("ip", "link", "show", "eth0")).toContain("02:00:00:00:00:99");
  });

  test("fails for the same attachment once more, which goes on as it was", async ({ node }) => {
    const list = node.network({ mode, families });
    const { namespace, container } = node.pod();
    await node.runtime.add(list, container);
    const addresses = kernelAddresses(namespace, "eth0");
    expect((await failureOf(node.runtime.add(list, container))).code).toBe(103);
    expect(kernelAddresses(namespace, "eth0")).toEqual(addresses);
    await expectSound(node, list, container);
  });
});

describe.for(everyKind)("A3 ($mode, $families)", ({ mode, families }) => {
  test.for(versions)("the result says what was made, in version %s", async (version, { node }) => {
    const { namespace, container } = node.pod();
    const result = resultOf(await node.runtime.add(node.network({ mode, families, version }), container));
    expect(result.cniVersion).toBe(version);
    const inner = result.interfaces.filter(({ sandbox }) => sandbox !== undefined);
    expect(inner.map(({ name, sandbox }) => [name, sandbox])).toEqual([["eth0", container.netns]]);
    expect(namespace.run("ip", "link", "show", "eth0")).toContain(`${inner[0]?.mac}`);
    expect(result.ips).toHaveLength(count[families]);
    for (const ip of result.ips) expect(result.interfaces[ip.interface ?? -1]).toEqual(inner[0]);
    expect(result.ips.map(({ address }) => address).toSorted()).toEqual(kernelAddresses(namespace, "eth0").toSorted());
    const outer = result.interfaces.filter(({ sandbox }) => sandbox === undefined);
    for (const { name, mac } of outer) expect(node.host.run("ip", "link", "show", name)).toContain(`${mac}`);
    expect(outer.length > 0).toBe(mode !== "macvlan");
  });

  test("families come in the order of the ranges", async ({ node }) => {
    const addresses = addressesOf(await node.runtime.add(node.network({ mode, families }), node.pod().container));
    expect(addresses.map((address) => isIPv6(address))).toEqual(
      { v4: [false], v6: [true], dual: [true, false] }[families],
    );
  });

  test.runIf(mode !== "macvlan")("the addresses can be used when ADD returns", async ({ node }) => {
    const { namespace, container } = node.pod();
    await node.runtime.add(node.network({ mode, families }), container);
    const uplink = { v4: ["192.0.2.2"], v6: ["2001:db8:ffff::2"], dual: ["2001:db8:ffff::2", "192.0.2.2"] }[families];
    for (const address of uplink) {
      expect(namespace.run("ping", "-c", "1", "-W", "1", address)).toContain(" 1 received");
    }
  });
});

/** What another plugin might have left before ours: an interface of its own, an address on it, and things we do not know. */
function chainedResult(version: Version): Json {
  const family = version.startsWith("1") ? {} : { version: "4" };
  return {
    cniVersion: version,
    interfaces: [{ name: "tun7", "x-vlan": 7 }],
    ips: [{ ...family, address: "172.16.0.7/24", interface: 0, "x-pool": "other" }],
    routes: [{ dst: "172.17.0.0/16", gw: "172.16.0.1", "x-weight": 3 }],
    dns: { nameservers: ["172.16.0.53"] },
    "x-trace": { id: 5 },
  };
}

describe.for(everyKind)("A4 ($mode, $families)", ({ mode, families }) => {
  test.for(versions)("a prevResult is handed on with what was added, in version %s", async (version, { node }) => {
    const before = chainedResult(version);
    const other = node.recorder("other").answer("ADD", { stdout: before });
    const list = node.network({ mode, families, version });
    const chain = { ...list, plugins: [{ type: "other" }, ...list.plugins] };
    const json = await node.runtime.add(chain, node.pod().container);
    const given = resultOf(before);
    const result = resultOf(json);
    expect(other.verbs()).toEqual(["ADD"]);
    expect(result.cniVersion).toBe(version);
    const tunnel = result.interfaces.findIndex(({ name }) => name === "tun7");
    expect(result.interfaces[tunnel]).toEqual(given.interfaces[0]);
    expect(result.ips.find(({ address }) => address === "172.16.0.7/24")).toEqual({
      ...given.ips[0],
      interface: tunnel,
    });
    expect(result.routes).toEqual(expect.arrayContaining([...(given.routes ?? [])]));
    expect(json).toMatchObject({ dns: { nameservers: ["172.16.0.53"] }, "x-trace": { id: 5 } });
    const ours = result.ips.filter(({ interface: index }) => result.interfaces[index ?? -1]?.name === "eth0");
    expect(ours).toHaveLength(count[families]);
  });

  test("a plugin that comes later gets the whole result", async ({ node }) => {
    const list = node.network({ mode, families });
    const later = node.recorder("later").answer("ADD", { stdout: { ips: [] } });
    const direct = await node.runtime.execute(
      "hextet",
      node.runtime.environmentOf("ADD", node.pod().container),
      JSON.stringify({ ...list.plugins[0], name: list.name, cniVersion: list.cniVersion }),
    );
    await node.runtime.add({ ...list, plugins: [...list.plugins, { type: "later" }] }, node.pod().container);
    const previous = later.calls()[0]?.document["prevResult"];
    expect(Object.keys(Object(previous)).toSorted()).toEqual(Object.keys(JSON.parse(direct.stdout)).toSorted());
  });
});

describe.for(everyKind)("A5 ($mode, $families)", ({ mode, families }) => {
  const asks = chosen[families];

  test("where the interface cannot be made nothing is left, and the addresses are free", async ({ node }) => {
    const list = node.network({ mode, families });
    const warm = node.pod();
    await node.runtime.add(list, warm.container);
    await node.runtime.del(list, warm.container);
    const before = node.traces();
    const { namespace, container } = node.pod({ capabilityArgs: { ips: asks } });
    namespace.run("ip", "link", "add", "eth0", "type", "bridge");
    await failureOf(node.runtime.add(list, container));
    expect(node.traces()).toEqual(before);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(true);
  });

  test("where it fails after the interface was made nothing is left, and the addresses are free", async ({ node }) => {
    const list = node.network({ mode, families });
    const warm = node.pod();
    await node.runtime.add(list, warm.container);
    await node.runtime.del(list, warm.container);
    const before = node.traces();
    const { namespace, container } = node.pod({ capabilityArgs: { ips: asks } });
    const broken = node.network({ mode, families, plugin: { sysctl: { "net/ipv4/no_such_thing": "1" } } });
    const failure = await failureOf(node.runtime.add(broken, container));
    expect(failure.msg).toContain("net/ipv4/no_such_thing");
    expect(interfacesOf(namespace)).toEqual([]);
    expect(node.traces()).toEqual(before);
    for (const address of asks) expect(await node.isFree(list, address)).toBe(true);
  });

  test("where the delegate fails it is executed again with DEL, and its error returned", async ({ node }) => {
    const ipam = node.recorder("some-ipam");
    ipam.answer("ADD", { code: 1, stdout: { cniVersion: "1.1.0", code: 142, msg: "nothing left to give" } });
    const before = node.traces();
    const list = node.network({ mode, families, ipam: { type: "some-ipam" } });
    const failure = await failureOf(node.runtime.add(list, node.pod().container));
    expect([failure.code, failure.msg]).toEqual([142, expect.stringContaining("nothing left to give")]);
    expect(failure.msg).toContain("some-ipam");
    expect(ipam.verbs()).toEqual(["ADD", "DEL"]);
    expect(node.traces()).toEqual(before);
  });

  test("where it fails after the delegate gave addresses, the delegate is executed with DEL", async ({ node }) => {
    const ips = asks.map((address) => ({ address: `${address}/${isIPv6(address) ? 64 : 24}` }));
    const ipam = node.recorder("some-ipam").answer("ADD", { stdout: { cniVersion: "1.1.0", ips } });
    const { namespace, container } = node.pod();
    namespace.run("ip", "link", "add", "eth0", "type", "bridge");
    await failureOf(node.runtime.add(node.network({ mode, families, ipam: { type: "some-ipam" } }), container));
    // It may look before it asks for addresses; then there is nothing to give back.
    expect([[], ["ADD", "DEL"]]).toContainEqual(ipam.verbs());
  });
});

describe.for(everyKind)("A6 ($mode, $families)", ({ mode, families }) => {
  test.for(versions)("the result has the form of version %s", async (version, { node }) => {
    const result = resultOf(await node.runtime.add(node.network({ mode, families, version }), node.pod().container));
    const family = result.ips.map(({ address }) => (address.includes(":") ? "6" : "4"));
    expect(result.ips.map((ip) => ip.version)).toEqual(version.startsWith("1") ? family.map(() => undefined) : family);
    const hasMtu = result.interfaces.some((each) => "mtu" in each);
    expect(hasMtu && version !== "1.1.0").toBe(false);
  });
});
