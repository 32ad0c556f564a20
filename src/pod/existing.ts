// Creating the pod's link, and what stands in the way where it cannot be created: the pod has an interface of that name, or the host
// has a link of the name that follows from the attachment. Neither is touched.

import type { Attachment } from "../ipam/attachment.ts";
import { alreadyExists, KernelError } from "../netlink/kernel-error.ts";
import { getLink, type Link } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import { parseAlias } from "./alias.ts";
import { isHostEndOf } from "./ownership.ts";
import { PodError } from "./pod-error.ts";
import type { PodNetwork } from "./pod-network.ts";
import { findLink, removeLink, type Site } from "./site.ts";

/**
 * Creates a link on the host that must not be there yet, and gives it as it is then. Both are one datagram: whoever is held up
 * afterwards knows its link by the index, and cannot mistake one for it that another made under the same name meanwhile.
 */
export function createOnHost(site: Site, network: PodNetwork, create: Request, name: string): Link {
  try {
    const [, link] = site.host.execute([create, getLink({ name })]);
    return link;
  } catch (error) {
    if (error instanceof KernelError && error.index === 1) site.undo.defer(() => removeLink(site.host, { name }));
    throw alreadyExists(error) && error instanceof KernelError ? explained(error, site, network) : error;
  }
}

/** Creates a link in the pod that must not be there yet. */
export function createInPod(site: Site, network: PodNetwork, create: Request): void {
  try {
    site.host.execute([create]);
  } catch (error) {
    throw alreadyExists(error) && error instanceof KernelError ? explained(error, site, network) : error;
  }
}

function explained(error: KernelError, { pod, host, namespace }: Site, network: PodNetwork): Error {
  const { interfaceName } = network.attachment;
  const inner = findLink(pod, { name: interfaceName });
  if (inner !== undefined) {
    const fix = "choose another CNI_IFNAME, or run DEL of what made it";
    const message = `Cannot create ${interfaceName} in ${namespace.path}: it has ${describe(inner)} of that name; ${fix}`;
    return new PodError("interfaceExists", message, { cause: error });
  }
  const outer = findLink(host, { name: network.hostLink });
  return outer === undefined ? error : new PodError("notAvailable", takenBy(outer, network), { cause: error });
}

function takenBy(link: Link, { attachment, hostLink }: PodNetwork): string {
  return `Cannot create link ${hostLink}: there is ${describe(link)} of that name; ${fixOf(link, attachment)}`;
}

function fixOf(link: Link, attachment: Attachment): string {
  if (isHostEndOf(link, attachment)) return "this attachment was not removed; run DEL for it";
  if (parseAlias(link.alias) !== undefined) return "run DEL for that one, or give this container another id";
  return `it is not of Hextet: rename or delete it (ip link delete ${link.name})`;
}

function describe({ kind, alias }: Link): string {
  return `a ${kind ?? "device"}${alias === undefined ? "" : ` (${alias})`}`;
}
