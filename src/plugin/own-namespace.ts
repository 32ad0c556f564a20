// Refuses to attach the namespace the plugin itself runs in: that is the node's own, and a pod's default route there would cut the
// node off. CNI_NETNS_OVERRIDE allows it, as in the reference library.
import { type Stats, statSync } from "node:fs";
import { CniError } from "../cni/cni-error.ts";
import type { AddRequest } from "../cni/request.ts";
import { isForbidden } from "../kernel/system-error.ts";

const own = "/proc/self/ns/net";

export function refuseOwnNamespace({ netns, ownNamespaceAllowed }: AddRequest): void {
  if (ownNamespaceAllowed || !isSameFile(netns, own)) return;
  throw new CniError("badNamespace", `CNI_NETNS: ${netns} is the network namespace of the node itself`, {
    details: "Give the path of the container's; pods with hostNetwork need no attachment",
  });
}

/** A path that is not there is told of by whoever opens it. */
function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map(statsOf);
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const details = isForbidden(error)
      ? "Run it as root, as container runtimes do"
      : "Give the path as in /run/netns/pod1";
    throw new CniError("badNamespace", `Cannot look at network namespace ${path}: ${why}`, { cause: error, details });
  }
}
