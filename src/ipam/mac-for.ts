// The MAC of a pod's interface, derived from its attachment alone, so that the address `eui64` makes of it can be
// computed before the pod exists and is the same at any time and in any process.
import { Mac } from "../ip/mac.ts";
import type { Attachment } from "./attachment.ts";
import { digestOf } from "./digest.ts";

export function macFor(attachment: Attachment): Mac {
  return Mac.local(digestOf(attachment).subarray(8, 14));
}
