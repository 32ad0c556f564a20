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
    const contents = [...this.#files].map(([name, { synced, pending }]) => {
      return [name, pending.reduce((content, change) => applied(content, change, survival), synced)] as const;
    });
    return new Map(contents);
  }

  #sync(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.synced = file.pending.reduce((content, change) => applied(content, change, "all"), file.synced);
    file.pending = [];
  }

  #fileNamed(name: string): File {
    const file = this.#files.get(name) ?? { synced: new Uint8Array(), pending: [] };
    this.#files.set(name, file);
    return file;
  }
}

function applied(content: Uint8Array, change: Change, survival: Survival): Uint8Array {
  if (survival === "none") return content;
  if (change.do === "truncate") {
    if (survival !== "all" && !survival(0.5)) return content;
    return resized(content, change.size);
  }
  const { at, bytes } = change;
  const result = resized(content, Math.max(content.length, at + bytes.length));
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + sector - ((at + from) % sector));
    if (survival === "all" || survival(0.5)) result.set(bytes.subarray(from, to), at + from);
    from = to;
  }
  return result;
}

function resized(content: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size);
  result.set(content.subarray(0, size));
  return result;
}
