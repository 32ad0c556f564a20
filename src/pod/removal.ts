// What detach is told to take away, and how links are deleted: before DEL returns, or by background-removal.ts some time after it.
import type { Mac } from "../ip/mac.ts";
import type { Attachment } from "../ipam/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Link } from "../netlink/link.ts";
import { removeLink } from "./site.ts";

/** Marks links that are out of use and about to be deleted. The number's bytes read `hext`: nobody else's by any likelihood. */
export const removalGroup = 0x68657874;

export interface Target {
  readonly attachment: Attachment;
  /** Absent where the runtime does not know it any more. */
  readonly namespacePath?: string;
  /** The bridge of mode bridge, so that it is found where the pod's link is gone already. */
  readonly bridge?: string;
  /** Where it was not derived from the attachment. */
  readonly podMac?: Mac;
}

/** Deletes the host's end of a pair, and with it the pod's. */
export type PairRemoval = (host: Connection, link: Link, target: Target) => Promise<void>;

/** Deletes it before DEL returns. */
export const removePair: PairRemoval = (host, { index }) => removeLink(host, { index });
