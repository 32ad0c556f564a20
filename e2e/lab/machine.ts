// A machine of the lab while it runs: a process in mount, network, process and host name namespaces of its own, inside the lab's
// enclosure. machine.sh lays out its directories; here it is started, entered, given files and programs, and switched off.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunOptions, RunResult } from "../../src/kernel/kernel.ts";
import type { Enclosure } from "./enclosure.ts";
import { hold } from "./holder.ts";
import { machineCommands, outerName, portCommands, portSysctls, ruleCommands, sysctls } from "./instructions.ts";
import { attempt, entering, environment, ipBatch, type Place, run } from "./namespaces.ts";
import { end, type ProcessId } from "./process-id.ts";
import type { Machine } from "./topology.ts";

const script = join(import.meta.dirname, "machine.sh");

/** Directories that are a machine's own, and where the enclosure keeps them; they outlive a restart, as a disk does. */
const disk = { "/etc/hextet": "config", "/etc/cni/net.d": "net.d", "/var/lib/hextet": "data" } as const;

export interface MachineId {
  readonly process: ProcessId;
}

/** A program that was left running in a machine. */
export interface Program {
  /** Of its log. */
  readonly name: string;
  /** As the machine numbers it. */
  readonly pid: number;
}

export class RunningMachine {
  readonly plan: Machine;
  readonly id: MachineId;
  readonly #enclosure: Enclosure;

  constructor(plan: Machine, id: MachineId, enclosure: Enclosure) {
    this.plan = plan;
    this.id = id;
    this.#enclosure = enclosure;
  }

  /** Switches it on; without a network yet. */
  static async start(plan: Machine, enclosure: Enclosure): Promise<RunningMachine> {
    const settings = Object.entries(sysctls(plan)).map(([path, value]) => `${path}=${value}`);
    const inner = 'unshare --mount --net --uts --pid --fork sh "$@" &';
    const command = [...entering(enclosure.place), "sh", "-c", inner, "sh", script, plan.name, ...settings];
    try {
      const { process } = await hold(command);
      return new RunningMachine(plan, { process }, enclosure);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot make machine ${plan.name}: ${why}`, { cause: error });
    }
  }

  get name(): string {
    return this.plan.name;
  }

  get place(): Place {
    const { process, rootless } = { ...this.id, rootless: this.#enclosure.id.rootless };
    return { pid: process.pid, kinds: ["mount", "uts", "net", "pid"], rootless };
  }

  /** Gives it its ports, each wired to its link, then addresses and routes. */
  async connect(): Promise<void> {
    await ipBatch(this.#enclosure.wires, portCommands(this.plan, this.id.process.pid));
    const settings = Object.entries(portSysctls(this.plan)).map(([path, value]) => `echo ${value} > /proc/sys/${path}`);
    await this.run("sh", "-e", "-c", settings.join("\n"));
    await ipBatch(this.place, machineCommands(this.plan));
    for (const command of ruleCommands(this.plan)) await this.run(...command);
  }

  /** Ends everything that runs on it, at once and without a word, as a power cut does. */
  async switchOff(): Promise<void> {
    // The kernel would take the wires back too, but some time later.
    const outer = this.plan.ports.map((port) => `link delete dev ${outerName(this.plan, port)}`);
    await ipBatch(this.#enclosure.wires, outer);
    await end(this.id.process);
  }

  run(...command: readonly string[]): Promise<string> {
    return run(this.place, command);
  }

  attempt(command: readonly string[], options?: RunOptions): Promise<RunResult> {
    return attempt(this.place, command, options);
  }

  /** Starts a program and leaves it running, its output in a log. */
  async start(name: string, command: readonly string[]): Promise<Program> {
    const log = openSync(this.#log(name), "a");
    const inner = 'setsid "$@" 3>&- </dev/null & echo $! >&3';
    const [program = "nsenter", ...args] = [...entering(this.place), "sh", "-c", inner, "sh", ...command];
    const child = spawn(program, args, { env: environment(), stdio: ["ignore", log, log, "pipe"] });
    closeSync(log);
    let pid = "";
    child.stdio[3]?.on("data", (chunk) => (pid += String(chunk)));
    await once(child, "close");
    if (!/^\d+\n$/.test(pid)) throw new Error(`Cannot start ${name} on ${this.name}: ${this.log(name).trim()}`);
    return { name, pid: Number(pid) };
  }

  hasProgram({ pid }: Program): boolean {
    return existsSync(this.#seen(`/proc/${pid}`));
  }

  /** Sends a signal; that it ended is for the caller to see. */
  async signal({ pid }: Program, signal: "TERM" | "KILL" | "HUP"): Promise<void> {
    await this.run("sh", "-c", `kill -${signal} ${pid}`);
  }

  /** What a program has printed up to now. */
  log(name: string): string {
    return existsSync(this.#log(name)) ? readFileSync(this.#log(name), "utf8") : "";
  }

  /** Writes a file into one of the machine's own directories. */
  write(path: string, text: string): void {
    const seen = this.path(path);
    mkdirSync(dirname(seen), { recursive: true });
    writeFileSync(seen, text);
  }

  /** Where a path below one of the machine's own directories is seen from here, also while it is switched off. */
  path(inside: string): string {
    const found = Object.entries(disk).find(
      ([directory]) => inside === directory || inside.startsWith(`${directory}/`),
    );
    if (found === undefined)
      throw new Error(`${inside} is not a machine's own: it has ${Object.keys(disk).join(", ")}`);
    const [directory, kept] = found;
    return this.#enclosure.path("machines", this.name, kept, inside.slice(directory.length));
  }

  /** For the runtime, which looks for plugins as the machine sees them. */
  get root(): string {
    return `/proc/${this.id.process.pid}/root`;
  }

  #seen(inside: string): string {
    return join(this.root, inside);
  }

  #log(name: string): string {
    return this.#enclosure.path("log", `${this.name}-${name}`);
  }
}
