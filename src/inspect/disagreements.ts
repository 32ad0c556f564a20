// Where the lease database, the kernel and the cluster contradict one another, each with what mends it. Pure: what was read is handed in. An
// ADD or DEL under way passes through such a state, so only what two looks both find is meant.
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { HeldAddress, Lease } from "../ipam/lease.ts";
import type { Found } from "../pod/inventory.ts";
import type { PolicyPod } from "../policy/policy-view.ts";
import { keyOf } from "./attachments.ts";

export interface Disagreement {
  readonly kind: DisagreementKind;
  /** What it is about: an address, or a link. */
  readonly subject: string;
  readonly message: string;
  readonly fix: string;
}

export type DisagreementKind =
  | "damaged"
  | "earlier-boot"
  | "link-gone"
  | "lease-missing"
  | "not-routed"
  | "other-holder"
  | "two-networks"
  | "long-pending"
  | "outside-prefixes"
  | "unknown-holder"
  | "cluster-differs";

export interface Records {
  /** What the database says of its own file; absent where that is sound. */
  readonly damage?: string;
  /** Those that are held. */
  readonly leases: readonly Lease[];
  readonly unknown: readonly HeldAddress[];
  readonly found: readonly Found[];
  readonly bootId: string;
  readonly nowMs: number;
  /** The network whose addresses come from the node's prefixes. */
  readonly network: string;
  /** Of the node; empty where the cluster is not known. */
  readonly prefixes: readonly Prefix[];
  /** Those the cluster places on this node. */
  readonly pods: readonly PolicyPod[];
}

/** A runtime repeats or deletes what it began within minutes. */
const longPendingMs = 600_000;

export function disagreementsIn(records: Records): Disagreement[] {
  return [
    ...damageOf(records),
    ...records.leases.flatMap((lease) => ofLease(lease, records)),
    ...records.found.flatMap((found) => ofLink(found, records)),
    ...betweenNetworks(records),
    ...records.unknown.map(ofUnknown),
    ...records.pods.flatMap((pod) => ofPod(pod, records)),
  ];
}

/** What both looks found. */
export function confirmed(before: readonly Disagreement[], now: readonly Disagreement[]): Disagreement[] {
  return now.filter((one) => before.some(({ kind, subject }) => kind === one.kind && subject === one.subject));
}

function damageOf({ damage }: Records): Disagreement[] {
  if (damage === undefined) return [];
  const message = `The lease database is damaged: ${damage}`;
  return [
    { kind: "damaged", subject: "leases.db", message, fix: "restart the agent, which rebuilds it from the kernel" },
  ];
}

function ofLease(lease: Lease, records: Records): Disagreement[] {
  const { attachment, address, state, hostLink, bootId, leasedAtMs } = lease;
  const subject = String(address);
  const release = `hextetctl leases release ${address}`;
  if (bootId !== records.bootId) {
    const message = `${address} is held by ${holderOf(lease)} since before the node booted`;
    return [{ kind: "earlier-boot", subject, message, fix: "the next ADD, or a restart of the agent, releases it" }];
  }
  if (state === "pending") {
    if (records.nowMs - leasedAtMs < longPendingMs) return [];
    const message = `${address} was leased to ${holderOf(lease)} for an ADD that never ended`;
    return [{ kind: "long-pending", subject, message, fix: `${release}, where its container is gone` }];
  }
  const found = records.found.find((each) => keyOf(each.attachment) === keyOf(attachment));
  if (found === undefined && hostLink !== undefined) {
    const message = `${address} is leased to ${holderOf(lease)}, and its link ${hostLink} is gone`;
    return [{ kind: "link-gone", subject, message, fix: `${release}; the agent does so by itself within two minutes` }];
  }
  return [...ofRouting(lease, found), ...ofPrefixes(lease, records)];
}

function ofRouting(lease: Lease, found: Found | undefined): Disagreement[] {
  const { address } = lease;
  if (found === undefined || found.addresses.some((each) => each.equals(address))) return [];
  const message = `${address} is leased to ${holderOf(lease)}, and the kernel does not lead it to ${found.hostLink ?? "its link"}`;
  return [
    { kind: "not-routed", subject: String(address), message, fix: "delete the pod: its successor is attached anew" },
  ];
}

function ofPrefixes(lease: Lease, { network, prefixes }: Records): Disagreement[] {
  const { attachment, address } = lease;
  if (attachment.network !== network || prefixes.length === 0) return [];
  if (prefixes.some((prefix) => prefix.contains(address))) return [];
  const message = `${address} of ${holderOf(lease)} lies in none of the node's prefixes (${prefixes.join(", ")}), so no other node leads packets here`;
  const fix = "delete the pod, or give the node its former prefix back, in state draining";
  return [{ kind: "outside-prefixes", subject: String(address), message, fix }];
}

function ofLink(found: Found, { leases }: Records): Disagreement[] {
  const { attachment, addresses, hostLink = `link ${found.link}` } = found;
  const { interfaceName, containerId } = attachment;
  const held = leases.filter((lease) => keyOf(lease.attachment) === keyOf(attachment));
  if (held.length === 0) {
    const message = `${hostLink}, the link of ${interfaceName} of container ${containerId} with ${listed(addresses)}, has no lease`;
    const fix = `restart the agent, which enters its addresses again, or ip link delete ${hostLink} where the container is gone`;
    return [{ kind: "lease-missing", subject: hostLink, message, fix }];
  }
  return addresses.flatMap((address): Disagreement[] => {
    if (held.some((lease) => lease.address.equals(address))) return [];
    const other = leases.find((lease) => lease.address.equals(address));
    const message =
      other === undefined
        ? `The kernel leads ${address} to ${hostLink} of container ${containerId}, and it is not leased`
        : `The kernel leads ${address} to ${hostLink} of container ${containerId}, and it is leased to ${holderOf(other)}`;
    return [
      { kind: "other-holder", subject: String(address), message, fix: `delete the pod of container ${containerId}` },
    ];
  });
}

function betweenNetworks({ leases }: Records): Disagreement[] {
  const byAddress = Map.groupBy(leases, ({ address }) => String(address));
  return [...byAddress].flatMap(([subject, held]): Disagreement[] => {
    if (held.length < 2) return [];
    const message = `${subject} is leased in ${held.length} networks: ${held.map(holderOf).join(", ")}`;
    return [
      {
        kind: "two-networks",
        subject,
        message,
        fix: "give the networks ranges that do not overlap, and delete one of the pods",
      },
    ];
  });
}

function ofUnknown({ address, hostLink }: HeldAddress): Disagreement {
  const where = hostLink === undefined ? "" : ` on ${hostLink}`;
  const message = `${address} is in use${where} by nobody knows whom, since the database was rebuilt`;
  return {
    kind: "unknown-holder",
    subject: String(address),
    message,
    fix: "it is free once the link is gone, or the node booted",
  };
}

/** Only addresses from this node's prefixes: others are another plugin's. */
function ofPod(pod: PolicyPod, { leases, prefixes }: Records): Disagreement[] {
  const { namespace, name, addresses } = pod;
  const ours = addresses.filter((address) => prefixes.some((prefix) => prefix.contains(address)));
  return ours.flatMap((address): Disagreement[] => {
    const lease = leases.find((each) => each.address.equals(address));
    const holder = lease?.pod;
    if (lease !== undefined && (holder === undefined || (holder.namespace === namespace && holder.name === name)))
      return [];
    const who = lease === undefined ? "nobody holds a lease of it" : `it is leased to ${holderOf(lease)}`;
    const message = `The cluster says that pod ${namespace}/${name} of this node has ${address}, and ${who}`;
    return [
      {
        kind: "cluster-differs",
        subject: `${namespace}/${name} ${address}`,
        message,
        fix: "delete the pod where it runs; correct the cluster file where one says so",
      },
    ];
  });
}

function holderOf({ attachment, pod }: Pick<Lease, "attachment" | "pod">): string {
  const { network, containerId, interfaceName } = attachment;
  const container = `${interfaceName} of container ${containerId} in network ${network}`;
  return pod === undefined ? container : `pod ${pod.namespace}/${pod.name} (${container})`;
}

function listed(addresses: readonly Address[]): string {
  return addresses.length === 0 ? "no address" : addresses.join(" and ");
}
