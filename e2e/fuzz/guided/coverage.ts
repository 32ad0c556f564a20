// Which blocks of our own sources this thread has run since it was last asked, by V8's precise coverage. V8 lists a block only where
// its count differs from that of the block around it, so blocks seen once are remembered and their counts worked out from then on.
// https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#method-startPreciseCoverage
import { type Profiler, Session } from "node:inspector";

/** A range of a script's text, as `start-end`. */
type Block = readonly [start: number, end: number];

export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #isOurs: (url: string) => boolean;
  /** By function, the blocks that were ever told of. */
  readonly #known = new Map<string, Map<string, Block>>();

  /** Of the scripts whose URL `isOurs` says are to be counted. */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** How often each block ran since the last time, those that did not left out. */
  take(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { url, functions } of this.#scripts()) {
      if (!this.#isOurs(url)) continue;
      for (const { ranges } of functions) this.#count(url, ranges, counts);
    }
    return counts;
  }

  /** How many blocks were told of so far, run or not. */
  get knownBlocks(): number {
    return [...this.#known.values()].reduce((sum, blocks) => sum + blocks.size, 0);
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** A command of this domain is carried out before post() returns. */
  #scripts(): readonly Profiler.ScriptCoverage[] {
    let scripts: readonly Profiler.ScriptCoverage[] | undefined;
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error === null) scripts = coverage.result;
    });
    if (scripts === undefined) throw new Error("V8 does not tell what was covered");
    return scripts;
  }

  /** The first range is the function's own; each further one lies in one before it. */
  #count(url: string, ranges: readonly Profiler.CoverageRange[], counts: Map<string, number>): void {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return;
    const name = `${url}:${whole.startOffset}-${whole.endOffset}`;
    const known = this.#known.get(name) ?? new Map<string, Block>();
    this.#known.set(name, known);
    for (const { startOffset, endOffset } of ranges) known.set(`${startOffset}-${endOffset}`, [startOffset, endOffset]);
    for (const [block, [start, end]] of known) {
      const innermost = ranges.findLast(({ startOffset, endOffset }) => startOffset <= start && end <= endOffset);
      if (innermost !== undefined && innermost.count > 0) counts.set(`${name}:${block}`, innermost.count);
    }
  }
}
