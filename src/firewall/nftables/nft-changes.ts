// Prints what makes one set of nft tables into another, in at most two transactions of `nft -f -`: no packet meets anything between the two
// tables, also none that is on its way through the rules at that moment. Only elements that differ are named, and a chain is written anew
// as a whole where any of its rules differs. docs/decisions/two-firewall-backends.md says what the kernel does to packets on their way.
import { type Family, families, type Stack } from "../../ip/address.ts";
import { elementChanges, mappingChanges, nameChanges, sameLines } from "../changes.ts";
import type { FoundSet, FoundTable } from "./nft-found.ts";
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

/** In this order, each as one transaction; none where nothing differs. */
export function printNftChanges(name: string, before: Stack<FoundTable>, after: Stack<NftTable>): readonly string[] {
  const changes = families.map((family) => changesOf(name, family, { have: before[family], want: after[family] }));
  const ahead = changes.flatMap((each) => each.ahead);
  const atOnce = changes.flatMap((each) => each.atOnce);
  const steps = changes.some(({ needsSteps }) => needsSteps) ? [ahead, atOnce] : [[...ahead, ...atOnce]];
  return steps.filter((lines) => lines.length > 0).map((lines) => lines.map((line) => `${line}\n`).join(""));
}

interface TableChanges {
  /** What nothing leads to yet. */
  readonly ahead: readonly string[];
  readonly atOnce: readonly string[];
  /** A packet on its way goes by the rules of before, and by the elements of after: what they lead to must have been there before. */
  readonly needsSteps: boolean;
}

interface Tables {
  readonly have: FoundTable | undefined;
  readonly want: NftTable | undefined;
}

function changesOf(name: string, family: Family, { have, want }: Tables): TableChanges {
  const whole = (atOnce: readonly string[]) => ({ ahead: [], atOnce, needsSteps: false });
  if (want === undefined) return whole(have === undefined ? [] : nftRemoval(name, family));
  if (have === undefined || !canBecome(have, want)) return whole([...nftRemoval(name, family), ...nftCreation(want)]);
  return tableChanges(have, want);
}

/** A chain cannot be hung on another hook, nor a set be given another type: then the table is made anew, in the same transaction. */
function canBecome(have: FoundTable, want: NftTable): boolean {
  return (
    have.hasOthers !== true &&
    [...want.chains].every(([name, { hook }]) => !have.chains.has(name) || have.chains.get(name)?.hook === hook) &&
    [...want.sets].every(([name, { definition }]) => (have.sets.get(name)?.definition ?? definition) === definition)
  );
}

/** In this order everything exists when it is named, and nothing is deleted while it is. */
function tableChanges(have: FoundTable, want: NftTable): TableChanges {
  const table = want.name;
  const counters = nameChanges(have.counters, want.counters);
  const sets = nameChanges(have.sets, want.sets);
  const chains = nameChanges(have.chains, want.chains);
  const added = Object.groupBy(entries(want.chains, chains.added), ([, { hook }]) => (hook ? "hooked" : "plain"));
  const { hooked = [], plain = [] } = added;
  const ahead = [
    ...counters.added.map((counter) => `add counter ${table} ${counter}`),
    ...entries(want.sets, sets.added).map(([name, set]) => addSet(table, name, set)),
    ...plain.map(([name, chain]) => addChain(table, name, chain)),
    ...entries(want.sets, sets.added).flatMap(([name, set]) =>
      changeElements("add", `${table} ${name}`, elementsOf(set)),
    ),
    ...plain.flatMap(([name, { rules }]) => addRules(table, name, rules)),
  ];
  const atOnce = [
    ...hooked.map(([name, chain]) => addChain(table, name, chain)),
    ...entries(want.sets, sets.kept).flatMap(([name, set]) => setChanges(`${table} ${name}`, have.sets.get(name), set)),
    ...chains.removed.map((name) => `flush chain ${table} ${name}`),
    ...entries(want.chains, chains.kept).flatMap(([name, { rules }]) =>
      sameLines(have.chains.get(name)?.rules, rules)
        ? []
        : [`flush chain ${table} ${name}`, ...addRules(table, name, rules)],
    ),
    ...hooked.flatMap(([name, { rules }]) => addRules(table, name, rules)),
    ...entries(have.sets, sets.removed).map(([name, { type }]) => `delete ${type} ${table} ${name}`),
    ...chains.removed.map((name) => `delete chain ${table} ${name}`),
    ...counters.removed.map((counter) => `delete counter ${table} ${counter}`),
  ];
  return { ahead, atOnce, needsSteps: plain.length > 0 };
}

/** Removals first: the kernel refuses a prefix that overlaps one which is there, also where that is about to go. */
function setChanges(name: string, have: FoundSet | undefined, want: NftSet): string[] {
  if (have?.content === undefined)
    return [`flush ${want.type} ${name}`, ...changeElements("add", name, elementsOf(want))];
  if (have.content.kind === "chains" && want.content.kind === "chains") {
    const { added, removed } = mappingChanges(have.content.elements, want.content.elements);
    const mappings = added.map(([address, chain]) => nftMapping(address, want.nameOf(chain)));
    return [...changeElements("delete", name, removed), ...changeElements("add", name, mappings)];
  }
  if (have.content.kind === "chains" || want.content.kind === "chains") return [];
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
