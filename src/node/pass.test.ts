import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { FakeKernel } from "../kernel/fake.ts";
import { addAddress } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { changeLink, createLink, getLink } from "../netlink/link.ts";
import { addRoute } from "../netlink/route.ts";
import { type NodeState, nodePass } from "./pass.ts";
import { cluster } from "./sample-cluster.ts";
import { SysctlRecord } from "./sysctl-record.ts";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-pass-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

type Nodes = Readonly<Record<string, readonly string[]>>;

/** A host with an uplink that has the node's addresses, and a default route of each family it has one of. */
function hostWith(addresses: readonly string[], kernel: FakeKernel = new FakeKernel()): FakeKernel {
  using elsewhere = kernel.addNamespace("/run/netns/router");
  using connection = new Connection(kernel.socket("route"));
  using router = new Connection(kernel.socket("route", elsewhere));
  connection.execute([
    createLink({ kind: "veth", name: "eth0", peer: { name: "lan", namespace: elsewhere } }),
    changeLink({ name: "eth0" }, { up: true }),
  ]);
  router.execute([changeLink({ name: "lan" }, { up: true })]);
  const { index: link } = connection.get(getLink({ name: "eth0" }));
  for (const text of addresses) {
    const address = InterfaceAddress.parse(text);
    const gateway = address.prefix.at(1n);
    connection.execute([
      addAddress({ link, address, noDad: true }),
      addRoute({
        destination: Prefix.everything(address.family),
        nextHop: { kind: "gateway", gateway, link },
        ...(address.family === "v6" ? { protocol: 9, priority: 1024 } : {}),
      }),
    ]);
  }
  return kernel;
}

function passOver(kernel: FakeKernel, directory: string, nodes: Nodes | undefined, pods: readonly string[] = []) {
  const states: NodeState[] = [];
  const frames: number[] = [];
  const pass = nodePass({
    kernel,
    record: SysctlRecord.open(directory, kernel.sysctl()),
    settings: {
      nodeName: "alpha",
      uplink: "auto",
      routing: { mode: "auto", vxlan: { id: 18552, port: 4789 } },
      ndpProxy: "auto",
      mtu: "auto",
    },
    view: () => (nodes === undefined ? undefined : cluster(nodes)),
    podAddresses: () => pods.map((text) => Address.parse(text)),
    sendFrames: (_link, sent) => frames.push(sent.length),
    onState: (state) => states.push(state),
  });
  return { pass, states, frames };
}

/** Of what the kernel shows, what Hextet made. */
function made(kernel: FakeKernel): string[] {
  return kernel
    .show()
    .split("\n")
    .filter((line) => /proto 72|vxlan/.test(line));
}

const beta4 = { addresses: ["192.0.2.11"], prefixes: ["10.1.2.0/24"] };
const beta6 = { addresses: ["2001:db8::b"], prefixes: ["fd00:2::/64"] };

describe("nodePass()", () => {
  test.for<[name: string, held: string[], nodes: Nodes, routes: string[], sysctls: Record<string, string>]>([
    [
      "IPv4-only",
      ["192.0.2.10/24"],
      { alpha: ["192.0.2.10", "10.1.1.0/24"], beta: [...beta4.addresses, ...beta4.prefixes] },
      [
        "route 10.1.1.0/24 unreachable proto 72 metric 4096",
        "route 10.1.2.0/24 via 192.0.2.11 dev eth0 proto 72 metric 2048 src 192.0.2.10",
      ],
      { "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "0", "net/ipv6/conf/eth0/accept_ra": "1" },
    ],
    [
      "IPv6-only",
      ["2001:db8::a/64"],
      { alpha: ["2001:db8::a", "fd00:1::/64"], beta: [...beta6.addresses, ...beta6.prefixes] },
      [
        "route fd00:1::/64 unreachable proto 72 metric 4096",
        "route fd00:2::/64 via 2001:db8::b dev eth0 proto 72 metric 2048 src 2001:db8::a",
      ],
      { "net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "1", "net/ipv6/conf/eth0/accept_ra": "2" },
    ],
    [
      "dual-stack",
      ["2001:db8::a/64", "192.0.2.10/24"],
      {
        alpha: ["2001:db8::a", "192.0.2.10", "fd00:1::/64", "10.1.1.0/24"],
        beta: [...beta6.addresses, ...beta4.addresses, ...beta6.prefixes, ...beta4.prefixes],
      },
      [
        "route fd00:1::/64 unreachable proto 72 metric 4096",
        "route fd00:2::/64 via 2001:db8::b dev eth0 proto 72 metric 2048 src 2001:db8::a",
        "route 10.1.1.0/24 unreachable proto 72 metric 4096",
        "route 10.1.2.0/24 via 192.0.2.11 dev eth0 proto 72 metric 2048 src 192.0.2.10",
      ],
      { "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net/ipv6/conf/eth0/accept_ra": "2" },
    ],
  ])(
    "%s: makes a host a node, and a second pass changes nothing",
    async ([, held, nodes, routes, sysctls], { directory }) => {
      const kernel = hostWith(held);
      const { pass, states } = passOver(kernel, directory, nodes);
      await pass();
      expect(made(kernel)).toEqual(routes);
      const values = Object.keys(sysctls).map((name) => [name, kernel.sysctl().get(name)]);
      expect(Object.fromEntries(values)).toEqual(sysctls);
      await pass();
      expect(states.map(({ faults, podMtu }) => ({ faults, podMtu }))).toEqual([
        { faults: [], podMtu: 1500 },
        { faults: [], podMtu: 1500 },
      ]);
      expect(states[1]?.changes).toEqual([]);
    },
  );

  const held = ["2001:db8::a/64", "192.0.2.10/24"];
  const alpha = ["2001:db8::a", "192.0.2.10", "fd00:1::/64", "10.1.1.0/24"];

  test("does nothing until something is known of the cluster", async ({ directory }) => {
    const kernel = hostWith(held);
    const before = kernel.show();
    const { pass, states } = passOver(kernel, directory, undefined);
    await pass();
    expect(kernel.show()).toBe(before);
    expect(states).toEqual([]);
  });

  test("reaches a node in another rack through a tunnel with all it takes", async ({ directory }) => {
    const kernel = hostWith(held);
    const nodes = { alpha, far: ["2001:db8:c::c", "fd00:3::/64", "10.1.3.0/24"] };
    const { pass, states } = passOver(kernel, directory, nodes);
    await pass();
    expect(made(kernel)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(
          "hextet.vxlan: <UP,LOWER_UP> vxlan mtu 1430 address 3e:9f:15:f2:0d:40 addrgenmode none",
        ),
        "route fd00:3::/64 via fe80::58d5:58ff:fefe:5f90 dev hextet.vxlan proto 72 metric 2048 src fd00:1::",
        "route 10.1.3.0/24 via 10.1.3.0 dev hextet.vxlan onlink proto 72 metric 2048 src 10.1.1.0",
        "neigh fe80::58d5:58ff:fefe:5f90 dev hextet.vxlan lladdr 5a:d5:58:fe:5f:90 permanent proto 72",
        "neigh 10.1.3.0 dev hextet.vxlan lladdr 5a:d5:58:fe:5f:90 permanent proto 72",
      ]),
    );
    expect(kernel.sysctl().get("net/ipv4/ip_forward_use_pmtu")).toBe("1");
    await pass();
    expect(states.map(({ changes, podMtu }) => ({ changes: changes.length, podMtu }))).toEqual([
      { changes: expect.any(Number), podMtu: 1430 },
      { changes: 0, podMtu: 1430 },
    ]);
  });

  test("a kernel without IPv6 has its tunnel over IPv4 all the same", async ({ directory }) => {
    const kernel = hostWith(["192.0.2.10/24"], new FakeKernel({ ipv6: false }));
    const nodes = { alpha: ["192.0.2.10", "10.1.1.0/24"], far: ["198.51.100.12", "10.1.3.0/24"] };
    const { pass, states } = passOver(kernel, directory, nodes);
    await pass();
    await pass();
    expect(made(kernel)).toEqual(
      expect.arrayContaining([
        expect.stringContaining("hextet.vxlan4: <UP,LOWER_UP> vxlan mtu 1450 "),
        "route 10.1.3.0/24 via 10.1.3.0 dev hextet.vxlan4 onlink proto 72 metric 2048 src 10.1.1.0",
      ]),
    );
    expect(states[1]).toMatchObject({ changes: [], faults: [], podMtu: 1450 });
  });

  test("answers for pods on the link they share with others, and announces each once", async ({ directory }) => {
    const kernel = hostWith(held);
    const nodes = { alpha: ["2001:db8::a", "192.0.2.10", "2001:db8:0:0:a::/80", "192.0.2.64/28"] };
    const { pass, frames } = passOver(kernel, directory, nodes, ["2001:db8:0:0:a::5", "192.0.2.65"]);
    await pass();
    await pass();
    expect(made(kernel).filter((line) => line.startsWith("neigh proxy"))).toEqual([
      "neigh proxy 2001:db8::a:0:0:5 dev eth0 proto 72",
      "neigh proxy 192.0.2.65 dev eth0 proto 72",
    ]);
    expect(frames).toEqual([2]);
  });

  test("does all else where one part fails, says why, and heals with the next pass", async ({ directory }) => {
    const kernel = hostWith(held);
    kernel.fail("RTM_NEWROUTE", "ENOBUFS");
    const { pass, states } = passOver(kernel, directory, { alpha: [...alpha, "2001:db8:0:0:a::/80"] }, [
      "2001:db8:0:0:a::5",
    ]);
    await expect(pass()).rejects.toThrow(/^Cannot add route .*: No buffer space available/);
    expect(states).toHaveLength(1);
    expect(kernel.sysctl().get("net/ipv6/conf/all/forwarding")).toBe("1");
    expect(made(kernel).filter((line) => line.startsWith("neigh proxy"))).toHaveLength(1);
    await pass();
    expect(states[1]?.changes).toHaveLength(1);
    expect(states[1]?.changes[0]).toMatch(/^\+ .* unreachable metric 4096$/);
  });

  test("names every part that failed", async ({ directory }) => {
    const kernel = hostWith(held);
    kernel.fail("RTM_NEWROUTE", "ENOBUFS");
    kernel.fail("RTM_NEWNEIGH", "ENOMEM");
    const { pass } = passOver(kernel, directory, { alpha: [...alpha, "2001:db8:0:0:a::/80"] }, ["2001:db8:0:0:a::5"]);
    await expect(pass()).rejects.toThrow(
      /Cannot add route .*: No buffer space available; .*Cannot add proxy neighbor 2001:db8::a:0:0:5 .*: .*emory/,
    );
  });

  test("names the module that a tunnel lacks, and does all else", async ({ directory }) => {
    const kernel = hostWith(held);
    kernel.fail("RTM_NEWLINK", "EOPNOTSUPP", { detail: "Unknown device type" });
    const nodes = { alpha, beta: [...beta6.addresses, ...beta6.prefixes], far: ["2001:db8:c::c", "fd00:3::/64"] };
    const { pass, states } = passOver(kernel, directory, nodes);
    await pass();
    expect(states[0]?.faults).toEqual([{ code: "module-missing", message: expect.stringContaining("modprobe vxlan") }]);
    expect(made(kernel)).toContain("route fd00:2::/64 via 2001:db8::b dev eth0 proto 72 metric 2048 src 2001:db8::a");
    await pass();
    expect(states[1]?.faults).toEqual([]);
    expect(made(kernel).join()).toContain("route fd00:3::/64 via ");
  });

  test.for(["v6", "v4"] as const)(
    "tells that the table of neighbors of IP%s is full",
    async (family, { directory }) => {
      const kernel = hostWith(held);
      const { pass, states } = passOver(kernel, directory, { alpha });
      await pass();
      kernel.refuseNeighbor(family);
      await pass();
      expect(states.map(({ faults }) => faults.map(({ code }) => code))).toEqual([[], ["neighbor-table-full"]]);
    },
  );

  test("tells that the record of sysctls was unreadable", async ({ directory }) => {
    writeFileSync(join(directory, "sysctls.json"), "{");
    const kernel = hostWith(held);
    const { pass, states } = passOver(kernel, directory, { alpha });
    await pass();
    expect(states[0]?.faults).toMatchObject([{ code: "record-unreadable" }]);
  });
});
