// Forwarding entries: where a bridge or a VXLAN link sends what is for a MAC. They are neighbor messages of the family of bridges
// (include/uapi/linux/neighbour.h, `bridge fdb`); what the kernel does with them was tried on Linux 6.18.
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { messageFlag } from "./message.ts";
import { neighborFlag, neighborMessage, neighborType } from "./neighbor.ts";
import type { Query, Request } from "./request.ts";
import { bridgeFamily, macOf, present } from "./values.ts";

/** An entry of a bridge names the port as its link, one of a VXLAN link has the remote end's address. */
export type NewForwarding = BridgeForwarding | VxlanForwarding;

export interface BridgeForwarding {
  readonly kind: "bridge";
  readonly link: number;
  readonly mac: Mac;
}

export interface VxlanForwarding {
  readonly kind: "vxlan";
  readonly link: number;
  /** `everyone` is for what has no entry of its own, broadcasts among it; a link may have several such, and sends to each. */
  readonly mac: Mac | "everyone";
  /** Of the family of the link's own address (else EAFNOSUPPORT). */
  readonly remote: Address;
}

export interface Forwarding {
  readonly link: number;
  readonly mac: Mac | "everyone";
  /** The bridge the link is a port of. */
  readonly master?: number;
  readonly remote?: Address;
  /** The MAC is of this host: the bridge keeps what is for it. */
  readonly local: boolean;
  /** Neither learned from packets nor aged. */
  readonly static: boolean;
  readonly learned: boolean;
}

export interface ForwardingFilter {
  /** A port of a bridge, a bridge or a VXLAN link. */
  readonly link?: number;
  /** All of a bridge. */
  readonly master?: number;
}

/** NUD_* */
const state = { reachable: 0x2, noArp: 0x40, permanent: 0x80 } as const;
const zero = new Uint8Array(6);

export function addForwarding(entry: NewForwarding): Request {
  const { link } = entry;
  return {
    operation: `add forwarding of ${describe(entry)} on link ${link}`,
    type: neighborType.new,
    flags: messageFlag.create | (isForEveryone(entry) ? messageFlag.append : messageFlag.exclusive),
    // A permanent entry of a bridge would be for packets to the bridge itself.
    body: encode(entry, state.noArp | (entry.kind === "bridge" ? state.reachable : state.permanent)),
  };
}

/** Of the entries for everyone none is replaced: it is added beside them. */
export function replaceForwarding(entry: NewForwarding): Request {
  return {
    ...addForwarding(entry),
    operation: `replace forwarding of ${describe(entry)} on link ${entry.link}`,
    flags: messageFlag.create | (isForEveryone(entry) ? messageFlag.append : messageFlag.replace),
  };
}

export function removeForwarding(entry: NewForwarding): Request {
  return {
    operation: `remove forwarding of ${describe(entry)} from link ${entry.link}`,
    type: neighborType.delete,
    flags: 0,
    body: encode(entry, state.noArp | state.permanent),
  };
}

export function listForwardings({ link, master }: ForwardingFilter = {}): Query<Forwarding> {
  return {
    operation: "list forwardings",
    type: neighborType.get,
    flags: 0,
    body: neighborMessage.encode({ header: { family: bridgeFamily, link }, attributes: { master } }),
    decode: decodeForwarding,
  };
}

/** Reads the body of an RTM_NEWNEIGH or RTM_DELNEIGH; undefined where it is no forwarding entry. */
export function decodeForwarding(body: Uint8Array): Forwarding | undefined {
  const { header, attributes } = neighborMessage.decode(body);
  const mac = macOf(attributes.mac);
  const { master, address } = attributes;
  // What has neither is a link's own list of the groups it receives, which travels in the same messages.
  if (header.family !== bridgeFamily || mac === undefined || (master ?? address) === undefined) return undefined;
  return {
    link: header.link,
    mac: mac.isZero ? "everyone" : mac,
    ...present("master", master),
    ...present("remote", address),
    local: (header.state & state.permanent) !== 0 && address === undefined,
    static: (header.state & (state.permanent | state.noArp)) !== 0,
    learned: (header.flags & neighborFlag.learned) !== 0,
  };
}

function encode(entry: NewForwarding, state: number): Uint8Array {
  const { kind, link, mac } = entry;
  return neighborMessage.encode({
    header: { family: bridgeFamily, link, state, flags: neighborFlag[kind === "bridge" ? "master" : "self"] },
    attributes: {
      mac: mac === "everyone" ? zero : mac.bytes(),
      address: kind === "vxlan" ? entry.remote : undefined,
    },
  });
}

function isForEveryone({ mac }: NewForwarding): boolean {
  return mac === "everyone";
}

function describe(entry: NewForwarding): string {
  return entry.kind === "bridge" ? `${entry.mac}` : `${entry.mac} to ${entry.remote}`;
}
