// The build as a whole: the same sources in another place give the same id, and a repetition does nothing.
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "hextet-build-"));
const copies = ["here", "somewhere-else"].map((name) => join(scratch, name));
const [here = "", elsewhere = ""] = copies;
beforeAll(() => {
  for (const copy of copies) {
    for (const part of ["cmd", "src", "package.json", "LICENSE"])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  }
});
afterAll(() => rmSync(scratch, { recursive: true }));

function build(directory: string): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(directory, "cmd/dev/build.ts")], {
    encoding: "utf8",
  });
  return { code: status, output: stdout + stderr };
}

function idOf(directory: string): string {
  return readFileSync(join(directory, "dist/lib/build-id"), "utf8").trim();
}

/** When each file was last changed; a file that was written anew, even with the same content, has another time. */
function times(directory: string): readonly string[] {
  const names = readdirSync(join(directory, "dist"), { recursive: true, encoding: "utf8" });
  const found = names.map((name) => ({ name, stat: statSync(join(directory, "dist", name)) }));
  return found.filter(({ stat }) => stat.isFile()).map(({ name, stat }) => `${name} ${stat.mtimeMs}`);
}

describe("npm run build", () => {
  test("gives the same id to the same sources in another place", () => {
    for (const copy of copies) expect(build(copy)).toMatchObject({ code: 0 });
    expect(idOf(elsewhere)).toBe(idOf(here));
    expect(idOf(here)).toMatch(/^[0-9a-f]{16}$/);
  });

  test("writes nothing where nothing changed", () => {
    const before = times(here);
    expect(build(here).code).toBe(0);
    expect(times(here)).toEqual(before);
  });

  test("gives another id where a source changed, in the launcher too", () => {
    const before = idOf(here);
    appendFileSync(join(here, "cmd/hextet/main.ts"), "\nprocess.title = 'another';\n");
    build(here);
    expect(idOf(here)).not.toBe(before);
    expect(readFileSync(join(here, "dist/bin/hextet")).includes(idOf(here))).toBe(true);
  });

  test("leaves out a program without main.ts, saying so, and removes what was built of it before", () => {
    rmSync(join(here, "cmd/hextetctl/main.ts"));
    expect(build(here).output).toContain("Left out hextetctl: there is no cmd/hextetctl/main.ts\n");
    expect(readdirSync(join(here, "dist/lib")).filter((name) => name.startsWith("hextetctl"))).toEqual([]);
    expect(readdirSync(join(here, "dist/bin"))).not.toContain("hextetctl");
  });

  test("fails where hextet comes to contain what it must not, and keeps the build before", () => {
    const before = idOf(here);
    writeFileSync(join(here, "src/plugin/shortcut.ts"), 'export { x } from "../cluster/shortcut.ts";\n');
    writeFileSync(join(here, "src/cluster/shortcut.ts"), "export const x = process.pid;\n");
    appendFileSync(
      join(here, "cmd/hextet/main.ts"),
      '\nimport { x } from "../../src/plugin/shortcut.ts";\nprocess.title = `${x}`;\n',
    );
    const chain = "cmd/hextet/main.ts -> src/plugin/shortcut.ts -> src/cluster/shortcut.ts";
    const { code, output } = build(here);
    expect(code).toBe(1);
    expect(output).toContain(
      `hextet must not contain src/cluster/shortcut.ts (${chain}): the executable starts for every pod`,
    );
    expect(output).not.toContain("    at ");
    expect(idOf(here)).toBe(before);
  });

  test("names the file and line of a source that cannot be bundled", () => {
    writeFileSync(join(elsewhere, "cmd/hextet/main.ts"), "const x = ;\n");
    expect(build(elsewhere)).toMatchObject({ code: 1, output: expect.stringContaining("cmd/hextet/main.ts:1:10") });
  });

  test("makes programs that run from where they were built", () => {
    expect(execFileSync(join(elsewhere, "dist/bin/hextetctl"), ["version"], { encoding: "utf8" })).toContain(
      idOf(elsewhere),
    );
  });
});
