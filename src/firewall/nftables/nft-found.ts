// What there is in a table of ours, by `nft -j -t list table`: enough to make it what it should be without taking it away. Which rules and
// elements are in it is not read, because they may be anybody's; they are replaced.
import { fieldOf, listedObjects, listOf, recordOf, textOf } from "./nft-json.ts";
import { hookDefinition, type NftChain, type NftSet, type NftSetKind } from "./nftables.ts";

export interface FoundTable {
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, FoundSet>;
  readonly chains: ReadonlyMap<string, FoundChain>;
  /** There is something that no table of ours has. */
  readonly hasOthers?: boolean;
}

/** Its content is absent where it is not known. */
export interface FoundSet extends NftSetKind {
  readonly content?: NftSet["content"];
}

/** Its rules are absent where they are not known. */
export type FoundChain = Pick<NftChain, "hook"> & Partial<Pick<NftChain, "rules">>;

export function parseFoundTable(text: string): FoundTable {
  const counters = new Set<string>();
  const sets = new Map<string, FoundSet>();
  const chains = new Map<string, FoundChain>();
  let hasOthers = false;
  for (const { metainfo: _metainfo, rule: _rule, table, counter, set, map, chain, ...others } of listedObjects(text)) {
    if (counter !== undefined) counters.add(nameOf(counter));
    if (set !== undefined) sets.set(nameOf(set), { type: "set", definition: setDefinition(set) });
    if (map !== undefined) sets.set(nameOf(map), { type: "map", definition: setDefinition(map) });
    if (chain !== undefined) chains.set(nameOf(chain), chainOf(chain));
    // A table can be dormant.
    hasOthers ||= Object.keys(others).length > 0 || fieldOf(table, "flags") !== undefined;
  }
  return { counters, sets, chains, hasOthers };
}

function nameOf(object: unknown): string {
  return textOf(fieldOf(object, "name"));
}

/** As nftables.ts writes it; anything else comes out as something it does not write. */
function setDefinition(set: unknown): string {
  const { family: _family, name: _name, table: _table, handle: _handle, elem: _elem, ...definition } = recordOf(set);
  const { type, map, flags, ...others } = definition;
  const key = Array.isArray(type) ? listOf(type).map(textOf).join(" . ") : textOf(type);
  const parts = [
    `type ${key}${map === undefined ? "" : ` : ${textOf(map)}`};`,
    ...(flags === undefined ? [] : [`flags ${listOf(flags).map(textOf).join(", ")};`]),
    ...(Object.keys(others).length > 0 ? [JSON.stringify(others)] : []),
  ];
  return parts.join(" ");
}

function chainOf(chain: unknown): FoundChain {
  const { type, hook, prio, policy } = recordOf(chain);
  if (hook === undefined) return {};
  const definition = hookDefinition(textOf(type), textOf(hook), Number(prio));
  return { hook: policy === "accept" ? definition : `${definition} policy ${textOf(policy)};` };
}
