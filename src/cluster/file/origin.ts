// The files a cluster view is read from: one YAML file, or all of a directory. It reads them as they are at one moment and says in
// one sentence why it cannot; what they mean is decided in cluster-files.ts.
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf } from "../../kernel/system-error.ts";
import type { ClusterText } from "./cluster-files.ts";

/** The texts, or why they cannot be read. */
export interface Origin {
  readonly texts: readonly ClusterText[];
  readonly fault?: string;
}

/** Thirty times what 5,000 nodes take; a device or a log given by mistake must not fill the memory. */
const maxBytes = 16 * 1024 * 1024;

export async function readOrigin(path: string): Promise<Origin> {
  try {
    const files = await filesOf(path);
    if (files.length > 0) return { texts: await Promise.all(files.map(readText)) };
    return { texts: [], fault: `${path} holds no file that ends in .yaml: write one as docs/cluster-file.md has it` };
  } catch (error) {
    return { texts: [], fault: describe(path, error) };
  }
}

export function sameOrigin(one: Origin, other: Origin): boolean {
  if (one.fault !== other.fault || one.texts.length !== other.texts.length) return false;
  return one.texts.every(({ file, text }, at) => file === other.texts[at]?.file && text === other.texts[at]?.text);
}

/** Where changes of these files show themselves: beside their names, and beside what a symbolic link leads to. */
export async function directoriesOf(path: string): Promise<readonly string[]> {
  const files = await filesOf(path).catch(() => [path]);
  const names = files.includes(path) ? [dirname(path)] : [path];
  const targets = await Promise.all(files.map((file) => realpath(file).then(dirname, () => undefined)));
  return [...new Set([...names, ...targets.filter((directory) => directory !== undefined)])];
}

/** Hidden names are left out: the directory of a ConfigMap holds `..data`, editors leave `.cluster.yaml.swp`. */
async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path);
  const wanted = names.filter((name) => /^[^.].*\.ya?ml$/.test(name));
  return wanted.toSorted().map((name) => join(path, name));
}

async function readText(file: string): Promise<ClusterText> {
  const stats = await stat(file);
  if (!stats.isFile()) throw new SyntaxError(`${file} is not a file: write it, or name another`);
  if (stats.size > maxBytes) {
    throw new SyntaxError(`${file} has ${stats.size} bytes and at most ${maxBytes} are read: divide it`);
  }
  return { file, text: decode(file, await readFile(file)) };
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SyntaxError(`${file} is not text in UTF-8: save it in UTF-8`, { cause: error });
  }
}

function describe(path: string, error: unknown): string {
  if (error instanceof SyntaxError) return error.message;
  if (codeOf(error) === "ENOENT") return `${path} is missing: write it as docs/cluster-file.md has it`;
  const reason = error instanceof Error ? error.message : String(error);
  return `Cannot read ${path}: ${reason}: let the agent's user read it`;
}
