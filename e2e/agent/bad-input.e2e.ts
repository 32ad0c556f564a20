// What a node may be given that is not as it must be: each is told once in the log, by /readyz and, where pods suffer from it, by STATUS,
// always with the fix; what can still work does; and when it is mended that is told once too, without a restart.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { columns, failureOf } from "../conformance/node.ts";
import type { NetworkList } from "../conformance/runtime.ts";
import { eventually } from "../runtimes/eventually.ts";
import type { Agent } from "./agent.ts";
import { AgentNode, type Families } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

interface Fault {
  readonly told: RegExp;
  /** Of STATUS; absent where pods do not suffer. */
  readonly code?: 50 | 51;
  /** This node is ready all the same. */
  readonly elsewhere?: true;
}

interface Trial extends Fault {
  readonly what: string;
  readonly columns: readonly Families[];
  readonly make: (served: AgentNode) => void;
  readonly mend: (served: AgentNode) => void;
}

const uplinkAddresses = ["192.0.2.2/24", "2001:db8:ffff::2/64"];
const defaultGateways = ["192.0.2.1", "2001:db8:ffff::1"];
const around = { v4: ["192.0.0.0/16"], v6: ["2001:db8::/32"], dual: ["2001:db8::/32", "192.0.0.0/16"] } as const;

const route4 = "unreachable 10.10.0.0/24 metric 4096";
const route6 = "unreachable fd00:10::/64 metric 4096";
const routes = { v4: [route4], v6: [route6], dual: [route6, route4] } as const;

function ip({ node }: AgentNode, ...lines: readonly string[]): void {
  for (const line of lines) node.host.run("ip", ...line.split(" "));
}

const trials: readonly Trial[] = [
  {
    what: "no uplink",
    columns,
    told: /^No interface is known to lead to other nodes.*name it in uplink, one of uplink$/,
    code: 51,
    make: (served) => ip(served, "-4 route del default", "-6 route del default"),
    mend: (served) => ip(served, ...defaultGateways.map((gateway) => `route add default via ${gateway}`)),
  },
  {
    what: "two uplinks",
    columns,
    told: /^uplink and second have a default route of IPv[46] each; .*; if only one leads to them, name it in uplink$/,
    make: (served) =>
      ip(
        served,
        "link add second type veth peer name other",
        "link set other up",
        "link set second up",
        "-4 route add default dev second metric 5000",
        "-6 route add default dev second metric 5000",
      ),
    mend: (served) => ip(served, "link delete second"),
  },
  {
    what: "IPv6 switched off on the uplink",
    columns: ["v6", "dual"],
    told: /^IPv6 is switched off on uplink uplink.*: sysctl -w net\/ipv6\/conf\/uplink\/disable_ipv6=0$/,
    code: 51,
    make: ({ node }) => node.host.run("sysctl", "-qw", "net.ipv6.conf.uplink.disable_ipv6=1"),
    mend: (served) => {
      served.node.host.run("sysctl", "-qw", "net.ipv6.conf.uplink.disable_ipv6=0");
      ip(served, `address add ${uplinkAddresses[1]} dev uplink nodad`, `route add default via ${defaultGateways[1]}`);
    },
  },
  {
    what: "an address the node does not hold",
    columns,
    told: /^No interface of this node has 192\.0\.2\.2, by which node alpha is known to others; add it to an interface, or/,
    code: 51,
    make: (served) => ip(served, `address del ${uplinkAddresses[0]} dev uplink`),
    mend: (served) => ip(served, `address add ${uplinkAddresses[0]} dev uplink`),
  },
  {
    what: "a prefix around that of the uplink",
    columns,
    told: /^Prefix (192\.0\.0\.0\/16|2001:db8::\/32) of node alpha contains .* on the link of uplink .*; give alpha a prefix outside/,
    code: 51,
    make: (served) => served.writeCluster(around[served.families]),
    mend: (served) => served.writeCluster(),
  },
  {
    what: "the prefix of another node",
    columns,
    told: /cluster\.yaml:3:\d+: .*beta.* overlaps .* of node alpha .*: give each node a prefix of its own/,
    make: (served) =>
      served.writeCluster(
        undefined,
        `beta: { addresses: [192.0.2.3, 2001:db8:ffff::3], prefixes: ["10.10.0.0/25", "fd00:10::/65"] }`,
      ),
    mend: (served) => served.writeCluster(),
  },
  {
    what: "another node without a prefix",
    columns,
    told: /^Node beta has no prefix, so .*; give it one of IPv6, IPv4, or both$/,
    elsewhere: true,
    make: (served) =>
      served.writeCluster(undefined, "beta: { addresses: [192.0.2.3, 2001:db8:ffff::3], prefixes: [] }"),
    mend: (served) => served.writeCluster(),
  },
  {
    what: "somebody else's route in the place of ours",
    columns,
    told: /^Cannot add route (10\.10\.0\.0\/24|fd00:10::\/64) unreachable metric 4096: File already exists.*: Somebody else has made the same/,
    code: 51,
    make: (served) => ip(served, ...routes[served.families].map((route) => `route replace ${route} proto 99`)),
    mend: (served) => ip(served, ...routes[served.families].map((route) => `route del ${route}`)),
  },
  {
    what: "no prefix",
    columns,
    told: /^Node alpha has no prefix, so its pods get no addresses; give it one of IPv6, IPv4, or both$/,
    code: 50,
    make: (served) => served.writeCluster([]),
    mend: (served) => served.writeCluster(),
  },
];

/** Has told of something exactly once. */
async function tellsOnce(agent: Agent, message: "fault" | "fault has gone", told: RegExp): Promise<void> {
  const lines = () => agent.lines.filter((line) => line.message === message && told.test(String(line["fault"])));
  await eventually(`the agent tells of a ${message} like ${told}`, () => (lines().length > 0 ? true : undefined));
  expect(new Set(lines().map(({ fault }) => fault)).size).toBe(lines().length);
}

async function expectTold(served: AgentNode, agent: Agent, list: NetworkList, fault: Fault): Promise<void> {
  const { told, code, elsewhere = false } = fault;
  await tellsOnce(agent, "fault", told);
  const { status, text } = served.page("/readyz");
  expect(status).toBe(elsewhere ? 200 : 503);
  expect(text.split("\n").some((line) => told.test(line))).toBe(true);
  if (code === undefined) return expect(served.node.runtime.status(list)).resolves.toBeUndefined();
  const failure = await failureOf(served.node.runtime.status(list));
  expect([failure.code, failure.details.split(". ").some((each) => told.test(each))]).toEqual([code, true]);
}

async function expectMended(served: AgentNode, agent: Agent, list: NetworkList, told: RegExp): Promise<void> {
  await tellsOnce(agent, "fault has gone", told);
  await eventually("the node is ready", () => (served.page("/readyz").status === 200 ? true : undefined));
  await expect(served.node.runtime.status(list)).resolves.toBeUndefined();
}

/** Of the version that has STATUS. */
function networkOf(served: AgentNode): NetworkList {
  return { ...served.network(), name: "hextet", cniVersion: "1.1.0" };
}

/** A pod comes and goes, served by the agent. */
async function expectServed(served: AgentNode, agent: Agent): Promise<void> {
  const { container } = served.node.pod();
  const list = networkOf(served);
  await served.node.runtime.add(list, container);
  await served.node.runtime.check(list, container);
  await served.node.runtime.del(list, container);
  await eventually("the agent has served it", () =>
    agent.served(container.containerId).join() === "ADD,CHECK,DEL" ? true : undefined,
  );
}

describe.for(columns)("%s", (families) => {
  test.for(trials.filter((trial) => trial.columns.includes(families)))("$what", async ({ make, mend, ...fault }) => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    const list = networkOf(served);
    await expect(served.node.runtime.status(list)).resolves.toBeUndefined();
    make(served);
    await expectTold(served, agent, list, fault);
    await expectServed(served, agent);
    mend(served);
    await expectMended(served, agent, list, fault.told);
  });

  test("a node the cluster does not know", async () => {
    await using served = new AgentNode({ families, build: build.path, nodeName: "omega" });
    const agent = await served.start();
    const told = /^The cluster has no node omega: add it to .*cluster\.yaml, or set nodeName to the name it has there$/;
    await expectTold(served, agent, networkOf(served), { told, code: 50 });
  });

  test("a cluster that cannot be read when an agent starts: what the agent before it wrote holds", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const first = await served.start();
    await first.says("network configuration written");
    await first.stop();
    const list = { ...served.writtenNetwork(), cniVersion: "1.1.0" };
    writeFileSync(served.clusterFile, "nodes: [");
    const second = await served.start();
    await expectTold(served, second, list, { told: /cluster\.yaml:1:\d+: / });
    await expectServed(served, second);
    expect(served.writtenNetwork()).toEqual(JSON.parse(JSON.stringify({ ...list, cniVersion: "1.0.0" })));
    served.writeCluster();
    await expectMended(served, second, list, /cluster\.yaml/);
  });

  test("a range without a free address", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const tiny = { v4: ["10.10.0.0/30"], v6: ["fd00:10::/126"], dual: ["fd00:10::/64", "10.10.0.0/30"] };
    served.writeCluster(tiny[families]);
    const agent = await served.start();
    await agent.says("network configuration written");
    const list = { ...served.writtenNetwork(), cniVersion: "1.1.0" };
    const pods = [];
    for (;;) {
      const { container } = served.node.pod();
      const added = await served.node.runtime.add(list, container).catch((error: unknown) => error);
      if (added instanceof Error) break;
      pods.push(container);
    }
    expect(pods.length).toBeGreaterThan(0);
    const failure = await failureOf(served.node.runtime.status(list));
    expect([failure.code, failure.msg, failure.details]).toEqual([
      50,
      expect.stringContaining("No address is free in"),
      expect.stringContaining("larger range"),
    ]);
    expect(served.page("/readyz").text).toContain("No address is free in");
    for (const container of pods) await served.node.runtime.del(list, container);
    await eventually("the node is ready", () => (served.page("/readyz").status === 200 ? true : undefined));
    await expect(served.node.runtime.status(list)).resolves.toBeUndefined();
  });

  test("/proc/sys that cannot be written", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start(
      undefined,
      "mount --bind /proc/sys /proc/sys",
      "mount -o remount,ro,bind /proc/sys",
    );
    await agent.says("network configuration written");
    const told =
      /^Cannot set sysctl net\/ipv[46]\/conf\/all\/forwarding to 1: .*give the agent a writable \/proc\/sys.*sysctl -w net\/ipv[46]\/conf\/all\/forwarding=1$/;
    await expectTold(served, agent, networkOf(served), { told, code: 51 });
    served.node.host.run("sysctl", "-qw", "net.ipv4.conf.all.forwarding=1", "net.ipv6.conf.all.forwarding=1");
    await expectMended(served, agent, networkOf(served), told);
  });
});

test("a disk without room for leases", async () => {
  await using served = new AgentNode({ families: "dual", build: build.path });
  const { dataDirectory } = served.node;
  const agent = await served.start(undefined, `mount -t tmpfs -o size=4m,mode=700 tmpfs ${dataDirectory}`);
  await agent.says("network configuration written");
  const within = (command: string) => {
    execFileSync("nsenter", ["--target", `${agent.pid}`, "--mount", "sh", "-c", command], { stdio: "pipe" });
  };
  const list = networkOf(served);
  await expect(served.node.runtime.status(list)).resolves.toBeUndefined();
  within(`cat /dev/zero > ${dataDirectory}/filler; true`);
  const unroomed = await eventually("STATUS tells of the disk", async () => {
    return await served.node.runtime.status(list).then(
      () => undefined,
      (error: unknown) => error,
    );
  });
  expect(unroomed).toMatchObject({
    code: 50,
    msg: expect.stringMatching(/^Cannot /),
    details: expect.stringMatching(/\w/),
  });
  expect(served.page("/readyz").status).toBe(503);
  within(`rm ${dataDirectory}/filler`);
  await eventually("the node is ready", () => (served.page("/readyz").status === 200 ? true : undefined));
  await expect(served.node.runtime.status(list)).resolves.toBeUndefined();
});

describe("no IPv6 in the kernel", () => {
  const withoutIpv6 = "mount -t tmpfs -o ro tmpfs /proc/sys/net/ipv6";

  test.for(["v6", "dual"] as const)("%s", async (families) => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start(undefined, withoutIpv6);
    const told =
      /^The kernel has no IPv6, and this node has the prefix fd00:10::\/64; start it without ipv6\.disable=1, or/;
    await expectTold(served, agent, networkOf(served), { told, code: 50 });
  });

  test("v4: nothing is missing", async () => {
    await using served = new AgentNode({ families: "v4", build: build.path });
    const agent = await served.start(undefined, withoutIpv6);
    await agent.says("network configuration written");
    await eventually("the node is ready", () => (served.page("/readyz").status === 200 ? true : undefined));
    await expect(served.node.runtime.status(networkOf(served))).resolves.toBeUndefined();
    expect(agent.lines.filter(({ message }) => message === "fault")).toEqual([]);
  });
});
