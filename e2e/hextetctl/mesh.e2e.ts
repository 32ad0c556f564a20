// Three nodes in two racks, asked from one of them about all: who reaches whom, while the router drops what one node sends to another and lets the
// answers through, and how all are while the agent of one is down, hangs, or is of another version.
import { expect, test } from "vitest";
import type { PageModel } from "../../src/agent/page/page-model.ts";
import { Lab } from "../lab/lab.ts";
import type { RunningMachine } from "../lab/machine.ts";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";

const dist = build();
const hextetctl = `${dist}/bin/hextetctl`;
/** More often than twice a minute, or the test would wait for that. */
const agentConfiguration = 'mesh: { intervalSeconds: 2 }\npage: "[::1]:16129"\n';

interface Cell {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly family: string;
  readonly verdict: string;
}

interface Matrix {
  readonly rows: readonly { readonly node: string; readonly silence?: string }[];
  readonly cells: readonly Cell[];
}

async function matrix(node: RunningMachine): Promise<Matrix & { readonly code: number }> {
  const { code, stdout, stderr } = await node.attempt([hextetctl, "mesh", "--cluster", "-o", "json"]);
  if (stdout === "") throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Matrix) };
}

/** Who is not reached, as `node v6: alpha to gamma lost`; of silent nodes what was heard. */
function troubles({ cells }: Matrix): readonly string[] {
  return cells
    .filter(({ verdict }) => verdict !== "answered")
    .map(({ from, to, kind, family, verdict }) => `${kind} ${family}: ${from} to ${to} ${verdict}`)
    .toSorted();
}

/** Until it is so, or the last there was is told. */
async function untilEqual<T>(what: string, read: () => Promise<T>, wanted: T): Promise<void> {
  let last: T | undefined;
  const isEqual = async () => {
    last = await read();
    return JSON.stringify(last) === JSON.stringify(wanted) ? true : undefined;
  };
  await eventually(what, isEqual, 30_000).catch(() => expect(last).toEqual(wanted));
}

const kinds = ["node", "prefix"] as const;

interface Cluster {
  readonly lab: Lab;
  readonly alpha: RunningMachine;
  readonly beta: RunningMachine;
  readonly families: readonly string[];
}

function inEach({ families }: Cluster, words: string): readonly string[] {
  return kinds.flatMap((kind) => families.map((family) => `${kind} ${family}: ${words}`));
}

/** What the first sends to the second is dropped on its way, and nothing else. */
async function breakWay({ lab }: Cluster, from: string, to: string): Promise<void> {
  const addressesOf = (name: string) => lab.topology.nodes.find((node) => node.name === name)?.addresses ?? [];
  const rules = addressesOf(from).flatMap((source) => {
    const destination = addressesOf(to).find(({ family }) => family === source.family);
    const header = source.family === "v6" ? "ip6" : "ip";
    return `add rule inet broken way ${header} saddr ${source} ${header} daddr ${destination} drop`;
  });
  const chain = "add table inet broken; add chain inet broken way { type filter hook forward priority -300; }";
  await lab.machine("router").run("nft", [chain, ...rules].join("; "));
}

async function expectAllToReachAll({ alpha, beta, families }: Cluster): Promise<void> {
  await untilEqual("all answer", async () => (await matrix(beta)).code, 0);
  const [{ cells }, own] = await Promise.all([matrix(beta), alpha.attempt([hextetctl, "mesh"])]);
  expect(cells).toHaveLength(6 * 2 * families.length);
  expect(own.code, own.stdout).toBe(0);
  expect(own.stdout).toMatch(/^FROM alpha TO +NODE, /);
}

async function expectOneDirectionToBeTold(cluster: Cluster): Promise<void> {
  const { alpha, beta, families } = cluster;
  const each = (words: string) => inEach(cluster, words);
  await breakWay(cluster, "alpha", "gamma");
  const wanted = [...each("alpha to gamma lost"), ...each("gamma to alpha arrives")].toSorted();
  await untilEqual("beta sees who loses what", async () => troubles(await matrix(beta)), wanted);
  const tables = async () => {
    const { code, stdout } = await beta.attempt([hextetctl, "mesh", "--cluster"]);
    return [code, /^alpha +- +[\d.]+ ms.* +LOST$/m.test(stdout), /^gamma +arrives +[\d.]+ ms.* +-$/m.test(stdout)];
  };
  const unmeasured = async () => {
    const metrics = await alpha.run("curl", "-gsS", "http://[::1]:16128/metrics");
    const lines = families.flatMap((family) => [
      ...kinds.map((kind) => `hextet_mesh_unreachable{peer="gamma",family="${family}",kind="${kind}"} 1\n`),
      ...kinds.map((kind) => `hextet_mesh_unreachable{peer="beta",family="${family}",kind="${kind}"} 0\n`),
      `hextet_mesh_heard{peer="gamma",family="${family}",kind="node"} 1\n`,
    ]);
    return lines.filter((line) => !metrics.includes(line));
  };
  const inTables = kinds.flatMap((kind) => families.toReversed().map((family) => `${kind} ${family}`));
  // Who cannot ask gamma for its row hears it all the same.
  const heard = ["gamma to alpha heard", "gamma to beta heard"].flatMap(each);
  const seenByAlpha = [...each("alpha to gamma lost"), ...heard].toSorted();
  await Promise.all([
    untilEqual("the tables show it", tables, [1, true, true]),
    untilEqual("metrics have it", unmeasured, []),
    untilEqual("the page has it", () => drawn(beta), inTables),
    untilEqual("alpha sees what it can", async () => troubles(await matrix(alpha)), seenByAlpha),
  ]);
}

/** The tables on a node's page in which alpha's packets to gamma are lost, and gamma's to alpha arrive. */
async function drawn(node: RunningMachine): Promise<readonly string[]> {
  const text = await node.run("curl", "-gsS", "http://[::1]:16129/model.json");
  const { mesh } = JSON.parse(text) as Pick<PageModel, "mesh">;
  return (mesh?.tables ?? [])
    .filter(({ rows: [alpha, , gamma] }) => alpha?.[2] === "lost" && gamma?.[0] === "arrives")
    .map(({ kind, family }) => `${kind} ${family}`);
}

async function expectBothDirectionsToBeTold(cluster: Cluster): Promise<void> {
  const { lab, beta, families } = cluster;
  await breakWay(cluster, "gamma", "alpha");
  // Of what is asked by a prefix and not heard nobody can say that it would have been.
  const wanted = ["alpha to gamma", "gamma to alpha"].flatMap((way) =>
    families.flatMap((family) => [`node ${family}: ${way} lost`, `prefix ${family}: ${way} unanswered`]),
  );
  await untilEqual("beta sees that nothing arrives", async () => troubles(await matrix(beta)), wanted.toSorted());
  await lab.machine("router").run("nft", "delete table inet broken");
  await untilEqual("all answer", async () => (await matrix(beta)).code, 0);
}

/** The exit code, and of each node why it is silent, or its faults. */
async function summary(node: RunningMachine): Promise<readonly string[]> {
  const { code, stdout } = await node.attempt([hextetctl, "status", "--cluster", "-o", "json"]);
  const nodes = JSON.parse(stdout) as readonly { node: string; silence?: string; status?: { faults: unknown } }[];
  const answers = nodes.map(
    ({ node: name, silence, status }) => `${name}: ${silence ?? JSON.stringify(status?.faults)}`,
  );
  return [String(code), ...answers.map((text) => text.replace(/: \S+:16128:? /, ": "))];
}

async function expectStrangeAgentsToBeTold({ lab, alpha, beta }: Cluster): Promise<void> {
  const program = lab.programOf(beta);
  if (program === undefined) throw new Error("beta runs no agent");
  const told = (words: string) => ["1", "alpha: []", `beta: ${words}`, "gamma: []"];
  await untilEqual("all are well", () => summary(alpha), ["0", "alpha: []", "beta: []", "gamma: []"]);
  await beta.run("sh", "-c", `kill -STOP ${program.pid}`);
  const [hung, { code, rows }, { stdout }] = await Promise.all([
    summary(alpha),
    matrix(alpha),
    alpha.attempt([hextetctl, "status", "--cluster"]),
  ]);
  expect(hung[2]).toBe("beta: no answer within 5 s");
  expect([code, rows.find(({ node }) => node === "beta")?.silence]).toEqual([1, expect.stringContaining("no answer")]);
  expect(stdout).toMatch(/^alpha +up +[0-9a-f]{16} +\S+ +1 +(\d+)\/\1 +none +\S+ of /m);
  expect(stdout).toMatch(/^beta +no answer +- +- +- +- +- +-$/m);
  await beta.signal(program, "KILL");
  await untilEqual("beta refuses", () => summary(alpha), told("connection refused"));
  const server = 'require("node:http").createServer((_, answer) => answer.end(`{"version":2}`)).listen(16128, "::")';
  await beta.start("another", [process.execPath, "-e", server]);
  const version = "of version 2, and this hextetctl reads 1: use that of its build";
  await untilEqual("beta is of another version", () => summary(alpha), told(`its status is ${version}`));
  expect((await matrix(alpha)).rows.find(({ node }) => node === "beta")?.silence).toContain(`its row is ${version}`);
}

// At the same time, as most of it is waiting for others.
test.concurrent.for([
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v4", "v6"]],
] as const)(
  "%s: asked about all, each node tells who reaches whom, in which direction, and whose agent does not answer",
  async ([familySet, families]) => {
    await using lab = await Lab.start({
      wiring: "racks",
      nodes: 3,
      podsPerNode: 1,
      families: familySet,
      build: dist,
      program: [`${dist}/bin/hextet-agent`],
      agentConfiguration,
    });
    const cluster = { lab, alpha: lab.machine("alpha"), beta: lab.machine("beta"), families };
    await expectAllToReachAll(cluster);
    await expectOneDirectionToBeTold(cluster);
    await expectBothDirectionsToBeTold(cluster);
    await expectStrangeAgentsToBeTold(cluster);
  },
);
