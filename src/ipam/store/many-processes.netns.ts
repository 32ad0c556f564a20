// Eight processes on one database: half of them keep it open as the agent does, half open it for each call as
// executables do.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { parseIpam } from "../config/config.ts";
import { LeaseStore } from "./lease-store.ts";
import { StoreFixture } from "./store-fixture.ts";

// Eight processes start on whatever else the machine is doing.
vi.setConfig({ testTimeout: 60_000 });

const worker = fileURLToPath(new URL("store-worker.ts", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: readonly string[]) {
  return spawn(process.execPath, [worker, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

async function run(...args: readonly string[]): Promise<Ended> {
  const child = start(...args);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (piece) => (stdout += piece));
  child.stderr.on("data", (piece) => (stderr += piece));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

/** Every exit code there was, and everything that any of them reported. */
function outcomeOf(ended: readonly Ended[]): object {
  const reports = ended.flatMap(({ stderr }) => stderr.split("\n").filter((line) => line !== ""));
  return { codes: [...new Set(ended.map(({ code }) => code))], reports };
}

test("8 processes with 200 leases each, from an empty directory on: no duplicate, no error of a lock, nothing left", async () => {
  using fixture = new StoreFixture();
  const [directory, kernel] = [fixture.path("leases"), fixture.path("kernel")];
  mkdirSync(kernel);
  const manners = ["stays", "leaves"];
  const all = Array.from({ length: 8 }, (_, at) => run(directory, kernel, `p${at}`, "200", manners[at % 2] ?? "stays"));
  const ended = await Promise.all(all);
  expect(outcomeOf(ended)).toEqual({ codes: [0], reports: ["created"] });
  const given = ended.flatMap(({ stdout }) => stdout.trim().split("\n"));
  expect(given).toHaveLength(1600);
  const sixes = given.map((line) => line.split(" ")[0]);
  expect(new Set(sixes).size).toBe(1600);
  const store = fixture.open({ directory });
  expect(fixture.events).toEqual([]);
  expect(store.leases()).toEqual([]);
  const config = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/26" }]] });
  const attachment = { network: "pods", containerId: "last", interfaceName: "eth0" };
  expect(String(store.lease({ attachment, ...config })[0]?.address)).toBe(`fd00::${(1602).toString(16)}`);
});

test("8 processes that find one damaged database set it aside once", async () => {
  using fixture = new StoreFixture();
  const [directory, kernel] = [fixture.path("leases"), fixture.path("kernel")];
  mkdirSync(kernel);
  LeaseStore.open({ directory, bootId: "boot-1", inventory: () => [], report: () => {} })[Symbol.dispose]();
  writeFileSync(`${directory}/leases.db`, "no database any more".repeat(500));
  const ended = await Promise.all(
    Array.from({ length: 8 }, (_, at) => run(directory, kernel, `p${at}`, "3", "leaves")),
  );
  expect(outcomeOf(ended)).toEqual({ codes: [0], reports: ["rebuilt"] });
  const sixes = ended.flatMap(({ stdout }) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]),
  );
  expect(new Set(sixes).size).toBe(24);
  expect(readdirSync(directory).filter((name) => name.includes("corrupt"))).toHaveLength(1);
});

test("processes killed in the middle: what the kernel has is leased, and nothing is given twice afterwards", async () => {
  using fixture = new StoreFixture();
  const [directory, kernel] = [fixture.path("leases"), fixture.path("kernel")];
  mkdirSync(kernel);
  const given = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const all = Array.from({ length: 4 }, (_, at) => killed(directory, kernel, `r${round}p${at}`, at % 2 === 0));
    for (const line of (await Promise.all(all)).flat()) {
      const [six = ""] = line.split(" ");
      expect(given.has(six)).toBe(false);
      given.add(six);
    }
    using store = LeaseStore.open({ ...fixture.options, directory });
    const leased = store.leases().map(({ address }) => String(address));
    for (const address of readdirSync(kernel)) expect(leased).toContain(address);
    store.releaseAllBut("pods", []);
    for (const address of readdirSync(kernel)) rmdirSync(`${kernel}/${address}`);
  }
  expect(given.size).toBeGreaterThan(50);
  expect(fixture.events.map(({ kind }) => kind)).toEqual([]);
});

/** Lets a process lease until it has given a few addresses, then kills it wherever it is. */
async function killed(directory: string, kernel: string, name: string, stays: boolean): Promise<readonly string[]> {
  const child = start(directory, kernel, name, "100000", stays ? "stays" : "leaves");
  let stdout = "";
  child.stdout.on("data", (piece) => {
    stdout += piece;
    if (stdout.length > 500) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  return stdout.split("\n").slice(0, -1);
}
