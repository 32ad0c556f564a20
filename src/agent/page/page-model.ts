// What the page shows, as one document: the node's status, the cluster's address plan, who reaches whom, and recent events. Made when
// somebody looks, at most every two seconds, however many look.
import { createHash } from "node:crypto";
import type { ClusterView } from "../../cluster/view.ts";
import type { NodeStatus } from "../../inspect/status.ts";
import type { Address } from "../../ip/address.ts";
import { kept } from "../kept.ts";
import { type AddressPlan, addressPlan } from "./address-plan.ts";
import type { PageMesh } from "./page-mesh.ts";
import type { RecentEvent } from "./recent-events.ts";

export interface PageModel {
  readonly status: NodeStatus;
  /** Whether pods of other nodes are known, and so how full those are. */
  readonly knowsPods: boolean;
  readonly plan: AddressPlan;
  /** Absent where it is not known. */
  readonly mesh?: PageMesh;
  readonly events: readonly RecentEvent[];
}

export interface PageSources {
  readonly view: () => ClusterView | undefined;
  readonly status: () => NodeStatus;
  readonly mesh: () => PageMesh | undefined;
  readonly events: () => readonly RecentEvent[];
}

export interface PrintedModel {
  readonly text: string;
  /** The same for the same text. */
  readonly tag: string;
}

/** The plan of 5,000 nodes takes some tens of milliseconds. */
const keptMs = 2_000;

export function pageModel({ view, status, mesh, events }: PageSources): PageModel {
  const { nodes = [], policies } = view() ?? {};
  const now = status();
  const held = new Map(now.ranges.map(({ range, held: count }) => [range, count]));
  const reached = mesh();
  const podAddresses = policies && addressesOf(policies.pods.values());
  return {
    status: now,
    knowsPods: podAddresses !== undefined,
    plan: addressPlan({ nodes, podAddresses, held }),
    ...(reached !== undefined && { mesh: reached }),
    events: events(),
  };
}

/** Gives the document as text, made anew when what was made is too old. */
export function printedModel(sources: PageSources, now?: () => number): () => PrintedModel {
  const print = () => {
    const text = JSON.stringify(pageModel(sources));
    return { text, tag: `"${createHash("sha256").update(text).digest("base64url")}"` };
  };
  return kept(print, keptMs, now);
}

function* addressesOf(pods: Iterable<{ readonly addresses: readonly Address[] }>): Iterable<Address> {
  for (const { addresses } of pods) yield* addresses;
}
