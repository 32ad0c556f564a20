// What can happen to the lease database and to the disk below it, while pods run: each is put in with an agent that has the database open
// and without one. Pods keep what they have, DEL works, ADD works or says why, nothing is given twice, and all is well when the
// cause is gone.
import type { Families } from "../agent/agent-node.ts";
import { addressesOf } from "../conformance/node.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import { Boot } from "./boot.ts";
import { Disk } from "./disk.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

interface Ground {
  readonly subject: Subject;
  readonly disk: Disk;
  readonly boot: Boot;
  readonly seed: number;
}

interface Fault {
  readonly fault: string;
  readonly how: string;
  readonly make: (ground: Ground) => void;
  readonly mend?: (ground: Ground) => void;
  /** What ADD says while it lasts; absent where it works. */
  readonly refusal?: RegExp;
  /** DEL takes the pod's network away and says that its lease could not be released; it is repeated when the fault is gone. */
  readonly delRefusal?: RegExp;
  /** The pods end with it. */
  readonly endsPods?: true;
  /** The latest changes are gone, an end of leases among them; GC finds it. */
  readonly takesBack?: true;
  /** The kernel makes no file system read-only that somebody writes to, so there is no agent. */
  readonly withoutAgent?: true;
  /** What was ever given cannot be known any more. */
  readonly forgets?: true;
}

const tenYearsMs = 10 * 365 * 86_400_000;

const faults: readonly Fault[] = [
  { fault: "database deleted", how: "rm leases.db*", make: ({ disk }) => disk.remove("", "-wal", "-shm") },
  { fault: "its log deleted", how: "rm leases.db-wal", make: ({ disk }) => disk.remove("-wal") },
  { fault: "its index deleted", how: "rm leases.db-shm", make: ({ disk }) => disk.remove("-shm") },
  { fault: "the whole directory emptied", how: "rm -r", make: ({ disk }) => disk.removeAll() },
  { fault: "database truncated to nothing", how: "truncate", make: ({ disk }) => disk.truncate(0) },
  { fault: "database truncated to a half", how: "truncate", make: ({ disk }) => disk.truncate(0.5) },
  { fault: "database filled with noise", how: "pseudo-random bytes", make: ({ disk, seed }) => disk.noise(0, seed) },
  {
    fault: "the second half noise",
    how: "pseudo-random bytes",
    make: ({ disk, seed }) => disk.noise(0.5, seed),
    takesBack: true,
  },
  { fault: "another file in its place", how: "text", make: ({ disk }) => disk.replaceByText() },
  {
    fault: "file system read-only",
    how: "mount -o remount,ro",
    make: ({ disk }) => disk.readOnly(true),
    mend: ({ disk }) => disk.readOnly(false),
    withoutAgent: true,
    refusal: /cannot be written.*Mount its file system writable/,
    delRefusal: /cannot be written.*Mount its file system writable/,
  },
  {
    fault: "disk full",
    how: "a tmpfs filled to the last byte",
    make: ({ disk }) => disk.fill(),
    mend: ({ disk }) => disk.empty(),
    refusal: /the disk is full.*Make room/,
  },
  {
    fault: "out of inodes",
    how: "a tmpfs filled with files",
    make: ({ disk }) => disk.useUpInodes(),
    mend: ({ disk }) => disk.empty(),
  },
  { fault: "clock set back by ten years", how: "all times of the database ten years later", make: setClockBack },
  { fault: "boot id changed, pods run on", how: "a file mounted over boot_id", make: ({ boot }) => boot.change() },
  { fault: "reboot, database kept", how: "links deleted, another boot id", make: reboot, endsPods: true },
  {
    fault: "reboot, database lost",
    how: "the same, and rm leases.db*",
    make: (ground) => {
      reboot(ground);
      ground.disk.remove("", "-wal", "-shm");
    },
    endsPods: true,
    forgets: true,
  },
  {
    fault: "reboot, half of the database",
    how: "the same, and truncate",
    make: (ground) => {
      reboot(ground);
      ground.disk.remove("-wal", "-shm");
      ground.disk.truncate(0.5);
    },
    endsPods: true,
    forgets: true,
  },
];

function setClockBack({ disk }: Ground): void {
  disk.setClockBack(tenYearsMs);
}

function reboot({ boot, subject }: Ground): void {
  boot.reboot(subject);
}

export async function* database(settings: Settings): AsyncGenerator<Row> {
  for (const families of settings.families) {
    for (const [at, fault] of faults.entries()) {
      // Each column its third of them.
      if (settings.short && at % 3 !== ["v4", "v6", "dual"].indexOf(families)) continue;
      const ledger = new Ledger({ fault: fault.fault, how: fault.how, columns: families });
      const both = settings.short ? [at % 2 === 0] : [true, false];
      for (const withAgent of fault.withoutAgent ? [false] : both) {
        await new Trial({ ledger, fault, families, withAgent, settings }).run();
      }
      yield ledger.row;
    }
  }
}

interface TrialOptions {
  readonly ledger: Ledger;
  readonly fault: Fault;
  readonly families: Families;
  readonly withAgent: boolean;
  readonly settings: Settings;
}

class Trial {
  readonly #options: TrialOptions;
  readonly #everGiven = new Set<string>();

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { families, withAgent, settings, fault, ledger } = this.#options;
    await using subject = new Subject({ families, build: settings.build, config: "firewall: { policies: false }" });
    using disk = new Disk(subject.node.dataDirectory);
    using boot = new Boot();
    if (withAgent) await subject.served.start();
    const pods = Array.from({ length: 6 }, () => subject.container(subject.node.pod()));
    for (const container of pods) await this.#add(subject, container);
    const [gone, ...running] = pods;
    if (gone !== undefined) await subject.node.runtime.del(subject.list, gone);
    const ground = { subject, disk, boot, seed: settings.seed };
    const before = pathsOf(subject);
    fault.make(ground);
    ledger.fault();
    await this.#suffer(ground, running, before);
    const left = fault.endsPods ? [] : running.slice(1);
    if (fault.takesBack) await subject.bareGc(...left);
    await subject.audit(ledger, this.#what("at the end"), ...left);
    for (const container of running) await subject.node.runtime.del(subject.list, container);
    await subject.audit(ledger, this.#what("after all DELs"));
  }

  #what(when: string): string {
    return `${when}, ${this.#options.withAgent ? "with" : "without"} an agent`;
  }

  async #suffer(ground: Ground, running: readonly Container[], before: string): Promise<void> {
    const { fault, ledger } = this.#options;
    const { subject } = ground;
    const [ended] = running;
    const late = subject.container(subject.node.pod());
    await this.#expectRefused("add", fault.refusal, () => this.#add(subject, late));
    if (fault.refusal === undefined) await subject.node.runtime.del(subject.list, late);
    if (!fault.endsPods && pathsOf(subject) !== before)
      ledger.lost(this.#what("the routes of running pods have changed"));
    if (ended === undefined) return;
    const del = () => subject.node.runtime.del(subject.list, ended);
    await this.#expectRefused("del", fault.delRefusal, del);
    fault.mend?.(ground);
    // An agent may have in its memory what is damaged on the disk; others have not, and mend it for both.
    const another = subject.container(subject.node.pod());
    await ledger.recover(() => subject.alone().add(subject.list, another));
    await subject.node.runtime.del(subject.list, another);
    await ledger.recover(del);
    await ledger.recover(() => this.#add(subject, late));
    await subject.expectWhole(ledger, this.#what("an ADD afterwards"), late);
    await subject.node.runtime.del(subject.list, late);
  }

  /** It works, or fails for this reason. */
  async #expectRefused(verb: string, refusal: RegExp | undefined, call: () => Promise<unknown>): Promise<void> {
    const { ledger } = this.#options;
    try {
      await call();
      if (refusal !== undefined) ledger.lost(this.#what(`${verb} was not refused`));
    } catch (error) {
      if (!(error instanceof PluginFailure)) throw error;
      if (refusal?.test(`${error.msg}: ${error.details}`) !== true) ledger.lost(this.#what(error.message));
    }
  }

  async #add(subject: Subject, container: Container): Promise<void> {
    const { ledger, fault } = this.#options;
    const given = addressesOf(await subject.node.runtime.add(subject.list, container));
    for (const address of given.filter((each) => each.includes(":"))) {
      if (this.#everGiven.has(address) && !fault.forgets) ledger.lost(this.#what(`${address} was given before`));
      this.#everGiven.add(address);
    }
  }
}

/** How the node leads to its pods. */
function pathsOf({ node }: Subject): string {
  const routes = ["-4", "-6"].map((family) => node.host.run("ip", family, "route", "show", "proto", "72"));
  return routes
    .join("")
    .split("\n")
    .filter((line) => line.includes("dev hx"))
    .toSorted()
    .join("\n");
}
