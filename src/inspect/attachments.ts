// The attachments of this node, put together from both records of them: the leases, and what the kernel has. Pure.
import type { Address } from "../ip/address.ts";
import type { Attachment } from "../ipam/attachment.ts";
import type { Lease } from "../ipam/lease.ts";
import type { Found } from "../pod/inventory.ts";

export interface AttachmentRecord {
  readonly attachment: Attachment;
  readonly pod?: { readonly namespace: string; readonly name: string };
  readonly addresses: readonly Address[];
  readonly mode?: Found["mode"];
  readonly hostLink?: string;
  /** By which the host knows the pod's namespace, where no link of the host leads there. */
  readonly namespaceId?: number;
  /** `no-link`: leased, and the link it was given is not there. `no-lease`: the kernel alone knows of it. */
  readonly state: "active" | "pending" | "no-link" | "no-lease";
  /** Milliseconds since 1970. */
  readonly sinceMs?: number;
}

export function attachmentsOf(leases: readonly Lease[], found: readonly Found[]): readonly AttachmentRecord[] {
  const byKey = Map.groupBy(leases, ({ attachment }) => keyOf(attachment));
  const links = new Map(found.map((each) => [keyOf(each.attachment), each]));
  const leased = [...byKey].flatMap(([key, held]) => fromLeases(held, links.get(key)));
  const leaseless = found.filter(({ attachment }) => !byKey.has(keyOf(attachment)));
  return [...leased, ...leaseless.map(fromKernel)];
}

export function keyOf({ network, containerId, interfaceName }: Attachment): string {
  return `${network}/${containerId}/${interfaceName}`;
}

function fromLeases(held: readonly Lease[], found: Found | undefined): AttachmentRecord[] {
  const [first] = held;
  if (first === undefined) return [];
  const { attachment, pod, leasedAtMs } = first;
  const hostLink = found?.hostLink ?? first.hostLink;
  const isGone = first.state === "active" && first.hostLink !== undefined && found === undefined;
  return [
    {
      attachment,
      ...(pod === undefined ? {} : { pod }),
      addresses: held.map(({ address }) => address),
      ...(found === undefined ? {} : { mode: found.mode }),
      ...(found?.namespaceId === undefined ? {} : { namespaceId: found.namespaceId }),
      ...(hostLink === undefined ? {} : { hostLink }),
      state: isGone ? "no-link" : first.state === "pending" ? "pending" : "active",
      sinceMs: leasedAtMs,
    },
  ];
}

function fromKernel({ attachment, addresses, mode, hostLink }: Found): AttachmentRecord {
  return { attachment, addresses, mode, ...(hostLink === undefined ? {} : { hostLink }), state: "no-lease" };
}
