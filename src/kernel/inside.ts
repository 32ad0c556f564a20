// A kernel as seen from inside a network namespace: what is called the caller's own there is that namespace. Tests make a node of
// one with it; programs it runs are run by `nsenter`.
import type { Namespace } from "../netlink/socket.ts";
import type { Kernel } from "./kernel.ts";

export function inside(kernel: Kernel, node: Namespace): Kernel {
  return {
    socket: (family, namespace = node) => kernel.socket(family, namespace),
    namespace: (path) => kernel.namespace(path),
    sysctl: (namespace = node) => kernel.sysctl(namespace),
    run: (program, args, options) => kernel.run("nsenter", [`--net=${node.path}`, program, ...args], options),
  };
}
