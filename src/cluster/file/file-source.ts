// The cluster source of hosts without Kubernetes: a YAML file, or a directory of them, read again whenever it changes. A view is
// replaced as a whole or not at all; a file that cannot be used leaves the last good view in place and is told of once.
import type { ConfigError } from "../../config/config-error.ts";
import { oneError } from "../../config/parse.ts";
import type { Log } from "../../log/log.ts";
import { Loop, type LoopClock, systemClock } from "../../reconcile/loop.ts";
import type { ClusterSource, ClusterView } from "../view.ts";
import { ClusterReader } from "./cluster-reader.ts";
import { DirectoryWatches, type WatchDirectory, watchDirectory } from "./directory-watches.ts";
import { keptView } from "./kept-view.ts";
import { directoriesOf, type Origin, readOrigin, sameOrigin } from "./origin.ts";

export interface FileSourceOptions {
  /** A YAML file, or a directory whose *.yaml are read as one. */
  readonly path: string;
  readonly log: Log;
  readonly clock?: LoopClock;
  readonly watch?: WatchDirectory;
}

/**
 * A text must be the same for this long before it is used: an editor that writes in place shows half a file for a moment, and half a
 * list of nodes is as good a list as a whole one.
 */
const settleMs = 100;
/** Without a watch this is how long a change waits to be seen; with one it finds what no event told of. Reading costs microseconds. */
const pollMs = 5_000;
/** More are not read by anybody; the rest shows itself when these are put right. */
const maxFaultsTold = 10;

export class FileSource implements ClusterSource {
  readonly #path: string;
  readonly #log: Log;
  readonly #clock: LoopClock;
  readonly #watches: DirectoryWatches;
  readonly #loop: Loop;
  readonly #reader = new ClusterReader();
  readonly #firstPass = Promise.withResolvers<void>();
  #onChange: () => void = () => {};
  #origin: Origin | undefined;
  #view: ClusterView | undefined;
  #fault: string | undefined;
  #remarks: readonly string[] = [];
  #isWatching = true;

  constructor(options: FileSourceOptions) {
    this.#path = options.path;
    this.#log = options.log.with({ clusterFile: options.path });
    this.#clock = options.clock ?? systemClock;
    this.#watches = new DirectoryWatches(options.watch ?? watchDirectory, () => this.#loop.lookAgain());
    this.#loop = new Loop({
      pass: (signal) => this.#look(signal).finally(() => this.#firstPass.resolve()),
      onFailure: (error) => this.#log.error("Cannot look at the cluster file", { error }),
      clock: this.#clock,
      resyncMs: pollMs,
    });
  }

  get view(): ClusterView | undefined {
    return this.#view;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  /** Resolves after the first reading, whether or not it gave a view. */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    this.#loop.start();
    await this.#firstPass.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop.stop();
    this.#watches[Symbol.dispose]();
  }

  async #look(signal: AbortSignal): Promise<void> {
    // Watching comes before reading, so that no change falls between the two.
    this.#tellOfWatching(await this.#watches.set(await directoriesOf(this.#path)));
    const origin = await readOrigin(this.#path);
    if (this.#origin !== undefined && sameOrigin(origin, this.#origin)) return;
    await this.#clock.sleep(settleMs, signal);
    if (signal.aborted) return;
    if (sameOrigin(origin, await readOrigin(this.#path))) this.#take(origin);
    else this.#loop.lookAgain();
  }

  #take(origin: Origin): void {
    this.#origin = origin;
    const reading = origin.fault === undefined ? this.#reader.read(origin.texts) : undefined;
    const viewChanged = reading?.view !== undefined && this.#takeView(reading.view, reading.remarks);
    const faultChanged = this.#takeFault(origin.fault ?? list(reading?.faults ?? []));
    if (viewChanged || faultChanged) this.#onChange();
  }

  #takeView(view: ClusterView, remarks: readonly string[]): boolean {
    const known = new Set(this.#remarks);
    for (const remark of remarks.filter((text) => !known.has(text))) {
      this.#log.warning("The cluster file is usable, but not complete", { remark });
    }
    this.#remarks = remarks;
    // A comment added is no change; the readers of a view keep the one they have.
    const kept = keptView(this.#view, view);
    if (kept === this.#view) return false;
    this.#view = kept;
    const { nodes, policies } = kept;
    const counts = policies && { pods: policies.pods.size, policies: policies.policies.size };
    this.#log.info("The cluster file was read", { nodes: nodes.length, ...counts });
    return true;
  }

  #takeFault(reason: string | undefined): boolean {
    const meanwhile = this.#view === undefined ? "no other node is known" : "the last good reading stays in use";
    const fault = reason === undefined ? undefined : `${reason}; until then ${meanwhile}`;
    if (fault === this.#fault) return false;
    if (fault === undefined) this.#log.info("The cluster file is usable again");
    else this.#log.error("The cluster file cannot be used", { fault });
    this.#fault = fault;
    return true;
  }

  #tellOfWatching(failure: Error | undefined): void {
    if (this.#isWatching === (failure === undefined)) return;
    this.#isWatching = failure === undefined;
    if (failure === undefined) return this.#log.info("The cluster file is watched again");
    this.#log.warning("Cannot watch the cluster file, so it is read from time to time", {
      everySeconds: pollMs / 1000,
      reason: failure.message,
      ...(isExhausted(failure) && { fix: "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches" }),
    });
  }
}

function list(faults: readonly ConfigError[]): string | undefined {
  if (faults.length === 0) return undefined;
  const rest = faults.length > maxFaultsTold ? `; and ${faults.length - maxFaultsTold} more` : "";
  return `${oneError(faults.slice(0, maxFaultsTold)).message}${rest}`;
}

function isExhausted(failure: Error): boolean {
  return "code" in failure && (failure.code === "EMFILE" || failure.code === "ENOSPC");
}
