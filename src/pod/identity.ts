// What follows from an attachment alone: the name of its host link and the MACs of both ends. The same attachment gives the
// same ones at any time and in any process, so DEL finds a link without any record of it.
import { Mac } from "../ip/mac.ts";
import type { Attachment } from "../ipam/attachment.ts";
import { digestOf, sha256 } from "../ipam/digest.ts";
import { macFor } from "../ipam/mac-for.ts";

/** `hx` and 52 bits of a digest in hexadecimal: 15 bytes, the longest name the kernel takes. */
export function hostLinkOf(attachment: Attachment): string {
  return `hx${digitsOf(attachment)}`;
}

/** Of the ifb that limits what the pod sends, where its rate is limited. */
export function limitLinkOf(attachment: Attachment): string {
  return `hl${digitsOf(attachment)}`;
}

function digitsOf(attachment: Attachment): string {
  return digestOf(attachment).toString("hex", 0, 7).slice(0, 13);
}

/** The one the address of `assign: eui64` is made of. */
export function podMacOf(attachment: Attachment): Mac {
  return macFor(attachment);
}

/** It begins with fe, the highest there is: a bridge without a MAC of its own takes the lowest among its ports', and must not change. */
export function hostMacOf(attachment: Attachment): Mac {
  return Mac.fromBytes(Uint8Array.of(0xfe, ...digestOf(attachment).subarray(16, 21)));
}

/**
 * A bridge's MAC is also how we know it for ours. It changes with each boot of each node, so two nodes whose bridges share a
 * link do not share a MAC.
 */
export function bridgeMacOf(name: string, bootId: string): Mac {
  return Mac.local(sha256(`hextet bridge\0${bootId}\0${name}`));
}
