// Our plugins among the reference's: theirs over our IPAM, ours over theirs, and ours at the head of the chain people have behind
// their bridge.
import { beforeAll, describe, expect, test } from "vitest";
import type { PluginConfig } from "../conformance/runtime.ts";
import { build } from "../runtime/built.ts";
import { addressesIn, Driver } from "./driver.ts";
import { columns, familiesIn, familyOf } from "./machine.ts";
import {
  bridge,
  hextet,
  hextetIpam,
  hextetIpamWithRoutes,
  hostLocal,
  type Ipam,
  listOf,
  ours,
  portmap,
  type Recipe,
} from "./networks.ts";
import { addressesOf, fetchFrom, unanswered, withoutLength } from "./observe.ts";
import { Site } from "./site.ts";

beforeAll(() => void build());

const routed: PluginConfig = { ...hextet, mode: "routed" };
const onUplink = { master: "uplink0" };

/** Behind the node: pods that the node routes to. */
const behind = rowsOf({
  "bridge over host-local": [bridge, hostLocal],
  "bridge over hextet-ipam": [bridge, hextetIpamWithRoutes],
  "ptp over hextet-ipam": [{ type: "ptp" }, hextetIpamWithRoutes],
  "hextet as router over host-local": [routed, hostLocal],
  "hextet as bridge over host-local": [{ ...hextet, mode: "bridge" }, hostLocal],
});

/** Beside the node: pods on the node's own link, which the node itself does not reach. */
const beside = rowsOf({
  "macvlan over hextet-ipam": [{ type: "macvlan", ...onUplink }, hextetIpam],
  "hextet as macvlan over host-local": [{ ...hextet, mode: "macvlan", ...onUplink }, hostLocal],
});

function rowsOf(mixtures: Readonly<Record<string, readonly [PluginConfig, Ipam]>>) {
  return Object.entries(mixtures).flatMap(([name, [main, ipam]]) =>
    columns.map((families) => ({ name, families, recipe: { main, ipam, chain: [] } })),
  );
}

describe("a mixture", () => {
  test.for(behind)("of $name gives a $families pod that reaches the host and its neighbor", async (row) => {
    const { recipe, families } = row;
    await using site = await Site.make(families, recipe);
    const list = listOf(recipe, families);
    const driver = new Driver(site.machine);
    const pod = await driver.makePod("pod");
    const answer = await driver.runtime.add(list, pod.attachment);
    const inside = await site.agreedAddresses(pod, addressesIn(answer));
    expect(inside.map(familyOf)).toEqual(familiesIn[families]);
    await driver.runtime.check(list, pod.attachment);
    expect(await unanswered(pod, [...site.machine.addresses(1), ...site.machine.addresses(2)])).toEqual([]);
    expect(await unanswered(site.machine.neighbor, inside)).toEqual([]);
    await driver.removePod(list, pod);
    expect(await site.left()).toEqual([]);
  });

  test.for(beside)("of $name gives $families pods that reach each other", async ({ recipe, families }) => {
    await using site = await Site.make(families, recipe);
    const list = listOf(recipe, families);
    const driver = new Driver(site.machine);
    const pods = [await driver.makePod("one"), await driver.makePod("two")] as const;
    for (const pod of pods) {
      const answer = await driver.runtime.add(list, pod.attachment);
      expect((await site.agreedAddresses(pod, addressesIn(answer))).map(familyOf)).toEqual(familiesIn[families]);
      await driver.runtime.check(list, pod.attachment);
    }
    const [one, two] = pods;
    const addresses = (await addressesOf(site.machine, two)).map(withoutLength);
    expect(await unanswered(one, addresses)).toEqual([]);
    for (const pod of pods) await driver.removePod(list, pod);
    expect(await site.left()).toEqual([]);
  });
});

const limits = { ingressRate: 10_000_000, ingressBurst: 1_000_000, egressRate: 20_000_000, egressBurst: 1_000_000 };
const chain: Recipe["chain"] = [
  portmap,
  { type: "bandwidth", capabilities: { bandwidth: true } },
  { type: "tuning", sysctl: { "net.core.somaxconn": "321" }, mtu: 1400 },
];
const offered = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }], bandwidth: limits };

describe.for(columns)("the chain portmap, bandwidth, tuning behind a %s pod", (families) => {
  const recipe: Recipe = { ...ours, chain };
  const list = listOf(recipe, families);
  // portmap 1.1.1 fails its own CHECK: it asks for the chains of both families where the pod has one, and in a dual network it
  // looks for the rules of one family in the table of the other.
  const checkable = { ...list, plugins: list.plugins.filter(({ type }) => type !== "portmap") };

  test("publishes its port, limits its rates and sets its sysctl and MTU", async () => {
    await using site = await Site.make(families, recipe);
    const driver = new Driver(site.machine);
    const pod = await driver.makePod("pod", offered);
    const inside = await site.agreedAddresses(pod, addressesIn(await driver.runtime.add(list, pod.attachment)));
    await driver.runtime.check(checkable, pod.attachment);
    await driver.serve(pod);
    for (const address of site.machine.addresses(1)) {
      expect(await fetchFrom(site.machine, "machine", address, 8080)).toBe("pod");
      expect(await fetchFrom(site.machine, "neighbor", address, 8080)).toBe("pod");
    }
    for (const address of inside) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("pod");
    expect(await site.machine.run("tc", "qdisc", "show")).toMatch(/tbf .* rate 10Mbit [^]*tbf .* rate 20Mbit /);
    expect(await pod.run("cat", "/proc/sys/net/core/somaxconn")).toBe("321\n");
    expect(await pod.run("ip", "link", "show", "eth0")).toContain(" mtu 1400 ");
    await driver.removePod(list, pod);
    expect(await site.left()).toEqual([]);
  });

  test("leaves nothing when its namespace has gone before DEL", async () => {
    await using site = await Site.make(families, recipe);
    const driver = new Driver(site.machine);
    const pod = await driver.makePod("pod", offered);
    await driver.runtime.add(list, pod.attachment);
    await driver.losePod(list, pod);
    expect(await site.left()).toEqual([]);
  });

  test("gets out by the chain that podman writes behind its own bridge", async () => {
    const podmans: Recipe = { ...ours, chain: [portmap, { type: "firewall" }, { type: "tuning" }] };
    await using site = await Site.make(families, podmans);
    // A host that forwards nothing it was not told to, as Docker leaves it behind.
    for (const tables of ["iptables", "ip6tables"]) await site.machine.run(tables, "--policy", "FORWARD", "DROP");
    const driver = new Driver(site.machine);
    const pod = await driver.makePod("pod", offered);
    await driver.runtime.add(listOf(podmans, families), pod.attachment);
    expect(await unanswered(pod, site.machine.addresses(2))).toEqual([]);
    await driver.removePod(listOf(podmans, families), pod);
    expect(await site.left()).toEqual([]);
  });
});
