// The targets by name. A new one is a file in targets/ and a line here.
import type { NamedTarget } from "./target.ts";

export const targets: readonly NamedTarget[] = [
  {
    name: "netlink",
    about: "every netlink decoder, and what hears events",
    open: async () => (await import("./targets/netlink.ts")).open(),
  },
  {
    name: "agent-socket",
    about: "the agent's socket",
    open: async () => (await import("./targets/agent-socket.ts")).open(),
  },
  {
    name: "launcher",
    about: "the launcher before an agent that answers anything, with sanitizers",
    open: async () => (await import("./targets/launcher.ts")).open(),
  },
  {
    name: "cni",
    about: "environment and configuration of a CNI call",
    open: async () => (await import("./targets/cni.ts")).open(),
  },
  {
    name: "agent-config",
    about: "the agent's YAML",
    open: async () => (await import("./targets/agent-config.ts")).open(),
  },
  {
    name: "cluster-file",
    about: "the cluster file's YAML, and the policies in it",
    open: async () => (await import("./targets/cluster-file.ts")).open(),
  },
  {
    name: "kubernetes-list",
    about: "lists of the Kubernetes API",
    open: async () => (await import("./targets/kubernetes.ts")).openList(),
  },
  {
    name: "kubernetes-watch",
    about: "watch streams of the Kubernetes API",
    open: async () => (await import("./targets/kubernetes.ts")).openWatch(),
  },
];

export function named(name: string): NamedTarget {
  const found = targets.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new TypeError(`There is no target ${name}; there are ${targets.map((one) => one.name).join(", ")}`);
}
