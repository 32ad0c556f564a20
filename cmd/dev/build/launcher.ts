// Compiles the launcher, cmd/hextet/*.c, into one static program, with musl where it is installed because that makes it ten times
// smaller. The build id comes last, over a placeholder, since the launcher itself is part of what the id names.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceBy } from "./output.ts";
import { hextetOptions } from "./v8-options.ts";

const placeholder = "HEXTET-BUILD-ID!"; // as long as an id
const sources = ["launcher.c", "agent-call.c"];
const flags = ["-static", "-Os", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-s", "-Wl,--build-id=none"];

export interface LauncherOptions {
  /** Where compiled launchers are kept, by the hash of what they were made of. */
  readonly cache: string;
  /** File name of the dynamic loader in lib/. */
  readonly loader: string;
  /** More macros, as tests need them: `{ ACCEPT_MS: "200" }`. */
  readonly macros?: Readonly<Record<string, string>>;
}

/** The launcher with the placeholder in place of the build id. */
export function compileLauncher(root: string, { cache, loader, macros = {} }: LauncherOptions): Buffer {
  const paths = sources.map((name) => join(root, "cmd/hextet", name));
  const texts = { BUILD_ID: placeholder, LOADER: loader, HEXTET_OPTIONS: hextetOptions.join(" ") };
  const defined = {
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, `"${text}"`])),
    ...macros,
  };
  const args = [...flags, ...Object.entries(defined).map(([name, value]) => `-D${name}=${value}`)];
  const compiler = findCompiler();
  const contents = [...paths, join(root, "cmd/hextet/launcher.h")].map((path) => readFileSync(path, "utf8"));
  const key = createHash("sha256")
    .update(JSON.stringify([compiler, args, contents]))
    .digest("hex");
  const output = join(cache, `launcher-${key.slice(0, 16)}`);
  if (!existsSync(output)) replaceBy(output, (path) => execFileSync(compiler, [...args, "-o", path, ...paths]));
  return readFileSync(output);
}

/** Writes the build id over the placeholder, or over the id of another build. */
export function setBuildId(launcher: Buffer, buildId: string, former: string = placeholder): Buffer {
  const at = launcher.indexOf(former);
  if (at < 0 || buildId.length !== former.length)
    throw new Error(`Cannot write build id ${buildId}: there is no ${former}`);
  const result = Buffer.from(launcher);
  result.write(buildId, at, "latin1");
  return result;
}

function findCompiler(): string {
  const found = ["musl-gcc", "cc"].find((name) =>
    (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, name))),
  );
  if (found === undefined)
    throw new Error(
      "Cannot compile the launcher: there is no C compiler (Debian: gcc and libc6-dev, musl-tools for a small one)",
    );
  return found;
}
