// The packet filter by nft: everything in tables of our own, every change one transaction. What others do in their tables we neither
// see nor touch, and `nft flush ruleset` is found by looking.
import { families, type Stack } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Backend } from "../backend.ts";
import { FirewallError } from "../firewall-error.ts";
import { runProgram } from "../program.ts";
import type { Ruleset } from "../ruleset.ts";
import { printNftChanges } from "./nft-changes.ts";
import { type NftListing, nftAlteration, parseNftListing } from "./nft-listing.ts";
import { type NftTable, nftFamily, nftRemoval, nftTables, printNftTables } from "./nftables.ts";

interface Applied {
  readonly name: string;
  readonly tables: Stack<NftTable>;
  /** As nft prints them, by family; absent until they are read back. */
  readonly rules?: Stack<string>;
}

export class NftBackend implements Backend {
  readonly name = "nftables";
  readonly #kernel: Kernel;
  #applied: Applied = { name: "", tables: {}, rules: {} };

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async install(ruleset: Ruleset): Promise<void> {
    const tables = nftTables(ruleset);
    await this.#run(printNftTables(ruleset.name, tables));
    this.#applied = { name: ruleset.name, tables };
  }

  async change(ruleset: Ruleset): Promise<boolean> {
    const { name, tables: before, rules } = this.#applied;
    const tables = nftTables(ruleset);
    const text = printNftChanges(name, before, tables);
    if (text === "") return false;
    await this.#run(text);
    // Elements alone leave what nft prints of the rules as it is, and a table of thousands of rules takes a while to print.
    const isKnown = rules !== undefined && linesOf(text).every((line) => / element /.test(line));
    this.#applied = { name, tables, ...(isKnown && { rules }) };
    return true;
  }

  async readBack(): Promise<void> {
    await this.#rules();
  }

  async findAlteration(): Promise<string | undefined> {
    const rules = await this.#rules();
    const { name, tables } = this.#applied;
    for (const family of families) {
      const table = tables[family];
      if (table === undefined) continue;
      const found = await this.#list(`${nftFamily[family]} ${name}`, []);
      if (found === undefined) return `table ${table.name} is gone`;
      const alteration = nftAlteration(table, rules[family] ?? "", found);
      if (alteration !== undefined) return alteration;
    }
    return undefined;
  }

  async readCounters(name: string): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>();
    for (const family of families) {
      const found = await this.#list(`${nftFamily[family]} ${name}`, ["-t"]);
      for (const [counter, packets] of found?.packets ?? []) {
        const short = counter.slice(name.length + 1);
        sums.set(short, (sums.get(short) ?? 0) + packets);
      }
    }
    return sums;
  }

  async remove(name: string): Promise<boolean> {
    const listed = await runProgram(this.#kernel, { program: "nft", args: ["-j", "list", "tables"] });
    const ours = families.filter((family) => hasTable(listed, nftFamily[family], name));
    const text = ours.flatMap((family) => nftRemoval(name, family)).map((line) => `${line}\n`);
    if (text.length > 0) await this.#run(text.join(""));
    this.#applied = { name: "", tables: {}, rules: {} };
    return text.length > 0;
  }

  async #rules(): Promise<Stack<string>> {
    const { name, tables, rules: known } = this.#applied;
    if (known !== undefined) return known;
    const v6 = tables.v6 && (await this.#list(tables.v6.name, ["-t"]));
    const v4 = tables.v4 && (await this.#list(tables.v4.name, ["-t"]));
    const rules = { ...(v6 && { v6: v6.rules }), ...(v4 && { v4: v4.rules }) };
    this.#applied = { name, tables, rules };
    return rules;
  }

  async #run(stdin: string): Promise<void> {
    await runProgram(this.#kernel, { program: "nft", args: ["-f", "-"], stdin });
  }

  /** Nothing where there is no such table. */
  async #list(table: string, options: readonly string[]): Promise<NftListing | undefined> {
    try {
      const args = ["-j", ...options, "list", "table", ...table.split(" ")];
      return parseNftListing(await runProgram(this.#kernel, { program: "nft", args }));
    } catch (error) {
      if (error instanceof FirewallError && error.message.includes("No such file or directory") && !error.missing) {
        return undefined;
      }
      throw error;
    }
  }
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function hasTable(listed: string, family: string, name: string): boolean {
  return listed.includes(`"family": "${family}", "name": "${name}"`);
}
