import { readdirSync } from "node:fs";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;

/** The packages a program loads, by whatever way of imports. */
async function packagesOf(...entryPoints: readonly string[]): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: entryPoints.map((path) => root + path),
    absWorkingDir: root,
    bundle: true,
    write: false,
    outdir: "unused",
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return imports.filter(({ external }) => external === true).map(({ path }) => path);
}

describe("the YAML parser", () => {
  test("is loaded by the agent's configuration", async () => {
    expect(await packagesOf("src/agent/config-file.ts")).toContain("yaml");
  });

  test("is never loaded by the executable, whose start everybody waits for", async () => {
    const programs = readdirSync(`${root}cmd/hextet`).filter((name) => /(?<!\.test|\.netns)\.ts$/.test(name));
    expect(programs).toContain("main.ts");
    expect(await packagesOf(...programs.map((name) => `cmd/hextet/${name}`))).not.toContain("yaml");
  });
});
