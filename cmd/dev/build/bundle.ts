// One program as one file, by esbuild, and the check that the executable stays small: what it must not contain is named with
// the chain of imports that brought it in.
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

/** What may not be in a bundle, and why. */
export interface Ban {
  readonly bundle: string;
  readonly inputs: RegExp;
  readonly reason: string;
}

const startsFast =
  "the executable starts for every pod, and loading the Kubernetes client alone takes longer than an attachment";
export const bans: readonly Ban[] = [
  { bundle: "hextet", inputs: /^src\/(cluster|agent)\//, reason: startsFast },
  { bundle: "hextet", inputs: /(^|\/)node_modules\/(prom-client|@kubernetes|yaml)\//, reason: startsFast },
];

/** Makes what import.meta.url becomes, when it is asked for. */
const bundleUrl = 'const bundle = { get url() { return require("node:url").pathToFileURL(__filename).href; } };';

/**
 * `import text from "./page.html?raw"` gives a file as its text, by the words that vite has for it. Its path stands in the bundle, so it
 * is told from the root: the same sources are the same bundle anywhere.
 */
function rawText(root: string): Plugin {
  return {
    name: "raw text",
    setup(made) {
      made.onResolve({ filter: /\?raw$/ }, ({ path, importer }) => ({
        path: relative(root, join(dirname(importer), path.replace(/\?raw$/, ""))),
        namespace: "raw",
      }));
      made.onLoad({ filter: /./, namespace: "raw" }, async ({ path }) => ({
        contents: await readFile(join(root, path)),
        loader: "text",
      }));
    },
  };
}

/** The bundle as a script that finds `require`, `__filename` and `__dirname` in its global scope; start.ts puts them there. What the entry exports is `program`. */
export async function bundle(root: string, entry: string, name: string): Promise<string> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    target: "node26",
    format: "iife",
    globalName: "program",
    external: ["*.node"],
    supported: { "dynamic-import": false }, // becomes require(), later: scripts that bring bytecode have no import()
    define: {
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
      "import.meta.url": "bundle.url",
    },
    plugins: [rawText(root)],
    banner: { js: bundleUrl },
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const faults = findBanned(result.metafile, name, entry);
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return result.outputFiles.map((file) => file.text).join("");
}

/** A sentence for each input that this bundle must not have. */
export function findBanned(metafile: Metafile, name: string, entry: string): readonly string[] {
  const included = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const concerned = bans.filter((ban) => ban.bundle === name);
  return concerned.flatMap((ban) => {
    const first = included.find((input) => ban.inputs.test(input));
    if (first === undefined) return [];
    const chain = chainTo(metafile, entry, first).join(" -> ");
    return [`${name} must not contain ${first} (${chain}): ${ban.reason}`];
  });
}

/** The shortest way by which `entry` comes to import `target`. */
function chainTo(metafile: Metafile, entry: string, target: string): readonly string[] {
  const ways = [[entry]];
  const seen = new Set([entry]);
  for (const way of ways) {
    const last = way.at(-1);
    if (last === undefined || last === target) return way;
    for (const { path } of metafile.inputs[last]?.imports ?? []) {
      if (seen.has(path)) continue;
      seen.add(path);
      ways.push([...way, path]);
    }
  }
  return [target];
}
