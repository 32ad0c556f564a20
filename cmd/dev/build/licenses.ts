// Texts that go wherever our programs go: our license, that of Node, of each package that esbuild put into a bundle, and of the C libraries
// that are copied beside the runtime, where this machine has their texts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeIfChanged } from "./output.ts";

/** Debian's names of what has the C libraries and the dynamic loader. */
const libraryPackages = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1", "musl"];

/** A file for each, named after the package. */
export function copyLicenses(root: string, directory: string, bundles: readonly string[]): void {
  writeIfChanged(join(directory, "hextet"), readFileSync(join(root, "LICENSE")));
  for (const name of [`node-linux-${process.arch}`, ...packagesIn(bundles)]) {
    const home = join(root, "node_modules", name);
    const file = readdirSync(home).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined)
      throw new Error(`Cannot find the license of ${name} in ${home}: what is given away needs it`);
    writeIfChanged(join(directory, name.replace("/", "-")), readFileSync(join(home, file)));
  }
  for (const name of libraryPackages) {
    const path = `/usr/share/doc/${name}/copyright`;
    if (existsSync(path)) writeIfChanged(join(directory, name), readFileSync(path));
  }
}

/** esbuild writes above each module where it came from. */
export function packagesIn(bundles: readonly string[]): readonly string[] {
  const modules = bundles.flatMap((text) => [...text.matchAll(/^ *\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)]);
  return [...new Set(modules.flatMap(([, name]) => name ?? []))].toSorted();
}
