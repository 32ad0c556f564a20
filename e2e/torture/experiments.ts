// The experiments by name. A new one is a file beside this and a line here.
import { crashEverywhere } from "./crash.ts";
import { database } from "./database.ts";
import type { Experiment } from "./experiment.ts";
import { storm } from "./storm.ts";

export const experiments: readonly Experiment[] = [
  { name: "crash", about: "kills executable and agent at every system call of ADD and DEL", run: crashEverywhere },
  { name: "storm", about: "kills calls and agents at random under 16 runtimes", run: storm },
  { name: "database", about: "loses, damages, fills and reboots what lies below the leases", run: database },
];
