// Whose a link is. It says so itself, by its alias; where somebody has written another text there, or nobody any yet because its maker
// died, the MAC with which it was made still follows from the attachment. Its name says nothing: others change names, take them, and
// give links several.
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import type { Link } from "../netlink/link.ts";
import { parseAlias, parseLimitAlias } from "./alias.ts";
import { hostMacOf } from "./identity.ts";

/** Of the host's end of a pair. */
export function isHostEndOf({ alias, mac }: Pick<Link, "alias" | "mac">, attachment: Attachment): boolean {
  const holder = parseAlias(alias);
  return holder === undefined ? mac?.equals(hostMacOf(attachment)) === true : sameAttachment(holder, attachment);
}

/** Of a link with the name of what limits the attachment. It has a MAC of its own making, so that an alias of others says nothing. */
export function isNamedLimitOf({ kind, alias }: Pick<Link, "kind" | "alias">, attachment: Attachment): boolean {
  const holder = parseLimitAlias(alias);
  return kind === "ifb" && (holder === undefined || sameAttachment(holder, attachment));
}
