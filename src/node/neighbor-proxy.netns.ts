import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { passOn } from "./test-racks.ts";
import { cable, configure, forwards, pings, switched } from "./test-wires.ts";

interface Lan {
  readonly hub: TestNamespace;
  readonly alpha: TestNamespace;
  readonly beta: TestNamespace;
  /** A host that knows nothing of nodes and pods. */
  readonly stranger: TestNamespace;
  readonly pod: TestNamespace;
  readonly directory: string;
}

const test = base.extend<{ lan: Lan }>({
  // oxlint-disable-next-line no-empty-pattern
  lan: async ({}, use) => {
    using hub = TestNamespace.create();
    using alpha = TestNamespace.create();
    using beta = TestNamespace.create();
    using stranger = TestNamespace.create();
    using pod = TestNamespace.create();
    const directory = mkdtempSync(join(tmpdir(), "hextet-proxy-"));
    await use({ hub, alpha, beta, stranger, pod, directory });
    rmSync(directory, { recursive: true });
  },
});

type Nodes = Readonly<Record<string, readonly string[]>>;
const shared4 = { alpha: ["192.0.2.10", "192.0.2.64/28"], beta: ["192.0.2.11", "192.0.2.80/28"] };
const shared6 = {
  alpha: ["2001:db8::a", "2001:db8:0:0:a::/80"],
  beta: ["2001:db8::b", "2001:db8:0:0:b::/80"],
};
const sharedBoth = { alpha: [...shared6.alpha, ...shared4.alpha], beta: [...shared6.beta, ...shared4.beta] };
const pod4 = Address.parse("192.0.2.65");
const pod6 = Address.parse("2001:db8:0:0:a::5");
const bothPods = [pod6, pod4];

/** Both nodes and the stranger on one link with 2001:db8::/64 and 192.0.2.0/24. */
function wire({ hub, alpha, beta, stranger }: Lan, nodes: Nodes): void {
  switched(
    hub,
    [alpha, beta, stranger].map((namespace) => ({ namespace, name: "eth0" })),
  );
  configure(stranger, "address add 2001:db8::99/64 dev eth0", "address add 192.0.2.99/24 dev eth0");
  for (const [node, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
  ] as const) {
    forwards(node);
    for (const text of nodes[name] ?? []) {
      if (!text.includes("/")) configure(node, `address add ${text}/${text.includes(":") ? 64 : 24} dev eth0`);
    }
  }
}

/** Puts the pod behind a node, under the given link name there. */
function plug(node: TestNamespace, pod: TestNamespace, addresses: readonly Address[]): void {
  cable({ namespace: node, name: "hx0" }, { namespace: pod, name: "eth0" });
  configure(node, "address add fe80::1/64 dev hx0 nodad");
  for (const address of addresses) {
    configure(node, `route add ${address} dev hx0 proto 72`);
    configure(pod, `address add ${address} dev eth0`);
    if (address.family === "v6") configure(pod, "-6 route add default via fe80::1 dev eth0");
    else configure(pod, "route add default via 169.254.1.1 dev eth0 onlink");
  }
  if (addresses.some(({ family }) => family === "v4")) configure(node, "address add 169.254.1.1/32 dev hx0");
}

const proxiesOf = (node: TestNamespace) =>
  `${node.run("ip", "-6", "neigh", "show", "proxy")}${node.run("ip", "-4", "neigh", "show", "proxy")}`.trim();
const macOf = (node: TestNamespace) => /link\/ether (\S+)/.exec(node.run("ip", "link", "show", "eth0"))?.[1] ?? "none";

describe.concurrent("where all nodes and pods share one link's prefix", () => {
  test.for([
    ["IPv4-only", shared4, [pod4]],
    ["IPv6-only", shared6, [pod6]],
    ["dual-stack", sharedBoth, bothPods],
  ] as const)(
    "%s: a host that knows nothing reaches a pod, as long as there is one",
    async ([, nodes, pods], { lan }) => {
      wire(lan, nodes);
      plug(lan.alpha, lan.pod, pods);
      for (const address of pods) expect(await pings(lan.stranger, `${address}`)).toBe(false);
      const first = await passOn(lan, "alpha", nodes, { podAddresses: pods });
      expect(first.faults).toEqual([]);
      for (const address of pods) expect(await pings(lan.stranger, `${address}`)).toBe(true);
      expect(await passOn(lan, "alpha", nodes, { podAddresses: pods })).toMatchObject({ changes: [], faults: [] });
      const { changes } = await passOn(lan, "alpha", nodes);
      expect(new Set(changes)).toEqual(new Set(pods.map((address) => `- proxy for ${address} on link 2`)));
      expect(proxiesOf(lan.alpha)).toBe("");
    },
  );

  test("the answer comes at once, not after the random delay of several proxies", async ({ lan }) => {
    wire(lan, sharedBoth);
    plug(lan.alpha, lan.pod, bothPods);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: bothPods });
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      for (const address of bothPods) {
        configure(lan.stranger, `neigh flush to ${address}`);
        const args = [`--net=${lan.stranger.path}`, "ping", "-c1", "-W1", `${address}`];
        const { stdout } = await linux.run("nsenter", args);
        times.push(Number(/time=([\d.]+) ms/.exec(stdout)?.[1] ?? 1000));
      }
    }
    // By default half of the answers would take longer than 400 ms. A busy machine delays some, not half of them.
    expect(times.toSorted((one, other) => one - other)[times.length / 2]).toBeLessThan(100);
  });

  test("the node listens where neighbors ask for the pod, so that switches pass the question on", async ({ lan }) => {
    wire(lan, shared6);
    const groups = () => lan.alpha.run("ip", "-6", "maddress", "show", "dev", "eth0");
    expect(groups()).not.toContain("ff02::1:ff00:5");
    await passOn(lan, "alpha", shared6, { podAddresses: [pod6] });
    expect(groups()).toContain("ff02::1:ff00:5");
    await passOn(lan, "alpha", shared6);
    expect(groups()).not.toContain("ff02::1:ff00:5");
  });

  test("an address that moves to another node is found there by the next packet", async ({ lan }) => {
    wire(lan, sharedBoth);
    plug(lan.alpha, lan.pod, bothPods);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: bothPods });
    for (const address of bothPods) expect(await pings(lan.stranger, `${address}`)).toBe(true);
    configure(lan.alpha, "link delete hx0");
    plug(lan.beta, lan.pod, bothPods);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: [] });
    const on = { ndpProxy: "on", podAddresses: bothPods } as const;
    await passOn(lan, "beta", sharedBoth, on);
    for (const address of bothPods) {
      const entry = lan.stranger.run("ip", "neigh", "show", `${address}`);
      expect(entry).toContain(`lladdr ${macOf(lan.beta)} STALE`);
    }
    for (const address of bothPods) expect(await pings(lan.stranger, `${address}`)).toBe(true);
  });

  test("entries of others stay, and what is ours is seen by its protocol", async ({ lan }) => {
    wire(lan, sharedBoth);
    configure(lan.alpha, `-6 neigh add proxy 2001:db8::77 dev eth0`, `neigh add proxy ${pod4} dev eth0`);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: bothPods });
    expect(proxiesOf(lan.alpha).split("\n").toSorted()).toEqual([
      expect.stringMatching(/^192.0.2.65 dev eth0 +proxy *$/),
      expect.stringMatching(/^2001:db8::77 dev eth0 +proxy *$/),
      expect.stringMatching(/^2001:db8::a:0:0:5 dev eth0 +proxy proto 72/),
    ]);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: bothPods, ndpProxy: "off" });
    expect(proxiesOf(lan.alpha).split("\n")).toHaveLength(2);
  });

  test("the sysctls it needs are recorded and can be put back", async ({ lan }) => {
    wire(lan, sharedBoth);
    const pattern = ["-a", "-r", "eth0.(proxy|accept_ra |forwarding)"];
    const before = lan.alpha.run("sysctl", ...pattern);
    await passOn(lan, "alpha", sharedBoth, { podAddresses: bothPods });
    expect(lan.alpha.run("sysctl", ...pattern)).not.toBe(before);
    const changed: unknown = JSON.parse(readFileSync(join(lan.directory, "alpha", "sysctls.json"), "utf8"));
    expect(changed).toMatchObject({ changed: expect.arrayContaining([expect.objectContaining({ before: "80" })]) });
    const sysctl = linux.sysctl(lan.alpha);
    SysctlRecord.open(join(lan.directory, "alpha"), sysctl).restore(sysctl);
    expect(lan.alpha.run("sysctl", ...pattern)).toBe(before);
  });
});

test.for([
  ["nodes on one link with prefixes of their own", { alpha: ["2001:db8::a", "fd00:1::/64", "10.1.0.0/24"] }],
  ["a prefix of another rack", { alpha: ["2001:db8::a", "2001:db8:1::/64"] }],
] as const)("%s: there are no proxies", async ([, nodes], { lan }) => {
  wire(lan, nodes);
  const podAddresses = ["fd00:1::5", "10.1.0.5", "2001:db8:1::5"].map((text) => Address.parse(text));
  await passOn(lan, "alpha", nodes, { podAddresses });
  expect(proxiesOf(lan.alpha)).toBe("");
  expect(linux.sysctl(lan.alpha).get("net/ipv6/conf/eth0/proxy_ndp")).toBe("0");
});
