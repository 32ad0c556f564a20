// Facts of a sound node for unit tests, in each column of families: alpha, with beta on its link and gamma behind a router. What a test
// breaks it gives in their place.
import { readAgentConfig } from "../agent/config-file.ts";
import { noStrays } from "../agent/strays.ts";
import type { ClusterView } from "../cluster/view.ts";
import { Address, type Family } from "../ip/address.ts";
import { cluster } from "../node/sample-cluster.ts";
import { address, link, route } from "../node/sample-host.ts";
import type { Facts } from "./facts.ts";
import type { Reading } from "./reading.ts";

export type Column = Family | "dual";

export type Broken = { readonly [Name in keyof Facts]?: Facts[Name] extends Reading<infer T> ? T : never };

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
  const sound: { readonly [Name in keyof Facts]: Required<Broken>[Name] } = {
    machine: { release: "6.12.0-1-amd64", bootId, bootedAtMs: now - 1e9, nowMs: now, newestFile: undefined },
    config: readAgentConfig("nodeName: alpha\nrouting: { mode: external }\n", {
      file: "agent.yaml",
      hostName: "alpha",
    }),
    cluster: { view: sampleView(families) },
    host: sampleHost(families),
    ownRoutes: families.map((family) => ({
      ...route(prefixes[family][0], { protocol: 72, priority: 4096 }),
      nextHop: { kind: "unreachable" as const },
    })),
    tunnels: {},
    neighbors: [],
    neighborTables: families.map((family) => ({ family, limit: 1024, refusals: 0n })),
    proxies: [],
    podLinks: [],
    sysctls: new Map(families.flatMap(sampleSysctls)),
    sysctlsWritable: true,
    modules: { present: new Set() },
    firewall: { backends: sampleBackends, own: new Set(["nftables"] as const), dropping: [] },
    guardedBoot: bootId,
    disk: { directory: "/var/lib/hextet", freeBytes: 1e9, freeInodes: 1e6, readOnly: false },
    store: { path: "/var/lib/hextet/leases.db", state: "sound" },
    strays: noStrays,
    networks: { directory: "/etc/cni/net.d", fileName: "10-hextet.conflist", written: true, faults: [], others: [] },
    installation: { directory: "/opt/cni/bin", buildId: "0123456789abcdef", whole: true, missing: [] },
    agent: { socket: "/run/hextet/agent.sock", state: "served", mode: 0o600, owner: 0, directoryMode: 0o700 },
    agentFaults: [],
    inotify: { instances: 20, maxInstances: 1024, maxWatches: 65_536 },
    controllerManager: undefined,
    aheadOfServerMs: undefined,
    peers: [],
    gateways: [],
    returns: [],
  };
  const all = { ...sound, ...broken };
  return mapped(all);
}

/** Each as something that was read. */
function mapped(values: { readonly [Name in keyof Facts]: Required<Broken>[Name] }): Facts {
  const { machine, config, cluster: known, host, ownRoutes, tunnels, neighbors, neighborTables, proxies } = values;
  const { podLinks, sysctls, sysctlsWritable, modules, firewall, guardedBoot, disk, store, strays, networks } = values;
  const { installation, agent, agentFaults, inotify, controllerManager, aheadOfServerMs, peers, gateways, returns } =
    values;
  return {
    machine: { value: machine },
    config: { value: config },
    cluster: { value: known },
    host: { value: host },
    ownRoutes: { value: ownRoutes },
    tunnels: { value: tunnels },
    neighbors: { value: neighbors },
    neighborTables: { value: neighborTables },
    proxies: { value: proxies },
    podLinks: { value: podLinks },
    sysctls: { value: sysctls },
    sysctlsWritable: { value: sysctlsWritable },
    modules: { value: modules },
    firewall: { value: firewall },
    guardedBoot: { value: guardedBoot },
    disk: { value: disk },
    store: { value: store },
    strays: { value: strays },
    networks: { value: networks },
    installation: { value: installation },
    agent: { value: agent },
    agentFaults: { value: agentFaults },
    inotify: { value: inotify },
    controllerManager: { value: controllerManager },
    aheadOfServerMs: { value: aheadOfServerMs },
    peers: { value: peers },
    gateways: { value: gateways },
    returns: { value: returns },
  };
}

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

const variant = { rules: 0, hint: false } as const;
export const sampleBackends = {
  nft: {},
  ipset: {},
  iptables: { is: "nft" },
  variants: { nft: variant, legacy: variant },
  tables: [],
} as const;

export const someAddress = Address.parse("2001:db8::99");
