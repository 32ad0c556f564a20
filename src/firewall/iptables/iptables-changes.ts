// Prints what makes one family's iptables and ipset rules into others. The kernel takes each table of iptables whole, but sets one element
// after the other: so elements come before the rules, and go after them, and each set holds at every moment what it held before,
// what it is to hold, or both; those that rules ask only in the negative get theirs last and lose them first (docs/decisions/two-firewall-backends.md).
import { elementChanges, type NameChanges, nameChanges, sameLines } from "../changes.ts";
import { addElements, createSet, deleteElements, type IpSet } from "./ipset.ts";
import {
  appendRules,
  declareChain,
  type IptablesRules,
  type IptablesTable,
  insertJump,
  iptablesTables,
  placeOf,
  restoreText,
  type TableRules,
} from "./iptables.ts";

/** To be done in this order; an empty text is nothing to do. */
export interface IptablesChanges {
  /** For `ipset restore -exist`. */
  readonly setsBefore: string;
  /** For iptables-restore or ip6tables-restore, with --noflush. */
  readonly rules: string;
  /** For `ipset restore -exist`. */
  readonly setsAfter: string;
}

const emptyTable: TableRules = { chains: new Map(), jumps: new Map() };
export const noRules: IptablesRules = {
  tables: { raw: emptyTable, filter: emptyTable, nat: emptyTable },
  sets: new Map(),
};

/** Rules to be deleted, by table: `FORWARD -j HEXTET-FORWARD`. */
export type Strays = Readonly<Record<IptablesTable, readonly string[]>>;
const noStrays: Strays = { raw: [], filter: [], nat: [] };

export function iptablesChanges(
  before: IptablesRules,
  after: IptablesRules,
  strays: Strays = noStrays,
): IptablesChanges {
  const tables = iptablesTables.map((table) => {
    const deletions = strays[table].map((stray) => `-D ${stray}`);
    return restoreText(table, tableLines(before.tables[table], after.tables[table], deletions));
  });
  return { ...setChanges(before.sets, after.sets), rules: tables.join("") };
}

type Sets = ReadonlyMap<string, IpSet>;

function setChanges(before: Sets, after: Sets): Omit<IptablesChanges, "rules"> {
  const sets = nameChanges(before, after);
  const changed = [...sets.added, ...sets.kept].map((name) => {
    const want = after.get(name);
    return {
      name,
      isNegative: want?.isNegative === true,
      ...elementChanges(before.get(name)?.elements ?? new Set(), want?.elements ?? new Set()),
    };
  });
  const created = sets.added.flatMap((name) => {
    const set = after.get(name);
    return set === undefined ? [] : [createSet(name, set)];
  });
  const { usual = [], negative = [] } = Object.groupBy(changed, ({ isNegative }) =>
    isNegative ? "negative" : "usual",
  );
  const added = (those: typeof changed) => those.flatMap(({ name, added }) => addElements(name, added));
  const removed = (those: typeof changed) => those.flatMap(({ name, removed }) => deleteElements(name, removed));
  return {
    setsBefore: text([...created, ...removed(negative), ...added(usual)]),
    setsAfter: text([...added(negative), ...removed(usual), ...sets.removed.map((name) => `destroy ${name}`)]),
  };
}

function tableLines(before: TableRules, after: TableRules, deletions: readonly string[]): string[] {
  const chains = nameChanges(before.chains, after.chains);
  const jumps = jumpChanges(before, after);
  const changed = [...chains.added, ...chains.kept].flatMap((chain) => {
    const [have, want = []] = [before.chains.get(chain), after.chains.get(chain)];
    return have !== undefined && sameLines(have, want) ? [] : [{ chain, rules: want }];
  });
  return [
    ...[...changed.map(({ chain }) => chain), ...chains.removed].map(declareChain),
    ...deletions,
    ...jumps.removed.map((builtIn) => `-D ${placeOf(builtIn).builtIn} -j ${before.jumps.get(builtIn)}`),
    ...changed.flatMap(({ chain, rules }) => appendRules(chain, rules)),
    ...jumps.added.map((builtIn) => insertJump(builtIn, after.jumps.get(builtIn) ?? "")),
    ...chains.removed.map((chain) => `-X ${chain}`),
  ];
}

/** A jump that leads to another chain than before is removed and added. */
function jumpChanges(before: TableRules, after: TableRules): Omit<NameChanges, "kept"> {
  const { added, kept, removed } = nameChanges(before.jumps, after.jumps);
  const moved = kept.filter((builtIn) => before.jumps.get(builtIn) !== after.jumps.get(builtIn));
  return { added: [...added, ...moved], removed: [...removed, ...moved] };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
