// Facts about the host as files tell them: kernel, clock, modules, disk, limits, and the control plane's manifest where there is one.
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Family, families, type Stack } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { codeOf } from "../../kernel/system-error.ts";
import type { ControllerManager, Disk, Inotify, Machine, Modules } from "../facts.ts";

/** Files that were written before now, whatever the clock said. */
export function readMachine(files: readonly string[]): Machine {
  const changed = files.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : { path, changedAtMs: stats.mtimeMs };
  });
  const [, seconds = "0"] = /^btime (\d+)$/m.exec(text("/proc/stat")) ?? [];
  return {
    release: text("/proc/sys/kernel/osrelease").trim(),
    bootId: text("/proc/sys/kernel/random/boot_id").trim(),
    bootedAtMs: Number(seconds) * 1000,
    nowMs: Date.now(),
    newestFile: changed.toSorted((one, other) => other.changedAtMs - one.changedAtMs)[0],
  };
}

export function readModules(release: string, root = "/"): Modules {
  const directory = join(root, "lib/modules", release);
  const loaded = text(join(root, "proc/modules"))
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");
  const builtIn = textIfThere(join(directory, "modules.builtin"));
  const files = textIfThere(join(directory, "modules.dep"));
  // What is built in with parameters shows itself here, also where no list is installed.
  const shown = readdirSync(join(root, "sys/module"));
  return {
    present: new Set([...loaded, ...shown, ...namesIn(builtIn ?? "")]),
    ...(files === undefined ? {} : { loadable: namesIn(files) }),
  };
}

function namesIn(list: string): Set<string> {
  const paths = list.split("\n").map((line) => line.split(":")[0] ?? "");
  return new Set(paths.map((path) => (path.split("/").at(-1) ?? "").replace(/\.ko.*$/, "").replaceAll("-", "_")));
}

export function readDisk(directory: string): Disk {
  const path = nearestExisting(directory);
  const { bavail, bsize, files, ffree } = statfsSync(path);
  return {
    directory,
    freeBytes: bavail * bsize,
    ...(files === 0 ? {} : { freeInodes: ffree }),
    readOnly: isReadOnly(path),
  };
}

/** By the mount that holds it: asking for the right to write tells nothing to who has none. */
function isReadOnly(path: string): boolean {
  const real = readlinkOrSelf(path);
  const mounts = text("/proc/self/mountinfo")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
  const holding = mounts.filter(([, , , , at = ""]) => real === at || real.startsWith(at === "/" ? "/" : `${at}/`));
  const [, , , , , options = ""] =
    holding.toSorted((one, other) => (one[4] ?? "").length - (other[4] ?? "").length).at(-1) ?? [];
  return options.split(",").includes("ro");
}

function readlinkOrSelf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path; // no link
  }
}

function nearestExisting(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? nearestExisting(dirname(path)) : path;
}

/** Instances of root, whose processes only root may look into. */
export function readInotify(): Inotify {
  if (process.geteuid?.() !== 0) throw new Error("only root sees what root's processes have open: run it as root");
  return {
    instances: processes().reduce((sum, id) => sum + instancesOf(id), 0),
    maxInstances: Number(text("/proc/sys/fs/inotify/max_user_instances")),
    maxWatches: Number(text("/proc/sys/fs/inotify/max_user_watches")),
  };
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function instancesOf(id: string): number {
  try {
    if (statSync(`/proc/${id}`).uid !== 0) return 0;
    const open = readdirSync(`/proc/${id}/fd`);
    return open.filter((fd) => readlinkOrSelf(`/proc/${id}/fd/${fd}`) === "anon_inode:inotify").length;
  } catch {
    return 0; // it ended meanwhile
  }
}

/** Where kubeadm has the kubelet find it. */
const manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";

export function readControllerManager(file = manifest): ControllerManager | undefined {
  const written = textIfThere(file);
  if (written === undefined) return undefined;
  const flag = (name: string) => new RegExp(`--${name}[= ]["']?([^\\s"']+)`).exec(written)?.[1];
  const lengthOf = (family: Family) =>
    flag(`node-cidr-mask-size-${family === "v6" ? "ipv6" : "ipv4"}`) ?? flag("node-cidr-mask-size");
  const given = families.flatMap((family): [Family, number][] => {
    const length = lengthOf(family);
    return length === undefined ? [] : [[family, Number(length)]];
  });
  const nodeLengths: Stack<number> = Object.fromEntries(given);
  return { file, clusterPrefixes: (flag("cluster-cidr")?.split(",") ?? []).map(Prefix.parse), nodeLengths };
}

function text(path: string): string {
  return readFileSync(path, "utf8");
}

function textIfThere(path: string): string | undefined {
  try {
    return text(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
