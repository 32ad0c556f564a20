import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { test as base, describe, expect } from "vitest";
import { type Family, families } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { applyForwarding } from "./forwarding.ts";
import { readHost } from "./host.ts";
import type { Report } from "./report.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { Advertiser, cable, configure, connect, eventually, forwards, pings } from "./test-wires.ts";
import { findUplinks, ipv6Of } from "./uplink.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace; router: TestNamespace; directory: string }>({
  pod: fresh,
  node: fresh,
  router: fresh,
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-forwarding-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const prefixes = [Prefix.parse("fd00:1::/64"), Prefix.parse("10.1.0.0/24")];
const advertised = { prefix: "2001:db8::/64", lifetimeSeconds: 1 };
/** Longer than a route from an advertisement lasts. */
const LIFETIME_MS = 1500;

/** One pass, as the agent would make it. */
function pass(
  node: TestNamespace,
  directory: string,
  wanted: readonly Family[] = families,
  heard: Set<string> = new Set(),
): Report {
  using connection = connect(node);
  const sysctl = linux.sysctl(node);
  const host = readHost(connection);
  const uplinks = findUplinks(host, { uplink: "auto", prefixes }, ipv6Of(sysctl));
  return applyForwarding(sysctl, SysctlRecord.open(directory, sysctl), {
    families: wanted,
    host,
    uplinks,
    heard,
  });
}

const defaultRoute = (node: TestNamespace) => node.run("ip", "-6", "route", "show", "default");
/** One that has expired may still be listed, and is not used. */
const hasDefaultRoute = (text: string) => /proto ra .* expires \d/.test(text);
const valueOf = (node: TestNamespace, name: string) => linux.sysctl(node).get(name);

/** A router behind eth0 that advertises itself, and the node's default route from it. */
async function advertisedBy(router: TestNamespace, node: TestNamespace, name = "eth0"): Promise<Advertiser> {
  cable({ namespace: node, name }, { namespace: router, name: `to-${name}` });
  configure(router, `address add 2001:db8::1/64 dev to-${name} nodad`);
  forwards(router);
  const radvd = new Advertiser(router, `to-${name}`, advertised);
  await eventually(() => defaultRoute(node), hasDefaultRoute);
  return radvd;
}

describe.concurrent("a default route from router advertisements", () => {
  test("is lost at once and for good where forwarding alone is switched on", async ({ node, router }) => {
    using _radvd = await advertisedBy(router, node);
    forwards(node);
    expect(defaultRoute(node)).toBe("");
    await wait(LIFETIME_MS);
    expect(defaultRoute(node)).toBe("");
  });

  test("stays when Hextet switches forwarding on, and is renewed", async ({ node, router, directory }) => {
    using _radvd = await advertisedBy(router, node);
    expect(pass(node, directory).changes).toEqual([
      "sysctl net/ipv6/conf/eth0/accept_ra 1 -> 2",
      "sysctl net/ipv6/conf/all/forwarding 0 -> 1",
      "sysctl net/ipv4/conf/all/forwarding 0 -> 1",
    ]);
    expect(defaultRoute(node)).toSatisfy(hasDefaultRoute);
    await wait(LIFETIME_MS);
    expect(defaultRoute(node)).toSatisfy(hasDefaultRoute);
    expect(pass(node, directory)).toEqual({ changes: [], faults: [] });
  });

  test("is told as lost when the router goes, and no more once there is one again", async ({
    node,
    router,
    directory,
  }) => {
    const radvd = await advertisedBy(router, node);
    const heard = new Set<string>();
    expect(pass(node, directory, families, heard).faults).toEqual([]);
    radvd[Symbol.dispose]();
    await eventually(
      () => defaultRoute(node),
      (text) => !hasDefaultRoute(text),
    );
    // An expired route is listed until the kernel sweeps; a router that says it ends takes it away at once.
    if (defaultRoute(node) !== "") configure(node, "-6 route del default");
    const { faults } = pass(node, directory, families, heard);
    expect(faults).toMatchObject([{ code: "default-route-lost", message: expect.stringContaining("rdisc6 eth0") }]);
    configure(node, "-6 route add default via 2001:db8::1 dev eth0");
    expect(pass(node, directory, families, heard).faults).toEqual([]);
  });

  test.for(["0", "1"])(
    "stays when a tool sets accept_ra to %s, and it is healed",
    async (value, { node, router, directory }) => {
      using _radvd = await advertisedBy(router, node);
      pass(node, directory);
      linux.sysctl(node).set("net/ipv6/conf/eth0/accept_ra", value);
      expect(pass(node, directory).changes).toEqual([`sysctl net/ipv6/conf/eth0/accept_ra ${value} -> 2`]);
      await wait(LIFETIME_MS);
      expect(defaultRoute(node)).toContain("proto ra");
    },
  );

  test("comes back when a tool's accept_ra of 1 has already cost it", async ({ node, router, directory }) => {
    using _radvd = await advertisedBy(router, node);
    pass(node, directory);
    linux.sysctl(node).set("net/ipv6/conf/eth0/accept_ra", "1");
    await eventually(
      () => defaultRoute(node),
      (text) => !hasDefaultRoute(text),
    );
    pass(node, directory);
    expect(await eventually(() => defaultRoute(node), hasDefaultRoute)).toContain("eth0");
  });

  test("comes back on a link that was taken away and plugged in again", async ({ node, router, directory }) => {
    {
      using _radvd = await advertisedBy(router, node);
      pass(node, directory);
      configure(node, "link delete eth0");
    }
    cable({ namespace: node, name: "eth0" }, { namespace: router, name: "to-eth0" });
    configure(router, "address add 2001:db8::1/64 dev to-eth0 nodad");
    using _radvd = new Advertiser(router, "to-eth0", advertised);
    await wait(LIFETIME_MS);
    expect(defaultRoute(node)).not.toSatisfy(hasDefaultRoute);
    expect(pass(node, directory).changes).toEqual(["sysctl net/ipv6/conf/eth0/accept_ra 1 -> 2"]);
    await eventually(() => defaultRoute(node), hasDefaultRoute);
  });

  test("is taken from a router that appears once the node forwards", async ({ node, router, directory }) => {
    cable({ namespace: node, name: "eth0" }, { namespace: router, name: "lan" });
    configure(node, "address add 192.0.2.10/24 dev eth0", "route add default via 192.0.2.1");
    pass(node, directory);
    forwards(router);
    using _radvd = new Advertiser(router, "lan", advertised);
    expect(await eventually(() => defaultRoute(node), hasDefaultRoute)).toContain("eth0");
  });

  test("of a second link that appears later stays as well, and links without one are not touched", async ({
    pod,
    node,
    router,
    directory,
  }) => {
    using _first = await advertisedBy(router, node);
    cable({ namespace: node, name: "hx0" }, { namespace: pod, name: "eth0" });
    using _second = await advertisedBy(router, node, "eth1");
    await eventually(
      () => defaultRoute(node),
      (text) => text.includes("eth0") && text.includes("eth1"),
    );
    pass(node, directory);
    await wait(LIFETIME_MS);
    for (const link of ["eth0", "eth1"]) {
      expect(node.run("ip", "-6", "route", "show", "default", "dev", link)).toSatisfy(hasDefaultRoute);
    }
    const values = ["eth0", "eth1", "hx0", "lo", "all", "default"].map((link) =>
      valueOf(node, `net/ipv6/conf/${link}/accept_ra`),
    );
    expect(values).toEqual(["2", "2", "1", "1", "1", "1"]);
  });

  test("an address that routers advertised is kept on a link whose default route is set by hand", async ({
    node,
    router,
    directory,
  }) => {
    using _radvd = await advertisedBy(router, node);
    await eventually(
      () => node.run("ip", "-6", "address", "show", "dev", "eth0"),
      (text) => text.includes("mngtmpaddr"),
    );
    linux.sysctl(node).set("net/ipv6/conf/eth0/accept_ra_defrtr", "0");
    configure(node, "-6 route flush default", "-6 route add default via 2001:db8::1");
    expect(pass(node, directory).changes[0]).toBe("sysctl net/ipv6/conf/eth0/accept_ra 1 -> 2");
  });
});

describe.concurrent("forwarding", () => {
  test.for<[name: string, wanted: Family[], reached: Record<Family, boolean>]>([
    ["IPv4-only", ["v4"], { v4: true, v6: false }],
    ["IPv6-only", ["v6"], { v4: false, v6: true }],
    ["dual-stack", ["v6", "v4"], { v4: true, v6: true }],
  ])("%s: what a pod sends to another link arrives", async ([, wanted, reached], { pod, node, router, directory }) => {
    cable({ namespace: node, name: "hx0" }, { namespace: pod, name: "eth0" });
    cable({ namespace: node, name: "eth0" }, { namespace: router, name: "lan" });
    configure(node, "address add fd00:1::1/64 dev hx0 nodad", "address add 10.1.0.1/24 dev hx0");
    configure(node, "address add 2001:db8::a/64 dev eth0 nodad", "address add 192.0.2.10/24 dev eth0");
    configure(node, "route add default via 192.0.2.1", "-6 route add default via 2001:db8::1");
    configure(pod, "address add fd00:1::2/64 dev eth0 nodad", "address add 10.1.0.2/24 dev eth0");
    configure(pod, "route add default via 10.1.0.1", "-6 route add default via fd00:1::1");
    configure(router, "address add 2001:db8::1/64 dev lan nodad", "address add 192.0.2.1/24 dev lan");
    configure(router, "route add 10.1.0.0/24 via 192.0.2.10", "-6 route add fd00:1::/64 via 2001:db8::a");
    const answers = async () => ({ v4: await pings(pod, "192.0.2.1"), v6: await pings(pod, "2001:db8::1") });
    expect(await answers()).toEqual({ v4: false, v6: false });
    pass(node, directory, wanted);
    expect(await answers()).toEqual(reached);
  });

  test("everything is as before once the record is restored", async ({ node, router, directory }) => {
    using _radvd = await advertisedBy(router, node);
    linux.sysctl(node).set("net/ipv4/conf/lo/forwarding", "1");
    const before = node.run("sysctl", "-a", "-r", "accept_ra|forwarding");
    pass(node, directory);
    expect(node.run("sysctl", "-a", "-r", "accept_ra|forwarding")).not.toBe(before);
    const sysctl = linux.sysctl(node);
    SysctlRecord.open(directory, sysctl).restore(sysctl);
    expect(node.run("sysctl", "-a", "-r", "accept_ra|forwarding")).toBe(before);
    expect(defaultRoute(node)).toSatisfy(hasDefaultRoute);
  });

  test("that cannot be set because /proc/sys is read-only is told with the fix", async ({ directory }) => {
    const script = `
      const { linux } = await import("${new URL("../kernel/linux.ts", import.meta.url)}");
      const { applyForwarding } = await import("${new URL("forwarding.ts", import.meta.url)}");
      const { SysctlRecord } = await import("${new URL("sysctl-record.ts", import.meta.url)}");
      const sysctl = linux.sysctl();
      const host = { links: [], addresses: [], routes: [] };
      const input = { families: ["v6"], host, uplinks: { links: [], faults: [] } };
      const report = applyForwarding(sysctl, SysctlRecord.open("${directory}", sysctl), input);
      console.log(JSON.stringify(report));`;
    const readOnly = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys";
    const command = `${readOnly} && exec "$0" --input-type=module -e "$1"`;
    const args = ["--mount", "--net", "sh", "-c", command, process.execPath, script];
    const { stdout, stderr } = await linux.run("unshare", args);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      changes: [],
      faults: [
        {
          code: "sysctl-refused",
          message:
            "Cannot set sysctl net/ipv6/conf/all/forwarding to 1: Read-only file system; " +
            "give the agent a writable /proc/sys, as a privileged container on the host's network has, " +
            "or set it on the host: sysctl -w net/ipv6/conf/all/forwarding=1",
        },
      ],
    });
  });
});
