// The image every container of these tests runs: busybox alone, made inside the machine by image.sh.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import type { Machine } from "./machine.ts";
import { demand } from "./programs.ts";

export const image = "localhost/busybox:hextet";
const archive = "/tmp/busybox.tar";

/** Makes the archive and gives its path in the machine. */
export async function makeImage(machine: Machine): Promise<string> {
  demand("/bin/busybox");
  machine.write("/tmp/image.sh", readFileSync(join(import.meta.dirname, "image.sh"), "utf8"));
  await machine.run("sh", "/tmp/image.sh", archive, image);
  return archive;
}

/** Resolves when the container's web server listens; runtimes return as soon as its process is there. */
export async function untilServing(machine: Machine, pid: string): Promise<void> {
  const listening = /:0050 0+:0000 0A /;
  await eventually(
    `process ${pid} listens on port 80`,
    () => listening.test(machine.read(`/proc/${pid}/net/tcp6`)) || undefined,
  );
}
