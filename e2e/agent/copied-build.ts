// A copy of the build that stays as it is while others build, and a second one that differs in its build id alone.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, linkOrCopy, makeVariant } from "../runtime/built.ts";

export class CopiedBuild implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-agent-build-"));
  readonly path = join(this.#directory, "one");

  constructor() {
    const from = build();
    for (const part of ["bin", "lib"]) {
      mkdirSync(join(this.path, part), { recursive: true });
      for (const name of readdirSync(join(from, part))) linkOrCopy(join(from, part, name), join(this.path, part, name));
    }
  }

  /** Does the same, and is another build. */
  other(): string {
    const path = join(this.#directory, "other");
    if (existsSync(path)) return path;
    makeVariant(path, "another build");
    // The names beside hextet, which makeVariant leaves out, are links to it.
    for (const name of ["hextet-agent"]) linkOrCopy(join(path, "bin/hextet"), join(path, "bin", name));
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}
