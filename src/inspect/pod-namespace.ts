// Opens the network namespace of an attachment that is there: the one among those of this machine that its host's link, or the host's id for
// it, says it is.
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { getNamespaceId } from "../netlink/netnsid.ts";
import type { Namespace } from "../netlink/socket.ts";
import { findLink } from "../pod/site.ts";
import type { AttachmentRecord } from "./attachments.ts";

/** Undefined where none of the paths leads to it: its runtime's mounts are not visible here. */
export function openNamespaceOf(
  kernel: Kernel,
  { hostLink, namespaceId }: Pick<AttachmentRecord, "hostLink" | "namespaceId">,
  paths: readonly string[],
): Namespace | undefined {
  using host = new Connection(kernel.socket("route"));
  const wanted =
    namespaceId ?? (hostLink === undefined ? undefined : findLink(host, { name: hostLink })?.linkNamespace);
  if (wanted === undefined) return undefined;
  for (const path of paths) {
    const namespace = opened(kernel, path);
    if (namespace === undefined) continue;
    if (host.get(getNamespaceId(namespace)).id === wanted) return namespace;
    namespace[Symbol.dispose]();
  }
  return undefined;
}

/** What cannot be opened is no pod's that is there: a file left behind, a process that ended. */
function opened(kernel: Kernel, path: string): Namespace | undefined {
  try {
    return kernel.namespace(path);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}
