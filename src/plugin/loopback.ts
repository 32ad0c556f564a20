// The plugin `loopback`, for hosts that have none: brings a pod's lo up.
import type { Added, Plugin } from "../cni/dispatch.ts";
import type { AddRequest } from "../cni/request.ts";
import { attachLoopback, checkLoopback, detachLoopback } from "../pod/loopback.ts";
import { explained } from "./explain.ts";
import type { Host } from "./host.ts";

export function loopback({ kernel }: Host): Plugin {
  return {
    add: (request) => explained(async () => add(kernel, request)),
    del: ({ netns }) => explained(async () => detachLoopback(kernel, netns)),
    check: ({ netns }) => explained(async () => checkLoopback(kernel, netns)),
    // It holds nothing, so there is nothing to free, and nothing it would have to wait for.
    gc: async () => {},
    status: async () => {},
  };
}

function add(kernel: Host["kernel"], { netns, previous }: AddRequest): Added {
  const { link, addresses } = attachLoopback(kernel, netns);
  const before = previous ?? { interfaces: [], ips: [], routes: [] };
  const mac = link.mac === undefined ? {} : { mac: link.mac };
  const index = before.interfaces.length;
  const result = {
    ...before,
    interfaces: [...before.interfaces, { name: "lo", ...mac, mtu: link.mtu, sandbox: netns }],
    ips: [...before.ips, ...addresses.map((address) => ({ address, interface: index }))],
  };
  return { result };
}
