// What nft and the kernel make of our commands, as far as we use them: for tests. Like the kernel it refuses to delete what is named
// somewhere, to name what is not there, and prefixes that overlap. It also refuses what the kernel takes and what lets packets through that
// are on their way: an element that leads to a chain which had no rules yet when the transaction began.
import { Prefix } from "../../ip/prefix.ts";

interface ModelSet {
  readonly definition: string;
  readonly elements: Map<string, string>;
}

interface ModelTable {
  readonly counters: Set<string>;
  readonly sets: Map<string, ModelSet>;
  readonly chains: Map<string, { readonly hook: string; rules: string[] }>;
}

export class NftModel {
  readonly #tables = new Map<string, ModelTable>();
  /** To which chains a map's new elements may lead; absent for maps that no packet met before the transaction. */
  readonly #ready = new Map<ModelSet, ReadonlySet<string>>();

  /** One transaction. */
  run(text: string): this {
    this.#ready.clear();
    for (const { sets, chains } of this.#tables.values()) {
      for (const set of sets.values()) this.#ready.set(set, new Set(chains.keys()));
    }
    for (const line of text.split("\n").filter((each) => each !== "")) this.#command(line);
    for (const table of this.#tables.values()) requireConsistent(table);
    return this;
  }

  /** Everything, in an order that does not depend on how it came about. */
  show(): unknown {
    const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return sorted(this.#tables).map(([name, { counters, sets, chains }]) => ({
      name,
      counters: [...counters].toSorted(),
      sets: sorted(sets).map(([set, { definition, elements }]) => [set, definition, sorted(elements)]),
      chains: sorted(chains),
    }));
  }

  #command(line: string): void {
    const [, action = "", object = "", family, name, target = "", rest = ""] =
      /^(add|delete|flush) (\w+) (\w+) (\S+)(?: (\S+)(?: (.*))?)?$/.exec(line) ?? refuse(line);
    const key = `${family} ${name}`;
    if (object === "table") return action === "add" ? this.#addTable(key) : this.#deleteTable(key);
    const table = this.#tables.get(key) ?? refuse(`no table for ${line}`);
    const inBraces = rest.replace(/^\{ (.*) \}$/, "$1");
    switch (`${action} ${object}`) {
      case "add counter":
        return addNew(line, table.counters, () => table.counters.add(target));
      case "add set":
      case "add map":
        return addNew(line, table.sets, () => table.sets.set(target, { definition: inBraces, elements: new Map() }));
      case "add chain":
        return addNew(line, table.chains, () => table.chains.set(target, { hook: inBraces, rules: [] }));
      case "add element":
        return this.#addElements(table.sets.get(target) ?? refuse(line), inBraces);
      case "delete element":
        return deleteElements(table.sets.get(target) ?? refuse(line), inBraces);
      case "add rule":
        requireNamed(table, rest);
        return void (table.chains.get(target) ?? refuse(line)).rules.push(rest);
      case "flush set":
      case "flush map":
        return (table.sets.get(target) ?? refuse(line)).elements.clear();
      case "flush chain":
        (table.chains.get(target) ?? refuse(line)).rules = [];
        return;
      case "delete chain":
        must(table.chains.get(target)?.rules.length === 0, line);
        return remove(line, table.chains, target);
      case "delete set":
      case "delete map":
        return remove(line, table.sets, target);
      case "delete counter":
        return remove(line, table.counters, target);
      default:
        refuse(line);
    }
  }

  #addElements(set: ModelSet, list: string): void {
    const ready = this.#ready.get(set);
    for (const [, chain = ""] of list.matchAll(/: jump ([^\s,]+)/g)) must(ready?.has(chain) ?? true, `${chain} is new`);
    addElements(set, list);
  }

  #addTable(key: string): void {
    if (!this.#tables.has(key)) this.#tables.set(key, { counters: new Set(), sets: new Map(), chains: new Map() });
  }

  #deleteTable(key: string): void {
    must(this.#tables.delete(key), key);
  }
}

function addNew(line: string, { size }: { readonly size: number }, add: () => { readonly size: number }): void {
  must(add().size === size + 1, line);
}

function remove(line: string, from: { delete(name: string): boolean }, name: string): void {
  must(from.delete(name), line);
}

function addElements(set: ModelSet, list: string): void {
  for (const element of list.split(", ")) {
    const [key = "", value = ""] = element.split(" : ");
    must(!set.elements.has(key), element);
    if (set.definition.includes("interval")) {
      const prefix = Prefix.parse(key);
      for (const other of set.elements.keys()) must(!prefix.overlaps(Prefix.parse(other)), `${key} ${other}`);
    }
    set.elements.set(key, value);
  }
}

function deleteElements(set: ModelSet, list: string): void {
  for (const element of list.split(", ")) remove(element, set.elements, element);
}

function requireNamed(table: ModelTable, rule: string): void {
  for (const [, set = ""] of rule.matchAll(/@(\S+)/g)) must(table.sets.has(set), rule);
  for (const [, chain = ""] of rule.matchAll(/(?:jump|goto) (\S+)/g)) must(table.chains.has(chain), rule);
  for (const [, counter = ""] of rule.matchAll(/counter name (\S+)/g)) must(table.counters.has(counter), rule);
}

/** Nothing that is named may have been deleted. */
function requireConsistent(table: ModelTable): void {
  for (const { rules } of table.chains.values()) for (const rule of rules) requireNamed(table, rule);
  for (const { elements } of table.sets.values()) {
    for (const target of elements.values()) requireNamed(table, target);
  }
}

function must(fact: boolean, what: string): void {
  if (!fact) refuse(what);
}

function refuse(what: string): never {
  throw new Error(`The kernel would refuse: ${what}`);
}
