// What is on a disk when its power goes: all that was synced, and of the rest whatever the disk came to, sector by sector. Names of files
// change in order and at once, as on a file system with a journal; what was written to them is theirs only when it was synced.
import type { Event } from "./recording.ts";

/** Which of the writes that were not synced are there: all, none, or by chance, torn at sectors. */
export type Survival = "all" | "none" | ((share: number) => boolean);

type Change = Extract<Event, { do: "write" | "truncate" }>;

interface File {
  synced: Uint8Array;
  pending: Change[];
}

const sector = 512;

export class Platter {
  readonly #files = new Map<string, File>();

  take(event: Event): void {
    switch (event.do) {
      case "say":
        return;
      case "create":
        if (!this.#files.has(event.file)) this.#files.set(event.file, { synced: new Uint8Array(), pending: [] });
        return;
      case "write":
      case "truncate":
        this.#fileNamed(event.file).pending.push(event);
        return;
      case "sync":
        return this.#sync(event.file);
      case "unlink":
        this.#files.delete(event.file);
        return;
      case "rename":
        this.#files.set(event.to, this.#fileNamed(event.file));
        this.#files.delete(event.file);
    }
  }

  /** Every file with what is in it if the power goes now. */
  after(survival: Survival): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#files].map(([name, file]) => [name, contentOf(file, survival)]));
  }

  #sync(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.synced = contentOf(file, "all");
    file.pending = [];
  }

  #fileNamed(name: string): File {
    const file = this.#files.get(name) ?? { synced: new Uint8Array(), pending: [] };
    this.#files.set(name, file);
    return file;
  }
}

/** What was synced with what survives of the rest, in the order in which it was written. */
function contentOf({ synced, pending }: File, survival: Survival): Uint8Array {
  if (survival === "none" || pending.length === 0) return synced;
  const survives = survival === "all" ? () => true : () => survival(0.5);
  const most = Math.max(
    synced.length,
    ...pending.map((one) => (one.do === "write" ? one.at + one.bytes.length : one.size)),
  );
  const content = new Uint8Array(most);
  content.set(synced);
  let size = synced.length;
  for (const change of pending) {
    if (change.do === "write") size = Math.max(size, write(content, change, survives));
    else if (survives()) {
      content.fill(0, Math.min(size, change.size));
      size = change.size;
    }
  }
  return content.subarray(0, size);
}

/** Gives the end of what was written; the file is as long as that whether or not its last sectors survive. */
function write(content: Uint8Array, { at, bytes }: Extract<Event, { do: "write" }>, survives: () => boolean): number {
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + sector - ((at + from) % sector));
    if (survives()) content.set(bytes.subarray(from, to), at + from);
    from = to;
  }
  return at + bytes.length;
}
