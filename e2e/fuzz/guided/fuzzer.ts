// Fuzzes one target for a while: changes inputs that reached something new, and keeps those that reach something newer. It does not watch
// over an input that never ends; whoever runs it does (supervisor.ts).
import { setImmediate } from "node:timers/promises";
import { Chance } from "../../torture/chance.ts";
import { Corpus } from "./corpus.ts";
import type { Coverage } from "./coverage.ts";
import { byteMutators, type MutationContext, pick } from "./mutation.ts";
import { smallest } from "./smallest.ts";
import { Finding, type Target } from "./target.ts";

export interface FuzzOptions {
  readonly target: Target;
  readonly coverage: Pick<Coverage, "take">;
  readonly seed: number;
  /** Ends after so many executions, or at a time. */
  readonly isOver: (executions: number) => boolean;
  /** Told of each input before it is tried. */
  readonly onInput: (input: Uint8Array) => void;
}

export interface FoundFault {
  readonly what: string;
  /** The shortest that shows the same. */
  readonly input: Uint8Array;
}

export interface FuzzReport {
  readonly executions: number;
  readonly blocks: number;
  readonly inputs: readonly Uint8Array[];
  readonly findings: readonly FoundFault[];
}

/** Asking V8 takes as long as tens of executions. */
const batchSize = 24;
/** Of the batches, those of which every input is looked at alone. */
const closelyShare = 1 / 48;
/** Of processor time, for 64 KiB at most: what takes longer grows faster than its input. */
const slowMs = 2_000;
const mostFindings = 20;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  return await new Fuzzer(options).run();
}

class Fuzzer {
  readonly #options: FuzzOptions;
  readonly #chance: Chance;
  readonly #corpus = new Corpus();
  readonly #findings = new Map<string, FoundFault>();
  readonly #dictionary: readonly Uint8Array[];
  #executions = 0;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#dictionary = options.target.dictionary.map((word) => Buffer.from(word));
  }

  async run(): Promise<FuzzReport> {
    this.#options.coverage.take();
    for (const input of this.#options.target.seeds) await this.#tryAlone(input);
    while (!this.#options.isOver(this.#executions) && this.#findings.size < mostFindings) {
      await this.#tryBatch();
      // What a WeakRef leads to is kept until the event loop turns (AbortSignal.any makes some).
      await setImmediate();
    }
    const findings = [...this.#findings.values()];
    return { executions: this.#executions, blocks: this.#corpus.blocks, inputs: this.#corpus.inputs, findings };
  }

  async #tryBatch(): Promise<void> {
    const inputs = Array.from({ length: batchSize }, () => this.#changed());
    if (this.#options.target.reached !== undefined || this.#chance.happens(closelyShare)) {
      for (const input of inputs) await this.#tryAlone(input);
    } else await this.#tryTogether(inputs);
  }

  /** Where some of them reached something new, each half is tried again. */
  async #tryTogether(inputs: readonly Uint8Array[]): Promise<void> {
    const [first] = inputs;
    if (inputs.length === 1 && first !== undefined) return await this.#tryAlone(first);
    for (const input of inputs) await this.#try(input);
    if (!this.#corpus.hasNewBlock(this.#options.coverage.take())) return;
    const middle = Math.ceil(inputs.length / 2);
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) await this.#tryTogether(half);
  }

  async #tryAlone(input: Uint8Array): Promise<void> {
    await this.#try(input);
    const { coverage, target } = this.#options;
    this.#corpus.offer(input, target.reached?.() ?? coverage.take());
  }

  async #try(input: Uint8Array): Promise<void> {
    this.#executions++;
    const fault = await this.#faultOf(input);
    if (fault === undefined) return;
    const signature = signatureOf(fault);
    if (this.#findings.has(signature)) return;
    const shortest = await smallest(input, async (candidate) => {
      const other = await this.#faultOf(candidate);
      return other !== undefined && signatureOf(other) === signature;
    });
    const last = (await this.#faultOf(shortest)) ?? fault;
    this.#findings.set(signature, { what: last.stack ?? last.message, input: shortest });
  }

  async #faultOf(input: Uint8Array): Promise<Error | undefined> {
    this.#options.onInput(input);
    const before = process.threadCpuUsage();
    try {
      // A copy, so that nothing the target does to it is taken for the input.
      await this.#options.target.run(Uint8Array.from(input));
    } catch (error) {
      return error instanceof Error ? error : new Finding(`Something that is no error was thrown: ${String(error)}`);
    }
    const { user, system } = process.threadCpuUsage(before);
    const ms = Math.round((user + system) / 1000);
    return ms > slowMs ? new Finding(`It took ${ms} ms for ${input.length} bytes`) : undefined;
  }

  /** Mostly one or two changes, now and then many. */
  #changed(): Uint8Array {
    const { mutators = [] } = this.#options.target;
    let input = this.#known();
    const context: MutationContext = {
      chance: this.#chance,
      dictionary: this.#dictionary,
      other: () => this.#known(),
    };
    for (let changes = 1 + this.#chance.below(this.#chance.happens(0.8) ? 2 : 12); changes > 0; changes--) {
      const known = this.#chance.happens(0.7) ? mutators : byteMutators;
      const mutate = pick(this.#chance, known.length === 0 ? byteMutators : known);
      if (mutate !== undefined) input = mutate(input, context);
    }
    return input;
  }

  /** Every second time one of the latest, whose surroundings are known least. */
  #known(): Uint8Array {
    const { inputs } = this.#corpus;
    const latest = this.#chance.happens(0.5) ? inputs.slice(-16) : inputs;
    return pick(this.#chance, latest) ?? new Uint8Array();
  }
}

/** The same kind of error, thrown in the same place. */
function signatureOf({ name, message, stack = "" }: Error): string {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return `${name} ${name === "Finding" ? message.slice(0, 16) : frames.slice(0, 2).join(" ")}`;
}
