// Takes back all that passes have made on a node: proxies, routes, tunnels, and last the sysctls, as they were before the
// first change. Pods' own links and routes are not looked at; they go with their pods.
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { readHost } from "./host.ts";
import { applyProxies } from "./neighbor-proxy.ts";
import { applyRoutes } from "./routes.ts";
import type { Restored, SysctlRecord } from "./sysctl-record.ts";
import { removeTunnels } from "./vxlan.ts";

export interface CleanedUp {
  readonly changes: readonly string[];
  readonly sysctls: readonly Restored[];
}

/** To be called when no agent runs, which would make it all anew. */
export async function cleanUpNode(kernel: Kernel, record: SysctlRecord): Promise<CleanedUp> {
  using connection = new Connection(kernel.socket("route"));
  const sendNothing = () => {};
  const proxies = applyProxies({ connection, sendFrames: sendNothing }, [], readHost(connection));
  const routes = applyRoutes(connection, []);
  const tunnels = await removeTunnels(connection, []);
  return {
    changes: [proxies, routes, tunnels].flatMap(({ changes }) => changes),
    sysctls: record.restore(kernel.sysctl()),
  };
}
