// Whether a pod has an interface, asked before anything is made or taken away.
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { findLink, openNamespace } from "./site.ts";

export function hasInterface(kernel: Kernel, namespacePath: string, name: string): boolean {
  using namespace = openNamespace(kernel, namespacePath);
  using pod = new Connection(kernel.socket("route", namespace));
  return findLink(pod, { name }) !== undefined;
}
