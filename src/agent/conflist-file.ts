// The file by which the container runtime finds Hextet. It is complete or absent at every moment, survives a power cut, and is
// written only when its text changes, because runtimes reload their networks at every write. Runtimes take the first file of
// the directory by name (libcni, ConfFiles), so files of others that come before ours are faults.
import { lstat, mkdir, readdir, readFile, rm, unlink } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import { replaceFile, syncDirectory } from "../install/replaced-file.ts";
import { codeOf, wordsOf } from "../kernel/system-error.ts";
import type { CniNetwork } from "./config.ts";

export type ConflistPlace = Pick<CniNetwork, "directory" | "fileName">;

/** What runtimes read as a network configuration. */
const readByRuntimes: ReadonlySet<string> = new Set([".conf", ".conflist", ".json"]);
/** No configuration comes near it; a file beyond is not one. */
const maxBytes = 1024 * 1024;

export async function writeConflist(place: ConflistPlace, text: string): Promise<"written" | "unchanged"> {
  const path = pathOf(place);
  if ((await textOf(path)) === text) return "unchanged";
  try {
    // A host that never had a network plugin may lack the directory.
    await mkdir(place.directory, { recursive: true });
    // For root alone: nobody else runs plugins, or has business with the file (CIS Kubernetes Benchmark, 1.1.9).
    await replaceFile(path, temporaryOf(path), text);
  } catch (error) {
    throw fault(`Cannot write ${path}`, error);
  }
  return "written";
}

export async function isConflistThere(place: ConflistPlace): Promise<boolean> {
  return (await textOf(pathOf(place))) !== undefined;
}

export async function removeConflist(place: ConflistPlace): Promise<"removed" | "absent"> {
  const path = pathOf(place);
  try {
    await rm(temporaryOf(path), { force: true });
    await unlink(path);
    await syncDirectory(place.directory);
    return "removed";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "absent";
    throw fault(`Cannot remove ${path}`, error);
  }
}

/** Files that take pods away from Hextet or only seem to be its own, one sentence with the fix for each. */
export async function conflistFaults(place: ConflistPlace, network: string): Promise<readonly string[]> {
  const names = await namesIn(place.directory);
  const others = names.filter((name) => name !== place.fileName && readByRuntimes.has(extname(name)));
  const faults = others.toSorted(byteOrder).map(async (name) => {
    const path = join(place.directory, name);
    if (isOfNetwork(await textOf(path), network)) {
      return `${path} is a configuration of the network ${network} that nobody keeps up to date: remove it`;
    }
    if (byteOrder(name, place.fileName) > 0) return undefined;
    const why = `${path} comes before ${place.fileName}, so the container runtime uses it and not Hextet`;
    return `${why}: remove it and the plugin it belongs to, or give cni.fileName a name that comes first`;
  });
  return (await Promise.all(faults)).filter((each) => each !== undefined);
}

/** Runtimes pass it over: to them its ending is `.new`. */
function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.new`);
}

function pathOf({ directory, fileName }: ConflistPlace): string {
  return join(directory, fileName);
}

/** Absent where there is no file of this name that could be read; a link counts as none, to be replaced. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() && stats.size <= maxBytes ? await readFile(path, "utf8") : undefined;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** A directory that is missing or cannot be read holds nothing for the runtime either; writing into it says why. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return [];
  }
}

function isOfNetwork(text: string | undefined, network: string): boolean {
  try {
    const config: unknown = JSON.parse(text ?? "null");
    return typeof config === "object" && config !== null && Reflect.get(config, "name") === network;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** As Go's sort.Strings has it. */
function byteOrder(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

const fixes: Readonly<Record<string, string>> = {
  EACCES: "run the agent as root, and let it write there",
  EPERM: "run the agent as root, and let it write there",
  EROFS: "mount it writable for the agent",
  ENOSPC: "free space on its disk",
  EDQUOT: "free space on its disk",
  EISDIR: "remove the directory of that name",
  ENOTDIR: "a part of the path is a file: name another directory",
  EEXIST: "a part of the path is a file: name another directory",
};

function fault(what: string, error: unknown): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return error;
  const fix = fixes[code] ?? "name another directory";
  return new ConfigError("cni.directory", `${what}: ${wordsOf(error)}: ${fix}`, { cause: error });
}
