// What is leased while writes are recorded, and when the replays are looked at.
import type { Attachment } from "../../../src/ipam/attachment.ts";
import { type IpamConfig, parseIpam } from "../../../src/ipam/config/config.ts";

export function configOf(columns: string): IpamConfig {
  const six = columns === "v4" ? [] : [[{ subnet: "fd00::/64" }]];
  const four = columns === "v6" ? [] : [[{ subnet: "10.1.0.0/22" }]];
  return parseIpam({ ranges: [...six, ...four] });
}

export function attachmentOf(containerId: string): Attachment {
  return { network: "pods", containerId, interfaceName: "eth0" };
}
