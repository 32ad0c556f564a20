// Facts that the kernel tells by netlink and sysctls, through the one seam. It reads and changes nothing.
import { accessSync, constants } from "node:fs";
import { families } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hextetProtocol } from "../../kernel/route-protocol.ts";
import { codeOf, isForbidden } from "../../kernel/system-error.ts";
import { Connection } from "../../netlink/connection.ts";
import { isGone } from "../../netlink/kernel-error.ts";
import { listNeighbors, listProxyNeighbors } from "../../netlink/neighbor.ts";
import { listNeighborTables } from "../../netlink/neighbor-table.ts";
import { listRoutes, mainTable } from "../../netlink/route.ts";
import { readHost } from "../../node/host.ts";
import { readTunnels } from "../../node/vxlan.ts";
import { inventory } from "../../pod/inventory.ts";
import type { Facts } from "../facts.ts";
import { reading } from "../reading.ts";

type KernelFacts = Pick<
  Facts,
  "host" | "ownRoutes" | "tunnels" | "neighbors" | "neighborTables" | "proxies" | "podLinks" | "sysctls"
>;

export async function readKernelFacts(kernel: Kernel): Promise<KernelFacts> {
  const ask = <T>(question: (connection: Connection) => T) =>
    reading(() => {
      using connection = new Connection(kernel.socket("route"));
      return question(connection);
    });
  const host = await ask(readHost);
  const links = "value" in host ? host.value.links.map(({ name }) => name) : [];
  return {
    host,
    ownRoutes: await ask((connection) => connection.dump(listRoutes({ table: mainTable, protocol: hextetProtocol }))),
    tunnels: await ask(readTunnels),
    neighbors: await ask((connection) => connection.dump(listNeighbors())),
    neighborTables: await ask((connection) => connection.dump(listNeighborTables())),
    proxies: await ask((connection) => connection.dump(listProxyNeighbors())),
    podLinks: await reading(() => inventory(kernel)),
    sysctls: await reading(() => readSysctls(kernel, links)),
  };
}

const ofNode = [
  "net/ipv6/route/max_size",
  "net/netfilter/nf_conntrack_count",
  "net/netfilter/nf_conntrack_max",
  "net/bridge/bridge-nf-call-iptables",
  "net/bridge/bridge-nf-call-ip6tables",
];
const ofLink = {
  v4: { conf: ["forwarding", "rp_filter"], neigh: ["proxy_delay"] },
  v6: { conf: ["disable_ipv6", "forwarding", "accept_ra", "proxy_ndp", "mtu"], neigh: ["proxy_delay"] },
} as const;

function readSysctls(kernel: Kernel, links: readonly string[]): ReadonlyMap<string, string> {
  const sysctl = kernel.sysctl();
  const names = ["all", "default", ...links].flatMap((link) =>
    families.flatMap((family) => {
      const directory = family === "v6" ? "net/ipv6" : "net/ipv4";
      const { conf, neigh } = ofLink[family];
      return [
        ...conf.map((name) => `${directory}/conf/${link}/${name}`),
        ...neigh.map((name) => `${directory}/neigh/${link}/${name}`),
      ];
    }),
  );
  const values = new Map<string, string>();
  for (const name of [...ofNode, ...names]) {
    try {
      values.set(name, sysctl.get(name));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return values;
}

/** Whether the mount is writable; whether the caller may is another question. */
export function readSysctlsWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch (error) {
    if (codeOf(error) === "EROFS") return false;
    if (isForbidden(error)) {
      throw new Error(`${file} is root's alone to write: run it as root`, { cause: error });
    }
    throw error;
  }
}
