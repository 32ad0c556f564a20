// The plugin `hextet-ipam`: Hextet's leases for any other main plugin, which executes it as it would host-local. It leases and
// releases; what becomes of an address is the main plugin's affair.
import type { Added, Plugin } from "../cni/dispatch.ts";
import type { AddRequest } from "../cni/request.ts";
import { explained, explainedStatus } from "./explain.ts";
import { collectLeases, releaseLeases, requireFreeLeases } from "./holdings.ts";
import type { Host } from "./host.ts";
import { leaseAddressing } from "./lease-addressing.ts";

export function hextetIpam(host: Host): Plugin {
  return {
    add: (request) => explained(() => add(host, request)),
    del: (request) => explained(async () => releaseLeases(host, request)),
    check: (request) => explained(() => leaseAddressing(host, request).check(request.previous)),
    gc: (request) => explained(async () => collectLeases(host, request)),
    status: (request) => explainedStatus(async () => requireFreeLeases(host, request)),
  };
}

/** The answer of an IPAM plugin names no interface: there is none yet. */
async function add(host: Host, request: AddRequest): Promise<Added> {
  const addressing = leaseAddressing(host, request);
  const { addresses, routes = [], dns } = await addressing.acquire();
  const result = { interfaces: [], ips: addresses, routes, ...(dns === undefined ? {} : { dns }) };
  const withdraw = async () => {
    if (addressing.isOurs()) releaseLeases(host, request);
  };
  return { result, delivered: () => addressing.confirm(), withdraw: () => explained(withdraw) };
}
