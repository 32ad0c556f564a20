// What a person reads while checks run: a line for each with its time, under a failure what was otherwise, events and the agents' words, and
// at the end how many passed.
import * as v from "valibot";
import type { Check } from "./check.ts";
import type { Kubectl } from "./kubectl.ts";
import { Ended } from "./program.ts";

const mostLines = 15;
const eventSchema = v.object({
  involvedObject: v.object({ kind: v.string(), name: v.string() }),
  reason: v.nullish(v.string(), ""),
  message: v.nullish(v.string(), ""),
  lastTimestamp: v.nullish(v.string()),
});

const lacks = {
  machines: "nodes are not containers of this Docker",
  before: "nodes were not seen before",
  otherImage: "nodes have no image of another build",
} as const;

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
    this.#leftOut += 1;
    this.#print(`  not run           ${name}: ${needs === undefined ? "" : lacks[needs]}`);
  }

  /** What it gave, or undefined where it failed. That these tests were told to end is no failure, and ends all that is to follow. */
  async attempt<T>(name: string, run: () => Promise<T>): Promise<T | undefined> {
    const begin = performance.now();
    const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s`;
    try {
      const result = await run();
      this.#passed += 1;
      this.#print(`  passed ${seconds()}  ${name}`);
      return result;
    } catch (error) {
      if (error instanceof Ended) throw error;
      this.#failed += 1;
      this.#print(`  FAILED ${seconds()}  ${name}`);
      this.#indent(error instanceof Error ? error.message : String(error));
      await this.#tellCircumstances(new Date(Date.now() - (performance.now() - begin)));
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

  /** Events that are not as usual, and what agents complain of, from the time of the check. */
  async #tellCircumstances(since: Date): Promise<void> {
    const kubectl = this.#kubectl;
    if (kubectl === undefined) return;
    const agents = [
      "--namespace=kube-system",
      "--selector=app.kubernetes.io/name=hextet",
      "--container=agent",
      "--prefix",
    ];
    await this.#tell("events", async () => {
      const events = await kubectl.get(eventSchema, "events", "--all-namespaces", "--field-selector=type!=Normal");
      const recent = events.filter(({ lastTimestamp }) => lastTimestamp != null && new Date(lastTimestamp) >= since);
      return recent.map(
        ({ involvedObject: { kind, name }, reason, message }) => `${kind} ${name}: ${reason}: ${message}`,
      );
    });
    await this.#tell("agents", async () => {
      const text = await kubectl.run("logs", ...agents, `--since-time=${since.toISOString()}`);
      return text.split("\n").filter((line) => line !== "" && !line.includes('"level":"info"'));
    });
  }

  async #tell(what: string, ask: () => Promise<readonly string[]>): Promise<void> {
    const lines = await ask().catch((error: unknown) => [String(error)]);
    if (lines.length > 0) this.#indent([`${what}:`, ...lines.slice(-mostLines)].join("\n"));
  }
}
