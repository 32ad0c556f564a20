// Who is at an end of a flow that somebody asks about: a pod, a node, or an address beyond the cluster, with all addresses it has. Pure.
import type { ClusterView } from "../cluster/view.ts";
import { type Address, type Family, families } from "../ip/address.ts";
import type { AttachmentRecord } from "./attachments.ts";
import { parseSearch, type Search } from "./search.ts";

export interface Known {
  /** Absent where the cluster's source cannot be read. */
  readonly view?: ClusterView | undefined;
  /** This one's name. */
  readonly node: string;
  readonly attachments: readonly AttachmentRecord[];
}

export interface FlowSide {
  readonly kind: "pod" | "node" | "outside";
  /** As people know it. */
  readonly name: string;
  /** Of a pod. */
  readonly pod?: { readonly namespace: string; readonly name: string };
  /** The node it is, or runs on; of an address that no pod is known to have, that in whose prefix it lies. */
  readonly node?: string;
  readonly addresses: readonly Address[];
  /** Of a pod of this node. */
  readonly attachment?: AttachmentRecord;
}

/** `node`, a node's name, `namespace/pod`, a pod's name where one pod alone has it, or an address. An Error says why it is nobody. */
export function findSide(text: string, known: Known): FlowSide {
  if (text === "node") return nodeSide(known.node, known);
  const search = parseSearch(text);
  const sides = [...podSides(known), ...nodesOf(known).map((name) => nodeSide(name, known))];
  const found = sides.filter((side) => isMeant(search, side));
  const [only, second] = found;
  if (only !== undefined && second === undefined) {
    return search.kind === "address" ? { ...only, addresses: [search.address] } : only;
  }
  if (second !== undefined)
    throw new Error(`${text} may be ${found.map(({ name }) => name).join(" or ")}: write it in full`);
  if (search.kind === "address") return unknownSide(search.address, known);
  if (search.kind === "prefix") throw new Error(`${text} is a prefix: name one of its addresses`);
  throw new Error(`Nothing is known of ${text}: ${whatIsKnown(known)}`);
}

function whatIsKnown({ view }: Known): string {
  const forms = "write namespace/pod, an address, the name of a node, or node for this one";
  const tellsOfPods = view?.policies !== undefined && view.policies.pods.size > 0;
  return tellsOfPods
    ? forms
    : `${forms}; of other nodes' pods the cluster's source tells nothing, so write their addresses`;
}

/** No pod is known to have it; the prefix tells on which node one might. */
function unknownSide(address: Address, { view }: Known): FlowSide {
  const node = nodeHolding([address], view);
  return { kind: "outside", name: String(address), ...(node === undefined ? {} : { node }), addresses: [address] };
}

/** Pairs of addresses of one family, IPv6 first; the first of each side. */
export function pairsOf(
  source: FlowSide,
  destination: FlowSide,
): readonly { readonly family: Family; readonly from: Address; readonly to: Address }[] {
  return families.flatMap((family) => {
    const from = source.addresses.find((address) => address.family === family);
    const to = destination.addresses.find((address) => address.family === family);
    return from === undefined || to === undefined ? [] : [{ family, from, to }];
  });
}

function isMeant(search: Search, { pod, name, addresses }: FlowSide): boolean {
  switch (search.kind) {
    case "address":
      return addresses.some((address) => address.equals(search.address));
    case "pod":
      return pod !== undefined && pod.namespace === search.namespace && pod.name === search.name;
    case "word":
      return pod === undefined ? name === search.word || name === `node ${search.word}` : pod.name === search.word;
    case "prefix":
      return false;
  }
}

function nodesOf({ view, node }: Known): readonly string[] {
  const names = view?.nodes.map(({ name }) => name) ?? [];
  return names.includes(node) ? names : [node, ...names];
}

function nodeSide(name: string, { view }: Known): FlowSide {
  const addresses = view?.nodes.find((each) => each.name === name)?.addresses ?? [];
  return { kind: "node", name: `node ${name}`, node: name, addresses };
}

/** What is attached here first: of it the leases know the addresses best. */
function podSides({ view, node, attachments }: Known): FlowSide[] {
  const pods = [...(view?.policies?.pods.values() ?? [])];
  const here = attachments.map((attachment): FlowSide => {
    const { addresses, attachment: of } = attachment;
    const isSame = (address: Address) => addresses.some((each) => each.equals(address));
    const pod = attachment.pod ?? pods.find((each) => each.addresses.some(isSame));
    const name = pod === undefined ? `container ${of.containerId}` : `pod ${pod.namespace}/${pod.name}`;
    const named = pod === undefined ? {} : { pod: { namespace: pod.namespace, name: pod.name } };
    return { kind: "pod", name, ...named, node, addresses, attachment };
  });
  const isHere = (one: { readonly namespace: string; readonly name: string }) =>
    here.some(({ pod }) => pod?.namespace === one.namespace && pod.name === one.name);
  const elsewhere = pods
    .filter((pod) => !isHere(pod))
    .map(({ namespace, name, addresses, node: of }): FlowSide => {
      const on = of ?? nodeHolding(addresses, view);
      return {
        kind: "pod",
        name: `pod ${namespace}/${name}`,
        pod: { namespace, name },
        ...(on && { node: on }),
        addresses,
      };
    });
  return [...here, ...elsewhere];
}

/** By prefix, where nothing says it outright. */
export function nodeHolding(addresses: readonly Address[], view: ClusterView | undefined): string | undefined {
  const holds = (address: Address) =>
    view?.nodes.find(({ prefixes }) => prefixes.some(({ prefix }) => prefix.contains(address)));
  return addresses.map(holds).find((node) => node !== undefined)?.name;
}
