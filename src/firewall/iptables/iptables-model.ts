// What iptables-restore, ipset and the kernel make of our input, as far as we use it: for tests. Like the kernel it refuses to destroy a
// set that a rule asks, to delete a chain that is named or not empty, and to name what is not there.

const builtIn = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

type Table = Map<string, string[]>;

/** One family; its sets as well. */
export class IptablesModel {
  readonly #tables = new Map<string, Table>();
  readonly #sets = new Map<string, { readonly type: string; readonly elements: Set<string> }>();

  /** `iptables-restore --noflush`: each table takes its part whole. */
  restore(text: string): this {
    let name = "";
    let table: Table = new Map();
    for (const line of linesOf(text)) {
      if (line.startsWith("*")) {
        name = line.slice(1);
        table = structuredClone(this.#tables.get(name)) ?? new Map(builtIn.map((chain) => [chain, []]));
      } else if (line === "COMMIT") {
        this.#requireConsistent(table);
        this.#tables.set(name, table);
      } else restoreLine(table, line);
    }
    return this;
  }

  /** `ipset restore -exist` */
  ipset(text: string): this {
    for (const line of linesOf(text)) {
      const [action, name = "", element = ""] = line.split(" ");
      const set = this.#sets.get(name);
      if (action === "create") this.#sets.set(name, { type: line, elements: set?.elements ?? new Set() });
      else if (action === "add") (set ?? refuse(line)).elements.add(element);
      else if (action === "del") (set ?? refuse(line)).elements.delete(element);
      else {
        must(action === "destroy", line);
        must(!this.#rules().some((rule) => rule.includes(` ${name} `)), `${name} is in use`);
        must(this.#sets.delete(name), line);
      }
    }
    return this;
  }

  elements(set: string): ReadonlySet<string> | undefined {
    return this.#sets.get(set)?.elements;
  }

  /** Everything, in an order that does not depend on how it came about; but the order of rules. */
  show(): unknown {
    const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const inUse = sorted(this.#tables).filter(
      ([, table]) => [...table.values()].flat().length > 0 || table.size > builtIn.length,
    );
    return {
      tables: inUse.map(([name, table]) => [name, sorted(table)]),
      sets: sorted(this.#sets).map(([name, { type, elements }]) => [name, type, [...elements].toSorted()]),
    };
  }

  #rules(): string[] {
    return [...this.#tables.values()].flatMap((table) => [...table.values()].flat());
  }

  #requireConsistent(table: Table): void {
    for (const rule of [...table.values()].flat()) {
      for (const [, set = ""] of rule.matchAll(/--match-set (\S+)/g)) must(this.#sets.has(set), rule);
      for (const [, chain = ""] of rule.matchAll(/-[jg] (HEXTET-\S+)/g)) must(table.has(chain), rule);
    }
  }
}

function restoreLine(table: Table, line: string): void {
  const [, declared] = /^:(\S+) - \[0:0\]$/.exec(line) ?? [];
  if (declared !== undefined) return void table.set(declared, []);
  const [, action, name = "", rest = ""] = /^-([ADIX]) (\S+)(?: (.*))?$/.exec(line) ?? refuse(line);
  const rules = table.get(name) ?? refuse(line);
  if (action === "A") rules.push(rest);
  else if (action === "I") rules.unshift(rest.replace(/^1 /, ""));
  else if (action === "D") {
    must(rules.includes(rest), line);
    rules.splice(rules.indexOf(rest), 1);
  } else {
    must(rules.length === 0, line);
    table.delete(name);
  }
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function must(fact: boolean, what: string): void {
  if (!fact) refuse(what);
}

function refuse(what: string): never {
  throw new Error(`The kernel would refuse: ${what}`);
}
