import { test as base, describe, expect } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";
import { readHost } from "./host.ts";
import { decideRouting } from "./peer-routes.ts";
import { applyRoutes, desiredRoutes } from "./routes.ts";
import { cluster } from "./sample-cluster.ts";
import { cable, configure, connect, forwards, pings } from "./test-wires.ts";
import { decideTunnels, tunnelMac } from "./tunnel.ts";
import { findUplinks, ipv6Of } from "./uplink.ts";
import { applyTunnels, readTunnels, removeTunnels } from "./vxlan.ts";

interface Racks {
  readonly alpha: TestNamespace;
  readonly router: TestNamespace;
  readonly beta: TestNamespace;
}

const test = base.extend<{ racks: Racks }>({
  // oxlint-disable-next-line no-empty-pattern
  racks: async ({}, use) => {
    using alpha = TestNamespace.create();
    using router = TestNamespace.create();
    using beta = TestNamespace.create();
    await use({ alpha, router, beta });
  },
});

type Nodes = Readonly<Record<string, readonly string[]>>;
const network = { id: 18552, port: 4789, mtu: { v6: 1430, v4: 1450 } };
const mode = "auto";

async function pass(node: TestNamespace, nodeName: string, nodes: Nodes, more: Partial<typeof network> = {}) {
  using connection = connect(node);
  const host = readHost(connection);
  const sysctl = linux.sysctl(node);
  const { links } = findUplinks(host, { uplink: ["eth0"], prefixes: [] }, ipv6Of(sysctl));
  const routing = decideRouting({ view: cluster(nodes), nodeName, mode, uplinks: links, host });
  const tunnels = decideTunnels(routing, nodeName);
  const made = await applyTunnels({ connection, sysctl }, tunnels, { ...network, ...more });
  const routes = applyRoutes(connection, desiredRoutes(routing, readTunnels(connection)));
  const removed = await removeTunnels(connection, tunnels);
  return {
    changes: [...made.changes, ...routes.changes, ...removed.changes],
    faults: [...routing.faults, ...made.faults],
  };
}

/** Two nodes, each on a link of its own with the router, which knows nothing of pods. */
function wire({ alpha, router, beta }: Racks, nodes: Nodes): void {
  for (const [node, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
  ] as const) {
    cable({ namespace: node, name: "eth0" }, { namespace: router, name });
    node.loopbackUp();
    forwards(node);
    for (const text of nodes[name] ?? []) {
      if (text.includes("/")) configure(node, `address add ${Prefix.parse(text).at(5n)} dev lo`);
      else {
        const around = Prefix.around(
          Prefix.parse(`${text}/${text.includes(":") ? 128 : 32}`).address,
          text.includes(":") ? 64 : 24,
        );
        configure(node, `address add ${text}/${around.length} dev eth0`);
        configure(router, `address add ${around.at(1n)}/${around.length} dev ${name}`);
        configure(node, `${text.includes(":") ? "-6" : "-4"} route add default via ${around.at(1n)}`);
      }
    }
  }
  forwards(router);
}

const v4 = { alpha: ["192.0.2.10"], beta: ["198.51.100.11"] };
const v6 = { alpha: ["2001:db8:a::a"], beta: ["2001:db8:b::b"] };
const pods4 = { alpha: ["10.1.1.0/24"], beta: ["10.1.2.0/24"] };
const pods6 = { alpha: ["fd00:1::/64"], beta: ["fd00:2::/64"] };

function joined(...parts: readonly { readonly alpha: readonly string[]; readonly beta: readonly string[] }[]) {
  return { alpha: parts.flatMap(({ alpha }) => alpha), beta: parts.flatMap(({ beta }) => beta) };
}

const both = joined(v6, v4, pods6, pods4);
const links = (node: TestNamespace) => node.run("ip", "-br", "link", "show", "type", "vxlan").trim();

describe.concurrent("tunnels", () => {
  test.for([
    ["IPv4-only", joined(v4, pods4), "hextet.vxlan4"],
    ["IPv6-only", joined(v6, pods6), "hextet.vxlan"],
    ["dual-stack", both, "hextet.vxlan"],
    ["dual-stack pods over an IPv4-only underlay", joined(v4, pods6, pods4), "hextet.vxlan4"],
    ["dual-stack pods over an IPv6-only underlay", joined(v6, pods6, pods4), "hextet.vxlan"],
  ] as const)(
    "%s: pods reach pods, nodes reach pods, and a second pass changes nothing",
    async ([, nodes, name], { racks }) => {
      const { alpha, beta } = racks;
      wire(racks, nodes);
      const pods = nodes.beta.flatMap((text, at) =>
        text.includes("/")
          ? {
              to: Prefix.parse(text).at(5n).toString(),
              from: Prefix.parse(nodes.alpha[at] ?? "")
                .at(5n)
                .toString(),
            }
          : [],
      );
      for (const { to, from } of pods) expect(await pings(alpha, to, "-I", from)).toBe(false);
      expect((await pass(alpha, "alpha", nodes)).faults).toEqual([]);
      expect((await pass(beta, "beta", nodes)).faults).toEqual([]);
      for (const { to, from } of pods) {
        expect(await pings(alpha, to, "-I", from)).toBe(true);
        expect(await pings(alpha, to)).toBe(true);
      }
      expect(links(alpha)).toMatch(new RegExp(`^${name} +UNKNOWN +${tunnelMac("alpha")} `));
      expect(await pass(alpha, "alpha", nodes)).toEqual({ changes: [], faults: [] });
    },
  );

  test("what the node itself sends comes from an address inside, so that strict reverse path checks pass it", async ({
    racks,
  }) => {
    const { alpha, beta } = racks;
    wire(racks, both);
    await pass(alpha, "alpha", both);
    await pass(beta, "beta", both);
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
    expect((await pass(alpha, "alpha", both)).changes.slice(0, 2)).toEqual([
      "- link hextet.vxlan",
      "+ link hextet.vxlan",
    ]);
    expect(await pass(alpha, "alpha", both)).toEqual({ changes: [], faults: [] });
  });

  test("a link is mended in place where it can be, and its entries with it", async ({ racks }) => {
    const { alpha, beta } = racks;
    wire(racks, both);
    await pass(alpha, "alpha", both);
    await pass(beta, "beta", both);
    const index = alpha.run("ip", "link", "show", "hextet.vxlan").split(":")[0];
    configure(alpha, "link set hextet.vxlan down", "link set hextet.vxlan mtu 1300");
    configure(alpha, "link set hextet.vxlan up", "neigh add fd00:9:: lladdr 02:00:00:00:00:09 dev hextet.vxlan");
    const wrong = ["dev", "hextet.vxlan", "dst", "2001:db8:b::99"];
    alpha.run("bridge", "fdb", "replace", tunnelMac("beta").toString(), ...wrong);
    alpha.run("bridge", "fdb", "append", "00:00:00:00:00:00", ...wrong);
    const { changes } = await pass(alpha, "alpha", both);
    expect(changes).toEqual(
      expect.arrayContaining([
        "~ link hextet.vxlan: MTU 1430, up",
        `- forwarding ${tunnelMac("beta")} to 2001:db8:b::99 on hextet.vxlan`,
        "- forwarding everyone to 2001:db8:b::99 on hextet.vxlan",
        `+ forwarding ${tunnelMac("beta")} to 2001:db8:b::b on hextet.vxlan`,
        "- neighbor fd00:9:: with MAC 02:00:00:00:00:09 on hextet.vxlan",
        `+ neighbor fd00:2:: with MAC ${tunnelMac("beta")} on hextet.vxlan`,
      ]),
    );
    expect(alpha.run("ip", "link", "show", "hextet.vxlan").split(":")[0]).toBe(index);
    expect(await pings(alpha, "fd00:2::5")).toBe(true);
    expect(await pass(alpha, "alpha", both)).toEqual({ changes: [], faults: [] });
  });

  test("the tunnel follows the node to another address", async ({ racks }) => {
    const { alpha, beta } = racks;
    wire(racks, both);
    await pass(alpha, "alpha", both);
    await pass(beta, "beta", both);
    const moved = { ...both, alpha: both.alpha.map((text) => (text === "2001:db8:a::a" ? "2001:db8:a::aa" : text)) };
    configure(alpha, "address del 2001:db8:a::a/64 dev eth0", "address add 2001:db8:a::aa/64 dev eth0");
    configure(alpha, "-6 route replace default via 2001:db8:a::1");
    await pass(alpha, "alpha", moved);
    await pass(beta, "beta", moved);
    expect(alpha.run("ip", "-d", "link", "show", "hextet.vxlan")).toContain("local 2001:db8:a::aa ");
    expect(await pings(alpha, "fd00:2::5")).toBe(true);
    expect(await pings(alpha, "10.1.2.5")).toBe(true);
  });

  test("a host with IPv6 off for new links gets a tunnel that has it", async ({ racks }) => {
    wire(racks, both);
    linux.sysctl(racks.alpha).set("net/ipv6/conf/default/disable_ipv6", "1");
    await pass(racks.alpha, "alpha", both);
    await pass(racks.beta, "beta", both);
    expect(await pings(racks.alpha, "fd00:2::5", "-I", "fd00:1::5")).toBe(true);
  });

  test("it goes when no node needs it, after the routes have", async ({ racks }) => {
    const { alpha } = racks;
    wire(racks, both);
    await pass(alpha, "alpha", both);
    expect((await pass(alpha, "alpha", { alpha: both.alpha })).changes).toEqual([
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
    expect((await pass(alpha, "alpha", both)).faults).toEqual([{ code: "tunnel-conflict", message }]);
    expect(alpha.run("ip", "link")).toContain(line.split(" ")[2]);
  });
});
