// Facts of a sound node for unit tests, in each column of families: alpha, with beta on its link and gamma behind a router. What a test
// breaks it gives in their place.
import { readAgentConfig } from "../agent/config-file.ts";
import { noStrays } from "../agent/strays.ts";
import type { ClusterView } from "../cluster/view.ts";
import type { Family } from "../ip/address.ts";
import { cluster } from "../node/sample-cluster.ts";
import { address, link, route } from "../node/sample-host.ts";
import type { Facts } from "./facts.ts";

export type Column = Family | "dual";

export type Broken = Partial<Facts>;

const addresses = {
  v6: ["2001:db8::a/64", "2001:db8::b", "2001:db8:c::c"],
  v4: ["192.0.2.10/24", "192.0.2.11", "198.51.100.12"],
} as const;
const prefixes = {
  v6: ["fd00:1::/64", "fd00:2::/64", "fd00:3::/64"],
  v4: ["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"],
} as const;
const links = ["all", "default", "lo", "eth0"];

export const now = Date.UTC(2026, 5, 1);
export const bootId = "9c1f0c0e-4d7a-4be5-9c42-8b2a7b1d7d11";

/** Packets come through, and everything is `external`, so that no routes are wanted but those for unused addresses. */
export function soundFacts(column: Column, broken: Broken = {}): Facts {
  const families: readonly Family[] = column === "dual" ? ["v6", "v4"] : [column];
  return { ...networkFacts(families), ...hostFacts, ...ownFacts, ...broken };
}

function networkFacts(families: readonly Family[]) {
  const unused = families.map((family) => ({
    ...route(prefixes[family][0], { protocol: 72, priority: 4096 }),
    nextHop: { kind: "unreachable" as const },
  }));
  return {
    cluster: { value: { view: sampleView(families) } },
    host: { value: sampleHost(families) },
    ownRoutes: { value: unused },
    tunnels: { value: {} },
    neighbors: { value: [] },
    neighborTables: { value: families.map((family) => ({ family, limit: 1024, refusals: 0n })) },
    proxies: { value: [] },
    podLinks: { value: [] },
    sysctls: { value: new Map(families.flatMap(sampleSysctls)) },
    peers: { value: [] },
    gateways: { value: [] },
    returns: { value: [] },
  } satisfies Broken;
}

const variant = { rules: 0, hint: false } as const;
const backends = {
  nft: {},
  ipset: {},
  iptables: { is: "nft" },
  variants: { nft: variant, legacy: variant },
  tables: [],
} as const;

const hostFacts = {
  machine: { value: { release: "6.12.0-1-amd64", bootId, bootedAtMs: now - 1e9, nowMs: now, newestFile: undefined } },
  sysctlsWritable: { value: true },
  modules: { value: { present: new Set<string>() } },
  firewall: { value: { backends, own: new Set(["nftables"] as const), dropping: [] } },
  disk: { value: { directory: "/var/lib/hextet", freeBytes: 1e9, freeInodes: 1e6, readOnly: false } },
  inotify: { value: { instances: 20, maxInstances: 1024, maxWatches: 65_536 } },
  controllerManager: { value: undefined },
  aheadOfServerMs: { value: undefined },
} satisfies Broken;

const config = "nodeName: alpha\nrouting: { mode: external }\n";
const networks = { directory: "/etc/cni/net.d", fileName: "10-hextet.conflist", written: true, faults: [], others: [] };
const socket = "/run/hextet/agent.sock";

const ownFacts = {
  config: { value: readAgentConfig(config, { file: "agent.yaml", hostName: "alpha" }) },
  guardedBoot: { value: bootId },
  store: { value: { path: "/var/lib/hextet/leases.db", state: "sound" } },
  strays: { value: noStrays },
  networks: { value: networks },
  installation: { value: { directory: "/opt/cni/bin", buildId: "0123456789abcdef", whole: true, missing: [] } },
  agent: { value: { socket, state: "served", mode: 0o600, owner: 0, directoryMode: 0o700 } },
  agentFaults: { value: [] },
} satisfies Broken;

function sampleView(families: readonly Family[]): ClusterView {
  const nodes = ["alpha", "beta", "gamma"].map((name, at): [string, string[]] => [
    name,
    families.flatMap((family) => [(addresses[family][at] ?? "").replace(/\/\d+$/, ""), prefixes[family][at] ?? ""]),
  ]);
  return cluster(Object.fromEntries(nodes));
}

function sampleHost(families: readonly Family[]) {
  const gateways = { v6: ["::/0", "fe80::1"], v4: ["0.0.0.0/0", "192.0.2.1"] } as const;
  const onLink = { v6: "2001:db8::/64", v4: "192.0.2.0/24" } as const;
  return {
    links: [link(1, "lo"), link(2, "eth0")],
    addresses: families.map((family) => address(2, addresses[family][0])),
    routes: families.flatMap((family) => {
      const [everything, via] = gateways[family];
      return [route(everything, { via, link: 2 }), route(onLink[family], { link: 2, protocol: 2 })];
    }),
  };
}

function sampleSysctls(family: Family): [string, string][] {
  const directory = family === "v6" ? "net/ipv6/conf" : "net/ipv4/conf";
  const values =
    family === "v6"
      ? { disable_ipv6: "0", forwarding: "1", accept_ra: "1", mtu: "1500" }
      : { forwarding: "1", rp_filter: "0" };
  return links.flatMap((name) =>
    Object.entries(values).map(([key, value]): [string, string] => [`${directory}/${name}/${key}`, value]),
  );
}
