// What is broken in sysctls, routes and the packet filter of a node without an agent.
import { type Breakage, set } from "./breakage.ts";
import { cluster, config, written } from "./broken-files.ts";

/** As brokenFiles, of the kernel's state. */
export const brokenNetwork: readonly Breakage[] = [
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
