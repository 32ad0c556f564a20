// hextetctl on the lab's nodes, beside real agents and without one: what it tells is what is there, in its words and exit codes.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../lab/files.ts";
import { Lab } from "../lab/lab.ts";
import type { RunningMachine } from "../lab/machine.ts";
import type { Pod } from "../lab/pod.ts";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";

const dist = build();
const hextetctl = `${dist}/bin/hextetctl`;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function ran(node: RunningMachine, ...args: readonly string[]): Promise<Ran> {
  return node.attempt([hextetctl, ...args]);
}

async function json<T>(
  node: RunningMachine,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly value: T }> {
  const { code, stdout, stderr } = await ran(node, ...args, "-o", "json");
  if (stdout === "") throw new Error(stderr);
  return { code, value: JSON.parse(stdout) as T };
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`There is no ${what}`);
  return value;
}

describe.for(["v4", "v6", "dual"] as const)("%s", (families) => {
  let lab: Lab;
  let alpha: RunningMachine;
  let beta: RunningMachine;
  let own: Pod;
  const count = families === "dual" ? 2 : 1;

  beforeAll(async () => {
    lab = await Lab.start({
      wiring: "link",
      nodes: 2,
      families,
      podsPerNode: 1,
      build: dist,
      program: [`${dist}/bin/hextet-agent`],
    });
    [alpha, beta] = [lab.machine("alpha"), lab.machine("beta")];
    own = found(
      lab.pods.find(({ node }) => node === alpha),
      "pod on alpha",
    );
    await eventually("both nodes are well", async () => {
      const { code } = await ran(alpha, "status", "--cluster");
      return code === 0 ? true : undefined;
    });
  });

  afterAll(() => lab[Symbol.asyncDispose]());

  test("status tells of this node and of all, for people and for programs", async () => {
    const { stdout } = await ran(alpha, "status");
    expect(stdout).toMatch(/^Node +alpha$/m);
    expect(stdout).toMatch(/^Agent +up since \d{4}-\d\d-\d\dT.*, build [0-9a-f]{16}, process \d+$/m);
    expect(stdout).toContain("No faults.");
    const { value } = await json<{ routes: unknown; attachments: number; ranges: readonly { held: number }[] }>(
      alpha,
      "status",
    );
    expect(value).toMatchObject({ version: 1, node: "alpha", attachments: 1 });
    expect(value.routes).toEqual({ wanted: 2 * count, present: 2 * count, differing: [] });
    expect(value.ranges.map(({ held }) => held)).toEqual(Array.from({ length: count }, () => 1));
    expect(stdout).toMatch(/^Firewall +(nftables|iptables), policies on$/m);
    const all = await ran(alpha, "status", "--cluster");
    expect(all.stdout).toMatch(/^alpha +up /m);
    expect(all.stdout).toMatch(/^beta +up /m);
  });

  test("pods, nodes and leases find an address however it is written", async () => {
    for (const address of own.addresses) {
      const written = address.family === "v6" ? spelledOut(address.bytes()) : String(address);
      const pods = await json<readonly { name: string }[]>(alpha, "pods", written);
      expect(pods.value.map(({ name }) => name)).toEqual(["alpha-1"]);
      const nodes = await json<readonly { name: string }[]>(alpha, "nodes", written);
      expect(nodes.value.map(({ name }) => name)).toEqual(["alpha"]);
      const leases = await json<readonly { address: string; state: string }[]>(alpha, "leases", written);
      expect(leases.value).toMatchObject([{ address: String(address), state: "active" }]);
      const refused = await ran(alpha, "leases", "release", written);
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toContain(`${address} is led to link hx`);
    }
    expect((await ran(alpha, "pods", "203.0.113.1")).code).toBe(1);
    expect(await ran(alpha, "pods", "::ffff:192.0.2.1")).toMatchObject({ code: 2, stdout: "" });
  });

  test("leases check proves that records agree, and names what does not", async () => {
    expect(await ran(alpha, "leases", "check")).toMatchObject({
      code: 0,
      stdout: "Lease database, kernel and cluster agree.\n",
    });
    const [address] = own.addresses;
    const { value } = await json<readonly { hostLink: string }[]>(alpha, "pods");
    const link = found(value[0]?.hostLink, "link");
    const family = address?.family === "v6" ? "-6" : "-4";
    await alpha.run("ip", family, "route", "delete", `${address}`, "dev", link);
    const check = await ran(alpha, "leases", "check");
    expect(check.code).toBe(1);
    expect(check.stdout).toContain(`${address} is leased to pod default/alpha-1`);
    expect(check.stdout).toContain("fix: delete the pod");
    await alpha.run("ip", family, "route", "add", `${address}`, "dev", link, "proto", "72");
    expect((await ran(alpha, "leases", "check")).code).toBe(0);
  });

  test("explain path asks the kernels on the way", async () => {
    const other = found(
      lab.pods.find(({ node }) => node === beta),
      "pod on beta",
    );
    for (const [at, address] of own.addresses.entries()) {
      const to = `${other.addresses[at]}`;
      const { code, value } = await json<readonly { hops: readonly Record<string, unknown>[] }[]>(
        alpha,
        "explain",
        "path",
        `${address}`,
        to,
      );
      const [pod, node, peer] = value[0]?.hops ?? [];
      expect(code).toBe(0);
      expect(pod).toMatchObject({ place: "pod default/alpha-1", link: "eth0", mtu: 1500 });
      expect(node).toMatchObject({ place: "node alpha", mtu: 1500 });
      expect(peer).toMatchObject({ place: "node beta", route: expect.stringContaining("its agent answers") });
    }
  });

  test("capture writes a pod's packets as tcpdump reads them", async () => {
    const file = "/var/lib/hextet/capture.pcap";
    const [address] = own.addresses;
    const captured = ran(alpha, "capture", `${address}`, "-c", "4", "--snaplen", "60", "-w", file);
    let isOver = false;
    void captured.finally(() => (isOver = true));
    while (!isOver) await alpha.attempt(["ping", "-n", "-q", "-c", "2", "-i", "0.2", "-w", "1", `${address}`]);
    expect(await captured).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^4 packets captured on hx/),
    });
    const bytes = readFileSync(alpha.path(file));
    expect(bytes.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(bytes.readUInt32LE(24 + 8)).toBeLessThanOrEqual(60);
    expect(bytes.includes(Buffer.from(found(address, "address").bytes()))).toBe(true);
  });

  test("pipes get what they take, and ordinary users a reason", async () => {
    const shell = (line: string) => alpha.attempt(["sh", "-c", line]);
    const [address] = own.addresses;
    const pings = `ping -n -q -i 0.1 ${address} >/dev/null & pings=$!`;
    const seen = await shell(`${pings}; ${hextetctl} capture ${address} -c 4 | tcpdump -nr - 2>/dev/null; kill $pings`);
    const echo = address?.family === "v6" ? "ICMP6, echo" : "ICMP echo";
    const packets = seen.stdout.trimEnd().split("\n");
    expect(packets).toHaveLength(4);
    // Others, as of neighbor discovery, may be among them.
    expect(packets.some((line) => line.includes(`${echo} re`))).toBe(true);
    expect(await shell(`${hextetctl} pods | head -1`)).toMatchObject({ code: 0, stderr: "" });
    const nobody = `setpriv --reuid=65534 --regid=65534 --clear-groups /opt/cni/bin/hextetctl`;
    expect((await shell(`${nobody} status`)).code).toBe(0);
    expect(await shell(`${nobody} pods`)).toEqual({
      code: 3,
      stdout: "",
      stderr: "Cannot read leases in /var/lib/hextet: permission denied: Run it as root\n",
    });
    expect((await shell(`${nobody} doctor`)).stdout).toMatch(/^0 problems.* could not look$/m);
    expect((await shell(`${nobody} cleanup`)).stderr).toMatch(/^Cannot .*: permission denied; run as root\n$/);
  });

  test("explain policy says which rule decides, and mesh who answers all the same", async () => {
    const other = found(
      lab.pods.find(({ node }) => node === beta),
      "pod on beta",
    );
    const sections = [own, other].map(({ name, addresses }) => {
      return `  ${name}: { labels: { app: ${name} }, addresses: [${addresses.join(", ")}] }\n`;
    });
    const policy =
      "policies:\n  - metadata: { name: closed }\n    spec:\n      podSelector: { matchLabels: { app: alpha-1 } }\n" +
      "      ingress: [{ from: [{ podSelector: { matchLabels: { app: beta-1 } } }], ports: [{ port: 80 }] }]\n";
    const { value: nodes } = await json<
      readonly { name: string; addresses: string[]; prefixes: { prefix: string }[] }[]
    >(alpha, "nodes");
    const nodeLines = nodes.map(({ name, addresses, prefixes }) => {
      return `  ${name}: { addresses: [${addresses.map((each) => `"${each}"`).join(", ")}], prefixes: [${prefixes.map(({ prefix }) => `"${prefix}"`).join(", ")}] }\n`;
    });
    const quoted = sections.map((line) =>
      line.replace(
        /addresses: \[(.*)\]/,
        (_, list: string) =>
          `addresses: [${list
            .split(", ")
            .map((each) => `"${each}"`)
            .join(", ")}]`,
      ),
    );
    for (const node of [alpha, beta])
      node.write(paths.cluster, `nodes:\n${nodeLines.join("")}pods:\n${quoted.join("")}${policy}`);
    const allowed = await ran(alpha, "explain", "policy", "default/beta-1", "default/alpha-1", "80");
    expect(allowed).toMatchObject({ code: 0 });
    const mesh = await json<{ answers: readonly { kind: string; reached: boolean }[] }>(alpha, "mesh");
    expect(mesh.code).toBe(0);
    expect(mesh.value.answers.map(({ kind, reached }) => `${kind} ${reached}`)).toEqual(
      ["node", "prefix", "pod"].flatMap((kind) => own.addresses.map(() => `${kind} true`)),
    );
    const denied = await ran(alpha, "explain", "policy", "beta-1", "alpha-1", "81/tcp");
    expect(denied.code).toBe(1);
    expect(denied.stdout.match(/denied$/gm)).toHaveLength(count);
    expect(denied.stdout).toContain("rule 1, from pods with app=beta-1, ports 80/tcp: the port does not match");
  });

  test("without an agent kernel and database answer, and a lease whose link is gone is given back", async () => {
    const program = found(lab.programOf(alpha), "agent on alpha");
    await alpha.signal(program, "KILL");
    await eventually("the agent is gone", () => (alpha.hasProgram(program) ? undefined : true));
    const { code, value } = await json<{ silence: string; attachments: number }>(alpha, "status");
    expect(code).toBe(1);
    expect(value).toMatchObject({ node: "alpha", attachments: 1, silence: expect.stringMatching(/^not running \(/) });
    const pods = await json<readonly { hostLink: string }[]>(alpha, "pods", "default/alpha-1");
    await alpha.run("ip", "link", "delete", found(pods.value[0]?.hostLink, "link"));
    const check = await ran(alpha, "leases", "check");
    expect(check.code).toBe(1);
    for (const address of own.addresses) expect(check.stdout).toContain(`fix: hextetctl leases release ${address}`);
    const released = await ran(alpha, "leases", "release", `${own.addresses[0]}`);
    expect(released).toMatchObject({ code: 0, stdout: expect.stringContaining(own.addresses.join(" and ")) });
    expect(await ran(alpha, "leases", "check")).toMatchObject({ code: 0 });
    const all = await json<readonly { node: string; silence?: string }[]>(alpha, "status", "--cluster");
    expect(all.value.map(({ node, silence }) => [node, silence !== undefined])).toEqual([
      ["alpha", true],
      ["beta", false],
    ]);
  });
});

/** All hextets in full, in capital letters. */
function spelledOut(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .toUpperCase()
    .replace(/(.{4})(?!$)/g, "$1:");
}
