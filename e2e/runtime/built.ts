// A build to test: the one `npm run build` makes, brought up to date first, and others made from it that differ in one file.
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setBuildId } from "../../cmd/dev/build/launcher.ts";
import { buildIdOf, describeFile, type Manifest, manifestPath, printManifest } from "../../src/install/manifest.ts";
import { readManifest } from "../../src/install/read.ts";

const root = join(import.meta.dirname, "../..");
export const dist = join(root, "dist");

/** Brings dist/ up to date; a fraction of a second where it is. */
export function build(): string {
  execFileSync(process.execPath, [join(root, "cmd/dev/build.ts")], { stdio: ["ignore", "ignore", "inherit"] });
  return dist;
}

/** A complete build of its own id in `directory`, whose hextet does what dist's does. */
export function makeVariant(directory: string, mark: string): Manifest {
  mkdirSync(join(directory, "bin"), { recursive: true });
  mkdirSync(join(directory, "lib"));
  for (const name of readdirSync(join(dist, "lib"))) linkOrCopy(join(dist, "lib", name), join(directory, "lib", name));
  const old = readManifest(dist);
  const bundle = Buffer.concat([readFileSync(join(dist, "lib/hextet.cjs")), Buffer.from(`\n// ${mark}\n`)]);
  const others = old.files.filter(({ path }) => !/hextet\.(cjs|bytecode)$|build-id$|^bin\//.test(path));
  const files = [...others, describeFile("lib/hextet.cjs", bundle, false)];
  const buildId = buildIdOf(files);
  const launcher = setBuildId(readFileSync(join(dist, "bin/hextet")), buildId, old.buildId);
  const changed = { "lib/hextet.cjs": bundle, "lib/build-id": Buffer.from(`${buildId}\n`), "bin/hextet": launcher };
  for (const [path, content] of Object.entries(changed)) {
    rmSync(join(directory, path), { force: true });
    writeFileSync(join(directory, path), content, { mode: path === "bin/hextet" ? 0o755 : 0o644 });
  }
  rmSync(join(directory, "lib/hextet.bytecode"));
  const described = [
    ...files,
    describeFile("bin/hextet", launcher, true),
    describeFile("lib/build-id", changed["lib/build-id"], false),
  ];
  const manifest = { ...old, buildId, files: described };
  rmSync(join(directory, manifestPath));
  writeFileSync(join(directory, manifestPath), printManifest(manifest));
  return manifest;
}

/** A copy that takes no room where both are on one file system. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
