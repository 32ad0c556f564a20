// Calls to begin with: every key that a configuration may have, in each family.
import { capabilities } from "../../../../src/cni/runtime-config.ts";
import { verbs, versions } from "../../../../src/cni/versions.ts";
import { assigns } from "../../../../src/ipam/assign.ts";
import { sectionKeys } from "../../../../src/ipam/config/config.ts";
import { keysOfMode, settingKeys } from "../../../../src/plugin/settings.ts";

const ranges = {
  v4: [[{ subnet: "10.77.0.0/24", rangeStart: "10.77.0.10", rangeEnd: "10.77.0.90", gateway: "10.77.0.1" }]],
  v6: [[{ subnet: "fd77::/64" }, { subnet: "fd78::/96" }]],
  dual: [[{ subnet: "fd77::/64" }], [{ subnet: "10.77.0.0/24" }]],
} as const;

const previous = {
  v4: [{ version: "4", address: "10.77.0.10/24", gateway: "10.77.0.1", interface: 1 }],
  v6: [{ version: "6", address: "fd77::2/128", gateway: "fe80::1", interface: 1 }],
  dual: [
    { version: "6", address: "fd77::2/128", interface: 1 },
    { version: "4", address: "10.77.0.10/32", interface: 1 },
  ],
} as const;

const runtimeConfig = {
  ips: ["fd77::77", "10.77.0.77/24"],
  mac: "02:00:00:00:00:07",
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "::1" }],
  bandwidth: { ingressRate: 1_000_000, ingressBurst: 100_000, egressRate: 1_000_000, egressBurst: 100_000 },
  dns: { servers: ["fd00::53"], searches: ["example"], options: ["ndots:2"] },
  ipRanges: [[{ subnet: "fd79::/64" }]],
};

function documentOf(verb: string, families: keyof typeof ranges, at: number): object {
  const interfaces = [{ name: "hx1" }, { name: "eth0", mac: "02:00:00:00:00:07", sandbox: "/run/netns/pod1" }];
  const modes = Object.keys(keysOfMode);
  return {
    environment: {
      CNI_COMMAND: verb,
      CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;IP=fd77::5",
    },
    cniVersion: versions[at % versions.length],
    name: "pods",
    type: "hextet",
    mode: modes[at % modes.length],
    master: "eth0",
    bridge: "br0",
    mtu: 1400,
    probe: { count: 2, intervalMs: 10 },
    sysctl: { "net/ipv4/conf/IFNAME/arp_filter": "1" },
    dns: { nameservers: ["fd00::53"], search: ["example"] },
    firewall: { backend: "nftables" },
    ipam: {
      type: "hextet-ipam",
      ranges: ranges[families],
      assign: assigns[at % assigns.length],
      exclude: ["fd77::/96", "10.77.0.16/28"],
      cooldownSeconds: 60,
      routes: [{ dst: "::/0" }, { dst: "10.0.0.0/8", gw: "10.77.0.1", mtu: 1300, priority: 5 }],
      dataDir: "/var/lib/hextet",
    },
    ...(verb === "ADD" || verb === "CHECK" ? { runtimeConfig } : {}),
    args: { cni: { ips: ["fd77::8"], mac: "02:00:00:00:00:09", labels: [{ key: "a", value: "b" }] } },
    prevResult: {
      cniVersion: versions[at % versions.length],
      interfaces,
      ips: previous[families],
      routes: [{ dst: "::/0" }],
    },
    "cni.dev/valid-attachments": [{ containerID: "one", ifname: "eth0" }],
  };
}

export function cniSeeds(): readonly Uint8Array[] {
  const columns = ["v4", "v6", "dual"] as const;
  return verbs.flatMap((verb, one) =>
    columns.map((families, other) => Buffer.from(JSON.stringify(documentOf(verb, families, one + other)))),
  );
}

export const cniDictionary: readonly string[] = [
  ...settingKeys,
  ...sectionKeys,
  ...capabilities,
  ...verbs,
  ...versions,
  ...assigns,
  ..."environment CNI_ARGS CNI_NETNS CNI_IFNAME IgnoreUnknown=true IP=fd77::9,10.77.0.9 MAC=02:00:00:00:00:01".split(
    " ",
  ),
  ..."subnet rangeStart rangeEnd gateway dst gw mtu advmss priority table scope interfaces ips routes dns mac".split(
    " ",
  ),
  ..."address version interface sandbox labels ingressRate hostPort containerPort hostIP protocol udp sctp".split(" "),
  ..."fd00::/8 ::/0 0.0.0.0/0 10.0.0.0/8 ::ffff:10.0.0.1 fe80::1%eth0 fd77::ffff/128 255.255.255.255/32 2001:db8::".split(
    " ",
  ),
  ..."cni.dev/valid-attachments cni.dev/attachments slaac host-local ../../bin/sh eth0/../x 1e999 -0".split(" "),
];
