// Remembers what sysctls were before Hextet changed them, in a file that is on the disk before the change is made, and puts
// them back. A record is of one boot: the next one begins with the kernel's own values again, so an older record has nothing
// to restore.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { move } from "../install/durable.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import { codeOf } from "../kernel/system-error.ts";
import { isGone } from "../netlink/kernel-error.ts";

/** One sysctl that was changed. */
export interface Changed {
  readonly name: string;
  /** The first value seen in this boot: later ones may be our own. */
  readonly before: string;
  /** What was last set by us. */
  readonly set: string;
}

export interface Restored {
  readonly name: string;
  readonly before: string;
  /** `kept`: somebody else has set it since; `gone`: its link is. */
  readonly outcome: "restored" | "kept" | "gone";
}

const FILE = "sysctls.json";

const schema = v.object({
  boot: v.string(),
  changed: v.array(v.object({ name: v.string(), before: v.string(), set: v.string() })),
});

export class SysctlRecord {
  /** What was wrong with the file that was there, and where it is now. */
  readonly fault: string | undefined;
  readonly #path: string;
  readonly #boot: string;
  #changed: readonly Changed[];

  /** Reads the record in this directory. One that cannot be understood is set aside, never overwritten. */
  static open(directory: string, sysctl: Sysctl): SysctlRecord {
    const path = join(directory, FILE);
    const boot = sysctl.get("kernel/random/boot_id");
    try {
      const record = readRecord(path);
      return new SysctlRecord(path, boot, { changed: record?.boot === boot ? record.changed : [] });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      move(path, `${path}.unreadable`);
      const fault =
        `Cannot read ${path}: ${error.message}; it is set aside as ${path}.unreadable, and the sysctls it tells of ` +
        "will stay as they are: look in there for their earlier values";
      return new SysctlRecord(path, boot, { changed: [], fault });
    }
  }

  private constructor(path: string, boot: string, read: { changed: readonly Changed[]; fault?: string }) {
    this.#path = path;
    this.#boot = boot;
    this.#changed = read.changed;
    this.fault = read.fault;
  }

  /** In the order in which they were changed first. */
  get changed(): readonly Changed[] {
    return this.#changed;
  }

  find(name: string): Changed | undefined {
    return this.#changed.find((change) => change.name === name);
  }

  /** Is on the disk when this returns. */
  remember(name: string, before: string, set: string): void {
    const known = this.find(name);
    if (known?.set === set) return;
    const rest = this.#changed.map((change) => (change === known ? { ...known, set } : change));
    this.#write(known === undefined ? [...rest, { name, before, set }] : rest);
  }

  /** Remembers what it was, then sets it. */
  set(sysctl: Sysctl, name: string, value: string): void {
    this.remember(name, sysctl.get(name), value);
    sysctl.set(name, value);
  }

  /**
   * Puts everything back, the last change first, and deletes the record. What is not as we set it belongs to somebody else by
   * now. If one cannot be set the rest is tried all the same; what is left stays recorded and the failure is thrown.
   */
  restore(sysctl: Sysctl): readonly Restored[] {
    const outcomes = this.#changed.toReversed().map((change) => ({ change, outcome: outcomeOf(sysctl, change) }));
    const failures: unknown[] = [];
    const left = new Set<Changed>();
    for (const { change, outcome } of outcomes) {
      try {
        if (outcome === "restored") sysctl.set(change.name, change.before);
      } catch (error) {
        failures.push(error);
        left.add(change);
      }
    }
    if (left.size > 0) this.#write(this.#changed.filter((change) => left.has(change)));
    else this.#delete();
    if (failures.length > 0) throw failures[0];
    return outcomes.map(({ change: { name, before }, outcome }) => ({ name, before, outcome }));
  }

  #write(changed: readonly Changed[]): void {
    try {
      replaceFile(this.#path, `${JSON.stringify({ boot: this.#boot, changed }, undefined, 2)}\n`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot record sysctls in ${this.#path}, and so change none: ${why}`, { cause: error });
    }
    this.#changed = changed;
  }

  #delete(): void {
    rmSync(this.#path, { force: true });
    this.#changed = [];
  }
}

function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // It may be left from an agent that was killed; "wx" then keeps from following a link somebody put there.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  move(temporary, path);
}

function readRecord(path: string): v.InferOutput<typeof schema> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const result = v.safeParse(schema, JSON.parse(text));
  if (!result.success) throw new SyntaxError(result.issues[0].message);
  return result.output;
}

function outcomeOf(sysctl: Sysctl, { name, set }: Changed): Restored["outcome"] {
  try {
    return sysctl.get(name) === set ? "restored" : "kept";
  } catch (error) {
    if (isGone(error)) return "gone";
    throw error;
  }
}
