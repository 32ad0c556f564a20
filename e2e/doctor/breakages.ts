// What is broken on a node, in the words of a shell, and what the doctor must say of it. Each is undone again, so that all can follow one
// another on one node.

export interface Breakage {
  /** The check that must find it, and in what words. */
  readonly id: string;
  readonly seen: RegExp;
  /** A problem, where nothing is said. */
  readonly severity?: "problem" | "warning";
  /** What it brings with it. */
  readonly also?: readonly string[];
  /** Where, if not on alpha. */
  readonly at?: string;
  readonly break: string;
  readonly undo: string;
  /** `--fix` mends it; what is then left to undo does no harm. */
  readonly mended?: true;
  /** Before the doctor's command line. */
  readonly within?: readonly string[];
}

const drop = (what: string, hook = "input") =>
  `nft add table inet broken; nft add chain inet broken c '{ type filter hook ${hook} priority -300; }'; ${what
    .split(";")
    .map((rule) => `nft add rule inet broken c ${rule} drop`)
    .join("; ")}`;
const undrop = "nft delete table inet broken";

const config = "/etc/hextet/agent.yaml";
const cluster = "/etc/hextet/cluster.yaml";
const written = (file: string, text: string) => ({
  break: `cp ${file} /run/kept; printf '%s\\n' '${text}' >> ${file}`,
  undo: `cat /run/kept > ${file}`,
});
const edited = (file: string, expression: string) => ({
  break: `cp ${file} /run/kept; sed -i '${expression}' ${file}`,
  undo: `cat /run/kept > ${file}`,
});
const set = (name: string, value: string, before: string) => ({
  break: `echo ${value} > /proc/sys/${name}`,
  undo: `echo ${before} > /proc/sys/${name}`,
});

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
    break: "ip route delete 2001:db8:0:1::/64",
    undo: "ip route add 2001:db8:0:1::/64 via 2001:db8:ffff:1::11",
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

/** The same node, whose agent would mend some of these before anybody sees them, and is not there. */
export const withoutAgent: readonly Breakage[] = [
  {
    id: "configuration",
    seen: /agent.yaml:2:1: nodename: this key is unknown; did you mean nodeName/,
    ...written(config, "nodename: alpha"),
  },
  {
    id: "cluster",
    seen: /cluster.yaml:\d+:\d+.*2001:db8:ffff:1::11 is an address of/,
    ...edited(cluster, "s/ffff:1::12/ffff:1::11/"),
  },
  {
    id: "installation",
    seen: /hextet-ipam is missing/,
    break: "rm /opt/cni/bin/hextet-ipam",
    undo: "ln -s .hextet/current/bin/hextet /opt/cni/bin/hextet-ipam",
  },
  {
    id: "network-file",
    seen: /10-hextet.conflist is not there/,
    break: "mv /etc/cni/net.d/10-hextet.conflist /run/",
    undo: "mv /run/10-hextet.conflist /etc/cni/net.d/",
  },
  {
    id: "other-networks",
    seen: /05-other.conflist comes before 10-hextet.conflist/,
    break: `echo '{"cniVersion":"1.0.0","name":"other","plugins":[{"type":"bridge"}]}' > /etc/cni/net.d/05-other.conflist`,
    undo: "rm /etc/cni/net.d/05-other.conflist",
  },
  {
    id: "other-networks",
    seen: /99-old.conflist is a configuration of the network hextet that nobody keeps up to date/,
    break: "cp /etc/cni/net.d/10-hextet.conflist /etc/cni/net.d/99-old.conflist",
    undo: "rm /etc/cni/net.d/99-old.conflist",
  },
  {
    id: "second-plugin",
    severity: "warning",
    seen: /cni0/,
    break: "ip link add cni0 type bridge",
    undo: "ip link delete cni0",
  },
  {
    id: "disk",
    severity: "warning",
    seen: /32\d+ KiB are free|inodes are free/,
    also: ["database", "links-without-leases"],
    break: "mount -t tmpfs -o size=32m,nr_inodes=100 tmpfs /var/lib/hextet",
    undo: "umount /var/lib/hextet",
  },
  {
    id: "disk",
    seen: /read-only/,
    break: "mount -o remount,bind,ro /var/lib/hextet",
    undo: "mount -o remount,bind,rw /var/lib/hextet",
    also: ["database"],
  },
  {
    id: "database",
    seen: /leases.db is damaged/,
    break: "mkdir /run/leases; mv /var/lib/hextet/leases.* /run/leases; echo broken > /var/lib/hextet/leases.db",
    undo: "rm /var/lib/hextet/leases.*; mv /run/leases/* /var/lib/hextet; rmdir /run/leases",
  },
  {
    id: "node-prefix",
    seen: /has no prefix/,
    also: ["prefix-overlap", "node-routes"],
    ...edited(cluster, "/alpha:/,/prefixes/s/prefixes: .*/prefixes: []/"),
  },
  {
    id: "node-address",
    seen: /No interface of this node has 2001:db8:ffff:1::99/,
    also: ["node-routes"],
    ...edited(cluster, "s/ffff:1::11/ffff:1::99/"),
  },
  {
    id: "cluster-nodes",
    severity: "warning",
    seen: /Node beta has no prefix/,
    also: ["node-routes"],
    ...edited(cluster, "/beta:/,/prefixes/s/prefixes: .*/prefixes: []/"),
  },
  {
    id: "uplink-family",
    severity: "warning",
    seen: /prefix of IPv4, and none of its uplinks an address of it/,
    also: ["node-address", "node-routes", "default-route"],
    break: "ip -4 route show > /run/routes; ip address delete 10.255.1.11/24 dev eth0",
    undo: "ip address add 10.255.1.11/24 dev eth0; while read -r line; do ip route add $line 2> /dev/null || true; done < /run/routes",
  },
  {
    id: "duplicate-address",
    seen: /2001:db8:ffff:1::1\/64 on eth0 is held by another host on the link/,
    break:
      "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_dad; ip address add 2001:db8:ffff:1::1/64 dev eth0; " +
      "for try in $(seq 100); do ip -6 address show dev eth0 dadfailed | grep -q inet6 && break; sleep 0.1; done",
    undo: "ip address delete 2001:db8:ffff:1::1/64 dev eth0; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad",
  },
  {
    id: "prefix-overlap",
    seen: /Prefix 2001:db8:0:3::\/64 of node gamma contains 2001:db8:0:3:1::\/96, which is on the link of eth0/,
    also: ["node-routes"],
    break: "ip address add 2001:db8:0:3:1::1/96 dev eth0 nodad",
    undo: "ip address delete 2001:db8:0:3:1::1/96 dev eth0",
  },
  {
    id: "prefix-size",
    seen: /--cluster-cidr 2001:db8::\/40 with a node mask of \/64: the difference is 24 bits/,
    break:
      "mkdir -p /etc/kubernetes/manifests; printf '%s\\n' '    - --cluster-cidr=2001:db8::/40,10.0.0.0/16' " +
      "'    - --node-cidr-mask-size-ipv6=64' > /etc/kubernetes/manifests/kube-controller-manager.yaml",
    undo: "rm -r /etc/kubernetes",
  },
  {
    id: "ipv6-off",
    seen: /conf\/default\/disable_ipv6 is 1/,
    mended: true,
    ...set("net/ipv6/conf/default/disable_ipv6", "1", "0"),
  },
  {
    id: "forwarding",
    seen: /net\/ipv6\/conf\/all\/forwarding is 0/,
    mended: true,
    ...set("net/ipv6/conf/all/forwarding", "0", "1"),
  },
  {
    id: "forwarding",
    seen: /net\/ipv4\/conf\/eth0\/forwarding is 0: IPv4 that comes by eth0/,
    mended: true,
    ...set("net/ipv4/conf/eth0/forwarding", "0", "1"),
  },
  {
    id: "reverse-path",
    seen: /rp_filter is 1 \(strict\) on hextet.vxlan/,
    mended: true,
    ...set("net/ipv4/conf/hextet.vxlan/rp_filter", "1", "0"),
  },
  {
    id: "sysctls-writable",
    seen: /mounted read-only/,
    break: "mount --bind /proc/sys/net /proc/sys/net; mount -o remount,bind,ro /proc/sys/net",
    undo: "umount /proc/sys/net",
  },
  {
    id: "advertised-mtu",
    severity: "warning",
    seen: /MTU of 1400 on eth0, which has 1500/,
    ...set("net/ipv6/conf/eth0/mtu", "1400", "1500"),
  },
  {
    id: "uplink",
    seen: /uplink names eth9/,
    also: ["node-routes", "tunnel-port"],
    ...written(config, "uplink: eth9"),
  },
  {
    id: "default-route",
    seen: /no default route of IPv6/,
    also: ["router-advertisements", "node-reach"],
    break: "ip -6 route delete default",
    undo: "ip -6 route add default via 2001:db8:ffff:1::1",
  },
  {
    id: "gateway",
    seen: /router 2001:db8:ffff:1::99 of the default route does not answer on eth0/,
    also: ["node-reach", "prefix-return"],
    break: "ip -6 route replace default via 2001:db8:ffff:1::99",
    undo: "ip -6 route replace default via 2001:db8:ffff:1::1",
  },
  {
    id: "node-routes",
    seen: /2001:db8:0:2::\/64 via 2001:db8:ffff:1::12.* is missing/,
    break: "ip -6 route show 2001:db8:0:2::/64 > /run/route; ip -6 route delete 2001:db8:0:2::/64",
    undo: "ip -6 route add $(cat /run/route)",
  },
  {
    id: "mtu",
    seen: /MTU 1300 of uplink eth0 less the 70 of VXLAN is 1230/,
    break: "ip link set eth0 mtu 1300",
    undo: "ip link set eth0 mtu 1500",
  },
  {
    id: "filter-programs",
    seen: /it is not installed; install the Debian package/,
    also: ["filter-rules"],
    break: "true",
    undo: "true",
    within: ["env", "PATH=/usr/bin"],
  },
  {
    id: "filter-rules",
    seen: /None of Hextet's rules/,
    break: "iptables-save > /run/rules4; ip6tables-save > /run/rules6; nft flush ruleset",
    undo: "iptables-restore /run/rules4; ip6tables-restore /run/rules6",
  },
  {
    id: "forward-drop",
    seen: /The chain inet foreign forward drops forwarded packets/,
    break:
      "nft add table inet foreign; nft add chain inet foreign forward '{ type filter hook forward priority 0; policy drop; }'",
    undo: "nft delete table inet foreign",
  },
  {
    id: "forward-drop",
    seen: /iptables' FORWARD chain has the policy DROP \(legacy\)/,
    also: ["filter-programs"],
    break: "iptables-legacy -P FORWARD DROP",
    undo: "iptables-legacy -P FORWARD ACCEPT",
  },
  {
    id: "bridge-netfilter",
    seen: /bridge-nf-call-iptables is 1, and FORWARD drops/,
    also: ["filter-programs", "forward-drop"],
    break:
      "ip link add hxbr type bridge; ip link set hxbr alias 'hextet bridge'; echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; iptables-legacy -P FORWARD DROP",
    undo: "ip link delete hxbr; iptables-legacy -P FORWARD ACCEPT",
    mended: true,
  },
  {
    id: "policies",
    seen: /There are 1 policies, and no agent has put them in force since the host was started/,
    break:
      `cp ${cluster} /run/kept; mv /var/lib/hextet/guard.json /run/; printf '%s\\n' 'policies:' '  - metadata: { name: web, namespace: shop }' ` +
      `'    spec: { podSelector: {} }' >> ${cluster}`,
    undo: `cat /run/kept > ${cluster}; mv /run/guard.json /var/lib/hextet/`,
  },
  {
    id: "policies",
    severity: "warning",
    seen: /There are 1 policies, and the configuration has the agent enforce none/,
    break:
      `cp ${cluster} /run/kept; cp ${config} /run/kept-config; printf '%s\\n' 'firewall: { policies: false }' >> ${config}; ` +
      `printf '%s\\n' 'policies:' '  - metadata: { name: web, namespace: shop }' '    spec: { podSelector: {} }' >> ${cluster}`,
    undo: `cat /run/kept > ${cluster}; cat /run/kept-config > ${config}`,
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
