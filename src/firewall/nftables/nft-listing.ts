// Reads what `nft -j list table` prints of a table of ours, as far as it takes to see whether it is as we left it.
import { addressSpan, compareElements, compareSpans, type Span, spanOf } from "../set-comparison.ts";
import { fieldOf, listedObjects, listOf, recordOf, textOf } from "./nft-json.ts";
import type { NftSet, NftTable } from "./nftables.ts";

export interface NftListing {
  /** All but elements and counts, as text: the same as long as nobody touches it, because each rule has a number of its own. */
  readonly rules: string;
  /** By chain. */
  readonly ruleCounts: ReadonlyMap<string, number>;
  /** By set. */
  readonly elements: ReadonlyMap<string, readonly unknown[]>;
  /** By counter. */
  readonly packets: ReadonlyMap<string, number>;
}

export function parseNftListing(text: string): NftListing {
  const rules: unknown[] = [];
  const ruleCounts = new Map<string, number>();
  const elements = new Map<string, readonly unknown[]>();
  const packets = new Map<string, number>();
  for (const { metainfo, rule, set, map, counter, ...others } of listedObjects(text)) {
    const anySet = set ?? map;
    if (anySet !== undefined) {
      const { elem, ...definition } = recordOf(anySet);
      elements.set(textOf(definition["name"]), listOf(elem));
      rules.push(definition);
    } else if (counter !== undefined) {
      packets.set(textOf(fieldOf(counter, "name")), Number(fieldOf(counter, "packets")));
    } else if (rule !== undefined) {
      const chain = textOf(fieldOf(rule, "chain"));
      ruleCounts.set(chain, (ruleCounts.get(chain) ?? 0) + 1);
      rules.push(rule);
    } else if (metainfo === undefined) rules.push(others);
  }
  return { rules: JSON.stringify(rules), ruleCounts, elements, packets };
}

/** What differs from what we made, in words. `rules` is what nft printed right after we made it. */
export function nftAlteration(table: NftTable, rules: string, found: NftListing): string | undefined {
  for (const [chain, { rules: wanted }] of table.chains) {
    if ((found.ruleCounts.get(chain) ?? 0) !== wanted.length)
      return `chain ${chain} of table ${table.name} has other rules`;
  }
  for (const counter of table.counters) {
    if (!found.packets.has(counter)) return `table ${table.name} lacks counter ${counter}`;
  }
  if (found.rules !== rules) return `rules of table ${table.name} were changed`;
  for (const [name, set] of table.sets) {
    const difference = compareSet(set, found.elements.get(name) ?? []);
    if (difference !== undefined) return `set ${name} of table ${table.name} was changed: ${difference}`;
  }
  return undefined;
}

function compareSet({ content, nameOf }: NftSet, found: readonly unknown[]): string | undefined {
  if (content.kind === "prefixes") return compareSpans(Array.from(content.elements, spanOf), found.map(spanIn));
  if (content.kind !== "chains") return compareElements(content.elements, found.map(elementIn));
  const wanted = new Set(Array.from(content.elements, ([address, chain]) => `${address} ${nameOf(chain)}`));
  return compareElements(wanted, found.map(mappingIn));
}

/** A text, or the parts of a concatenation: `fd00::1,tcp:80` or `fd00::1,fd00::1`. */
function elementIn(element: unknown): string {
  if (typeof element === "string") return element;
  const [first = "", second = "", port] = listOf(fieldOf(element, "concat")).map(textOf);
  return port === undefined ? `${first},${second}` : `${first},${second}:${port}`;
}

function mappingIn(element: unknown): string {
  const [address, verdict] = listOf(element);
  return `${textOf(address)} ${textOf(fieldOf(fieldOf(verdict, "jump"), "target"))}`;
}

function spanIn(element: unknown): Span {
  if (typeof element === "string") return addressSpan(element);
  const range = fieldOf(element, "range");
  if (range !== undefined) {
    const [first = "", last] = listOf(range).map(textOf);
    return addressSpan(first, last);
  }
  const prefix = fieldOf(element, "prefix");
  return spanOf(`${textOf(fieldOf(prefix, "addr"))}/${textOf(fieldOf(prefix, "len"))}`);
}
