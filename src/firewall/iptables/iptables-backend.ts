// The packet filter by iptables, ip6tables and ipset: own chains and sets among others', every table of a family replaced whole by the
// kernel. Others flush and reload these tables, so each is read before it is written anew, and looked at from time to time.
import { type Family, families, type Stack } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Backend } from "../backend.ts";
import { FirewallError } from "../firewall-error.ts";
import { runProgram } from "../program.ts";
import type { Ruleset } from "../ruleset.ts";
import { compareElements } from "../set-comparison.ts";
import type { IpSet } from "./ipset.ts";
import { type IptablesRules, iptablesRulesOf } from "./iptables.ts";
import { type IptablesChanges, iptablesChanges, noRules } from "./iptables-changes.ts";
import {
  foundRules,
  ownText,
  parseIpSets,
  parseSaved,
  ruleAlteration,
  type Saved,
  savedCounters,
} from "./iptables-listing.ts";

/** Which of the two kernel interfaces: `default` is what the host calls iptables. */
export type IptablesVariant = "default" | "nft" | "legacy";

interface Applied {
  readonly name: string;
  readonly rules: Stack<IptablesRules>;
  /** As the programs print them, by family; absent until they are read back. */
  readonly saved?: Stack<string>;
}

export interface IptablesOptions {
  /** Removal leaves the sets, because the rules of the other variant ask them too. */
  readonly keepSets?: boolean;
}

type Changes = Stack<IptablesChanges>;

export class IptablesBackend implements Backend {
  readonly name: string;
  readonly #kernel: Kernel;
  readonly #variant: IptablesVariant;
  readonly #keepSets: boolean;
  #applied: Applied = { name: "", rules: {}, saved: {} };

  constructor(kernel: Kernel, variant: IptablesVariant, options: IptablesOptions = {}) {
    this.#kernel = kernel;
    this.#variant = variant;
    this.#keepSets = options.keepSets === true;
    this.name = variant === "default" ? "iptables" : `iptables-${variant}`;
  }

  async install(ruleset: Ruleset): Promise<number> {
    const rules = iptablesRulesOf(ruleset);
    await this.#become(ruleset.name, rules);
    this.#applied = { name: ruleset.name, rules };
    return 1;
  }

  async change(ruleset: Ruleset): Promise<number> {
    const { name, rules: before, saved } = this.#applied;
    const rules = iptablesRulesOf(ruleset);
    const changes = forFamilies((family) => iptablesChanges(before[family] ?? noRules, rules[family] ?? noRules));
    await this.#run(changes);
    const isKnown = saved !== undefined && families.every((family) => changes[family]?.rules === "");
    this.#applied = { name, rules, ...(isKnown && { saved }) };
    return families.some((family) => Object.values(changes[family] ?? {}).some((text) => text !== "")) ? 1 : 0;
  }

  async readBack(): Promise<void> {
    await this.#saved();
  }

  async findAlteration(): Promise<string | undefined> {
    const saved = await this.#saved();
    const { name, rules } = this.#applied;
    for (const family of families) {
      const wanted = rules[family];
      if (wanted === undefined) continue;
      const found = await this.#save(family);
      const program = this.#program(family, "");
      const alteration = ruleAlteration(wanted, found);
      if (alteration !== undefined) return `${program}: ${alteration}`;
      if (ownText(found, name) !== saved[family]) return `${program}: rules were changed`;
    }
    return this.#findSetAlteration();
  }

  async readCounters(name: string): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>();
    for (const family of families) {
      if (this.#applied.rules[family] === undefined) continue;
      const text = await runProgram(this.#kernel, { program: this.#program(family, "-save"), args: ["-c"] });
      for (const [counter, packets] of savedCounters(text, name)) sums.set(counter, (sums.get(counter) ?? 0) + packets);
    }
    return sums;
  }

  async remove(name: string): Promise<boolean> {
    const changed = await this.#become(name, {});
    this.#applied = { name: "", rules: {}, saved: {} };
    return changed;
  }

  /** From whatever there is of ours to these rules. True where anything had to be done. */
  async #become(name: string, rules: Stack<IptablesRules>): Promise<boolean> {
    const sets = this.#keepSets ? new Map<string, IpSet>() : await this.#saveSets(name);
    const changesOf = async (family: Family) => {
      const found = await this.#findRules(family, name, rules[family] !== undefined);
      const ofFamily = new Map([...sets].filter(([, set]) => set.family === (family === "v6" ? "inet6" : "inet")));
      return iptablesChanges({ tables: found.tables, sets: ofFamily }, rules[family] ?? noRules, found.strays);
    };
    const changes = { v6: await changesOf("v6"), v4: await changesOf("v4") };
    await this.#run(changes);
    return families.some((family) => Object.values(changes[family]).some((text) => text !== ""));
  }

  async #findRules(family: Family, name: string, wanted: boolean): Promise<ReturnType<typeof foundRules>> {
    try {
      return foundRules(await this.#save(family), name);
    } catch (error) {
      // A kernel without the family has no tables of it, and no rules of ours.
      if (error instanceof FirewallError && !wanted && !error.missing) return foundRules(new Map(), name);
      throw error;
    }
  }

  async #findSetAlteration(): Promise<string | undefined> {
    const { name, rules } = this.#applied;
    const wanted = new Map<string, IpSet>(families.flatMap((family) => [...(rules[family]?.sets ?? [])]));
    const found = await this.#saveSets(name);
    for (const [set, { elements }] of wanted) {
      const held = found.get(set);
      if (held === undefined) return `ipset: set ${set} is gone`;
      const difference = compareElements(elements, [...held.elements]);
      if (difference !== undefined) return `ipset: set ${set} was changed: ${difference}`;
    }
    return undefined;
  }

  /** Sets of both families first, then each family's rules, then what no rule asks any more. */
  async #run(changes: Changes): Promise<void> {
    await this.#ipset(families.map((family) => changes[family]?.setsBefore ?? "").join(""));
    for (const family of families) {
      const stdin = changes[family]?.rules ?? "";
      if (stdin === "") continue;
      // It waits for its lock, which others hold for seconds where they have many rules.
      const args = ["--noflush", "-w", "10"];
      await runProgram(this.#kernel, { program: this.#program(family, "-restore"), args, stdin });
    }
    await this.#ipset(families.map((family) => changes[family]?.setsAfter ?? "").join(""));
  }

  async #ipset(text: string): Promise<void> {
    const lines = text.split("\n").filter((line) => line !== "");
    const elements = lines.filter((line) => !line.startsWith("destroy "));
    if (elements.length > 0) {
      await runProgram(this.#kernel, {
        program: "ipset",
        args: ["-exist", "restore"],
        stdin: `${elements.join("\n")}\n`,
      });
    }
    await this.#destroy(lines.filter((line) => line.startsWith("destroy ")));
  }

  /**
   * All at once; the kernel lets go of a set a moment after the last rule that asked it, so the one that is refused is tried again.
   * A set that stays in use is asked by somebody else's rule, and remains until that rule has gone.
   */
  async #destroy(lines: readonly string[]): Promise<void> {
    for (let rest = lines; rest.length > 0; ) {
      try {
        const stdin = `${rest.join("\n")}\n`;
        return void (await runProgram(this.#kernel, { program: "ipset", args: ["restore"], stdin }, []));
      } catch (error) {
        if (!(error instanceof FirewallError && error.passing && error.line !== undefined)) throw error;
        const [refused = "", ...others] = rest.slice(error.line - 1);
        await this.#destroyOne(refused);
        rest = others;
      }
    }
  }

  async #destroyOne(line: string): Promise<void> {
    try {
      await runProgram(this.#kernel, { program: "ipset", args: line.split(" ") });
    } catch (error) {
      if (!(error instanceof FirewallError && error.passing)) throw error;
    }
  }

  async #saved(): Promise<Stack<string>> {
    const { name, rules, saved: known } = this.#applied;
    if (known !== undefined) return known;
    const saved: { v4?: string; v6?: string } = {};
    for (const family of families) {
      if (rules[family] !== undefined) saved[family] = ownText(await this.#save(family), name);
    }
    this.#applied = { name, rules, saved };
    return saved;
  }

  async #save(family: Family): Promise<Saved> {
    return parseSaved(await runProgram(this.#kernel, { program: this.#program(family, "-save"), args: [] }));
  }

  async #saveSets(name: string): Promise<ReadonlyMap<string, IpSet>> {
    return parseIpSets(await runProgram(this.#kernel, { program: "ipset", args: ["save"] }), name);
  }

  #program(family: Family, end: "" | "-save" | "-restore"): string {
    const variant = this.#variant === "default" ? "" : `-${this.#variant}`;
    return `${family === "v6" ? "ip6tables" : "iptables"}${variant}${end}`;
  }
}

function forFamilies(changesOf: (family: Family) => IptablesChanges): Changes {
  return { v6: changesOf("v6"), v4: changesOf("v4") };
}
