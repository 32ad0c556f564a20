// The packet filter by nft: everything in tables of our own, every change one transaction, or two where something new has to be there
// first. What others do in their tables we neither see nor touch, and `nft flush ruleset` is found by looking.
import { families, type Stack } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Backend } from "../backend.ts";
import { FirewallError } from "../firewall-error.ts";
import { runProgram } from "../program.ts";
import type { Ruleset } from "../ruleset.ts";
import { printNftChanges } from "./nft-changes.ts";
import { type FoundTable, parseFoundTable } from "./nft-found.ts";
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

  /** In place, because a table that is taken away and made anew lets a packet through that is on its way at that moment. */
  async install(ruleset: Ruleset): Promise<number> {
    const tables = nftTables(ruleset);
    const { name } = ruleset;
    const steps = printNftChanges(name, await this.#found(name), tables);
    const transactions = await this.#runAll(steps).catch((error: unknown) => {
      if (!(error instanceof FirewallError) || error.missing) throw error;
      // Somebody put something into our table with which it cannot become what it should be.
      return this.#runAll([printNftTables(name, tables)]);
    });
    this.#applied = { name, tables };
    return transactions;
  }

  async change(ruleset: Ruleset): Promise<number> {
    const { tables: before, rules } = this.#applied;
    const { name } = ruleset;
    const tables = nftTables(ruleset);
    const steps = printNftChanges(name, before, tables);
    if (steps.length === 0) return 0;
    const transactions = await this.#runAll(steps);
    // Elements alone leave what nft prints of the rules as it is, and a table of thousands of rules takes a while to print.
    const isKnown = rules !== undefined && steps.flatMap(linesOf).every((line) => / element /.test(line));
    this.#applied = { name, tables, ...(isKnown && { rules }) };
    return transactions;
  }

  async readBack(): Promise<void> {
    await this.#rules();
  }

  async findAlteration(): Promise<string | undefined> {
    const rules = await this.#rules();
    const { tables } = this.#applied;
    for (const family of families) {
      const table = tables[family];
      if (table === undefined) continue;
      const found = await this.#list(table.name, []);
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
    if (text.length > 0) await this.#runAll([text.join("")]);
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

  /** How many there were. */
  async #runAll(transactions: readonly string[]): Promise<number> {
    for (const stdin of transactions) await runProgram(this.#kernel, { program: "nft", args: ["-f", "-"], stdin });
    return transactions.length;
  }

  async #found(name: string): Promise<Stack<FoundTable>> {
    const v6 = await this.#print(`${nftFamily.v6} ${name}`, ["-t"]);
    const v4 = await this.#print(`${nftFamily.v4} ${name}`, ["-t"]);
    return { ...(v6 && { v6: parseFoundTable(v6) }), ...(v4 && { v4: parseFoundTable(v4) }) };
  }

  async #list(table: string, options: readonly string[]): Promise<NftListing | undefined> {
    const text = await this.#print(table, options);
    return text === undefined ? undefined : parseNftListing(text);
  }

  /** Nothing where there is no such table. */
  async #print(table: string, options: readonly string[]): Promise<string | undefined> {
    try {
      const args = ["-j", ...options, "list", "table", ...table.split(" ")];
      return await runProgram(this.#kernel, { program: "nft", args });
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
