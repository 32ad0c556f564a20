// Where network namespaces can be opened on this machine: by the names that runtimes give them, and through the processes in them. It
// stands beside the Kernel seam, as frames.ts does: who needs it takes the list.
import { readdirSync, readlinkSync } from "node:fs";
import { codeOf, isForbidden } from "./system-error.ts";

/** `ip netns`, containerd, CRI-O and podman; Docker. */
const directories = ["/run/netns", "/run/docker/netns"];

/** Names first; of the processes of one namespace the first. */
export function namespacePaths(): readonly string[] {
  const named = directories.flatMap((directory) => entriesOf(directory).map((name) => `${directory}/${name}`));
  const byNamespace = new Map<string, string>();
  for (const process of entriesOf("/proc").filter((name) => /^\d+$/.test(name))) {
    const path = `/proc/${process}/ns/net`;
    const namespace = targetOf(path);
    if (namespace !== undefined && !byNamespace.has(namespace)) byNamespace.set(namespace, path);
  }
  return [...named, ...byNamespace.values()];
}

/** A directory that is not there has none. */
function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A process may end meanwhile, or have none any more. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return isForbidden(error) || ["ENOENT", "ENOTDIR", "ESRCH"].includes(codeOf(error) ?? "");
}
