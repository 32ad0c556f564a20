// What the build decides: what may be in a bundle, which libraries Node needs, where the build id goes.
import type { Metafile } from "esbuild";
import { describe, expect, test } from "vitest";
import { bans, findBanned } from "./bundle.ts";
import { setBuildId } from "./launcher.ts";
import { parseLibraries } from "./runtime.ts";

/** A metafile of these imports, in which everything named is included. */
function metafile(imports: Readonly<Record<string, readonly string[]>>): Metafile {
  const names = [...new Set([...Object.keys(imports), ...Object.values(imports).flat()])];
  const input = (name: string) => ({
    bytes: 1,
    imports: (imports[name] ?? []).map((path) => ({ path, kind: "import-statement" as const })),
  });
  const inputs = Object.fromEntries(names.map((name) => [name, input(name)]));
  const included = Object.fromEntries(names.map((name) => [name, { bytesInOutput: 1 }]));
  return { inputs, outputs: { "out.js": { bytes: 1, imports: [], exports: [], inputs: included } } };
}

const entry = "cmd/hextet/main.ts";

describe("findBanned()", () => {
  test.for([
    "src/cluster/kubernetes/client.ts",
    "src/agent/server.ts",
    "node_modules/@kubernetes/client-node/dist/index.js",
    "node_modules/prom-client/index.js",
    "node_modules/yaml/dist/index.js",
  ])("refuses %s in hextet, with the chain of imports and the reason", (banned) => {
    const faults = findBanned(
      metafile({ [entry]: ["src/a.ts", "src/b.ts"], "src/b.ts": ["src/c.ts"], "src/c.ts": [banned] }),
      "hextet",
      entry,
    );
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`hextet must not contain ${banned} (${entry} -> src/b.ts -> src/c.ts -> ${banned})`);
    expect(faults[0]).toContain("starts for every pod");
  });

  test("allows the same in other programs, and other inputs in hextet", () => {
    const uses = metafile({ [entry]: ["src/cluster/view.ts"] });
    expect(findBanned(uses, "hextet-agent", entry)).toEqual([]);
    expect(
      findBanned(metafile({ [entry]: ["src/cni/result.ts", "node_modules/valibot/dist/index.mjs"] }), "hextet", entry),
    ).toEqual([]);
  });

  test("finds its way through a circle of imports", () => {
    const circle = metafile({
      [entry]: ["src/a.ts"],
      "src/a.ts": [entry, "src/b.ts"],
      "src/b.ts": ["src/a.ts", "src/agent/x.ts"],
    });
    expect(findBanned(circle, "hextet", entry)[0]).toContain(`${entry} -> src/a.ts -> src/b.ts -> src/agent/x.ts`);
  });

  test("has a reason for every ban", () => {
    for (const ban of bans) expect(ban.reason.length).toBeGreaterThan(20);
  });
});

describe("parseLibraries()", () => {
  test("takes the paths of libraries and loader from what ldd prints", () => {
    const text = `
	linux-vdso.so.1 (0x00007f821cfbc000)
	libatomic.so.1 => /lib/x86_64-linux-gnu/libatomic.so.1 (0x00007f821cfa1000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f821ca1e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f821cfbe000)
`;
    expect(parseLibraries(text)).toEqual([
      "/lib/x86_64-linux-gnu/libatomic.so.1",
      "/lib/x86_64-linux-gnu/libc.so.6",
      "/lib64/ld-linux-x86-64.so.2",
    ]);
  });

  test("names a library that is missing, and the package that has it", () => {
    expect(() => parseLibraries("\tlibatomic.so.1 => not found\n")).toThrow(
      /libatomic.so.1 => not found; install it \(Debian: libatomic1/,
    );
  });
});

describe("setBuildId()", () => {
  test("writes the id over the placeholder, and over a former id, in a copy", () => {
    const launcher = Buffer.from("ELF...HEXTET-BUILD-ID!...");
    const first = setBuildId(launcher, "0123456789abcdef");
    expect(first.toString()).toBe("ELF...0123456789abcdef...");
    expect(setBuildId(first, "fedcba9876543210", "0123456789abcdef").toString()).toBe("ELF...fedcba9876543210...");
    expect(launcher.toString()).toContain("HEXTET-BUILD-ID!");
  });

  test.for([
    ["a launcher without the placeholder", "ELF", "0123456789abcdef"],
    ["an id of another length", "HEXTET-BUILD-ID!", "0123"],
  ] as const)("refuses %s", ([, text, id]) => {
    expect(() => setBuildId(Buffer.from(text), id)).toThrow("Cannot write build id");
  });
});
