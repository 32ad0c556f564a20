// The node starts anew, as far as programs can tell: the kernel's boot id is another, and what the kernel had of pods is gone. The boot
// id is a file of ours, mounted over the kernel's own in our mount namespace.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subject } from "./subject.ts";

const path = "/proc/sys/kernel/random/boot_id";

export class Boot implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-torture-boot-"));
  readonly #file = join(this.#directory, "boot-id");

  constructor() {
    this.change();
    execFileSync("mount", ["--bind", this.#file, path]);
  }

  change(): void {
    writeFileSync(this.#file, `${randomUUID()}\n`);
  }

  /** All but the disk begins anew. */
  reboot(subject: Subject): void {
    for (const { name } of subject.links()) subject.node.host.run("ip", "link", "delete", name);
    this.change();
  }

  [Symbol.dispose](): void {
    execFileSync("umount", [path]);
    rmSync(this.#directory, { recursive: true });
  }
}
