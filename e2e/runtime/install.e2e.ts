// hextetctl install as a whole: first installation, upgrades under a stream of calls, refusals, and an interruption at every
// system call that changes a file.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Manifest, manifestPath, printManifest } from "../../src/install/manifest.ts";
import { build, dist, makeVariant } from "./built.ts";

const scratch = mkdtempSync(join(tmpdir(), "hextet-install-"));
const variants: { directory: string; manifest: Manifest }[] = [];
beforeAll(() => {
  build();
  for (const mark of ["one", "two", "three"]) {
    const directory = join(scratch, `build-${mark}`);
    variants.push({ directory, manifest: makeVariant(directory, mark) });
  }
});
afterAll(() => rmSync(scratch, { recursive: true }));

let count = 0;
function freshDirectory(): string {
  return join(scratch, `bin-${count++}`);
}

function variant(at: number): { directory: string; manifest: Manifest } {
  const found = variants[at];
  if (found === undefined) throw new Error(`There is no build ${at}`);
  return found;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function hextetctl(...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(join(dist, "bin/hextetctl"), args, { encoding: "utf8" });
  return { code: status, output: stdout + stderr };
}

function install(directory: string, from: number, ...args: readonly string[]): Outcome {
  return hextetctl("install", "--bin-dir", directory, "--from", variant(from).directory, ...args);
}

/** The build id of what runs when a container runtime calls `hextet`; fails where nothing does. */
function running(directory: string): string {
  const env = { CNI_COMMAND: "VERSION" };
  const answer = execFileSync(join(directory, "hextet"), { env, input: '{"cniVersion":"1.0.0"}', encoding: "utf8" });
  expect(JSON.parse(answer)).toMatchObject({ cniVersion: "1.0.0" });
  return readFileSync(join(directory, ".hextet/current/lib/build-id"), "utf8").trim();
}

/** Every path below a directory with what distinguishes it: a link's target, a file's inode. */
function snapshot(directory: string): readonly string[] {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();
  return paths.map((path) => {
    const found = lstatSync(join(directory, path));
    return `${path} ${found.isSymbolicLink() ? readlinkSync(join(directory, path)) : found.isFile() ? found.ino : ""}`;
  });
}

function versionsIn(directory: string): readonly string[] {
  return readdirSync(join(directory, ".hextet")).filter((name) => /^[0-9a-f]{16}/.test(name));
}

describe("hextetctl install", () => {
  test("makes the directory and puts all programs there, and a repetition changes nothing", () => {
    const directory = freshDirectory();
    expect(install(directory, 0)).toMatchObject({ code: 0 });
    expect(readdirSync(directory)).toEqual([
      ".hextet",
      "hextet",
      "hextet-agent",
      "hextet-ipam",
      "hextetctl",
      "loopback",
    ]);
    expect(running(directory)).toBe(variant(0).manifest.buildId);
    const operations = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
    const [, agent = ""] = /^ExecStart=\/opt\/cni\/bin\/(\S+)$/m.exec(operations) ?? [];
    expect(execFileSync(join(directory, agent), ["--help"], { encoding: "utf8" })).toMatch(/^hextet-agent \[OPTIONS\]/);
    const before = snapshot(directory);
    expect(install(directory, 0)).toEqual({ code: 0, output: `${directory} is up to date\n` });
    expect(snapshot(directory)).toEqual(before);
  });

  test("keeps the version before, removes the one before that", () => {
    const directory = freshDirectory();
    const [one, two, three] = [variant(0).manifest.buildId, variant(1).manifest.buildId, variant(2).manifest.buildId];
    install(directory, 0);
    install(directory, 1);
    expect(versionsIn(directory).toSorted()).toEqual([one, two].toSorted());
    install(directory, 2);
    expect(versionsIn(directory).toSorted()).toEqual([two, three].toSorted());
    install(directory, 2);
    expect(versionsIn(directory).toSorted()).toEqual([two, three].toSorted());
    expect(running(directory)).toBe(three);
  });

  test("keeps a version that a process runs from, and removes it later", async () => {
    const directory = freshDirectory();
    install(directory, 0);
    const waiting = spawn(join(directory, "hextet"), {
      env: { CNI_COMMAND: "VERSION" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    await expect.poll(() => readlinkSync(`/proc/${waiting.pid}/exe`)).toContain("ld-linux");
    install(directory, 1);
    install(directory, 2);
    expect(versionsIn(directory)).toContain(variant(0).manifest.buildId);
    const ended = new Promise((resolve) => waiting.on("close", resolve));
    waiting.stdin.end();
    await ended;
    install(directory, 1);
    expect(versionsIn(directory)).not.toContain(variant(0).manifest.buildId);
  });

  test("shares the 100 MB of the runtime between versions that have the same", () => {
    const directory = freshDirectory();
    install(directory, 0);
    install(directory, 1);
    const inodes = versionsIn(directory).map((name) => lstatSync(join(directory, ".hextet", name, "lib/runtime")).ino);
    expect(new Set(inodes).size).toBe(1);
  });

  test("replaces a damaged version of the same build", () => {
    const directory = freshDirectory();
    install(directory, 0);
    const { buildId } = variant(0).manifest;
    writeFileSync(
      join(directory, ".hextet", buildId, "lib/hextet.cjs"),
      "x".repeat(lstatSync(join(directory, ".hextet", buildId, "lib/hextet.cjs")).size),
    );
    expect(install(directory, 0).output).toContain(`${buildId}.2`);
    expect(running(directory)).toBe(buildId);
  });

  test("works whatever the umask", () => {
    const directory = freshDirectory();
    const command = `umask 0077 && exec ${join(dist, "bin/hextetctl")} install --bin-dir ${directory}`;
    execFileSync("sh", ["-c", command]);
    for (const path of [".hextet", ".hextet/current/", ".hextet/current/lib", ".hextet/current/bin/hextet"]) {
      expect([path, (lstatSync(join(directory, path)).mode & 0o777).toString(8)]).toEqual([path, "755"]);
    }
  });
});

describe("loopback", () => {
  test("stays the host's own where it has one, and comes back when ours took its place on request", () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, "loopback"), "the host's");
    install(directory, 0);
    expect(readFileSync(join(directory, "loopback"), "utf8")).toBe("the host's");
    install(directory, 0, "--loopback");
    expect(readlinkSync(join(directory, "loopback"))).toBe(".hextet/current/bin/hextet");
    expect(hextetctl("uninstall", "--bin-dir", directory).code).toBe(0);
    expect(readFileSync(join(directory, "loopback"), "utf8")).toBe("the host's");
  });
});

describe("hextetctl uninstall", () => {
  test("removes exactly what install put there", () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, "bridge"), "another plugin");
    const before = snapshot(directory);
    install(directory, 0);
    install(directory, 1);
    expect(hextetctl("uninstall", "--bin-dir", directory).code).toBe(0);
    expect(snapshot(directory)).toEqual(before);
    expect(hextetctl("uninstall", "--bin-dir", directory)).toEqual({
      code: 0,
      output: `Hextet is not installed in ${directory}\n`,
    });
  });
});

describe("an upgrade", () => {
  test("is not noticed by a stream of calls during 20 of them", async () => {
    const directory = freshDirectory();
    install(directory, 0);
    const loop = `while [ ! -e ${directory}/stop ]; do echo '{"cniVersion":"1.0.0"}' | ${directory}/hextet || echo FAILED; done`;
    const stream = spawn("sh", ["-c", loop], {
      env: { CNI_COMMAND: "VERSION", PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const part of [stream.stdout, stream.stderr]) part.on("data", (chunk) => (output += String(chunk)));
    for (let upgrade = 1; upgrade <= 20; upgrade++) expect(await installLater(directory, upgrade % 3)).toBe(0);
    const ended = new Promise((resolve) => stream.on("close", resolve));
    writeFileSync(join(directory, "stop"), "");
    await ended;
    const answers = output.trim().split("\n");
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter((line) => !line.startsWith('{"cniVersion":"1.0.0","supportedVersions"'))).toEqual([]);
  });
});

function installLater(directory: string, from: number): Promise<number | null> {
  const args = ["install", "--bin-dir", directory, "--from", variant(from).directory];
  const child = spawn(join(dist, "bin/hextetctl"), args, { stdio: "ignore" });
  return new Promise((resolve) => child.on("close", resolve));
}

describe("an upgrade that is killed", () => {
  /** Everything by which an installation changes what is on disk; strace counts each by itself. */
  const changes = ["mkdir", "link", "chmod", "fsync", "rename", "symlink", "unlink"] as const;
  const least = { mkdir: 3, link: 1, chmod: 10, fsync: 15, rename: 3, symlink: 2, unlink: 1 };

  /** Kills the upgrade of a copy of `base` when it calls `change` for the n-th time; undefined where it never does. */
  function interrupted(base: string, change: string, n: number): string | undefined {
    const directory = freshDirectory();
    execFileSync("cp", ["-al", base, directory]);
    const strace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${change}`];
    const inject = ["-e", `inject=${change}:signal=KILL:when=${n}`];
    const command = [join(dist, "bin/hextetctl"), "install", "--bin-dir", directory, "--from", variant(1).directory];
    const { signal, status } = spawnSync("strace", [...strace, ...inject, ...command]);
    if (signal === "SIGKILL") return directory;
    expect(status).toBe(0);
    return undefined;
  }

  test.for(changes)(
    "by any %s leaves the old or the new version working, and the next one finishes the work",
    (change) => {
      const [old, wanted] = [variant(0).manifest.buildId, variant(1).manifest.buildId];
      const base = freshDirectory();
      install(base, 0);
      let n = 1;
      for (
        let directory = interrupted(base, change, n);
        directory !== undefined;
        directory = interrupted(base, change, ++n)
      ) {
        expect([old, wanted]).toContain(running(directory));
        expect(install(directory, 1)).toMatchObject({ code: 0 });
        expect(running(directory)).toBe(wanted);
        const left = readdirSync(join(directory, ".hextet")).toSorted();
        expect(left).toEqual(["current", "lock", "previous", old, wanted].toSorted());
        rmSync(directory, { recursive: true });
      }
      expect(n).toBeGreaterThan(least[change]);
    },
  );
});

describe("what cannot be installed is refused, with the fix and without a trace:", () => {
  function expectRefused(directory: string, outcome: Outcome, message: RegExp): void {
    expect(outcome.code).toBe(1);
    expect(outcome.output).toMatch(message);
    expect(outcome.output).not.toMatch(/ at .*:\d+:\d+/);
    expect(existsSync(join(directory, ".hextet"))).toBe(false);
  }

  test.for(["hextet", "hextet-agent", "hextet-ipam", "hextetctl", "loopback"])(
    "a directory named %s in the way",
    (name) => {
      const directory = freshDirectory();
      mkdirSync(join(directory, name), { recursive: true });
      expectRefused(directory, install(directory, 0), new RegExp(`${name} is a directory; move it away`));
      expect(readdirSync(directory)).toEqual([name]);
    },
  );

  test("a program of the same name that is not ours", () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, "hextet"), "another");
    expectRefused(directory, install(directory, 0), /hextet is a file that is not ours; move it away/);
    expect(readFileSync(join(directory, "hextet"), "utf8")).toBe("another");
  });

  test("a file where the directory should be", () => {
    const directory = freshDirectory();
    writeFileSync(directory, "");
    expectRefused(directory, install(directory, 0), /a file of this name is in the way|is a file, not a directory/);
  });

  test("a build for another machine", () => {
    const directory = freshDirectory();
    const from = join(scratch, "build-foreign");
    const manifest = makeVariant(from, "foreign");
    const architecture = process.arch === "arm64" ? "x64" : "arm64";
    writeFileSync(join(from, manifestPath), printManifest({ ...manifest, architecture }));
    const outcome = hextetctl("install", "--bin-dir", directory, "--from", from);
    expectRefused(directory, outcome, new RegExp(`built for ${architecture} and this machine is ${process.arch}`));
    expect(existsSync(directory)).toBe(false);
  });

  test("a launcher for another machine, though its manifest says otherwise", () => {
    const directory = freshDirectory();
    const from = join(scratch, "build-not-executable");
    const manifest = makeVariant(from, "not executable");
    const path = join(from, "bin/hextet");
    const content = readFileSync(path);
    content.writeUInt16LE(0x1234, 18); // e_machine
    writeFileSync(path, content);
    rewriteHash(from, manifest, "bin/hextet");
    expectRefused(
      directory,
      hextetctl("install", "--bin-dir", directory, "--from", from),
      /built for another machine|Exec format error|ENOEXEC/,
    );
  });

  test("a build whose file is not what its manifest says", () => {
    const directory = freshDirectory();
    const from = join(scratch, "build-damaged");
    makeVariant(from, "damaged");
    truncateSync(join(from, "lib/hextet.cjs"), 1000);
    expectRefused(
      directory,
      hextetctl("install", "--bin-dir", directory, "--from", from),
      /lib\/hextet.cjs: it is not what the manifest says/,
    );
  });

  test("a build that is none", () => {
    const directory = freshDirectory();
    expectRefused(
      directory,
      hextetctl("install", "--bin-dir", directory, "--from", scratch),
      /there is no complete build of Hextet/,
    );
  });

  test.for([
    ["a disk without room", "size=50m", /\d+ MB are needed and \d+ MB free; make room/],
    ["a disk without files", "nr_inodes=10", /no space is left on the device; make room/],
    ["a read-only file system", "ro", /the file system is read-only; mount it writable, or give another directory/],
    ["a file system mounted noexec", "noexec", /permission denied; is the file system mounted noexec/],
  ] as const)("%s (tmpfs with %s)", ([, option, message]) => {
    const directory = freshDirectory();
    mkdirSync(directory);
    const command = `mount -t tmpfs -o ${option} none ${directory} && { ${join(dist, "bin/hextetctl")} install --bin-dir ${directory}; code=$?; ls -A ${directory}; exit $code; }`;
    const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", command], { encoding: "utf8" });
    expectRefused(directory, { code: status, output: stderr }, message);
    expect(stdout).toBe("");
  });

  test("a directory somebody else owns, for a user who is not root", () => {
    const directory = freshDirectory();
    mkdirSync(directory, { mode: 0o755 });
    chmodSync(scratch, 0o755);
    const program = join(dist, "bin/hextetctl");
    const { status, stderr } = spawnSync(
      "setpriv",
      ["--reuid=65534", "--clear-groups", program, "install", "--bin-dir", directory],
      { encoding: "utf8" },
    );
    expectRefused(directory, { code: status, output: stderr }, /permission denied; run as root/);
  });
});

function rewriteHash(from: string, manifest: Manifest, path: string): void {
  const hash = execFileSync("sha256sum", [join(from, path)], { encoding: "utf8" }).slice(0, 64);
  const files = manifest.files.map((file) => (file.path === path ? { ...file, sha256: hash } : file));
  writeFileSync(join(from, manifestPath), printManifest({ ...manifest, files }));
}
