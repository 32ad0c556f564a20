// What a lab is inside of: one process in namespaces of its own, below which everything else of the lab is. It ends when whoever
// started it ends, until it is told to stay; and with it the kernel ends all that is in it. Nothing of the host changes.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hold } from "./holder.ts";
import type { Place } from "./namespaces.ts";
import { end, isRunning, type ProcessId } from "./process-id.ts";
import { LabError } from "./requirements.ts";

const script = join(import.meta.dirname, "enclosure.sh");
const namespaces = ["--mount", "--net", "--uts", "--pid", "--fork", "--kill-child"];
const userNamespace = ["--user", "--map-root-user"];

export interface EnclosureId {
  readonly process: ProcessId;
  readonly rootless: boolean;
}

export class Enclosure implements AsyncDisposable {
  readonly id: EnclosureId;
  readonly #child: ChildProcess | undefined;

  private constructor(id: EnclosureId, child?: ChildProcess) {
    this.id = id;
    this.#child = child;
  }

  /** As root if the caller is, else in a user namespace. */
  static async start(): Promise<Enclosure> {
    const attempts = process.getuid?.() === 0 ? [[], userNamespace] : [userNamespace];
    const complaints: string[] = [];
    for (const user of attempts) {
      try {
        // Detached: an interrupt at the terminal is for the one who started it, who then lets go of it.
        const { process, child } = await hold(["unshare", ...user, ...namespaces, "sh", script], { detached: true });
        return new Enclosure({ process, rootless: user.length > 0 }, child);
      } catch (error) {
        complaints.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new LabError(`Cannot make namespaces: ${complaints.join("; ")}: ${remedy()}`);
  }

  /** One that another process started, and told to stay. */
  static join(id: EnclosureId): Enclosure {
    return new Enclosure(id);
  }

  /** From now on it outlives the caller. */
  async stay(): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin) await new Promise<void>((resolve) => stdin.end("stay\n", resolve));
    this.#child?.unref();
  }

  get isRunning(): boolean {
    return isRunning(this.id.process);
  }

  /** Its process and network namespaces and its files. */
  get place(): Place {
    return { pid: this.id.process.pid, kinds: ["mount", "net", "pid"], rootless: this.id.rootless };
  }

  /** Its network namespace, with the caller's files and process numbers. */
  get wires(): Place {
    return { ...this.place, kinds: ["net"] };
  }

  /** Where a file of the lab's own directory, /run/lab, is seen from here. */
  path(...parts: readonly string[]): string {
    return join(`/proc/${this.id.process.pid}/root/run/lab`, ...parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.id.process);
    const child = this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child : undefined;
    child?.ref();
    if (child !== undefined) await once(child, "exit");
  }
}

/** Settings by which distributions and administrators take user namespaces away, with the value that gives them back. */
const settings = [
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
  ["user/max_user_namespaces", "0", "10000"],
] as const;

function remedy(): string {
  const changes = settings.flatMap(([path, closed, open]) => {
    return valueOf(path) === closed ? [`sysctl ${path.replaceAll("/", ".")}=${open}`] : [];
  });
  const withRights =
    process.getuid?.() === 0 ? "give this root CAP_SYS_ADMIN, as a privileged container has it" : "run it as root";
  if (changes.length === 0) return withRights;
  return `${withRights}, or let users make namespaces: ${changes.join("; ")}`;
}

function valueOf(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
