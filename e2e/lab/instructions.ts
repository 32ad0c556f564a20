// A topology in the words of the programs that make it: lines for `ip -batch`, sysctls, a configuration of radvd. Pure.
import { families } from "../../src/ip/address.ts";
import { type Advertisement, type Machine, type Port, type Topology, tables } from "./topology.ts";

/** Where ports are made: the lab's own namespace, in which every link is a bridge. */
export function linkCommands(topology: Topology): string[] {
  return topology.links.flatMap((name) => [
    // Without snooping a bridge passes all multicast at once; neighbor discovery needs it from the first packet.
    `link add name ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set dev ${name} addrgenmode none up`,
  ]);
}

/** Makes the machine's ports, each with its other end on a bridge; `pid` is a process of the machine. */
export function portCommands(machine: Machine, pid: number): string[] {
  return machine.ports.flatMap((port) => {
    const outer = outerName(machine, port);
    return [
      `link add name ${outer} master ${port.link} type veth peer name ${port.name} address ${port.mac} netns ${pid}`,
      `link set dev ${outer} addrgenmode none up`,
    ];
  });
}

/** The bridge's end of a port: at most 15 characters. */
export function outerName(machine: Machine, port: Port): string {
  return `${machine.name}-${port.name}`;
}

/** In the machine: links up, addresses, routes, in an order in which each finds what it needs. */
export function machineCommands({ ports, routes }: Machine): string[] {
  return [
    "link set dev lo up",
    ...ports.flatMap(({ name, addresses }) => [
      ...addresses.map((address) => `address add ${address} dev ${name}${address.family === "v6" ? " nodad" : ""}`),
      `link set dev ${name} up`,
    ]),
    ...routes.map(({ to, via, table }) => `route add ${to} via ${via}${table === undefined ? "" : ` table ${table}`}`),
  ];
}

/**
 * What looks into the table of pods: packets from outside, the router's own, which are the errors it owes pods, Packet Too Big above
 * all, and those by which a node asks whether its own prefix leads back to it, as the doctor does. One command of `ip` each, because a
 * batch is about one family's rules.
 */
export function ruleCommands({ outsidePort, routes }: Machine): string[][] {
  if (outsidePort === undefined) return [];
  const special = routes.filter(({ table }) => table === tables.outside);
  const present = families.filter((family) => special.some(({ to }) => to.family === family));
  return present.flatMap((family) => {
    const add = ["ip", family === "v6" ? "-6" : "-4", "rule", "add", "pref", "1000", "lookup", `${tables.outside}`];
    const own = special.filter(({ to, via }) => to.family === family && via.family === family);
    return [
      ...[outsidePort, "lo"].map((from) => [...add, "iif", from]),
      ...own.map(({ to, via }) => [...add, "from", `${via}`, "to", `${to}`]),
    ];
  });
}

/** IPv4's come from the host (net.core.devconf_inherit_init_net), so those that matter are said. */
export function sysctls({ role }: Machine): Readonly<Record<string, string>> {
  const forwarding = role === "router" ? "1" : "0";
  return {
    "net/ipv4/conf/all/forwarding": forwarding,
    "net/ipv6/conf/all/forwarding": forwarding,
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
  };
}

/**
 * Before the port is up. No duplicate address detection on wires that carry nobody else, and no delay before a router is asked: a
 * machine is ready at once, not after two seconds. Links that are made on a node later have the kernel's own values.
 */
export function portSysctls({ ports }: Machine): Readonly<Record<string, string>> {
  const values = { accept_dad: "0", router_solicitation_delay: "0" };
  const entries = ports.flatMap(({ name }) => {
    return Object.entries(values).map(([key, value]) => [`net/ipv6/conf/${name}/${key}`, value] as const);
  });
  return Object.fromEntries(entries);
}

/**
 * radvd's own intervals of minutes, on purpose: who loses the advertised route does not get it back by waiting a moment. Each new
 * node asks, and is answered alone and at once.
 */
export function radvdConfiguration({ port, prefix }: Advertisement): string {
  return `interface ${port} {
  AdvSendAdvert on;
  AdvRASolicitedUnicast on;
  prefix ${prefix} { AdvOnLink on; AdvAutonomous on; };
};
`;
}
