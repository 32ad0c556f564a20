// Decides what has to be done to install or to remove, from what is there; it touches nothing. Steps are in an order in which
// an interruption after any of them leaves the old or the new version working, and a repetition finishes the work.
import { home, type Installation, InstallError, nameTarget, programNames, type Version } from "./installation.ts";
import type { Manifest } from "./manifest.ts";

/** A step that changes names and links, or removes. */
export type Change =
  /** Let a link point to a target, in place of whatever file or link has its name. */
  | { readonly do: "link"; readonly path: string; readonly target: string }
  /** Keep the host's own file under .hextet/replaced. */
  | { readonly do: "set-aside"; readonly name: string }
  /** Give the host its own file back, in place of our link. */
  | { readonly do: "restore"; readonly name: string }
  | { readonly do: "remove"; readonly path: string };

/** `stage`: copy all files of the build under a temporary name, prove that they run, and give them this name. */
export type Step = { readonly do: "stage"; readonly version: string } | Change;

export interface Wanted {
  readonly manifest: Manifest;
  /** Architecture of this machine, as Node names it. */
  readonly architecture: string;
  /** Serve `loopback` even where the host has one of its own. */
  readonly loopback: boolean;
}

export function planInstall(wanted: Wanted, have: Installation): readonly Step[] {
  refuseWrongArchitecture(wanted);
  const { buildId } = wanted.manifest;
  const ready = have.versions.find((version) => version.buildId === buildId && version.whole);
  const version = ready?.name ?? freeName(buildId, have.versions);
  return [
    ...have.leftovers.map((path): Step => ({ do: "remove", path })),
    ...(ready === undefined ? [{ do: "stage", version } as const] : []),
    ...switchTo(version, have),
    ...wantedNames(wanted, have).flatMap((name) => takeName(name, have)),
    ...obsolete(version, have).map(({ name }): Step => ({ do: "remove", path: `${home}/${name}` })),
  ];
}

export function planUninstall(have: Installation): readonly Change[] {
  const names = [...have.names].flatMap(([name, entry]): readonly Change[] => {
    if (have.replaced.includes(name) && (entry === "ours" || entry === "absent")) return [{ do: "restore", name }];
    return entry === "ours" ? [{ do: "remove", path: name }] : [];
  });
  return [
    ...names,
    ...have.leftovers.map((path): Change => ({ do: "remove", path })),
    ...(have.present ? [{ do: "remove", path: home } as const] : []),
  ];
}

function refuseWrongArchitecture({ manifest, architecture }: Wanted): void {
  if (manifest.architecture === architecture) return;
  throw new InstallError(
    `Cannot install Hextet ${manifest.version}: it is built for ${manifest.architecture} and this machine is ${architecture}; take the build for ${architecture}`,
  );
}

/** Links that make a version the current one, and the one before it the previous. */
function switchTo(version: string, have: Installation): readonly Change[] {
  if (have.current === version) return [];
  const before = have.versions.find(({ name }) => name === have.current);
  return [
    ...(before === undefined ? [] : [{ do: "link", path: `${home}/previous`, target: before.name } as const]),
    { do: "link", path: `${home}/current`, target: version },
  ];
}

function wantedNames(wanted: Wanted, have: Installation): readonly string[] {
  const loopback = have.names.get("loopback") ?? "absent";
  return wanted.loopback || loopback !== "file" ? [...programNames, "loopback"] : programNames;
}

function takeName(name: string, have: Installation): readonly Change[] {
  const entry = have.names.get(name) ?? "absent";
  const link: Change = { do: "link", path: name, target: nameTarget };
  switch (entry) {
    case "ours":
      return [];
    case "absent":
      return [link];
    case "file":
      if (name === "loopback") return [{ do: "set-aside", name }, link];
      throw inTheWay(name, have.directory, "a file that is not ours");
    case "directory":
      throw inTheWay(name, have.directory, "a directory");
  }
}

function inTheWay(name: string, directory: string, what: string): InstallError {
  return new InstallError(`Cannot install ${name}: ${directory}/${name} is ${what}; move it away and repeat`);
}

/** What nobody needs any more: neither current, nor the one before, nor the program of a running process. */
function obsolete(version: string, have: Installation): readonly Version[] {
  const previous = have.current === version ? have.previous : have.current;
  return have.versions.filter(({ name, inUse }) => name !== version && name !== previous && !inUse);
}

function freeName(buildId: string, versions: readonly Version[]): string {
  const taken = new Set(versions.map(({ name }) => name));
  let name = buildId;
  for (let count = 2; taken.has(name); count++) name = `${buildId}.${count}`;
  return name;
}
