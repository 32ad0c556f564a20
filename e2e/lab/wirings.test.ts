import { describe, expect, test } from "vitest";
import { Prefix } from "../../src/ip/prefix.ts";
import { addressesOf, familySets, machinesOf, type Topology, type TopologyOptions, wirings } from "./topology.ts";
import { nodeNames, topologyOf } from "./wirings.ts";

/** Every wiring with every pair of families of pods and links. */
const everyKind = wirings.flatMap((wiring) =>
  familySets.flatMap((families) =>
    familySets.map((underlay) => ({ wiring, families, underlay, nodes: nodeNames.length })),
  ),
);

function nodesOf(options: Omit<TopologyOptions, "nodes">): Record<string, string> {
  const { nodes } = topologyOf({ nodes: 3, ...options });
  return Object.fromEntries(
    nodes.map(({ name, addresses, prefixes }) => [name, `${addresses.join(" ")}, ${prefixes.join(" ")}`]),
  );
}

function routesOf({ router }: Topology): string[] {
  return router.routes.map(({ to, via, table = "main" }) => `${to} via ${via} table ${table}`);
}

describe("three nodes", () => {
  test.for([
    ["link", "dual", "2001:db8:ffff:1::12 10.255.1.12, 2001:db8:0:2::/64 10.0.2.0/24"],
    ["link", "v6", "2001:db8:ffff:1::12, 2001:db8:0:2::/64"],
    ["link", "v4", "10.255.1.12, 10.0.2.0/24"],
    ["racks", "dual", "2001:db8:ffff:1::12 10.255.1.12, 2001:db8:0:2::/64 10.0.2.0/24"],
    ["racks", "v6", "2001:db8:ffff:1::12, 2001:db8:0:2::/64"],
    ["racks", "v4", "10.255.1.12, 10.0.2.0/24"],
    ["ndp-proxy", "dual", "2001:db8:ffff:1:0:ff:fe00:112 10.1.0.12, 2001:db8:ffff:1:2::/80 10.1.2.0/24"],
    ["ndp-proxy", "v6", "2001:db8:ffff:1:0:ff:fe00:112, 2001:db8:ffff:1:2::/80"],
    ["ndp-proxy", "v4", "10.1.0.12, 10.1.2.0/24"],
  ] as const)("with %s and %s have the second at %s", ([wiring, families, beta]) => {
    expect(nodesOf({ wiring, families })["beta"]).toBe(beta);
  });

  test("in racks are two in the first and one in the second", () => {
    const { nodes } = topologyOf({ wiring: "racks", nodes: 3, families: "dual" });
    expect(nodes.map(({ name, ports }) => [name, ...ports.map(({ link }) => link)])).toEqual([
      ["alpha", "rack1"],
      ["beta", "rack1"],
      ["gamma", "rack2"],
    ]);
  });

  test("of IPv4 pods on links of IPv6 alone have addresses of the one and prefixes of the other", () => {
    const wanted = "2001:db8:ffff:1::12, 10.0.2.0/24";
    expect(nodesOf({ wiring: "link", families: "v4", underlay: "v6" })["beta"]).toBe(wanted);
  });
});

describe("the router", () => {
  test("knows pods by their nodes, for packets from outside alone", () => {
    const topology = topologyOf({ wiring: "racks", nodes: 2, families: "dual" });
    expect(routesOf(topology)).toEqual([
      "2001:db8:0:1::/64 via 2001:db8:ffff:1::11 table 100",
      "10.0.1.0/24 via 10.255.1.11 table 100",
      "2001:db8:0:2::/64 via 2001:db8:ffff:2::12 table 100",
      "10.0.2.0/24 via 10.255.2.12 table 100",
    ]);
    expect(topology.router.outsidePort).toBe("eth2");
  });

  test("knows them for all packets where it is to carry them from node to node", () => {
    const topology = topologyOf({ wiring: "racks", nodes: 1, families: "v6", routedBy: "fabric" });
    expect(routesOf(topology)).toEqual(["2001:db8:0:1::/64 via 2001:db8:ffff:1::11 table main"]);
  });

  test.for(familySets)("knows no pods that are on its own link, %s", (families) => {
    expect(topologyOf({ wiring: "ndp-proxy", nodes: 3, families }).router.routes).toEqual([]);
  });

  test.for([
    ["dual", "2001:db8:ffff:1::/64"],
    ["v6", "2001:db8:ffff:1::/64"],
    ["v4", undefined],
  ] as const)("advertises the prefix that nodes and pods share, %s: %s", ([families, prefix]) => {
    const { router } = topologyOf({ wiring: "ndp-proxy", nodes: 3, families });
    expect(router.advertises?.prefix.toString()).toBe(prefix);
  });
});

describe("a node that takes its IPv6 address from advertisements", () => {
  test("has no IPv6 address or route beside it, and its IPv4 ones as ever", () => {
    const [alpha] = topologyOf({ wiring: "ndp-proxy", nodes: 1, families: "dual" }).nodes;
    expect(alpha?.ports.flatMap(({ addresses }) => addresses.map(String))).toEqual(["10.1.0.11/16"]);
    expect(alpha?.ports[0]?.autoconfigured?.toString()).toBe("2001:db8:ffff:1:0:ff:fe00:111/64");
    expect(alpha?.routes.map(({ to, via }) => `${to} via ${via}`)).toEqual(["0.0.0.0/0 via 10.1.0.1"]);
  });
});

describe("in every topology", () => {
  test.for(everyKind)("no two have an address, a MAC or a name in common: %o", (kind) => {
    const machines = machinesOf(topologyOf(kind));
    const unique = [
      machines.map(({ name }) => name),
      machines.flatMap((machine) => addressesOf(machine).map(String)),
      machines.flatMap(({ ports }) => ports.map(({ mac }) => mac.toString())),
    ];
    for (const values of unique) expect(new Set(values).size).toBe(values.length);
  });

  test.for(everyKind)("no pod can get an address that another node's pod or a machine has: %o", (kind) => {
    const topology = topologyOf(kind);
    const prefixes = topology.nodes.flatMap((node) => node.prefixes);
    const taken = machinesOf(topology).flatMap((machine) => addressesOf(machine).map((each) => Prefix.host(each)));
    for (const [at, prefix] of prefixes.entries()) {
      expect(prefixes.slice(at + 1).filter((other) => other.overlaps(prefix))).toEqual([]);
      expect(taken.filter((other) => other.overlaps(prefix))).toEqual([]);
    }
  });

  test.for(everyKind)("a node has a prefix of each family of pods and an address of each of the link: %o", (kind) => {
    const { nodes, families, underlay } = topologyOf(kind);
    for (const node of nodes) {
      expect(node.prefixes.map(({ family }) => family)).toEqual(families);
      expect(node.addresses.map(({ family }) => family)).toEqual(underlay);
    }
  });
});

describe("refused are", () => {
  test.for([0, 25, 1.5, Number.NaN])("%f nodes", (nodes) => {
    expect(() => topologyOf({ wiring: "link", nodes, families: "dual" })).toThrow(
      new RangeError(`A lab has 1 to 24 nodes, not ${nodes}`),
    );
  });

  test("routers that carry a family they do not have", () => {
    const options = { wiring: "racks", nodes: 3, families: "dual", underlay: "v6", routedBy: "fabric" } as const;
    expect(() => topologyOf(options)).toThrow(
      "A router without v4 carries no v4 for pods: let the nodes route, or add v4",
    );
  });
});
