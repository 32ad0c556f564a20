import { test as base, describe, expect } from "vitest";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { TestNamespace } from "../kernel/test-namespace.ts";
import { freshRacks, type Nodes, passOn, podIn, prefixesOf, type Racks, stacks, wire } from "./test-racks.ts";
import { configure, forwards, pings, switched } from "./test-wires.ts";
import { tunnelMac } from "./tunnel.ts";

const test = base.extend<{ racks: Racks }>({ racks: freshRacks });
const both = stacks["dual-stack"];
const quiet = { changes: [], faults: [] };

async function passOnBoth(racks: Racks, nodes: Nodes): Promise<void> {
  for (const name of ["alpha", "beta"] as const) expect((await passOn(racks, name, { ...nodes })).faults).toEqual([]);
}

const links = (node: TestNamespace) => node.run("ip", "-br", "link", "show", "type", "vxlan").trim();

describe.concurrent("tunnels", () => {
  test.for([
    ["IPv4-only", "hextet.vxlan4"],
    ["IPv6-only", "hextet.vxlan"],
    ["dual-stack", "hextet.vxlan"],
    ["dual-stack pods over an IPv4-only underlay", "hextet.vxlan4"],
    ["dual-stack pods over an IPv6-only underlay", "hextet.vxlan"],
  ] as const)(
    "%s: pods reach pods, nodes reach pods, and a second pass changes nothing",
    async ([stack, name], { racks }) => {
      const nodes = stacks[stack];
      const { alpha } = racks;
      wire(racks, nodes);
      const [from, to] = [prefixesOf(nodes.alpha).map(podIn), prefixesOf(nodes.beta).map(podIn)];
      for (const [at, pod] of to.entries()) expect(await pings(alpha, `${pod}`, "-I", `${from[at]}`)).toBe(false);
      await passOnBoth(racks, nodes);
      for (const [at, pod] of to.entries()) {
        expect(await pings(alpha, `${pod}`, "-I", `${from[at]}`)).toBe(true);
        expect(await pings(alpha, `${pod}`)).toBe(true);
      }
      expect(links(alpha)).toMatch(new RegExp(`^${name} +UNKNOWN +${tunnelMac("alpha")} `));
      expect(await passOn(racks, "alpha", { ...nodes })).toMatchObject(quiet);
    },
  );

  test("what the node itself sends comes from an address inside, so that strict reverse path checks pass it", async ({
    racks,
  }) => {
    const { alpha, beta } = racks;
    wire(racks, both);
    await passOnBoth(racks, both);
    for (const node of [alpha, beta]) {
      for (const link of ["all", "hextet.vxlan"]) linux.sysctl(node).set(`net/ipv4/conf/${link}/rp_filter`, "1");
    }
    expect(alpha.run("ip", "route", "get", "10.1.2.5")).toContain("dev hextet.vxlan src 10.1.1.0 ");
    expect(alpha.run("ip", "route", "get", "fd00:2::5")).toContain("dev hextet.vxlan proto 72 src fd00:1:: ");
    expect(await pings(alpha, "10.1.2.5")).toBe(true);
  });

  test.for([
    ["of another identifier", "id 7 dstport 4789 local 2001:db8:a::a nolearning"],
    ["of another port", "id 18552 dstport 8472 local 2001:db8:a::a nolearning"],
    ["of another address", "id 18552 dstport 4789 local 2001:db8:a::99 nolearning"],
    ["that learns", "id 18552 dstport 4789 local 2001:db8:a::a learning"],
    ["of the other family", "id 18552 dstport 4789 local 192.0.2.10 nolearning"],
  ] as const)("a link %s is made anew", async ([, options], { racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    configure(alpha, `link add hextet.vxlan address ${tunnelMac("alpha")} type vxlan ${options}`);
    alpha.run("ip", "link", "set", "hextet.vxlan", "alias", "hextet vxlan");
    const { changes } = await passOn(racks, "alpha", { ...both });
    expect(changes.filter((change) => /^[-+] link/.test(change))).toEqual([
      "- link hextet.vxlan",
      "+ link hextet.vxlan",
    ]);
    expect(await passOn(racks, "alpha", { ...both })).toMatchObject(quiet);
  });

  test("a link is mended in place where it can be, and its entries with it", async ({ racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    await passOnBoth(racks, both);
    const index = alpha.run("ip", "link", "show", "hextet.vxlan").split(":")[0];
    configure(alpha, "link set hextet.vxlan down", "link set hextet.vxlan mtu 1300");
    configure(alpha, "link set hextet.vxlan up", "neigh add fd00:9:: lladdr 02:00:00:00:00:09 dev hextet.vxlan");
    const wrong = ["dev", "hextet.vxlan", "dst", "2001:db8:b::99"];
    alpha.run("bridge", "fdb", "replace", tunnelMac("beta").toString(), ...wrong);
    alpha.run("bridge", "fdb", "append", "00:00:00:00:00:00", ...wrong);
    const { changes } = await passOn(racks, "alpha", { ...both });
    expect(changes).toEqual(
      expect.arrayContaining([
        "~ link hextet.vxlan: MTU 1430, up",
        "- forwarding everyone to 2001:db8:b::99 on hextet.vxlan",
        `~ forwarding ${tunnelMac("beta")} to 2001:db8:b::99 -> forwarding ${tunnelMac("beta")} to 2001:db8:b::b on hextet.vxlan`,
        "- neighbor fd00:9:: with MAC 02:00:00:00:00:09 on hextet.vxlan",
        `+ neighbor ${tunnelMac("beta").linkLocal} with MAC ${tunnelMac("beta")} on hextet.vxlan`,
        `+ neighbor 10.1.2.0 with MAC ${tunnelMac("beta")} on hextet.vxlan`,
      ]),
    );
    expect(alpha.run("ip", "link", "show", "hextet.vxlan").split(":")[0]).toBe(index);
    expect(await pings(alpha, "fd00:2::5")).toBe(true);
    expect(await passOn(racks, "alpha", { ...both })).toMatchObject(quiet);
  });

  test("the tunnel follows the node to another address", async ({ racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    await passOnBoth(racks, both);
    const moved = { ...both, alpha: both.alpha.map((text) => (text === "2001:db8:a::a" ? "2001:db8:a::aa" : text)) };
    configure(alpha, "address del 2001:db8:a::a/64 dev eth0", "address add 2001:db8:a::aa/64 dev eth0");
    configure(alpha, "-6 route replace default via 2001:db8:a::1");
    await passOnBoth(racks, moved);
    expect(alpha.run("ip", "-d", "link", "show", "hextet.vxlan")).toContain("local 2001:db8:a::aa ");
    expect(await pings(alpha, "fd00:2::5")).toBe(true);
    expect(await pings(alpha, "10.1.2.5")).toBe(true);
  });

  test("a host with IPv6 off for new links gets a tunnel that has it", async ({ racks }) => {
    wire(racks, both);
    linux.sysctl(racks.alpha).set("net/ipv6/conf/default/disable_ipv6", "1");
    await passOnBoth(racks, both);
    expect(await pings(racks.alpha, "fd00:2::5", "-I", "fd00:1::5")).toBe(true);
  });

  test("a fabric's own route to all pods does not keep routes from leading into the tunnel", async ({ racks }) => {
    wire(racks, both);
    configure(racks.alpha, "-6 route add fd00::/16 via 2001:db8:a::1", "route add 10.0.0.0/8 via 192.0.2.1");
    await passOnBoth(racks, both);
    expect(await pings(racks.alpha, "fd00:2::5")).toBe(true);
    expect(await pings(racks.alpha, "10.1.2.5")).toBe(true);
  });

  test("routes move into the tunnel and out of it without a moment in which there is none", async ({ racks }) => {
    const { alpha, beta, router } = racks;
    const near = { ...both, beta: both.beta.map((text) => text.replace("2001:db8:b::", "2001:db8:a::")) };
    switched(
      router,
      [alpha, beta].map((namespace) => ({ namespace, name: "eth0" })),
    );
    for (const [node, name] of [
      [alpha, "alpha"],
      [beta, "beta"],
    ] as const) {
      forwards(node);
      node.loopbackUp();
      for (const prefix of prefixesOf(near[name])) configure(node, `address add ${podIn(prefix)} dev lo`);
      configure(node, `address add ${near[name][0]}/64 dev eth0`);
    }
    const inMode = async (mode: "auto" | "vxlan") => {
      const routing = { mode, vxlan: { id: 18552, port: 4789 } };
      await passOn(racks, "beta", near, { routing });
      return (await passOn(racks, "alpha", near, { routing })).changes.filter((change) => change.includes(" metric "));
    };
    await inMode("auto");
    for (const mode of ["vxlan", "auto"] as const) {
      const changes = await inMode(mode);
      expect(changes).toHaveLength(2);
      for (const change of changes) expect(change).toMatch(/^~ /);
      expect(await pings(alpha, "fd00:2::5")).toBe(true);
      expect(await pings(alpha, "10.1.2.5", "-I", "10.1.1.5")).toBe(true);
      expect(links(alpha) === "").toBe(mode === "auto");
    }
  });

  test("it goes when no node needs it, after the routes have", async ({ racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    await passOn(racks, "alpha", { ...both });
    expect((await passOn(racks, "alpha", { alpha: both.alpha })).changes).toEqual([
      expect.stringMatching(/^- 10.1.2.0\/24 via /),
      expect.stringMatching(/^- fd00:2::\/64 via /),
      "- link hextet.vxlan",
    ]);
    expect(links(alpha)).toBe("");
  });

  test.for([
    [
      "a bridge of its name is told and left alone",
      "link add hextet.vxlan type bridge",
      "Link hextet.vxlan, which is to be the VXLAN tunnel, is there as bridge that Hextet did not make; " +
        "rename it: ip link set hextet.vxlan name other0",
    ],
    [
      "another VXLAN link of the same identifier is told",
      "link add flannel.1 type vxlan id 18552 dstport 4789 local 2001:db8:a::a",
      "Cannot create vxlan link hextet.vxlan: File already exists (A VXLAN device with the specified VNI already exists); " +
        "another VXLAN link of this node has identifier 18552 on port 4789: " +
        "take that one away, or give routing.vxlan another id on all nodes",
    ],
  ] as const)("%s", async ([, line, message], { racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    configure(alpha, line);
    expect((await passOn(racks, "alpha", { ...both })).faults).toEqual([{ code: "tunnel-conflict", message }]);
    expect(alpha.run("ip", "link")).toContain(line.split(" ")[2]);
  });
});

/** Linux as it is without the module: it is asked for a kind of link (IFLA_INFO_KIND, 1) that it does not know either. */
const withoutModule: Kernel = {
  ...linux,
  socket(family, namespace) {
    const socket = linux.socket(family, namespace);
    return {
      port: socket.port,
      send: (datagram) =>
        socket.send(
          Buffer.from(Buffer.from(datagram).toString("latin1").replace("\x01\0vxlan", "\x01\0vxlen"), "latin1"),
        ),
      sendLater: (datagram) => socket.sendLater(datagram),
      receive: () => socket.receive(),
      watch: (...args) => socket.watch(...args),
      [Symbol.dispose]: () => socket[Symbol.dispose](),
    };
  },
};

test.for(["IPv4-only", "IPv6-only", "dual-stack"] as const)(
  "%s: a kernel without VXLAN is told with the module and how to load it, and all else is done",
  async (stack, { racks }) => {
    wire(racks, stacks[stack]);
    const { faults } = await passOn(racks, "alpha", { ...stacks[stack] }, { kernel: withoutModule });
    expect(faults).toEqual([
      {
        code: "module-missing",
        message: expect.stringMatching(
          /^Cannot create vxlan link hextet\.vxlan4?.*Unknown device type.*: modprobe vxlan, and for the next boot/,
        ),
      },
    ]);
    expect(racks.alpha.run("ip", "route", "show", "table", "all", "proto", "72")).toContain("unreachable");
    expect((await passOn(racks, "alpha", { ...stacks[stack] })).faults).toEqual([]);
  },
);
