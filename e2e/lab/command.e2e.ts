// `npm run lab` as a person has it: the commands one after another, each a process of its own, with the real agent and executable;
// and what becomes of a lab that somebody killed, whole or half made.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";
import type { EnclosureId } from "./enclosure.ts";
import { end, isRunning } from "./process-id.ts";
import { StateFile } from "./state-file.ts";

build();
const main = join(import.meta.dirname, "main.ts");
/**
 * Root in name only, so that it can read the sources wherever they lie. The one capability left is what mapping this user takes,
 * and no other (user_namespaces(7)).
 */
const withoutRights = ["setpriv", "--bounding-set=-all,+setfcap", "--inh-caps=-all", "--ambient-caps=-all"];
/** In which everybody reaches everybody, whatever the agent does about other nodes. */
const whole = ["--topology", "racks", "--routed-by", "fabric", "--nodes", "2", "--pods", "1"];

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One lab's commands. */
class Command implements AsyncDisposable {
  readonly state = new StateFile(mkdtempSync(join(tmpdir(), "hextet-lab-")));
  readonly #prefix: readonly string[];

  constructor(prefix: readonly string[] = []) {
    this.#prefix = prefix;
  }

  start(name: string, ...args: readonly string[]): ChildProcess {
    const line = [...this.#prefix, process.execPath, main, name, "--state", this.state.directory, ...args];
    const [program = "", ...rest] = line;
    return spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  }

  async run(name: string, ...args: readonly string[]): Promise<Outcome> {
    const child = this.start(name, ...args);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (chunk) => (output[stream] += String(chunk)));
    }
    await once(child, "close");
    return { code: child.exitCode, ...output };
  }

  get enclosure(): EnclosureId | undefined {
    const state = this.state.read();
    return state?.phase === "up" ? state.lab.enclosure : state?.enclosure;
  }

  /** `up` in the middle of its work: the enclosure is there. */
  async halfUp(): Promise<{ readonly up: ChildProcess; readonly enclosure: EnclosureId }> {
    const up = this.start("up", ...whole);
    return { up, enclosure: await eventually("the enclosure is there", () => this.enclosure) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.state.clear();
    rmSync(this.state.directory, { recursive: true, force: true });
  }
}

const test = base.extend<{ lab: Command }>({
  // oxlint-disable-next-line no-empty-pattern
  lab: async ({}, use) => {
    await using command = new Command();
    await use(command);
  },
});

describe.for([
  ["as root", []],
  ["without rights, in a user namespace", withoutRights],
] as const)("a lab %s", ([, prefix]) => {
  test.for([
    ["dual", "2001:db8:0:2::2 10.0.2.2"],
    ["v6", "2001:db8:0:2::2"],
    ["v4", "10.0.2.2"],
  ] as const)("is made, visited and taken down: %s", async ([family, addresses]) => {
    await using lab = new Command(prefix);
    const up = await lab.run("up", ...whole, "--family", family);
    expect(up).toMatchObject({ code: 0, stderr: "" });
    expect(up.stdout).toContain(`\nbeta-1   beta   ${addresses}\n`);
    expect(up.stdout).toMatch(/\nAll \d+ pings were answered\.\n/);
    expect(up.stdout.includes("bytes from 2001:db8:0:1::2: icmp_seq=1")).toBe(family !== "v4");
    expect(lab.enclosure?.rootless).toBe(prefix.length > 0);

    const ping = await lab.run("exec", "alpha-1", "ping", "-c1", "-w2", "beta-1");
    expect(ping).toMatchObject({ code: 0, stdout: expect.stringContaining("1 received") });
    expect((await lab.run("status")).stdout).toMatch(/\nbeta +rack2 .* runs\n/);
    expect((await lab.run("logs", "alpha")).stdout).toContain('"message":"agent started","node":"alpha"');
    expect(await lab.run("matrix")).toMatchObject({ code: 0, stdout: expect.stringContaining("pings were answered") });

    expect(await lab.run("down")).toEqual({ code: 0, stdout: "The lab is down\n", stderr: "" });
    expect(await lab.run("down")).toEqual({ code: 0, stdout: "No lab is up\n", stderr: "" });
  });
});

describe("exec", () => {
  test("runs anything anywhere, and gives its exit code", async ({ lab }) => {
    expect((await lab.run("up", "--bare", "--nodes", "1")).code).toBe(0);
    expect(await lab.run("exec", "alpha", "hostname")).toMatchObject({ code: 0, stdout: "alpha\n" });
    expect(await lab.run("exec", "router", "--", "sh", "-c", "exit 7")).toMatchObject({ code: 7 });
    // A shell, for which there is nothing to read.
    expect(await lab.run("exec", "router")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await lab.run("exec", "outside", "sh", "-c", "kill -TERM $$")).toMatchObject({ code: 143 });
    expect(await lab.run("exec", "alpah")).toEqual({
      code: 2,
      stdout: "",
      stderr: 'Nothing in the lab is called "alpah"; did you mean alpha\nnpm run lab -- help exec says what it takes\n',
    });
    expect((await lab.run("exec")).stderr).toContain("exec needs a place: alpha, router, outside\n");
  });
});

describe("without a lab", () => {
  test.for([["status"], ["matrix"], ["exec", "alpha", "true"], ["logs", "alpha"]])(
    "%s says how to make one",
    async (words, { lab }) => {
      const [name = "", ...args] = words;
      expect(await lab.run(name, ...args)).toEqual({
        code: 1,
        stdout: "",
        stderr: "No lab is up: make one with the command up\n",
      });
    },
  );

  test("a wrong call makes none", async ({ lab }) => {
    expect(await lab.run("up", "--topology", "lnik")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--topology lnik is unknown; did you mean link"),
    });
    expect((await lab.run("status")).stderr).toContain("No lab is up");
  });

  test("an agent that ends at once leaves none, and its words are told", async ({ lab }) => {
    const up = await lab.run("up", "--nodes", "1", "--program", "echo no such thing; exit 3");
    expect(up).toEqual({ code: 1, stdout: "", stderr: expect.stringContaining(" ended on alpha: no such thing\n") });
    expect((await lab.run("status")).stderr).toContain("No lab is up");
  });
});

describe("a lab that is up", () => {
  test("keeps a second one away, but not one with a state of its own", async ({ lab }) => {
    await lab.run("up", "--bare", "--nodes", "1");
    expect(await lab.run("up", "--bare")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^A lab is up since .*, 1 node, topology link: use it, or take it down first/),
    });
    await using other = new Command();
    expect((await other.run("up", "--bare", "--nodes", "1")).code).toBe(0);
    expect((await lab.run("status")).code).toBe(0);
  });

  test("says so when an agent has ended", async ({ lab }) => {
    await lab.run("up", ...whole);
    await lab.run(
      "exec",
      "alpha",
      "sh",
      "-c",
      "kill $(cat /proc/[0-9]*/stat | sed -n 's/^\\([0-9]*\\) (.*) [A-Z] 1 .*/\\1/p')",
    );
    const status = await eventually("status says it", async () => {
      const { stdout } = await lab.run("status");
      return stdout.includes("has ended") ? stdout : undefined;
    });
    expect(status).toMatch(/\nalpha .* has ended\n/);
    expect(status).toMatch(/\nbeta .* runs\n/);
  });

  test("that was killed is seen as gone, forgotten by down, and no hindrance to the next", async ({ lab }) => {
    await lab.run("up", "--bare", "--nodes", "1");
    if (lab.enclosure !== undefined) await end(lab.enclosure.process);
    expect((await lab.run("status")).stderr).toContain("The lab was ended from outside: make a new one");
    expect((await lab.run("down")).stdout).toBe("The lab had ended already; what it was known by is removed\n");
    expect((await lab.run("down")).stdout).toBe("No lab is up\n");
    await lab.run("up", "--bare", "--nodes", "1");
    if (lab.enclosure !== undefined) await end(lab.enclosure.process);
    expect(await lab.run("up", "--bare", "--nodes", "1")).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("a lab that is half made", () => {
  test.for(["SIGKILL", "SIGINT", "SIGTERM"] as const)("is gone when its maker ends by %s", async (signal, { lab }) => {
    const { up, enclosure } = await lab.halfUp();
    up.kill(signal);
    await once(up, "close");
    await eventually("the enclosure is gone", () => (isRunning(enclosure.process) ? undefined : true));
    expect((await lab.run("down")).stdout).toBe("The lab had ended already; what it was known by is removed\n");
    expect((await lab.run("up", ...whole)).code).toBe(0);
  });

  test("is taken down with its maker", async ({ lab }) => {
    const { up, enclosure } = await lab.halfUp();
    const closed = once(up, "close");
    expect((await lab.run("exec", "alpha", "true")).stderr).toMatch(
      /^The lab is still being made, by process \d+: wait/,
    );
    expect((await lab.run("down")).stdout).toBe("The lab is down\n");
    await closed;
    expect(up.signalCode).toBe("SIGKILL");
    expect(isRunning(enclosure.process)).toBe(false);
    expect((await lab.run("down")).stdout).toBe("No lab is up\n");
  });
});

test("npm run lab finds its way from any directory", () => {
  const script = join(import.meta.dirname, "run.sh");
  const help = execFileSync("sh", [script, "help", "exec"], { cwd: "/", encoding: "utf8" });
  expect(help).toMatch(/^Usage: npm run lab -- exec \[OPTIONS\] WHERE \[PROGRAM ARGUMENTS\]\n/);
});
