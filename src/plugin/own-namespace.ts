// Refuses to attach the namespace the plugin itself runs in: that is the node's own, and a pod's default route there would cut the
// node off. CNI_NETNS_OVERRIDE allows it, as in the reference library.
import { statSync } from "node:fs";
import { CniError } from "../cni/cni-error.ts";
import type { AddRequest } from "../cni/request.ts";

const own = "/proc/self/ns/net";

export function refuseOwnNamespace({ netns, ownNamespaceAllowed }: AddRequest): void {
  if (ownNamespaceAllowed || !isSameFile(netns, own)) return;
  throw new CniError("badNamespace", `CNI_NETNS: ${netns} is the network namespace of the node itself`, {
    details: "Give the path of the container's; pods with hostNetwork need no attachment",
  });
}

/** A path that is not there is told of by whoever opens it. */
function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
