// Links: creating, changing, deleting and listing network interfaces. This file has what all kinds have in common, link-kind.ts
// what each has for itself. rtnetlink(7), include/uapi/linux/if_link.h; what the kernel heeds when was tried on Linux 6.18.
import type { Mac } from "../ip/mac.ts";
import type { Encodable } from "./codec.ts";
import {
  type BridgePort,
  type BridgeSettings,
  decodeDetails,
  encodeBridge,
  encodeBridgePort,
  encodeMacvlan,
  encodeVxlan,
  type LinkDetails,
  type MacvlanSettings,
  type VxlanSettings,
  vethData,
} from "./link-kind.ts";
import { linkFlag, linkMessage, linkType, withoutStatistics } from "./link-message.ts";
import { describe, describeChange, placeOf, type Selector } from "./link-words.ts";
import { messageFlag } from "./message.ts";
import type { Query, Request } from "./request.ts";
import type { Namespace } from "./socket.ts";
import { macOf, present } from "./values.ts";

export interface Link extends LinkDetails {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge` and so on; absent for loopback and hardware. */
  readonly kind?: string;
  readonly mac?: Mac;
  readonly mtu: number;
  readonly alias?: string;
  readonly group: number;
  /** Index of the bridge it is a port of. */
  readonly master?: number;
  /** Index of the other end of a pair, or of the link below; counted in `linkNamespace` where that is there. */
  readonly link?: number;
  readonly linkNamespace?: number;
  /** It was switched on. */
  readonly up: boolean;
  /** It is up and so is what it leads to: the other end of a pair, the cable, a port of the bridge. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  readonly state: OperationalState;
  readonly addressGeneration?: AddressGeneration;
}

/** IF_OPER_* in the order of RFC 2863. Loopback and links without carrier detection stay `unknown`. */
const operationalStates = ["unknown", "not-present", "down", "lower-layer-down", "testing", "dormant", "up"] as const;
export type OperationalState = (typeof operationalStates)[number];

/** IN6_ADDR_GEN_MODE_*: what becomes of the link-local address and of those that router advertisements propose. */
const addressGenerations = ["eui64", "none", "stable-privacy", "random"] as const;
export type AddressGeneration = (typeof addressGenerations)[number];

export type LinkReference = { readonly index: number } | { readonly name: string };

/**
 * What a link can be given in the message that creates it. The kernel passes over an alias there and refuses a mode of address
 * generation (EAFNOSUPPORT): put a changeLink for those behind it in the same datagram.
 */
export interface NewEnd {
  readonly name: string;
  readonly index?: number;
  readonly mac?: Mac;
  readonly mtu?: number;
  readonly group?: number;
  readonly transmitQueueLength?: number;
  /** So many to transmit and as many to receive; a veth has one of each for every processor there may be, and uses one. */
  readonly queues?: number;
  /** Where it comes into being; the namespace of the socket where none is given. */
  readonly namespace?: Namespace;
}

/** The peer of a veth has neither `master`, which the kernel would pass over, nor `up`, which it would refuse (ENOTCONN). */
export type NewLink = NewEnd & { readonly master?: number; readonly up?: boolean } & NewKind;

export type NewKind =
  | { readonly kind: "veth"; readonly peer: NewEnd }
  | ({ readonly kind: "bridge" } & BridgeSettings)
  | ({ readonly kind: "macvlan"; readonly link: number } & MacvlanSettings)
  | ({ readonly kind: "vxlan" } & VxlanSettings)
  | { readonly kind: "ifb" };

export interface LinkChange {
  readonly mac?: Mac;
  /** Below 1280 the link loses IPv6: addresses, routes, settings. */
  readonly mtu?: number;
  readonly up?: boolean;
  /** The bridge it becomes a port of; `none` releases it. */
  readonly master?: number | "none";
  /** Empty text takes the alias away. */
  readonly alias?: string;
  readonly group?: number;
  readonly transmitQueueLength?: number;
  /** Heeded last: a link that is brought up by the same request has its link-local address before. Give it one of its own first. */
  readonly addressGeneration?: AddressGeneration;
  /** Moves it. Going down on the way it loses addresses, routes and its mode of address generation, but not its alias. */
  readonly namespace?: Namespace;
  /** Of a port: the kernel refuses them in the message that makes the link one (EOPNOTSUPP), so in one of their own. */
  readonly port?: BridgePort;
}

export interface LinkFilter {
  readonly kind?: string;
  readonly master?: number;
  readonly group?: number;
  /** Id of another namespace, as netnsid.ts gives it: no socket in it is needed. An unknown one is EINVAL. */
  readonly namespaceId?: number;
}

type Attributes = Exclude<Encodable<typeof linkMessage>["attributes"], undefined>;

export function createLink(link: NewLink): Request {
  const peer = link.kind === "veth" ? ` with peer ${link.peer.name}${placeOf(link.peer)}` : "";
  return {
    operation: `create ${link.kind} link ${link.name}${placeOf(link)}${peer}`,
    type: linkType.new,
    flags: messageFlag.create | messageFlag.exclusive,
    body: linkMessage.encode({
      header: { index: link.index, ...upFlags(link.up) },
      attributes: {
        ...attributesOfEnd(link, link.kind === "macvlan" ? link.link : undefined),
        master: link.master,
        info: infoOf(link),
      },
    }),
  };
}

/** A link that was named cannot be renamed: give its index. */
export function changeLink(link: LinkReference, change: LinkChange): Request;
export function changeLink(link: { readonly index: number }, change: LinkChange & { readonly name?: string }): Request;
export function changeLink(link: LinkReference, change: LinkChange & { readonly name?: string }): Request {
  const { index, name }: Selector = link;
  const mode = change.addressGeneration;
  return {
    operation: `set ${describeChange(change)} on ${describe(link)}`,
    type: linkType.new,
    flags: 0,
    body: linkMessage.encode({
      header: { index, ...upFlags(change.up) },
      attributes: {
        mac: change.mac?.bytes(),
        mtu: change.mtu,
        transmitQueueLength: change.transmitQueueLength,
        namespaceFd: change.namespace?.fd,
        alias: change.alias,
        group: change.group,
        families: mode && { v6: { addressGeneration: addressGenerations.indexOf(mode) } },
        master: change.master === "none" ? 0 : change.master,
        name: name ?? change.name,
        info: change.port && { portKind: "bridge", portData: encodeBridgePort(change.port) },
      },
    }),
  };
}

/**
 * Deletes one link, or all of a group. Deleting waits for readers in the kernel (some 20 ms), for a whole group only once: use
 * executeLater. A group without links is ENODEV; group 0, the default one, is EPERM. The namespace may be one known by its id.
 */
export function deleteLink(
  link: LinkReference | { readonly group: number },
  { namespaceId }: { readonly namespaceId?: number } = {},
): Request {
  const { index, name, group }: Selector = link;
  return {
    operation: `delete ${describe(link)}`,
    type: linkType.delete,
    flags: 0,
    body: linkMessage.encode({
      header: { index },
      attributes: { name, group, namespaceId },
    }),
  };
}

export function getLink(link: LinkReference): Query<Link> {
  const { index, name }: Selector = link;
  return {
    operation: `get ${describe(link)}`,
    type: linkType.get,
    flags: 0,
    body: linkMessage.encode({
      header: { index },
      attributes: { name, detail: withoutStatistics },
    }),
    decode: decodeLink,
  };
}

/** The kernel knows no filter by group, and passes over one for a kind it does not know: both are looked at here again. */
export function listLinks(filter: LinkFilter = {}): Query<Link> {
  const { kind, master, group, namespaceId } = filter;
  return {
    operation: "list links",
    type: linkType.get,
    flags: 0,
    body: linkMessage.encode({
      header: {},
      attributes: { master, info: kind === undefined ? undefined : { kind }, detail: withoutStatistics, namespaceId },
    }),
    decode(body) {
      const link = decodeLink(body);
      const fits = (kind ?? link.kind) === link.kind && (master ?? link.master) === link.master;
      return fits && (group ?? link.group) === link.group ? link : undefined;
    },
  };
}

/** Reads the body of an RTM_NEWLINK or RTM_DELLINK: an answer, or a notification. */
export function decodeLink(body: Uint8Array): Link {
  const { header, attributes } = linkMessage.decode(body);
  const { info, families, mac, state = 0 } = attributes;
  return {
    index: header.index,
    name: attributes.name ?? "",
    ...present("kind", info?.kind),
    ...present("mac", macOf(mac)),
    mtu: attributes.mtu ?? 0,
    ...present("alias", attributes.alias),
    group: attributes.group ?? 0,
    ...present("master", attributes.master),
    ...present("link", attributes.link || undefined),
    ...present("linkNamespace", attributes.linkNamespace),
    up: (header.flags & linkFlag.up) !== 0,
    carrier: (header.flags & linkFlag.lowerUp) !== 0,
    loopback: (header.flags & linkFlag.loopback) !== 0,
    state: operationalStates[state] ?? "unknown",
    ...present("addressGeneration", addressGenerations[families?.v6?.addressGeneration ?? -1]),
    ...decodeDetails(info),
  };
}

/** In the order in which `ip` writes them. */
function attributesOfEnd(end: NewEnd, link?: number): Attributes {
  return {
    mtu: end.mtu,
    mac: end.mac?.bytes(),
    group: end.group,
    transmitQueueLength: end.transmitQueueLength,
    transmitQueues: end.queues,
    receiveQueues: end.queues,
    namespaceFd: end.namespace?.fd,
    link,
    name: end.name,
  };
}

function infoOf(link: NewKind): Attributes["info"] {
  switch (link.kind) {
    case "veth": {
      const peer = linkMessage.encode({ header: { index: link.peer.index }, attributes: attributesOfEnd(link.peer) });
      return { kind: "veth", data: vethData.encode({ peer }) };
    }
    case "bridge":
      return { kind: "bridge", data: encodeBridge(link) };
    case "macvlan":
      return { kind: "macvlan", data: encodeMacvlan(link) };
    case "vxlan":
      return { kind: "vxlan", data: encodeVxlan(link) };
    case "ifb":
      return { kind: "ifb" };
  }
}

function upFlags(up: boolean | undefined): { readonly flags?: number; readonly change?: number } {
  return up === undefined ? {} : { flags: up ? linkFlag.up : 0, change: linkFlag.up };
}
