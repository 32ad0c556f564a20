// Drives timed-jobs.c: hands it runs, reads what each one cost.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Job {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Cost {
  readonly name: string;
  readonly code: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly residentKib: number;
  readonly contextSwitches: number;
}

export interface Batch {
  readonly command: readonly string[];
  readonly stdin: string;
  readonly jobs: readonly Job[];
  readonly workers: number;
  /** Path of the network namespace to run in; else the caller's. */
  readonly namespace?: string;
}

export class TimedJobs {
  readonly #directory: string;
  readonly #program: string;

  /** The program, and a directory for what jobs read and write. */
  constructor(program: string, directory: string) {
    this.#directory = directory;
    this.#program = program;
  }

  /** Runs all jobs and gives their costs; a run that failed is an error with what it said. */
  async run(batch: Batch): Promise<Cost[]> {
    const input = join(this.#directory, "stdin");
    const outputs = join(this.#directory, "stdout");
    await mkdir(outputs, { recursive: true });
    await writeFile(input, batch.stdin);
    const lines = batch.jobs.map((job) => [
      job.name,
      ...Object.entries(job.env).map(([key, value]) => `${key}=${value}`),
    ]);
    const enter = batch.namespace === undefined ? [] : ["nsenter", `--net=${batch.namespace}`];
    const timed = [this.#program, String(batch.workers), input, outputs, ...batch.command];
    const [program = "", ...args] = [...enter, ...timed];
    const run = spawnSync(program, args, {
      input: lines.map((line) => `${line.join(" ")}\n`).join(""),
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    if (run.status !== 0) throw new Error(`timed-jobs failed: ${run.stderr || run.error?.message}`);
    const costs = run.stdout.trim().split("\n").map(parseCost);
    const failed = costs.find((cost) => cost.code !== 0);
    if (failed) {
      const said = execFileSync("cat", [join(outputs, failed.name)], { encoding: "utf8" });
      throw new Error(`${batch.command.join(" ")} ended with ${failed.code} for ${failed.name}: ${said}${run.stderr}`);
    }
    return costs;
  }
}

function parseCost(line: string): Cost {
  const [name = "", ...rest] = line.split(" ");
  const [code = 0, started = 0, ended = 0, user = 0, system = 0, residentKib = 0, voluntary = 0, involuntary = 0] =
    rest.map(Number);
  return {
    name,
    code,
    startedMs: started / 1e6,
    endedMs: ended / 1e6,
    wallMs: (ended - started) / 1e6,
    cpuMs: (user + system) / 1e3,
    residentKib,
    contextSwitches: voluntary + involuntary,
  };
}
