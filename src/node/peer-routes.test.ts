import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { harmOf } from "./fault.ts";
import { decideRouting, type Routing, RoutingMemory, type RoutingMode } from "./peer-routes.ts";
import { cluster } from "./sample-cluster.ts";
import { address, ipv6On, link, route } from "./sample-host.ts";
import { findUplinks } from "./uplink.ts";

type Nodes = Readonly<Record<string, readonly string[]>>;

/** A host on a link with 2001:db8::/64 and 192.0.2.0/24, of which it has the addresses given. */
function routing(nodes: Nodes, mode: RoutingMode, held: readonly string[]): Routing {
  return decideRouting({ view: cluster(nodes), nodeName: "alpha", mode, ...placeOf(held) });
}

function placeOf(held: readonly string[]) {
  const host = {
    links: [link(1, "lo"), link(2, "eth0")],
    addresses: held.map((text) => address(2, text)),
    routes: [
      ...(held.some((text) => text.includes(":"))
        ? [route("::/0", { via: "fe80::1", link: 2 }), route("2001:db8::/64", { link: 2, protocol: 2 })]
        : []),
      ...(held.some((text) => text.includes("."))
        ? [route("0.0.0.0/0", { via: "192.0.2.1", link: 2 }), route("192.0.2.0/24", { link: 2, protocol: 2 })]
        : []),
    ],
  };
  return { host, uplinks: findUplinks(host, { uplink: "auto", prefixes: [] }, () => ipv6On()).links };
}

function printed({ peers, faults }: Routing) {
  const way = ({ way }: Routing["peers"][number]) =>
    way.kind === "direct" ? `via ${way.gateway} dev ${way.link}` : `vxlan ${way.remote}`;
  return {
    ways: peers.map((peer) => `${peer.node} ${peer.prefix} ${way(peer)}`),
    faults: faults.map(({ code, node }) => `${code} ${node}`),
  };
}

const held = { v4: ["192.0.2.10/24"], v6: ["2001:db8::a/64"], dual: ["2001:db8::a/64", "192.0.2.10/24"] };
const alpha = {
  v4: ["192.0.2.10", "10.1.0.0/24"],
  v6: ["2001:db8::a", "fd00:1::/64"],
  dual: ["2001:db8::a", "192.0.2.10", "fd00:1::/64", "10.1.0.0/24"],
};
/** A neighbor on the link, and a node in another rack. */
const beta = {
  v4: ["192.0.2.11", "10.1.2.0/24"],
  v6: ["2001:db8::b", "fd00:2::/64"],
  dual: ["2001:db8::b", "192.0.2.11", "fd00:2::/64", "10.1.2.0/24"],
};
const far = {
  v4: ["198.51.100.12", "10.1.3.0/24"],
  v6: ["2001:db8:c::c", "fd00:3::/64"],
  dual: ["2001:db8:c::c", "198.51.100.12", "fd00:3::/64", "10.1.3.0/24"],
};

const direct = {
  v4: ["beta 10.1.2.0/24 via 192.0.2.11 dev 2"],
  v6: ["beta fd00:2::/64 via 2001:db8::b dev 2"],
  dual: ["beta fd00:2::/64 via 2001:db8::b dev 2", "beta 10.1.2.0/24 via 192.0.2.11 dev 2"],
};
const near = {
  v4: ["beta 10.1.2.0/24 vxlan 192.0.2.11"],
  v6: ["beta fd00:2::/64 vxlan 2001:db8::b"],
  dual: ["beta fd00:2::/64 vxlan 2001:db8::b", "beta 10.1.2.0/24 vxlan 2001:db8::b"],
};
const tunneled = {
  v4: ["far 10.1.3.0/24 vxlan 198.51.100.12"],
  v6: ["far fd00:3::/64 vxlan 2001:db8:c::c"],
  dual: ["far fd00:3::/64 vxlan 2001:db8:c::c", "far 10.1.3.0/24 vxlan 2001:db8:c::c"],
};

describe("decideRouting()", () => {
  test.for([
    ["IPv4-only", "v4"],
    ["IPv6-only", "v6"],
    ["dual-stack", "dual"],
  ] as const)("%s: the four modes", ([, stack]) => {
    const nodes = { alpha: alpha[stack], beta: beta[stack], far: far[stack] };
    const inMode = (mode: RoutingMode) => printed(routing(nodes, mode, held[stack]));
    expect(inMode("direct")).toEqual({ ways: direct[stack], faults: ["not-on-link far"] });
    expect(inMode("vxlan")).toEqual({ ways: [...near[stack], ...tunneled[stack]], faults: [] });
    expect(inMode("auto")).toEqual({ ways: [...direct[stack], ...tunneled[stack]], faults: [] });
    expect(inMode("external")).toEqual({ ways: [], faults: [] });
    expect(routing(nodes, "external", held[stack]).own.map(String)).toEqual(
      alpha[stack].filter((text) => text.includes("/")).toSorted((one) => (one.includes(":") ? -1 : 1)),
    );
  });

  test.for<[name: string, mode: RoutingMode, here: readonly string[], nodes: Nodes, expected: readonly string[]]>([
    [
      "IPv4 goes by a gateway of IPv6 over an IPv6-only underlay",
      "direct",
      held.v6,
      { alpha: ["2001:db8::a", "10.1.0.0/24"], beta: ["2001:db8::b", "10.1.2.0/24"] },
      ["beta 10.1.2.0/24 via 2001:db8::b dev 2"],
    ],
    [
      "IPv4 goes by a gateway of IPv6 where the node's IPv4 address is not on the link",
      "auto",
      held.dual,
      { alpha: alpha.dual, beta: ["2001:db8::b", "198.51.100.11", "10.1.2.0/24"] },
      ["beta 10.1.2.0/24 via 2001:db8::b dev 2"],
    ],
    [
      "IPv6 goes by VXLAN over an IPv4-only underlay, IPv4 beside it does not",
      "auto",
      held.v4,
      { alpha: ["192.0.2.10", "fd00:1::/64"], beta: ["192.0.2.11", "fd00:2::/64", "10.1.2.0/24"] },
      ["beta fd00:2::/64 vxlan 192.0.2.11", "beta 10.1.2.0/24 via 192.0.2.11 dev 2"],
    ],
    [
      "the underlay is of the family both have",
      "vxlan",
      held.dual,
      { alpha: alpha.dual, beta: ["192.0.2.11", "fd00:2::/64"], far: ["2001:db8:c::c", "10.1.3.0/24"] },
      ["beta fd00:2::/64 vxlan 192.0.2.11", "far 10.1.3.0/24 vxlan 2001:db8:c::c"],
    ],
    [
      "the first of several gateways on the link is taken",
      "direct",
      held.v6,
      { alpha: alpha.v6, beta: ["2001:db8:9::9", "2001:db8::b1", "2001:db8::b2", "fd00:2::/64"] },
      ["beta fd00:2::/64 via 2001:db8::b1 dev 2"],
    ],
    [
      "a draining prefix beside an active one is routed as well",
      "direct",
      held.v6,
      { alpha: alpha.v6, beta: ["2001:db8::b", "fd00:2::/64", "fd00:22::/64"] },
      ["beta fd00:2::/64 via 2001:db8::b dev 2", "beta fd00:22::/64 via 2001:db8::b dev 2"],
    ],
  ])("%s", ([, mode, here, nodes, expected]) => {
    const result = printed(routing(nodes, mode, here));
    expect(result).toEqual({ ways: expected, faults: [] });
  });

  test.for<[mode: RoutingMode, here: readonly string[], nodes: Nodes, message: string]>([
    [
      "direct",
      held.dual,
      { alpha: alpha.dual, far: far.dual },
      "Node far (2001:db8:c::c, 198.51.100.12) is not on a link of this node by any IPv6 address, as routing mode direct " +
        "needs for fd00:3::/64, 10.1.3.0/24: eth0 has 2001:db8::/64, 192.0.2.0/24; use routing mode auto or vxlan",
    ],
    [
      "direct",
      held.v4,
      { alpha: alpha.v4, far: far.v4 },
      "Node far (198.51.100.12) is not on a link of this node by any address, as routing mode direct " +
        "needs for 10.1.3.0/24: eth0 has 192.0.2.0/24; use routing mode auto or vxlan",
    ],
    [
      "direct",
      held.dual,
      { alpha: alpha.dual, beta: ["192.0.2.11", "fd00:2::/64", "10.1.2.0/24"] },
      "Node beta (192.0.2.11) is not on a link of this node by any IPv6 address, as routing mode direct " +
        "needs for fd00:2::/64: eth0 has 2001:db8::/64, 192.0.2.0/24; use routing mode auto or vxlan",
    ],
    [
      "vxlan",
      held.v6,
      { alpha: alpha.v6, beta: beta.v4 },
      "Node beta (192.0.2.11) cannot be reached by VXLAN from this node (2001:db8::a): they have no family in common; " +
        "give both an address of IPv6",
    ],
    [
      "vxlan",
      held.v6,
      { alpha: alpha.v6, beta: ["2001:db8:0:0:b::b", "2001:db8:0:0:b::/80"] },
      "Prefix 2001:db8:0:0:b::/80 of node beta contains the node's own address, so no tunnel can lead there; " +
        "give beta a prefix without the node in it",
    ],
    [
      "auto",
      held.v6,
      { alpha: alpha.v6, beta: ["fe80::b", "fd00:2::/64"] },
      "Node beta has no address by which others reach it (fe80::b cannot be used from afar); give it one of IPv6 or IPv4",
    ],
    [
      "auto",
      held.v6,
      { alpha: alpha.v6, beta: ["2001:db8::b"] },
      "Node beta has no prefix, so its pods cannot be reached; give it one of IPv6, IPv4, or both",
    ],
    [
      "auto",
      held.v6,
      { alpha: ["2001:db8::a"] },
      "Node alpha has no prefix, so its pods get no addresses; give it one of IPv6, IPv4, or both",
    ],
    [
      "auto",
      held.v6,
      { alpha: ["fd00:1::/64"] },
      "Node alpha has no address by which others reach it; give it one of IPv6 or IPv4",
    ],
    [
      "vxlan",
      ["2001:db8::99/64"],
      { alpha: alpha.v6 },
      "No interface of this node has 2001:db8::a, by which node alpha is known to others; " +
        "add it to an interface, or correct the node's addresses in the cluster",
    ],
    [
      "auto",
      held.v6,
      { beta: beta.v6 },
      "Node alpha, which is this one, is not in the cluster; add it, or correct nodeName; there are beta",
    ],
    ["auto", held.v6, {}, "Node alpha, which is this one, is not in the cluster; add it, or correct nodeName"],
  ])("mode %s, having %o: %o is a fault", ([mode, here, nodes, message]) => {
    expect(routing(nodes, mode, here).faults.map((fault) => fault.message)).toEqual([message]);
  });

  test("a node out of reach is its own fault while others are reached, and this one's where none is", () => {
    const harms = (nodes: Readonly<Record<string, readonly string[]>>) =>
      routing({ alpha: alpha.dual, ...nodes }, "direct", held.dual).faults.map((fault) => harmOf(fault, "alpha"));
    expect(harms({ far: far.v6, beta: beta.v6 })).toEqual(["nothing"]);
    expect(harms({ far: far.v6 })).toEqual(["reach"]);
    expect(harms({ none: [] })).toEqual(["nothing"]);
  });

  test("one node's fault leaves the others their routes", () => {
    const nodes = { alpha: alpha.dual, none: [], far: far.v6, twin: ["2001:db8::c", "fd00:2::/64"], beta: beta.v6 };
    expect(printed(routing({ ...nodes, gamma: ["2001:db8::d", "fd00:4::/64"] }, "direct", held.dual))).toEqual({
      ways: ["twin fd00:2::/64 via 2001:db8::c dev 2", "gamma fd00:4::/64 via 2001:db8::d dev 2"],
      faults: ["prefix-overlap beta", "node-without-address none", "not-on-link far"],
    });
  });
});

describe("what is remembered from pass to pass", () => {
  const columns = ["v4", "v6", "dual"] as const;
  const modes = ["auto", "direct", "vxlan", "external"] as const;

  test.for(columns)("%s: routes to a node that is as it was are the same objects", (family) => {
    const memory = new RoutingMemory();
    const nodes = { alpha: alpha[family], beta: beta[family], far: far[family] };
    const decide = (view: ReturnType<typeof cluster>, place = placeOf(held[family])) =>
      decideRouting({ view, nodeName: "alpha", mode: "auto", ...place, memory }).peers;
    const view = cluster(nodes);
    const before = decide(view);
    const [first, second] = view.nodes;
    const changed = { nodes: [first, second].filter((node) => node !== undefined) };
    const after = decide(changed);
    expect(after).toEqual(before.filter(({ node }) => node === "beta"));
    expect(after.every((peer) => before.includes(peer))).toBe(true);
    expect(decide(changed, { ...placeOf(held[family]), uplinks: [] })).not.toEqual(after);
  });

  /** Few enough that nodes meet in prefixes, addresses and names. */
  const texts = ["192.0.2.11", "198.51.100.12", "2001:db8::b", "2001:db8:c::c", "10.1.2.1", "fd00:2::1", "fe80::1"];
  const prefixes = [
    "10.1.2.0/24",
    "10.1.3.0/24",
    "10.1.0.0/16",
    "fd00:2::/64",
    "fd00:3::/64",
    "fd00:2::/63",
    "192.0.0.0/16",
  ];
  const node = fc
    .tuple(
      fc.constantFrom("alpha", "beta", "gamma", "delta", "epsilon"),
      fc.uniqueArray(fc.constantFrom(...texts), { maxLength: 2 }),
      fc.uniqueArray(fc.constantFrom(...prefixes), { maxLength: 2 }),
    )
    .map(([name, addresses, of]) => cluster({ [name]: [...addresses, ...of] }).nodes[0]);
  const anyTurns = fc
    .uniqueArray(node, { minLength: 1, maxLength: 8, selector: (each) => JSON.stringify(each) })
    .chain((all) => fc.array(fc.tuple(fc.subarray(all), fc.nat(11)), { minLength: 1, maxLength: 6 }));

  /** Two states of each of four nodes, of which no two meet in anything. */
  const apart = ["alpha", "beta", "gamma", "delta"].map((name, at) =>
    [1, 2].map((state) => {
      const text = [`2001:db8::${at + 10}`, `fd00:${at}:${state}::/64`, `10.${at}.${state}.0/24`];
      return cluster({
        [name]: name === "alpha" ? [...held.dual.map((each) => each.replace(/\/.*/, "")), ...text.slice(1)] : text,
      }).nodes[0];
    }),
  );
  const states = fc.array(fc.option(fc.nat(1)), { minLength: apart.length, maxLength: apart.length });
  const soundTurns = fc.array(
    fc.tuple(
      states.map((which) => which.map((state, at) => (state === null ? undefined : apart[at]?.[state]))),
      fc.nat(11),
    ),
    { minLength: 1, maxLength: 6 },
  );

  test("never makes a difference to what is decided", () => {
    let sound = 0;
    fc.assert(
      fc.property(fc.oneof(anyTurns, soundTurns), fc.constantFrom(...modes), (turns, mode) => {
        const memory = new RoutingMemory();
        for (const [some, at] of turns) {
          const nodes = some.filter((each) => each !== undefined);
          const place = placeOf(at === 0 ? held.v4 : held.dual);
          const input = { view: { nodes }, nodeName: "alpha", mode, ...place };
          const decided = decideRouting(input);
          expect(decideRouting({ ...input, memory })).toEqual(decided);
          if (decided.faults.length === 0) sound++;
        }
      }),
      { numRuns: 300 },
    );
    expect(sound).toBeGreaterThan(10);
  });
});
