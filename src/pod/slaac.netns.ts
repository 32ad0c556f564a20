import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { macvlan, sample, stacks } from "./sample-networks.ts";
import { connectUplink, freshNode, ping, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; lan: TestNamespace; pod: TestNamespace }>({
  node: freshNode,
  lan: fresh,
  pod: fresh,
});

const slaac = { ...macvlan, slaac: { timeoutMs: 8000 } };
const [, v4Only] = stacks;
const none = { addresses: () => [] };

/** A router on the link that advertises a prefix and a route; radvd answers a solicitation within half a second. */
class Router implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-radvd-"));
  readonly #radvd: ChildProcess;

  constructor(lan: TestNamespace) {
    const config = join(this.#directory, "radvd.conf");
    writeFileSync(
      config,
      `interface lan0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1400;
         prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; };
         route fd77::/48 {}; };`,
    );
    lan.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
    const options = ["-n", "-C", config, "-p", join(this.#directory, "pid"), "-m", "stderr"];
    this.#radvd = spawn("nsenter", [`--net=${lan.path}`, "radvd", ...options], { stdio: "ignore" });
  }

  [Symbol.dispose](): void {
    this.#radvd.kill();
    rmSync(this.#directory, { recursive: true });
  }
}

test("with router advertisements the pod has the advertised address and routes when attach returns", async ({
  node,
  lan,
  pod,
}) => {
  connectUplink(node, lan);
  using _router = new Router(lan);
  const wanted = sample(2, none, { mode: slaac });
  const { network } = await attach(node.kernel, wanted, pod.path);
  const hostPart = wanted.podMac.linkLocal.toString().replace("fe80::", "");
  expect(network.addresses.map(({ address }) => String(address))).toEqual([`2001:db8:1:0:${hostPart}/64`]);
  const router = /inet6 (fe80\S+)\/64/.exec(lan.run("ip", "-6", "address", "show", "dev", "lan0"))?.[1];
  expect(network.addresses[0]?.gateway?.toString()).toBe(router);
  expect(network.routes.map(({ destination, gateway }) => `${destination} via ${gateway}`).sort()).toEqual([
    `::/0 via ${router}`,
    `fd77::/48 via ${router}`,
  ]);
  expect(network.routes.find(({ destination }) => destination.length === 0)?.mtu).toBe(1400);
  expect(ping(pod, "2001:db8:1::1")).toContain("1 received");
  expect(() => check(node.kernel, network, pod.path)).not.toThrow();
});

test("IPv4 addresses are leased beside the advertised one", async ({ node, lan, pod }) => {
  connectUplink(node, lan);
  using _router = new Router(lan);
  const { network } = await attach(node.kernel, sample(2, v4Only ?? none, { mode: slaac }), pod.path);
  expect(network.addresses.map(({ address }) => address.family)).toEqual(["v6", "v4"]);
  expect(ping(pod, "10.1.0.1")).toContain("1 received");
  expect(ping(pod, "2001:db8:1::1")).toContain("1 received");
});

test("where nobody advertises, attach says so after its 300 ms and leaves nothing", async ({ node, lan, pod }) => {
  connectUplink(node, lan);
  const inside = pod.run("ip", "-j", "address");
  const mode = { ...macvlan, slaac: { timeoutMs: 300 } };
  await expect(attach(node.kernel, sample(2, none, { mode }), pod.path)).rejects.toThrow(
    "Cannot configure eth0: no router advertised a prefix for autoconfiguration within 300 ms; " +
      "let a router on the link do so, raise slaacTimeoutMs, or lease addresses from ipam.ranges",
  );
  expect(pod.run("ip", "-j", "address")).toBe(inside);
});

test("detach removes an autoconfigured pod without knowing its addresses", async ({ node, lan, pod }) => {
  connectUplink(node, lan);
  using _router = new Router(lan);
  const { attachment } = sample(2, none, { mode: slaac });
  await attach(node.kernel, sample(2, none, { mode: slaac }), pod.path);
  await detach(node.kernel, { attachment, namespacePath: pod.path });
  expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
});
