// Links in the fake kernel: changing, deleting, getting and listing them. Creating is in new-links.ts, and what follows from a change
// for others in link-events.ts. net/core/rtnetlink.c (do_setlink)
import type { Decoded } from "../../netlink/codec.ts";
import { type AddressGeneration, decodeLink } from "../../netlink/link.ts";
import { decodeDetails } from "../../netlink/link-kind.ts";
import { linkFlag, linkMessage } from "../../netlink/link-message.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import { macOf } from "../../netlink/values.ts";
import {
  bringUp,
  enslave,
  followPorts,
  moveLink,
  releasePort,
  removeLink,
  setMtu,
  takeDown,
  tell,
} from "./link-events.ts";
import { encodeLink } from "./link-reply.ts";
import { flushNeighbors } from "./neighbors.ts";
import { createLink, knownKinds, namespaceAt, requireMac, requireName } from "./new-links.ts";
import { refuse } from "./refusal.ts";
import { hasIpv6, type LinkState, linkNamed, type NamespaceState } from "./state.ts";

type Attributes = Decoded<typeof linkMessage>["attributes"];

const LONGEST_ALIAS = 255;
const LEAST_MTU = 68;
const LARGEST_MTU = 65535;

/** RTM_NEWLINK creates, or changes what is there, as its flags say. */
export function newLink(namespace: NamespaceState, { body, flags }: Message): void {
  const { header, attributes } = linkMessage.decode(body);
  const there = find(namespace, header.index, attributes.name);
  if (there === undefined) {
    if ((flags & messageFlag.create) === 0) refuse("ENODEV");
    createLink(namespace, body);
    return;
  }
  if ((flags & messageFlag.exclusive) !== 0) refuse("EEXIST");
  changeLink(there, body);
}

export function deleteLink(namespace: NamespaceState, { body }: Message): void {
  const { header, attributes } = linkMessage.decode(body);
  const { name, group, namespaceId } = attributes;
  const place = placeOf(namespace, namespaceId);
  const link = find(place, header.index, name);
  const isNamed = header.index !== 0 || name !== undefined;
  if (!isNamed && group === undefined) refuse("EINVAL");
  if (!isNamed && group === 0) refuse("EPERM");
  const gone = isNamed ? [link ?? refuse("ENODEV")] : [...place.links.values()].filter((one) => one.group === group);
  if (gone.length === 0) refuse("ENODEV");
  if (gone.some(({ kind }) => kind === undefined)) refuse("EOPNOTSUPP");
  for (const one of gone) removeLink(one);
}

export function getLink(namespace: NamespaceState, { body }: Message): Uint8Array {
  const { header, attributes } = linkMessage.decode(body);
  if (header.index === 0 && attributes.name === undefined) refuse("EINVAL");
  return encodeLink(find(namespace, header.index, attributes.name) ?? refuse("ENODEV"));
}

/** A kind that the kernel does not know filters nothing. */
export function listLinks(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { info, master, namespaceId, group } = linkMessage.decode(body).attributes;
  if (group !== undefined) refuse("EINVAL");
  const kind = info?.kind !== undefined && knownKinds.has(info.kind) ? info.kind : undefined;
  return [...placeOf(namespace, namespaceId).links.values()]
    .filter((link) => (kind ?? link.kind) === link.kind && (master ?? link.master?.index) === link.master?.index)
    .toSorted((one, other) => one.index - other.index)
    .map(encodeLink);
}

/** In the kernel's order, which shows where a change is refused half way: what came before it stays. */
function changeLink(link: LinkState, body: Uint8Array): void {
  const { header, attributes } = linkMessage.decode(body);
  const { alias, group, transmitQueueLength, master, mtu, families } = attributes;
  if (new TextEncoder().encode(alias).length > LONGEST_ALIAS) refuse("ERANGE", "Attribute failed policy validation");
  changeKind(link, attributes);
  changePlace(link, header.index, attributes);
  changeMac(link, attributes);
  if (mtu !== undefined) changeMtu(link, mtu);
  if (group !== undefined) link.group = group;
  if (alias !== undefined) link.alias = alias === "" ? undefined : alias;
  if (master !== undefined) changeMaster(link, master);
  if (transmitQueueLength !== undefined) link.transmitQueueLength = transmitQueueLength;
  if ((header.change & linkFlag.up) !== 0) ((header.flags & linkFlag.up) !== 0 ? bringUp : takeDown)(link);
  if (families !== undefined) link.addressGeneration = modeOf(link, body);
  tell(link);
}

/** The settings of its kind and of it as a port come first, so a link that is made a port has none to change yet. */
function changeKind(link: LinkState, { info }: Attributes): void {
  const { bridge, macvlan, vxlan, port } = decodeDetails(info);
  if (port !== undefined) {
    if (link.port === undefined) refuse("EOPNOTSUPP");
    link.port = { ...link.port, ...port };
  }
  if (bridge !== undefined) link.bridge = { ...link.bridge, ...bridge };
  if (macvlan !== undefined) link.macvlan = macvlan;
  if (vxlan !== undefined) refuse("EOPNOTSUPP");
}

function changePlace(link: LinkState, index: number, { namespaceFd, name }: Attributes): void {
  const target = namespaceFd === undefined ? link.namespace : namespaceAt(link.namespace, namespaceFd, "EBADF");
  // A link that was looked for by its name is not renamed to it.
  const wanted = index === 0 ? link.name : (name ?? link.name);
  const isMoved = target !== link.namespace;
  if (isMoved && link.kind === undefined) refuse("EINVAL", "The interface netns is immutable");
  if (wanted !== link.name) requireName(wanted);
  const taken = linkNamed(target, wanted);
  if (taken !== undefined && taken !== link) {
    refuse("EEXIST", isMoved ? "An interface with the same name exists in the target netns" : undefined);
  }
  if (isMoved) moveLink(link, target);
  link.name = wanted;
}

/** Its neighbors are forgotten even if it is the MAC it has, and the others on the link are told. */
function changeMac(link: LinkState, { mac }: Attributes): void {
  if (mac === undefined) return;
  link.mac = requireMac(macOf(mac));
  link.macIsGiven = true;
  flushNeighbors(link);
  if (link.master !== undefined) followPorts(link.master);
}

function changeMtu(link: LinkState, mtu: number): void {
  if (mtu < LEAST_MTU) refuse("EINVAL", "mtu less than device minimum");
  if (mtu > LARGEST_MTU) refuse("EINVAL", "mtu greater than device maximum");
  setMtu(link, mtu);
  link.mtuIsGiven = true;
  if (link.master !== undefined) followPorts(link.master);
}

function changeMaster(link: LinkState, index: number): void {
  if (index === 0) {
    releasePort(link);
    return;
  }
  const master = link.namespace.links.get(index) ?? refuse("EINVAL");
  enslave(link, master);
}

function modeOf(link: LinkState, body: Uint8Array): AddressGeneration {
  if (!hasIpv6(link)) refuse("EAFNOSUPPORT");
  return decodeLink(body).addressGeneration ?? refuse("EINVAL");
}

function find(namespace: NamespaceState, index: number, name: string | undefined): LinkState | undefined {
  if (index !== 0) return namespace.links.get(index);
  return name === undefined ? undefined : linkNamed(namespace, name);
}

function placeOf(namespace: NamespaceState, id: number | undefined): NamespaceState {
  return id === undefined ? namespace : (namespace.ids.get(id) ?? refuse("EINVAL"));
}
