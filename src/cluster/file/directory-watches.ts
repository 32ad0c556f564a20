// Watches directories for any change of their entries. Directories, not files: a file that is replaced by renaming, and the
// symbolic links of a mounted ConfigMap, change only there. It says "look again" and never what has changed.
import { watch } from "node:fs";
import { stat } from "node:fs/promises";

/** Starts watching one directory; throws where it cannot. */
export type WatchDirectory = (directory: string, onEvent: () => void, onError: (error: Error) => void) => Disposable;

export const watchDirectory: WatchDirectory = (directory, onEvent, onError) => {
  const watcher = watch(directory, { persistent: false }, onEvent);
  watcher.on("error", onError);
  return { [Symbol.dispose]: () => watcher.close() };
};

interface Watch {
  /** Which directory it is, whatever its name leads to by now. */
  readonly identity: string;
  readonly handle: Disposable;
}

export class DirectoryWatches implements Disposable {
  readonly #watch: WatchDirectory;
  readonly #onEvent: () => void;
  readonly #watches = new Map<string, Watch>();

  constructor(watch: WatchDirectory, onEvent: () => void) {
    this.#watch = watch;
    this.#onEvent = onEvent;
  }

  /** Watches these directories from now on and no others; gives the reason where one cannot be watched. */
  async set(directories: readonly string[]): Promise<Error | undefined> {
    for (const directory of this.#watches.keys()) if (!directories.includes(directory)) this.#drop(directory);
    let failure: Error | undefined;
    for (const directory of directories) failure = (await this.#ensure(directory)) ?? failure;
    return failure;
  }

  [Symbol.dispose](): void {
    for (const directory of this.#watches.keys()) this.#drop(directory);
  }

  async #ensure(directory: string): Promise<Error | undefined> {
    // What is not there cannot be watched, and whoever reads it finds that out too.
    const identity = await identityOf(directory).catch(() => undefined);
    if (identity !== undefined && this.#watches.get(directory)?.identity === identity) return undefined;
    this.#drop(directory);
    if (identity === undefined) return undefined;
    try {
      const handle = this.#watch(directory, this.#onEvent, () => this.#drop(directory));
      this.#watches.set(directory, { identity, handle });
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return "code" in error && error.code === "ENOENT" ? undefined : error;
    }
  }

  #drop(directory: string): void {
    this.#watches.get(directory)?.handle[Symbol.dispose]();
    this.#watches.delete(directory);
  }
}

/** With the time of birth, because a file system gives the number of a removed directory to the next one. */
async function identityOf(directory: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(directory, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}
