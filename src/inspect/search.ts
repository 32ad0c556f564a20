// What people look for, from how it is written: an address in any of its textual forms, a prefix, a pod, or a word. Pure.
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";

export type Search =
  | { readonly kind: "address"; readonly address: Address }
  | { readonly kind: "prefix"; readonly prefix: Prefix }
  | { readonly kind: "pod"; readonly namespace: string; readonly name: string }
  /** A name: of a pod, a namespace, a node, a link, or the beginning of a container's id. */
  | { readonly kind: "word"; readonly word: string };

export interface Searched {
  readonly pod?: { readonly namespace: string; readonly name: string };
  readonly addresses: readonly Address[];
  readonly prefixes?: readonly Prefix[];
  /** By which it is known as a whole. */
  readonly names: readonly string[];
  readonly containerId?: string;
}

/** Shorter beginnings would find too much by chance. */
const shortestId = 4;

/** A SyntaxError says why an address cannot be one. */
export function parseSearch(text: string): Search {
  const [head = "", tail] = text.split("/");
  const isAddress = head.includes(":") || /^\d+(\.\d+)+$/.test(head);
  if (isAddress) {
    return tail === undefined
      ? { kind: "address", address: Address.parse(text) }
      : { kind: "prefix", prefix: Prefix.parse(text) };
  }
  return tail === undefined ? { kind: "word", word: text } : { kind: "pod", namespace: head, name: tail };
}

/** An address is found by itself and in the prefix of a node, a prefix by what lies in it or around it. */
export function isFound(search: Search, { pod, addresses, prefixes = [], names, containerId }: Searched): boolean {
  switch (search.kind) {
    case "address":
      return [...addresses, ...prefixes].some((each) =>
        each instanceof Address ? each.equals(search.address) : each.contains(search.address),
      );
    case "prefix":
      return (
        addresses.some((each) => search.prefix.contains(each)) || prefixes.some((each) => search.prefix.overlaps(each))
      );
    case "pod":
      return pod !== undefined && pod.namespace === search.namespace && pod.name === search.name;
    case "word": {
      const { word } = search;
      const known = pod === undefined ? names : [...names, pod.name, pod.namespace];
      return known.includes(word) || (word.length >= shortestId && containerId?.startsWith(word) === true);
    }
  }
}
