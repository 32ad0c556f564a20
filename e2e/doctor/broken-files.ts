// What is broken in files, addresses and prefixes of a node without an agent.
import type { Breakage } from "./breakage.ts";

export const config = "/etc/hextet/agent.yaml";
export const cluster = "/etc/hextet/cluster.yaml";
export const written = (file: string, text: string) => ({
  break: `cp ${file} /run/kept; printf '%s\\n' '${text}' >> ${file}`,
  undo: `cat /run/kept > ${file}`,
});
const edited = (file: string, expression: string) => ({
  break: `cp ${file} /run/kept; sed -i '${expression}' ${file}`,
  undo: `cat /run/kept > ${file}`,
});

/** The same node, whose agent would mend some of these before anybody sees them, and is not there. */
export const brokenFiles: readonly Breakage[] = [
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
    also: ["node-routes", "prefix-return"],
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
];
