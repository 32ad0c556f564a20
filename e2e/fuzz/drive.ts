// Hands broken calls to the plugins, on real Linux in a network namespace of its own, and looks at every answer: one valid result, or
// one valid error, and nothing else. At the end everything is freed by one GC, and then nothing may be left.
//
// fuzz.e2e.ts starts it where nothing but its own /tmp can be written:  node e2e/fuzz/drive.ts COUNT SEED
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as v from "valibot";
import type { Call } from "../../src/cni/arbitraries.ts";
import { serve } from "../../src/cni/dispatch.ts";
import { readResult } from "../../src/cni/result-json.ts";
import { isVersion } from "../../src/cni/versions.ts";
import { linux } from "../../src/kernel/linux.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { silent } from "../../src/log/log.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { createLink, listLinks } from "../../src/netlink/link.ts";
import { hextet } from "../../src/plugin/hextet.ts";
import { standaloneHost } from "../../src/plugin/host.ts";
import { brokenCalls } from "./calls.ts";

const errorSchema = v.strictObject({
  cniVersion: v.string(),
  code: v.pipe(v.number(), v.integer(), v.minValue(1)),
  msg: v.pipe(v.string(), v.minLength(1)),
  details: v.exactOptional(v.string()),
});

const tally = new Map<string, number>();

const [count = "1000", seed = "1"] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), "hextet-fuzz-"));
try {
  await main(Number(count), Number(seed));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main(numRuns: number, seed: number): Promise<void> {
  using one = TestNamespace.create();
  using two = TestNamespace.create();
  using connection = new Connection(linux.socket("route"));
  connection.execute([createLink({ kind: "bridge", name: "uplink0" })]);
  const ground = {
    pods: [one.path, two.path],
    master: "uplink0",
    dataDir: join(scratch, "data"),
    pluginPath: "/usr/lib/cni",
  };
  const plugin = hextet(standaloneHost(silent));
  const answer = async ({ environment, stdin }: Call) => {
    const { stdout, code, delivered } = await serve({ environment, stdin }, plugin);
    judge(environment["CNI_COMMAND"], stdout, code);
    delivered?.();
  };
  await fc.assert(fc.asyncProperty(brokenCalls(ground), answer), { numRuns, seed, endOnFailure: true });
  await freeAll(answer, ground.dataDir);
  const left = connection.dump(listLinks()).filter(({ name }) => name.startsWith("hx"));
  if (left.length > 0)
    throw new Error(`Links are left: ${left.map(({ name, alias }) => `${name} (${alias})`).join(", ")}`);
  const stray = readdirSync(scratch).filter((name) => name !== "data");
  if (stray.length > 0) throw new Error(`Files are left: ${stray.join(", ")}`);
  process.stdout.write(`${JSON.stringify({ calls: numRuns, seed, answers: Object.fromEntries(tally) })}\n`);
}

/** Success is one result of the version that was asked, or silence; failure is one error; code 999 is a defect. */
function judge(verb: string | undefined, stdout: string, code: number): void {
  const kind = code === 0 ? `${verb} succeeded` : `error ${codeOf(stdout)}`;
  tally.set(kind, (tally.get(kind) ?? 0) + 1);
  if (code !== 0) return;
  if (verb === "ADD") {
    const document: unknown = JSON.parse(stdout);
    const { cniVersion } = v.parse(v.object({ cniVersion: v.string() }), document);
    if (!isVersion(cniVersion)) throw new Error(`A result of version ${cniVersion}`);
    readResult(document, cniVersion, "");
  } else if (verb === "VERSION") v.parse(v.object({ supportedVersions: v.array(v.string()) }), JSON.parse(stdout));
  else if (stdout !== "") throw new Error(`${verb} succeeded and printed ${stdout}`);
}

function codeOf(stdout: string): number {
  const parsed = v.safeParse(errorSchema, JSON.parse(stdout));
  if (!parsed.success) throw new Error(`Not a valid error: ${stdout}`);
  const { code, msg } = parsed.output;
  // Other plugins use 999 for whatever they have no code for; of ours it is a defect.
  if (code === 999 && !msg.startsWith("Plugin host-local:")) throw new Error(`A defect: ${stdout}`);
  return code;
}

async function freeAll(answer: (call: Call) => Promise<void>, dataDir: string): Promise<void> {
  for (const name of ["pods", "other"]) {
    const config = { cniVersion: "1.1.0", name, type: "hextet", ipam: { subnet: "fd77::/64", dataDir } };
    const stdin = JSON.stringify({ ...config, "cni.dev/valid-attachments": [] });
    await answer({ environment: { CNI_COMMAND: "GC", CNI_PATH: "/usr/lib/cni" }, stdin });
  }
}
