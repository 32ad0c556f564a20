// What a running lab is known by to the commands that come after: one file in a runtime directory of the host, the only thing a lab
// keeps outside of its enclosure. Its processes are named with the moment of their start, so that a lab that was killed is seen as gone.
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { EnclosureId } from "./enclosure.ts";
import type { LabId } from "./lab.ts";
import { end, identify, isRunning, type ProcessId } from "./process-id.ts";
import { LabError } from "./requirements.ts";
import { familySets, wirings } from "./topology.ts";

const processSchema = v.object({ pid: v.number(), startTime: v.string() });
const enclosureSchema = v.object({ process: processSchema, rootless: v.boolean() });
const labSchema = v.object({
  options: v.object({
    wiring: v.picklist(wirings),
    nodes: v.number(),
    families: v.picklist(familySets),
    underlay: v.exactOptional(v.picklist(familySets)),
    routedBy: v.exactOptional(v.picklist(["nodes", "fabric"])),
    podsPerNode: v.number(),
    program: v.exactOptional(v.array(v.string())),
    agentConfiguration: v.exactOptional(v.string()),
    build: v.exactOptional(v.string()),
  }),
  enclosure: enclosureSchema,
  machines: v.record(v.string(), v.object({ process: processSchema })),
  programs: v.record(v.string(), v.object({ name: v.string(), pid: v.number() })),
  pods: v.array(
    v.object({ name: v.string(), node: v.string(), containerId: v.string(), addresses: v.array(v.string()) }),
  ),
});
const stateSchema = v.variant("phase", [
  v.object({ phase: v.literal("starting"), owner: processSchema, enclosure: v.exactOptional(enclosureSchema) }),
  v.object({ phase: v.literal("up"), since: v.string(), lab: labSchema }),
]);
export type State = v.InferOutput<typeof stateSchema>;

export class StateFile {
  readonly directory: string;

  constructor(directory = defaultDirectory()) {
    this.directory = directory;
  }

  get path(): string {
    return join(this.directory, "lab.json");
  }

  /** Absent where no lab was made, or the last one was taken down; with what has ended since it was written. */
  read(): State | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
    const { success, output } = v.safeParse(stateSchema, parseOrUndefined(text));
    if (success) return output;
    throw new LabError(
      `Cannot read ${this.path}: another version of the lab wrote it: take that lab down with it, or remove the file`,
    );
  }

  /** Says that a lab is being made; refuses where one is up, or being made. */
  claim(): void {
    const state = this.read();
    if (state !== undefined && isAlive(state)) throw new LabError(describeTaken(state));
    if (state !== undefined) this.forget();
    const owner = identify(process.pid);
    if (owner === undefined) throw new Error(`Cannot find process ${process.pid} in /proc`);
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    writeFileSync(this.path, JSON.stringify({ phase: "starting", owner } satisfies State), { flag: "wx", mode: 0o600 });
  }

  /** Says inside of what the lab is being made. */
  enclosed(enclosure: EnclosureId): void {
    const state = this.read();
    if (state?.phase === "starting") this.#write({ ...state, enclosure });
  }

  up({ options, pods, ...lab }: LabId, since: string): void {
    // As the schema has it, plain text and numbers in arrays of their own.
    const { program, ...rest } = options;
    const plain = { ...rest, ...(program === undefined ? {} : { program: [...program] }) };
    const copies = pods.map((pod) => ({ ...pod, addresses: [...pod.addresses] }));
    this.#write({ phase: "up", since, lab: { ...lab, options: plain, pods: copies } });
  }

  /** Ends the lab it tells of, whatever state that is in, and forgets it. */
  async clear(): Promise<"ended" | "was gone" | "absent"> {
    const state = this.read();
    if (state === undefined) return "absent";
    const wasAlive = isAlive(state);
    for (const each of processesOf(state)) await end(each);
    this.forget();
    return wasAlive ? "ended" : "was gone";
  }

  #write(state: State): void {
    const temporary = `${this.path}.new`;
    writeFileSync(temporary, JSON.stringify(state, undefined, 2), { mode: 0o600 });
    renameSync(temporary, this.path);
  }

  /** Forgets a lab that has ended. */
  forget(): void {
    rmSync(this.path, { force: true });
    rmSync(`${this.path}.new`, { force: true });
    try {
      rmdirSync(this.directory);
    } catch {
      // Somebody else has files there.
    }
  }
}

/** Where the system takes it away at the latest when the user, or the machine, is gone. */
export function defaultDirectory(): string {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return "/run/hextet-lab";
  const own = process.env["XDG_RUNTIME_DIR"];
  return own === undefined ? join(tmpdir(), `hextet-lab-${uid}`) : join(own, "hextet-lab");
}

export function isAlive(state: State): boolean {
  return processesOf(state).some(isRunning);
}

/** Who makes it comes first: what it has made ends with it. */
function processesOf(state: State): readonly ProcessId[] {
  if (state.phase === "up") return [state.lab.enclosure.process];
  return [state.owner, ...(state.enclosure === undefined ? [] : [state.enclosure.process])];
}

function describeTaken(state: State): string {
  if (state.phase === "starting") {
    return `A lab is being made by process ${state.owner.pid}: wait for it, or end it with the command down`;
  }
  const { wiring, nodes } = state.lab.options;
  const what = `A lab is up since ${state.since}, ${nodes === 1 ? "1 node" : `${nodes} nodes`}, topology ${wiring}`;
  return `${what}: use it, or take it down first, with the command down`;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
