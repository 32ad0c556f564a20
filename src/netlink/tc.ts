// Traffic control: queues (queueing disciplines) that limit a link's rate, and the filter that hands all a link receives to another
// link's queue. tc(8), include/uapi/linux/pkt_sched.h, pkt_cls.h; what the kernel needs of each was tried on Linux 6.18.
import { messageFlag } from "./message.ts";
import type { Query, Request } from "./request.ts";
import {
  type Action,
  codelData,
  mirred,
  TICK_NS,
  tbfData,
  trafficMessage,
  trafficType,
  u32Data,
} from "./tc-message.ts";
import { present } from "./values.ts";

export type Queue = { readonly link: number } & QueueKind;

export type QueueKind =
  | TokenBucket
  | { readonly kind: "fq_codel"; readonly packetLimit?: number; readonly flows?: number }
  /** Where filters for what the link receives are put, with clsact also for what it sends; nothing waits in it. */
  | { readonly kind: "ingress" | "clsact" }
  /** What virtual links have by themselves. */
  | { readonly kind: "noqueue" }
  /** When read only. */
  | { readonly kind: "other"; readonly name: string };

/** Sends no more than a rate, in bursts of at most `burstBytes`; what waits beyond `limitBytes` is dropped. */
export interface TokenBucket {
  readonly kind: "tbf";
  readonly bytesPerSecond: number;
  /** Read back it is what became of it in ticks of 64 ns: some bytes less at high rates. */
  readonly burstBytes: number;
  readonly limitBytes: number;
}

/** Everything that `link` receives leaves by `to`, an ifb, and comes back from there as if just received. */
export interface Redirect {
  readonly link: number;
  readonly to: number;
}

/** TC_H_ROOT, TC_H_INGRESS, and the handle of both ingress and clsact, under which filters are put */
const place = { root: 0xffff_ffff, ingress: 0xffff_fff1 } as const;
const INGRESS_HANDLE = 0xffff_0000;
const U32_MAX = 0xffff_ffff;
/** Priority 1 in the upper half, ETH_P_ALL in network order in the lower. */
const EVERYTHING = 0x0001_0300;
/**
 * The first entry of the table that the kernel makes for the first u32 filter. Without a handle every addition would be one
 * more filter, and EEXIST would never come.
 */
const FIRST_ENTRY = 0x8000_0800;
/** TC_ACT_STOLEN: the packet is the other link's now. TCA_EGRESS_REDIR: it leaves there. */
const STOLEN = 4;
const LEAVES = 1;

/** A link that has a queue of its own at this place is EEXIST; `noqueue` does not count. */
export function addQueue(queue: Queue): Request {
  return newQueue("add", queue, messageFlag.create | messageFlag.exclusive);
}

/** Adds it, or changes the one that is there: what waits in a queue of the same kind is kept. */
export function replaceQueue(queue: Queue): Request {
  return newQueue("replace", queue, messageFlag.create | messageFlag.replace);
}

/**
 * Takes away the queue for what leaves (`root`) or arrives (`ingress`, with its filters). Where there is none it is ENOENT; with the
 * handle that `tc` names it would be EINVAL on a link that once had an ingress queue.
 */
export function removeQueue({ link, at }: { readonly link: number; readonly at: "root" | "ingress" }): Request {
  return {
    operation: `remove the ${at} queue of link ${link}`,
    type: trafficType.deleteQueue,
    flags: 0,
    body: trafficMessage.encode({ header: { link, parent: place[at] } }),
  };
}

/** The kernel lists those of all links. */
export function listQueues({ link }: { readonly link?: number } = {}): Query<Queue> {
  return {
    operation: "list queues",
    type: trafficType.getQueue,
    flags: 0,
    body: trafficMessage.encode({ header: {} }),
    decode(body) {
      const queue = decodeQueue(body);
      return (link ?? queue.link) === queue.link ? queue : undefined;
    },
  };
}

/** The link needs an `ingress` queue first; with `clsact` in its place it is EINVAL. */
export function addRedirect({ link, to }: Redirect): Request {
  return {
    operation: `redirect what link ${link} receives to link ${to}`,
    type: trafficType.newFilter,
    flags: messageFlag.create | messageFlag.exclusive,
    body: trafficMessage.encode({
      header: { link, handle: FIRST_ENTRY, parent: INGRESS_HANDLE, info: EVERYTHING },
      attributes: { kind: "u32", data: u32Data.encode({ actions: [redirection(to)], selector: { keys: [{}] } }) },
    }),
  };
}

export function removeRedirect({ link }: { readonly link: number }): Request {
  return {
    operation: `remove the redirection of what link ${link} receives`,
    type: trafficType.deleteFilter,
    flags: 0,
    body: trafficMessage.encode({ header: { link, parent: INGRESS_HANDLE, info: EVERYTHING } }),
  };
}

/** A link that is gone, or has no ingress queue, has none; that is no error. */
export function listRedirects({ link }: { readonly link: number }): Query<Redirect> {
  return {
    operation: `list redirections of what link ${link} receives`,
    type: trafficType.getFilter,
    flags: 0,
    body: trafficMessage.encode({ header: { link, parent: INGRESS_HANDLE } }),
    decode(body) {
      const { header, attributes } = trafficMessage.decode(body);
      const { kind, data } = attributes;
      const { actions = [] } = kind === "u32" && data !== undefined ? u32Data.decode(data) : {};
      const to = actions.map(destinationOf).find((each) => each !== undefined);
      return to === undefined ? undefined : { link: header.link, to };
    },
  };
}

function newQueue(verb: "add" | "replace", queue: Queue, flags: number): Request {
  const { link, kind } = queue;
  const receiving = kind === "ingress" || kind === "clsact";
  return {
    operation: `${verb} ${describe(queue)} on link ${link}`,
    type: trafficType.newQueue,
    flags,
    body: trafficMessage.encode({
      header: receiving
        ? { link, handle: INGRESS_HANDLE, parent: place.ingress }
        : { link, handle: 0, parent: place.root },
      attributes: { kind: kind === "other" ? queue.name : kind, data: encodeKind(queue) },
    }),
  };
}

function describe(queue: QueueKind): string {
  if (queue.kind !== "tbf") return `queue ${queue.kind}`;
  return `queue tbf of ${queue.bytesPerSecond} bytes per second`;
}

function encodeKind(queue: QueueKind): Uint8Array | undefined {
  switch (queue.kind) {
    case "tbf": {
      const { bytesPerSecond, burstBytes, limitBytes } = queue;
      // With linklayer Ethernet (1) the kernel asks for none of the tables of transmission times that older ones were sent.
      const rate = { linkLayer: 1, rate: Math.min(bytesPerSecond, U32_MAX) };
      return tbfData.encode({
        parameters: { rate, limit: limitBytes },
        burst: burstBytes,
        rate64: bytesPerSecond > U32_MAX ? BigInt(bytesPerSecond) : undefined,
      });
    }
    case "fq_codel":
      return codelData.encode({ limit: queue.packetLimit, flows: queue.flows });
    case "ingress":
    case "clsact":
    case "noqueue":
    case "other":
      return undefined;
  }
}

function decodeQueue(body: Uint8Array): Queue {
  const { header, attributes } = trafficMessage.decode(body);
  const { kind = "", data } = attributes;
  return { link: header.link, ...decodeKind(kind, data ?? new Uint8Array(0)) };
}

function decodeKind(kind: string, data: Uint8Array): QueueKind {
  switch (kind) {
    case "tbf":
      return decodeTokenBucket(data);
    case "fq_codel": {
      const { limit, flows } = codelData.decode(data);
      return { kind, ...present("packetLimit", limit), ...present("flows", flows) };
    }
    case "ingress":
    case "clsact":
    case "noqueue":
      return { kind };
    default:
      return { kind: "other", name: kind };
  }
}

function decodeTokenBucket(data: Uint8Array): TokenBucket {
  const { parameters, rate64 } = tbfData.decode(data);
  const bytesPerSecond = rate64 === undefined ? (parameters?.rate.rate ?? 0) : Number(rate64);
  const burstBytes = Math.round(((parameters?.buffer ?? 0) * TICK_NS * bytesPerSecond) / 1e9);
  return { kind: "tbf", bytesPerSecond, burstBytes, limitBytes: parameters?.limit ?? 0 };
}

function redirection(to: number) {
  return { kind: "mirred", data: mirred.encode({ parameters: { action: STOLEN, direction: LEAVES, link: to } }) };
}

function destinationOf({ kind, data }: Action): number | undefined {
  const parameters = kind === "mirred" && data ? mirred.decode(data).parameters : undefined;
  return parameters?.action === STOLEN && parameters.direction === LEAVES ? parameters.link : undefined;
}
