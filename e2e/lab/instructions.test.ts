import { describe, expect, test } from "vitest";
import {
  linkCommands,
  machineCommands,
  outerName,
  portCommands,
  portSysctls,
  radvdConfiguration,
  ruleCommands,
  sysctls,
} from "./instructions.ts";
import { machinesOf, wirings } from "./topology.ts";
import { nodeNames, topologyOf } from "./wirings.ts";

const dual = topologyOf({ wiring: "link", nodes: 1, families: "dual" });
const { nodes, router } = dual;

test("a link is a bridge that passes all multicast at once", () => {
  expect(linkCommands(dual)).toEqual([
    "link add name link type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
    "link set dev link addrgenmode none up",
    "link add name outside type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
    "link set dev outside addrgenmode none up",
  ]);
});

test("a port is wired to its link from inside the machine", () => {
  expect(nodes.flatMap((node) => portCommands(node, 42))).toEqual([
    "link add name alpha-eth0 master link type veth peer name eth0 address 02:00:00:00:01:11 netns 42",
    "link set dev alpha-eth0 addrgenmode none up",
  ]);
});

test("a node's addresses come before its link is up, its routes after", () => {
  expect(nodes.flatMap(machineCommands)).toEqual([
    "link set dev lo up",
    "address add 2001:db8:ffff:1::11/64 dev eth0 nodad",
    "address add 10.255.1.11/24 dev eth0",
    "link set dev eth0 up",
    "route add ::/0 via 2001:db8:ffff:1::1",
    "route add 0.0.0.0/0 via 10.255.1.1",
  ]);
});

describe("the router looks into the table of pods", () => {
  test.for([
    ["dual", ["-6", "-4"]],
    ["v6", ["-6"]],
    ["v4", ["-4"]],
  ] as const)("for packets from outside, its own, and a node's to its own prefix, %s", ([families, flags]) => {
    const own = { "-6": "from 2001:db8:ffff:1::11 to 2001:db8:0:1::/64", "-4": "from 10.255.1.11 to 10.0.1.0/24" };
    const rules = ruleCommands(topologyOf({ wiring: "link", nodes: 1, families }).router);
    expect(rules.map((words) => words.join(" "))).toEqual(
      flags.flatMap((flag) =>
        ["iif eth1", "iif lo", own[flag]].map((which) => `ip ${flag} rule add pref 1000 lookup 100 ${which}`),
      ),
    );
  });

  test("never, where its routes to pods are for all packets", () => {
    const fabric = topologyOf({ wiring: "racks", nodes: 3, families: "dual", routedBy: "fabric" });
    expect(ruleCommands(fabric.router)).toEqual([]);
    expect(machineCommands(fabric.router)).toContain("route add 2001:db8:0:3::/64 via 2001:db8:ffff:2::13");
  });
});

test("routes to pods are in the table for packets from outside", () => {
  expect(machineCommands(router)).toContain("route add 10.0.1.0/24 via 10.255.1.11 table 100");
});

test("radvd advertises one prefix, for autoconfiguration, and answers who asks", () => {
  const { advertises } = topologyOf({ wiring: "ndp-proxy", nodes: 1, families: "v6" }).router;
  expect(advertises && radvdConfiguration(advertises)).toBe(`interface eth0 {
  AdvSendAdvert on;
  AdvRASolicitedUnicast on;
  prefix 2001:db8:ffff:1::/64 { AdvOnLink on; AdvAutonomous on; };
};
`);
});

test("sysctls that save time are a port's, so that links of pods have the kernel's own", () => {
  expect(nodes.map(portSysctls)).toEqual([
    { "net/ipv6/conf/eth0/accept_dad": "0", "net/ipv6/conf/eth0/router_solicitation_delay": "0" },
  ]);
  expect(Object.keys(sysctls(router)).filter((path) => path.includes("dad"))).toEqual([]);
});

test.for([
  ["router", "1"],
  ["outside", "0"],
] as const)("forwarding of the %s is %s in both families", ([role, value]) => {
  expect(sysctls(dual[role])).toMatchObject({
    "net/ipv4/conf/all/forwarding": value,
    "net/ipv6/conf/all/forwarding": value,
  });
});

test.for(wirings)("no interface name is longer than the kernel's 15 characters, %s", (wiring) => {
  const topology = topologyOf({ wiring, nodes: nodeNames.length, families: "dual" });
  const names = machinesOf(topology).flatMap((machine) => machine.ports.map((port) => outerName(machine, port)));
  for (const name of [...names, ...topology.links]) expect(name.length).toBeLessThanOrEqual(15);
});
