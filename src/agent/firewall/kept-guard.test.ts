import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { KeptGuard } from "./kept-guard.ts";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "kept-guard-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const read = (directory: string) => JSON.parse(readFileSync(join(directory, "guard.json"), "utf8"));

test("the file says which namespaces have rules in force, and in which boot", async ({ directory }) => {
  const guard = new KeptGuard(directory);
  expect(guard.isInForce("boot 1")).toBe(false);
  await guard.inForce({ bootId: "boot 1", namespaces: ["shop"] });
  expect(read(directory)).toEqual({ bootId: "boot 1", namespaces: ["shop"] });
  expect(guard.isInForce("boot 1")).toBe(true);
});

test("an agent that starts goes by what the one before left", async ({ directory }) => {
  await new KeptGuard(directory).inForce({ bootId: "boot 1", namespaces: ["shop"] });
  const next = new KeptGuard(directory);
  expect(next.isInForce("boot 1")).toBe(true);
  expect(next.isInForce("boot 2")).toBe(false);
  await next.widen(["bank"]);
  expect(read(directory)).toEqual({ bootId: "boot 1", namespaces: ["bank", "shop"] });
});

test("who waits for the first of them is told, once", async ({ directory }) => {
  const told: boolean[] = [];
  const guard = new KeptGuard(directory, () => told.push(guard.isKnown));
  expect(guard.isKnown).toBe(false);
  await guard.inForce({ bootId: "boot 1", namespaces: [] });
  await guard.inForce({ bootId: "boot 1", namespaces: ["shop"] });
  expect(told).toEqual([true]);
  expect(new KeptGuard(directory).isKnown).toBe(true);
});

test("namespaces whose policies went are guarded until the rules have gone", async ({ directory }) => {
  const guard = new KeptGuard(directory);
  await guard.inForce({ bootId: "boot 1", namespaces: ["shop"] });
  await guard.widen([]);
  expect(read(directory).namespaces).toEqual(["shop"]);
  await guard.inForce({ bootId: "boot 1", namespaces: [] });
  expect(read(directory).namespaces).toEqual([]);
});

test("after rules could not be written no boot has them, until they are", async ({ directory }) => {
  const guard = new KeptGuard(directory);
  await guard.inForce({ bootId: "boot 1", namespaces: ["shop"] });
  await guard.broken(["shop"]);
  expect(read(directory)).toEqual({ bootId: "", namespaces: ["shop"] });
  expect(guard.isInForce("boot 1")).toBe(false);
  await guard.inForce({ bootId: "boot 1", namespaces: ["shop"] });
  expect(guard.isInForce("boot 1")).toBe(true);
});

test.for(["", "{", "[]"])("a file that holds %j is written anew", async (text, { directory }) => {
  writeFileSync(join(directory, "guard.json"), text);
  const guard = new KeptGuard(directory);
  expect(guard.isInForce("boot 1")).toBe(false);
  await guard.inForce({ bootId: "boot 1", namespaces: [] });
  expect(read(directory)).toEqual({ bootId: "boot 1", namespaces: [] });
});

test("a symbolic link in the way of what is written leads to what it led to", async ({ directory }) => {
  const victim = join(directory, "victim");
  writeFileSync(victim, "precious");
  for (const name of ["guard.json", "guard.json.new"]) symlinkSync(victim, join(directory, name));
  await new KeptGuard(directory).inForce({ bootId: "boot 1", namespaces: ["shop"] });
  expect(readFileSync(victim, "utf8")).toBe("precious");
  expect(read(directory)).toEqual({ bootId: "boot 1", namespaces: ["shop"] });
});
