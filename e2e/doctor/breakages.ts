// What is broken on nodes whose agent serves, or whose router advertises, and which checks tests of their own are for.
import { tables } from "../lab/topology.ts";
import { type Breakage, set } from "./breakage.ts";

const drop = (what: string, hook = "input") =>
  `nft add table inet broken; nft add chain inet broken c '{ type filter hook ${hook} priority -300; }'; ${what
    .split(";")
    .map((rule) => `nft add rule inet broken c ${rule} drop`)
    .join("; ")}`;
const undrop = "nft delete table inet broken";

/** On a dual-stack node of two racks, alpha, with beta on its link and gamma behind the router, while its agent serves. */
export const withAgent: readonly Breakage[] = [
  {
    id: "agent-build",
    severity: "warning",
    seen: /another build than the installed executable \(0123456789abcdef\)/,
    break:
      "cd /opt/cni/bin/.hextet; cp -a $(readlink current) 0123456789abcdef; readlink current > /run/current; ln -sfn 0123456789abcdef current",
    undo: "cd /opt/cni/bin/.hextet; ln -sfn $(cat /run/current) current; rm -r 0123456789abcdef",
  },
  {
    id: "agent-socket",
    seen: /agent.sock has mode 666: others may call/,
    break: "chmod 666 /run/hextet/agent.sock",
    undo: "chmod 600 /run/hextet/agent.sock",
    mended: true,
  },
  {
    id: "prefix-return",
    at: "router",
    seen: /does not send 2001:db8:0:1::\/64 to this node \(2001:db8:ffff:1::1: Destination unreachable/,
    break: `ip route delete 2001:db8:0:1::/64 table ${tables.outside}`,
    undo: `ip route add 2001:db8:0:1::/64 via 2001:db8:ffff:1::11 table ${tables.outside}`,
  },
  {
    id: "node-reach",
    severity: "warning",
    at: "beta",
    seen: /Node beta does not answer at 2001:db8:ffff:1::12/,
    break: drop("icmpv6 type echo-request;icmp type echo-request"),
    undo: undrop,
  },
  {
    id: "link-mtu",
    at: "beta",
    seen: /Packets of 1500 bytes to beta \(2001:db8:ffff:1::12\) are lost, small ones are answered, and it is on this link/,
    break: "ip link set eth0 mtu 1400",
    undo: "ip link set eth0 mtu 1500",
  },
  {
    id: "packet-too-big",
    seen: /Packets of 1500 bytes to gamma \(2001:db8:ffff:2::13\) are lost, and no router says/,
    break: `${drop("icmpv6 type packet-too-big;icmp type destination-unreachable")}`,
    undo: undrop,
  },
  {
    id: "tunnel-port",
    at: "gamma",
    seen: /Node gamma answers at 2001:db8:ffff:2::13, but not through the tunnel: UDP port 4789 seems to be blocked/,
    break: drop("udp dport 4789"),
    undo: undrop,
  },
];

/** On a dual-stack node whose router advertises the prefix of nodes and pods, without an agent. */
export const advertised: readonly Breakage[] = [
  {
    id: "router-advertisements",
    seen: /accept_ra is 1 while the node forwards/,
    mended: true,
    ...set("net/ipv6/conf/eth0/accept_ra", "1", "2"),
  },
  {
    id: "forwarding",
    seen: /net\/ipv6\/conf\/all\/forwarding is 0/,
    mended: true,
    ...set("net/ipv6/conf/all/forwarding", "0", "1"),
  },
  {
    id: "neighbor-proxy",
    seen: /proxy_ndp is 0, and pods are answered for/,
    mended: true,
    ...set("net/ipv6/conf/eth0/proxy_ndp", "0", "1"),
  },
  {
    id: "neighbor-proxy",
    seen: /Nobody answers on the uplink for 2001:db8:ffff:1:/,
    break:
      "ip -6 neigh show proxy | cut -d' ' -f1 > /run/proxies; for a in $(cat /run/proxies); do ip -6 neigh delete proxy $a dev eth0; done",
    undo: "for a in $(cat /run/proxies); do ip -6 neigh add proxy $a dev eth0; done",
  },
];

/** Told by packets on their way through a router whose link takes less. */
export const narrow = { break: "ip link set eth1 mtu 1400", undo: "ip link set eth1 mtu 1500" } as const;

/** Found by tests of their own. */
export const foundElsewhere = [
  "agent-running",
  "agent-faults",
  "leases-without-links",
  "links-without-leases",
] as const;
