// Carries out the changes of a plan, each durable before the next begins: links are replaced by renaming a finished one over
// them. stage.ts does the copying.
import { linkSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectory, move, sync } from "./durable.ts";
import { explain } from "./fault.ts";
import { home, temporaryPrefix } from "./installation.ts";
import type { Change, Step } from "./plan.ts";

export function apply(change: Change, directory: string): void {
  switch (change.do) {
    case "link":
      return link(join(directory, change.path), change.target, directory);
    case "set-aside":
      return setAside(directory, change.name);
    case "restore":
      return move(join(directory, home, "replaced", change.name), join(directory, change.name));
    case "remove":
      return remove(join(directory, change.path));
  }
}

/** What a step did, in words for a person. */
export function describeStep(step: Step, directory: string): string {
  switch (step.do) {
    case "stage":
      return `copied the build to ${join(directory, home, step.version)}`;
    case "link":
      return `${join(directory, step.path)} -> ${step.target}`;
    case "set-aside":
      return `kept the host's ${step.name} as ${join(directory, home, "replaced", step.name)}`;
    case "restore":
      return `gave the host its own ${step.name} back`;
    case "remove":
      return `removed ${join(directory, step.path)}`;
  }
}

/** Replaces whatever file or link has this name; the finished link waits in .hextet, on the same file system. */
function link(path: string, target: string, directory: string): void {
  const temporary = join(directory, home, `${temporaryPrefix}${basename(path)}`);
  try {
    rmSync(temporary, { force: true });
    symlinkSync(target, temporary);
    move(temporary, path);
  } catch (error) {
    throw explain(`Cannot make the link ${path}`, error);
  }
}

/** The file keeps its name as well, until our link is renamed over it. */
function setAside(directory: string, name: string): void {
  const kept = join(directory, home, "replaced", name);
  try {
    makeDirectory(dirname(kept));
    rmSync(kept, { force: true });
    linkSync(join(directory, name), kept);
    sync(dirname(kept));
  } catch (error) {
    throw explain(`Cannot keep ${join(directory, name)} as ${kept}`, error);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
    sync(dirname(path));
  } catch (error) {
    throw explain(`Cannot remove ${path}`, error);
  }
}
