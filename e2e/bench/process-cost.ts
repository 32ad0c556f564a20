// What a process that lives on has used so far, all of its threads together, as /proc has it (man 5 proc). A difference of two
// readings is what happened in between; threads that ended in between are not in it.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

export interface ProcessCost {
  /** Time on a processor; from schedstat, which counts nanoseconds where stat counts hundredths of a second. */
  readonly cpuMs: number;
  readonly contextSwitches: number;
}

export interface ProcessMemory {
  /** Resident, with what is shared with other processes. */
  readonly rssMib: number;
  /** Of that, what is the process's own: the rest is the program's file, which the kernel can drop and which it maps in larger
   * or smaller pieces, depending on how the file came into its cache. */
  readonly ownMib: number;
  /** The highest it has been. */
  readonly peakMib: number;
  /** Resident, what is shared counted by its share. */
  readonly pssMib: number;
}

export function costOf(pid: number): ProcessCost {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
  const nanoseconds = threads.map((path) => Number(readThread(`${path}/schedstat`).split(" ")[0]));
  const switches = threads.map((path) => {
    const status = readThread(`${path}/status`);
    return fieldOf(status, "voluntary_ctxt_switches") + fieldOf(status, "nonvoluntary_ctxt_switches");
  });
  return { cpuMs: sum(nanoseconds) / 1e6, contextSwitches: sum(switches) };
}

/** Reads until the process has done nothing for a while, so that work put off until after an answer is counted too. */
export async function costAtRest(pid: number): Promise<ProcessCost> {
  let before = costOf(pid);
  for (let attempt = 0; attempt < 50; attempt++) {
    await wait(20);
    const now = costOf(pid);
    if (now.cpuMs - before.cpuMs < 0.2) return now;
    before = now;
  }
  return before;
}

export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return {
    rssMib: fieldOf(status, "VmRSS") / 1024,
    ownMib: fieldOf(status, "RssAnon") / 1024,
    peakMib: fieldOf(status, "VmHWM") / 1024,
    pssMib: fieldOf(rollup, "Pss") / 1024,
  };
}

/** What was used between two readings. */
export function difference(later: ProcessCost, earlier: ProcessCost): ProcessCost {
  return {
    cpuMs: later.cpuMs - earlier.cpuMs,
    contextSwitches: later.contextSwitches - earlier.contextSwitches,
  };
}

/** The number after `Name:`; NaN where there is none. */
export function fieldOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1]);
}

/** A thread may end while the directory is read. */
function readThread(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) {
      return "0\nvoluntary_ctxt_switches: 0\nnonvoluntary_ctxt_switches: 0\n";
    }
    throw error;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
