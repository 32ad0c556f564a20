import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";
import { readMessages } from "../netlink/message.ts";
import { decodeRoute, describeRoute } from "../netlink/route.ts";
import { readHost } from "./host.ts";
import { decideRouting, type Routing } from "./peer-routes.ts";
import type { Report } from "./report.ts";
import { applyRoutes, desiredRoutes } from "./routes.ts";
import { cluster } from "./sample-cluster.ts";
import { configure, connect, eventually, forwards, pings, switched } from "./test-wires.ts";
import { findUplinks, ipv6Of } from "./uplink.ts";

interface Lan {
  readonly hub: TestNamespace;
  readonly alpha: TestNamespace;
  readonly beta: TestNamespace;
  readonly gateway: TestNamespace;
}

const test = base.extend<{ lan: Lan }>({
  // oxlint-disable-next-line no-empty-pattern
  lan: async ({}, use) => {
    using hub = TestNamespace.create();
    using alpha = TestNamespace.create();
    using beta = TestNamespace.create();
    using gateway = TestNamespace.create();
    await use({ hub, alpha, beta, gateway });
  },
});

type Nodes = Readonly<Record<string, readonly string[]>>;

function routingOf(node: TestNamespace, nodeName: string, nodes: Nodes): Routing {
  using connection = connect(node);
  const host = readHost(connection);
  const { links } = findUplinks(host, { uplink: ["eth0"], prefixes: [] }, ipv6Of(linux.sysctl(node)));
  return decideRouting({ view: cluster(nodes), nodeName, mode: "direct", uplinks: links, host });
}

function pass(node: TestNamespace, nodeName: string, nodes: Nodes): Report {
  using connection = connect(node);
  return applyRoutes(connection, desiredRoutes(routingOf(node, nodeName, nodes), {}));
}

/** Both nodes and a gateway that knows both prefixes and sends them to alpha, all on one link. */
function wire({ hub, alpha, beta, gateway }: Lan, nodes: Nodes): void {
  const ends = [alpha, beta, gateway].map((namespace) => ({ namespace, name: "eth0" }));
  switched(hub, ends);
  for (const [node, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
    [gateway, "gateway"],
  ] as const) {
    node.loopbackUp();
    forwards(node);
    for (const text of nodes[name] ?? []) {
      if (!text.includes("/")) configure(node, `address add ${text}/${text.includes(":") ? 64 : 24} dev eth0`);
      // An address of the prefix stands for its pods.
      else configure(node, `address add ${Prefix.parse(text).at(5n)} dev lo`);
    }
  }
}

const ipv4 = {
  alpha: ["192.0.2.10", "10.1.1.0/24"],
  beta: ["192.0.2.11", "10.1.2.0/24"],
  gateway: ["192.0.2.1"],
};
const ipv6 = {
  alpha: ["2001:db8::a", "fd00:1::/64"],
  beta: ["2001:db8::b", "fd00:2::/64"],
  gateway: ["2001:db8::1"],
};
const dual = {
  alpha: [...ipv6.alpha, ...ipv4.alpha],
  beta: [...ipv6.beta, ...ipv4.beta],
  gateway: [...ipv6.gateway, ...ipv4.gateway],
};

describe.concurrent("routes to nodes on the same link", () => {
  test.for([
    ["IPv4-only", ipv4, ["10.1.1.5 10.1.2.5"]],
    ["IPv6-only", ipv6, ["fd00:1::5 fd00:2::5"]],
    ["dual-stack", dual, ["10.1.1.5 10.1.2.5", "fd00:1::5 fd00:2::5"]],
    [
      "IPv4 pods over an IPv6-only underlay",
      { ...ipv6, alpha: ["2001:db8::a", "10.1.1.0/24"], beta: ["2001:db8::b", "10.1.2.0/24"] },
      ["10.1.1.5 10.1.2.5"],
    ],
  ] as const)("%s: what one node's pods send reaches the other's", async ([, nodes, pairs], { lan }) => {
    const { alpha, beta } = lan;
    wire(lan, nodes);
    for (const pair of pairs) {
      const [from = "", to = ""] = pair.split(" ");
      expect(await pings(alpha, to, "-I", from)).toBe(false);
    }
    expect(pass(alpha, "alpha", nodes).faults).toEqual([]);
    expect(pass(beta, "beta", nodes).faults).toEqual([]);
    for (const pair of pairs) {
      const [from = "", to = ""] = pair.split(" ");
      expect(await pings(alpha, to, "-I", from)).toBe(true);
    }
    expect(pass(alpha, "alpha", nodes)).toEqual({ changes: [], faults: [] });
  });

  test("the node itself speaks to others' pods from its address in the cluster", ({ lan }) => {
    wire(lan, dual);
    const { alpha } = lan;
    configure(alpha, "address add 2001:db8::2:1/64 dev eth0", "address add 192.0.2.99/24 dev eth0");
    configure(alpha, "address add fd00:2::ffff/128 dev lo");
    pass(alpha, "alpha", dual);
    expect(alpha.run("ip", "route", "get", "fd00:2::5")).toContain(" src 2001:db8::a ");
    expect(alpha.run("ip", "route", "get", "10.1.2.5")).toContain(" src 192.0.2.10 ");
  });

  test.for([
    ["IPv4-only", ipv4, ["10.1.1.77"]],
    ["IPv6-only", ipv6, ["fd00:1::77"]],
    ["dual-stack", dual, ["10.1.1.77", "fd00:1::77"]],
  ] as const)(
    "%s: packets to an address no pod has do not go round between node and router",
    async ([, nodes, addresses], { lan }) => {
      const { alpha, beta, gateway } = lan;
      wire(lan, nodes);
      // ping would end at the redirect that goes before the loop.
      for (const node of [alpha, gateway]) {
        for (const link of ["all", "eth0"]) linux.sysctl(node).set(`net/ipv4/conf/${link}/send_redirects`, "0");
      }
      for (const [family, via] of [
        ["-4", ["192.0.2.1", "192.0.2.10", "10.1.1.0/24"]],
        ["-6", ["2001:db8::1", "2001:db8::a", "fd00:1::/64"]],
      ] as const) {
        const [router, next, prefix] = via;
        if (!nodes.gateway.some((text) => text === router)) continue;
        for (const node of [alpha, beta]) configure(node, `${family} route add default via ${router}`);
        configure(gateway, `${family} route add ${prefix} via ${next}`);
      }
      for (const address of addresses) expect(await pinged(beta, address)).toMatch(/Time to live exceeded|Hop limit/);
      pass(alpha, "alpha", nodes);
      for (const address of addresses) expect(await pinged(beta, address)).toMatch(/Host Unreachable|No route/);
    },
  );

  test("a route changes its next hop without a moment in which there is none", async ({ lan }) => {
    wire(lan, dual);
    const { alpha } = lan;
    pass(alpha, "alpha", dual);
    const moved = { ...dual, beta: ["2001:db8::1", "192.0.2.1", "fd00:2::/64", "10.1.2.0/24"] };
    using notices = watchRoutes(alpha);
    expect(pass(alpha, "alpha", moved).changes).toEqual([
      expect.stringMatching(
        /^~ 10.1.2.0\/24 via 192.0.2.11 dev \d+ metric 2048 src 192.0.2.10 -> 10.1.2.0\/24 via 192.0.2.1 dev /,
      ),
      expect.stringMatching(
        /^~ fd00:2::\/64 via 2001:db8::b dev \d+ metric 2048 src 2001:db8::a -> fd00:2::\/64 via 2001:db8::1 dev /,
      ),
    ]);
    await eventually(
      () => notices.all.length,
      (count) => count === 2,
    );
    expect(notices.all).toEqual([
      expect.stringMatching(/^new 10.1.2.0\/24 via 192.0.2.1 /),
      expect.stringMatching(/^new fd00:2::\/64 via 2001:db8::1 /),
    ]);
  });

  test("only what is ours is touched: neither others' routes nor those to pods", ({ lan }) => {
    wire(lan, dual);
    const { alpha } = lan;
    configure(alpha, "-6 route add fd00:9::/64 via 2001:db8::1", "route add 10.1.9.0/24 via 192.0.2.1 metric 2048");
    configure(alpha, "route add 10.1.2.0/24 via 192.0.2.1", "route add 10.1.1.7 dev eth0 proto 72");
    configure(alpha, "-6 route add fd00:1::7 dev eth0 proto 72");
    const before = alpha.run("ip", "route") + alpha.run("ip", "-6", "route");
    pass(alpha, "alpha", dual);
    expect(alpha.run("ip", "route", "show", "10.1.2.0/24").split("\n")).toHaveLength(3);
    pass(alpha, "alpha", { alpha: ["2001:db8::a"] });
    expect(alpha.run("ip", "route") + alpha.run("ip", "-6", "route")).toBe(before);
  });

  test("a route of somebody else in the very same place is not replaced but told", ({ lan }) => {
    wire(lan, ipv6);
    const { alpha } = lan;
    configure(alpha, "-6 route add fd00:2::/64 via 2001:db8::1 metric 2048");
    expect(() => pass(alpha, "alpha", ipv6)).toThrow(
      /^Cannot add route fd00:2::\/64 via 2001:db8::b dev \d+ metric 2048: File already exists/,
    );
    expect(alpha.run("ip", "-6", "route", "show", "fd00:2::/64")).toContain("via 2001:db8::1");
    expect(alpha.run("ip", "-6", "route", "show", "fd00:1::/64")).toContain("unreachable");
  });

  test("thousands of nodes: a second pass writes nothing", async ({ lan }) => {
    wire(lan, dual);
    const { alpha } = lan;
    const nth = (first: string, at: number, hostBits: bigint) => Address.parse(first).plus(BigInt(at) << hostBits);
    const many = Array.from({ length: 3000 }, (_, at): [string, string[]] => [
      `node-${at}`,
      [`${nth("2001:db8::1:0", at, 0n)}`, `${nth("fd01::", at, 64n)}/64`, `${nth("10.128.0.0", at, 8n)}/24`],
    ]);
    const nodes = { ...dual, ...Object.fromEntries(many) };
    expect(pass(alpha, "alpha", nodes).changes).toHaveLength(6004);
    using notices = watchRoutes(alpha);
    expect(pass(alpha, "alpha", nodes)).toEqual({ changes: [], faults: [] });
    configure(alpha, "-6 route add fd00:9::/64 via 2001:db8::1");
    await eventually(
      () => notices.all.length,
      (count) => count > 0,
    );
    expect(notices.all).toEqual([expect.stringContaining("new fd00:9::/64")]);
  });
});

async function pinged(from: TestNamespace, address: string): Promise<string> {
  return (await linux.run("nsenter", [`--net=${from.path}`, "ping", "-c1", "-W1", address])).stdout;
}

/** What the kernel tells of routes of the main table until this is disposed of. */
function watchRoutes(node: TestNamespace): { readonly all: readonly string[] } & Disposable {
  const all: string[] = [];
  const socket = linux.socket("route", node);
  // RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE
  const take = (datagram: Uint8Array) => {
    for (const { type, body } of readMessages(datagram)) {
      const route = decodeRoute(body);
      if (route?.table === 254) all.push(`${type === 24 ? "new" : "delete"} ${describeRoute(route)}`);
    }
  };
  socket.watch([7, 11], take, (error) => all.push(String(error)));
  return { all, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}
