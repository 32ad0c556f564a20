// Prints what makes one set of nft tables into another, for one transaction of `nft -f -`: no packet meets anything between the two.
// Only elements that differ are named, and a chain is written anew as a whole where any of its rules differs.
import { families, type Stack } from "../../ip/address.ts";
import { elementChanges, mappingChanges, nameChanges, sameLines } from "../changes.ts";
import {
  addChain,
  addRules,
  addSet,
  changeElements,
  elementsOf,
  type NftSet,
  type NftTable,
  nftCreation,
  nftElement,
  nftMapping,
  nftRemoval,
} from "./nftables.ts";

/** Empty where nothing differs. */
export function printNftChanges(name: string, before: Stack<NftTable>, after: Stack<NftTable>): string {
  return families
    .flatMap((family) => {
      const [have, want] = [before[family], after[family]];
      if (want === undefined) return have === undefined ? [] : nftRemoval(name, family);
      if (have === undefined || !canBecome(have, want)) return [...nftRemoval(name, family), ...nftCreation(want)];
      return tableChanges(have, want);
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** A chain cannot be hung on another hook, nor a set be given another type: then the table is made anew, in the same transaction. */
function canBecome(have: NftTable, want: NftTable): boolean {
  return (
    [...want.chains].every(([name, { hook }]) => !have.chains.has(name) || have.chains.get(name)?.hook === hook) &&
    [...want.sets].every(([name, { definition }]) => (have.sets.get(name)?.definition ?? definition) === definition)
  );
}

/** In this order everything exists when it is named, and nothing is deleted while it is. */
function tableChanges(have: NftTable, want: NftTable): string[] {
  const table = want.name;
  const counters = nameChanges(have.counters, want.counters);
  const sets = nameChanges(have.sets, want.sets);
  const chains = nameChanges(have.chains, want.chains);
  return [
    ...counters.added.map((counter) => `add counter ${table} ${counter}`),
    ...entries(want.sets, sets.added).map(([name, set]) => addSet(table, name, set)),
    ...entries(want.chains, chains.added).map(([name, chain]) => addChain(table, name, chain)),
    ...entries(want.sets, sets.kept).flatMap(([name, set]) => setChanges(`${table} ${name}`, have.sets.get(name), set)),
    ...entries(want.sets, sets.added).flatMap(([name, set]) =>
      changeElements("add", `${table} ${name}`, elementsOf(set)),
    ),
    ...chains.removed.map((name) => `flush chain ${table} ${name}`),
    ...entries(want.chains, chains.kept).flatMap(([name, { rules }]) =>
      sameLines(have.chains.get(name)?.rules ?? [], rules)
        ? []
        : [`flush chain ${table} ${name}`, ...addRules(table, name, rules)],
    ),
    ...entries(want.chains, chains.added).flatMap(([name, { rules }]) => addRules(table, name, rules)),
    ...entries(have.sets, sets.removed).map(([name, { type }]) => `delete ${type} ${table} ${name}`),
    ...chains.removed.map((name) => `delete chain ${table} ${name}`),
    ...counters.removed.map((counter) => `delete counter ${table} ${counter}`),
  ];
}

/** Removals first: the kernel refuses a prefix that overlaps one which is there, also where that is about to go. */
function setChanges(name: string, have: NftSet | undefined, want: NftSet): string[] {
  if (have?.content.kind === "chains" && want.content.kind === "chains") {
    const { added, removed } = mappingChanges(have.content.elements, want.content.elements);
    const mappings = added.map(([address, chain]) => nftMapping(address, want.nameOf(chain)));
    return [...changeElements("delete", name, removed), ...changeElements("add", name, mappings)];
  }
  if (have === undefined || have.content.kind === "chains" || want.content.kind === "chains") return [];
  const { added, removed } = elementChanges(have.content.elements, want.content.elements);
  return [
    ...changeElements("delete", name, removed.map(nftElement)),
    ...changeElements("add", name, added.map(nftElement)),
  ];
}

function entries<T>(all: ReadonlyMap<string, T>, names: readonly string[]): (readonly [string, T])[] {
  return names.flatMap((name) => {
    const value = all.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
}
