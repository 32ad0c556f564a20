// The MAC of a pod's interface, derived from its attachment alone, so that the address `eui64` makes of it can be
// computed before the pod exists and is the same at any time and in any process.
import { hash } from "node:crypto";
import { Mac } from "../ip/mac.ts";
import type { Attachment } from "./attachment.ts";

export function macFor({ network, containerId, interfaceName }: Attachment): Mac {
  const digest = hash("sha256", `${network}\0${containerId}\0${interfaceName}`, "buffer");
  return Mac.local(digest.subarray(8, 14));
}
