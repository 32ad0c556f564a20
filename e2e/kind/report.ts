// What a person reads while checks run: a line for each with its time, under a failure what was otherwise, events and the agents' words, and
// at the end how many passed.
import type { Check } from "./check.ts";
import type { Kubectl } from "./kubectl.ts";

const recentEvents = 15;
const recentLines = 15;

export class Report {
  readonly #print: (line: string) => void;
  #kubectl: Kubectl | undefined;
  #passed = 0;
  #failed = 0;
  #leftOut = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  title(text: string): void {
    this.#kubectl = undefined;
    this.#print(`\n${text}`);
  }

  say(text: string): void {
    this.#print(`  ${text}`);
  }

  /** Whom to ask for events and logs once something fails. */
  asksAfterFailure(kubectl: Kubectl): void {
    this.#kubectl = kubectl;
  }

  leftOut({ name, needs }: Check): void {
    const why = needs === "machines" ? "nodes are not containers of this Docker" : "nodes were not seen before";
    this.#leftOut += 1;
    this.#print(`  not run           ${name}: ${why}`);
  }

  /** What it gave, or undefined where it failed. */
  async attempt<T>(name: string, run: () => Promise<T>): Promise<T | undefined> {
    const begin = performance.now();
    const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s`;
    try {
      const result = await run();
      this.#passed += 1;
      this.#print(`  passed ${seconds()}  ${name}`);
      return result;
    } catch (error) {
      this.#failed += 1;
      this.#print(`  FAILED ${seconds()}  ${name}`);
      this.#indent(error instanceof Error ? error.message : String(error));
      await this.#tellCircumstances();
      return undefined;
    }
  }

  end(): number {
    const leftOut = this.#leftOut === 0 ? "" : `, ${this.#leftOut} not run`;
    this.#print(`\n${this.#passed} passed, ${this.#failed} failed${leftOut}`);
    return this.#failed === 0 ? 0 : 1;
  }

  #indent(text: string): void {
    for (const line of text.split("\n")) this.#print(`      ${line}`);
  }

  async #tellCircumstances(): Promise<void> {
    const kubectl = this.#kubectl;
    if (kubectl === undefined) return;
    const events = ["get", "events", "--all-namespaces", "--field-selector=type!=Normal", "--sort-by=.lastTimestamp"];
    const logs = [
      "logs",
      "--namespace=kube-system",
      "--selector=app.kubernetes.io/name=hextet",
      "--all-containers",
      "--prefix",
    ];
    await this.#tell("events", recentEvents, () => kubectl.run(...events, "--no-headers"));
    await this.#tell("agents", recentLines, () => kubectl.run(...logs, `--tail=${recentLines}`));
  }

  async #tell(what: string, count: number, ask: () => Promise<string>): Promise<void> {
    const text = await ask().catch((error: unknown) => String(error));
    this.#indent(`${what}:`);
    this.#indent(text.trim().split("\n").slice(-count).join("\n"));
  }
}
