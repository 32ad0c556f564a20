// What a build consists of: every file that an installation holds, with its size and hash. The build writes it, the installer
// copies by it and tells by it whether an installation is whole.
import { createHash } from "node:crypto";
import * as v from "valibot";

/** Where the manifest lies within a build and within an installed version. */
export const manifestPath = "lib/manifest.json";

const file = v.object({
  /** Relative to the build: `lib/runtime`. */
  path: v.pipe(v.string(), v.regex(/^(bin|lib)\/[A-Za-z0-9][A-Za-z0-9_.+-]*$/)),
  size: v.number(),
  sha256: v.string(),
  executable: v.boolean(),
});
const schema = v.object({
  version: v.string(),
  /** The hash of all contents: two builds of the same sources with the same tools have the same. */
  buildId: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  /** As Node names it: `x64`, `arm64`. */
  architecture: v.string(),
  files: v.array(v.pipe(file, v.readonly())),
});

export type Manifest = Readonly<v.InferOutput<typeof schema>>;
export type ManifestFile = Manifest["files"][number];

/** Throws where the text is no manifest. */
export function parseManifest(text: string): Manifest {
  return v.parse(schema, JSON.parse(text));
}

export function printManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

export function describeFile(path: string, content: Uint8Array, executable: boolean): ManifestFile {
  return { path, size: content.length, sha256: createHash("sha256").update(content).digest("hex"), executable };
}

/** A name for these contents; the order of the files does not matter. */
export function buildIdOf(files: readonly ManifestFile[]): string {
  const lines = files.map((each) => `${each.path} ${each.executable} ${each.sha256}\n`).toSorted();
  return createHash("sha256").update(lines.join("")).digest("hex").slice(0, 16);
}
