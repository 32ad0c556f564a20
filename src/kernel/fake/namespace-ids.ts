// Namespace ids in the fake kernel. net/core/net_namespace.c
import type { Message } from "../../netlink/message.ts";
import { namespaceIdMessage } from "../../netlink/netnsid.ts";
import { refuse } from "./refusal.ts";
import type { NamespaceState } from "./state.ts";

/** NETNSA_NSID_NOT_ASSIGNED */
const NONE = -1;

export function assignNamespaceId(namespace: NamespaceState, { body }: Message): void {
  const { id, fd } = namespaceIdMessage.decode(body).attributes;
  if (id === undefined) refuse("EINVAL", "nsid is missing");
  const other = otherOf(namespace, fd);
  if ([...namespace.ids.values()].includes(other)) refuse("EEXIST", "Peer netns already has a nsid assigned");
  if (id !== NONE && namespace.ids.has(id)) refuse("EEXIST", "The specified nsid is already used");
  namespace.ids.set(id === NONE ? freeId(namespace) : id, other);
}

export function getNamespaceId(namespace: NamespaceState, { body }: Message): Uint8Array {
  const other = otherOf(namespace, namespaceIdMessage.decode(body).attributes.fd);
  const found = [...namespace.ids].find(([, known]) => known === other);
  return encode(found?.[0] ?? NONE);
}

export function listNamespaceIds({ ids }: NamespaceState): Uint8Array[] {
  return [...ids.keys()].map(encode);
}

function otherOf({ machine }: NamespaceState, fd: number | undefined): NamespaceState {
  if (fd === undefined) return refuse("EINVAL", "Peer netns reference is missing");
  return machine.opened.get(fd) ?? refuse("EBADF", "Peer netns reference is invalid");
}

function freeId({ ids }: NamespaceState): number {
  let id = 0;
  while (ids.has(id)) id += 1;
  return id;
}

function encode(id: number): Uint8Array {
  return namespaceIdMessage.encode({ header: {}, attributes: { id } });
}
