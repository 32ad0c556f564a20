// A node as it is apart from its pods: links, routes, rules, sysctls, what lies in the directories of CNI, and the packet filter's tables that
// bear our name. Taken before Hextet comes and after it went, the two are the same.
import type { Machines } from "./machines.ts";

export type Snapshots = ReadonlyMap<string, readonly string[]>;

/** Each prints lines that stay the same on a node where nothing happens. Docker's own tables and kube-proxy's are others' affair. */
const questions = [
  "ip -o link | cut -d: -f2 | cut -d@ -f1",
  "ip route show table all type unicast",
  "ip -6 route show table all type unicast | sed 's/ expires [0-9]*sec//'",
  "ip rule; ip -6 rule",
  "ip neigh show proxy; ip -6 neigh show proxy",
  "ls /etc/cni/net.d /opt/cni/bin",
  "sysctl -a 2>/dev/null | grep -E '^net[./]ipv[46][./](ip_forward|conf[./](all|default|eth0)[./](forwarding|accept_ra|proxy_ndp|proxy_arp|rp_filter|disable_ipv6|accept_redirects|send_redirects))'",
  "nft list tables 2>/dev/null | grep -i hextet; true",
  "for each in iptables-legacy-save ip6tables-legacy-save iptables-nft-save ip6tables-nft-save; do $each 2>/dev/null | grep -E '[: ]HEXTET-'; done; true",
  "ipset list -n 2>/dev/null | grep -i hextet; true",
];

export async function takeSnapshots(machines: Machines, nodes: readonly string[]): Promise<Snapshots> {
  const taken = nodes.map(async (node) => {
    const answers = await Promise.all(questions.map((line) => machines.run(node, line)));
    return [node, answers.flatMap((text) => text.split("\n").map((line) => line.trim()))] as const;
  });
  return new Map(await Promise.all(taken));
}

/** A line for each difference, of every node. */
export function differences(before: Snapshots, after: Snapshots): readonly string[] {
  return [...before].flatMap(([node, were]) => {
    const are = after.get(node) ?? [];
    return [
      ...were.filter((line) => !are.includes(line)).map((line) => `${node} lacks: ${line}`),
      ...are.filter((line) => !were.includes(line)).map((line) => `${node} has: ${line}`),
    ];
  });
}
