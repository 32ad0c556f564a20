// What becomes of clusters when the tests of them are told to end, as by Ctrl-C, or cannot make one: with programs in the place of kind,
// docker, kubectl and npm that only write down how they were called.
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../runtimes/eventually.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hextet-e2e-interrupted-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const cluster = "hextet-v6-nftables";

/** Each writes its call down; then it does these lines of shell for calls that begin so, and ends well for others. */
function prepare(hanging: Readonly<Record<string, string>>): void {
  writeFileSync(join(directory, "calls"), "");
  const cases = Object.entries(hanging).map(([begin, line]) => `"${begin}"*) ${line};;`);
  const script = `#!/bin/sh\ncall="\${0##*/} $*"\necho "$call" >>${directory}/calls\ncase $call in ${cases.join(" ")} esac\n`;
  for (const name of ["kind", "docker", "kubectl", "npm"])
    writeFileSync(join(directory, name), script, { mode: 0o755 });
}

function start(...more: readonly string[]): ChildProcess {
  const args = [join(import.meta.dirname, "main.ts"), "--families=v6", "--proxy=nftables,iptables", ...more];
  const env = { ...process.env, PATH: `${directory}:${process.env["PATH"]}`, TMPDIR: directory };
  return spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
}

/** The programs' calls from the first of kind that is about clusters on. */
function calls(): readonly string[] {
  const lines = readFileSync(join(directory, "calls"), "utf8").split("\n");
  return lines.slice(lines.findIndex((line) => line.startsWith("kind get clusters"))).filter((line) => line !== "");
}

const hang = "exec sleep 300";

test.for([
  { signal: "SIGINT", code: 130, at: "kind load docker-image" },
  { signal: "SIGTERM", code: 143, at: "kubectl --kubeconfig" },
] as const)("$signal during $at takes the cluster away and makes no other", async ({ signal, code, at }) => {
  prepare({ [at]: hang });
  const tests = start();
  const ended = once(tests, "exit");
  await eventually(`${at} is called`, () => calls().some((call) => call.startsWith(at)) || undefined);
  tests.kill(signal);
  expect(await ended).toEqual([code, null]);
  expect(calls().filter((call) => call.startsWith("kind create")).length).toBe(1);
  expect(calls().at(-1)).toMatch(`kind delete cluster --name ${cluster}`);
});

test.for([
  { signal: "SIGINT", code: 130 },
  { signal: "SIGTERM", code: 143 },
] as const)("$signal while kind makes a cluster lets it end first, then takes that away", async ({ signal, code }) => {
  const goOn = join(directory, "go-on");
  const making = `while [ ! -e ${goOn} ]; do sleep 0.1; done; echo kind has made it >>${directory}/calls`;
  prepare({ "kind create cluster": making });
  const tests = start();
  const said = on(tests.stderr ?? expect.unreachable("there is no standard error"), "data");
  const ended = once(tests, "exit");
  await eventually("a cluster is made", () => calls().some((call) => call.startsWith("kind create")) || undefined);
  tests.kill(signal);
  await said.next();
  writeFileSync(goOn, "");
  expect(await ended).toEqual([code, null]);
  const [made, taken, ...more] = calls().slice(-2);
  expect([made, taken, more]).toEqual([
    "kind has made it",
    expect.stringContaining(`delete cluster --name ${cluster}`),
    [],
  ]);
});

test("with --keep a cluster that was made stays", async () => {
  prepare({ "kind load docker-image": hang });
  const tests = start("--keep");
  const ended = once(tests, "exit");
  await eventually("the image is loaded", () => calls().some((call) => call.startsWith("kind load")) || undefined);
  tests.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(calls().filter((call) => call.startsWith("kind delete"))).toEqual([]);
});

test("a cluster of the same name that is there already is left alone, and the next one made", async () => {
  prepare({ "kind get clusters": `echo ${cluster}`, "kind create cluster": "exit 1" });
  expect(await once(start(), "exit")).toEqual([1, null]);
  const made = calls().filter((call) => /^kind (create|delete)/.test(call));
  expect(made).toEqual([
    expect.stringMatching(/^kind create cluster --name hextet-v6-iptables /),
    expect.stringMatching(/^kind delete cluster --name hextet-v6-iptables /),
  ]);
});
