// The experiments by name. A new one is a file beside this and a line here.
import { crashEverywhere } from "./crash.ts";
import type { Experiment } from "./experiment.ts";

export const experiments: readonly Experiment[] = [
  { name: "crash", about: "kills executable and agent at every system call of ADD and DEL", run: crashEverywhere },
];
