// The files and the socket of a node: an ordinary user can neither read nor write any of them, nor get anything done by the executable; and
// where somebody has put a symbolic link in the way of what we write, what it leads to stays as it is.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { addressesOf, columns } from "../conformance/node.ts";
import { documentFor, PluginFailure } from "../conformance/runtime.ts";
import { eventually } from "../runtimes/eventually.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

/** nobody, of no group that has anything. */
const ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

/** Nothing of the way to the files keeps anybody from them. */
function openWayTo(served: AgentNode): void {
  const { directory, dataDirectory } = served.node;
  for (const path of [directory, dataDirectory, dirname(build.path)]) chmodSync(path, 0o755);
  if (existsSync(served.networks)) chmodSync(served.networks, 0o755);
}

function filesIn(...directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)));
}

describe.for(columns)("%s: an ordinary user", (families) => {
  test("reads and writes nothing of a node's, and reaches no socket", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    const agent = await served.start();
    await agent.says("network configuration written");
    await node.runtime.add(node.network({ families }), node.pod().container);
    await eventually("it has written what it keeps", () =>
      readdirSync(node.dataDirectory).includes("guard.json") ? true : undefined,
    );
    openWayTo(served);
    const files = [served.socket, ...filesIn(node.dataDirectory, served.networks)];
    for (const name of ["leases.db", "leases.db-wal", "guard.json", "sysctls.json", "10-hextet.conflist", "agent.sock"])
      expect(files.map((path) => path.slice(dirname(path).length + 1))).toContain(name);
    const script = 'for path; do if test -r "$path" || test -w "$path"; then echo "$path"; fi; done';
    const [command, ...options] = ordinary;
    expect(node.host.run(command, ...options, "sh", "-c", script, "sh", ...files)).toBe("");
    // The same looks show what can be reached.
    expect(
      node.host
        .run("sh", "-c", script, "sh", ...files)
        .trim()
        .split("\n"),
    ).toEqual(files);
  });

  test("gets a reason from the executable, and nothing else", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    const agent = await served.start();
    await agent.says("network configuration written");
    openWayTo(served);
    const list = node.network({ families });
    const { container } = node.pod();
    const before = node.traces();
    const document = JSON.stringify(documentFor(list, { type: "hextet", ...list.plugins[0] }, { container }));
    for (const verb of ["ADD", "DEL"]) {
      const environment = { ...node.runtime.environmentOf(verb, container), HEXTET_SOCKET: served.socket };
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const script = 'printf %s "$1" | { shift; env "$@" || :; }';
      const program = [...variables, ...ordinary, join(build.path, "bin/hextet")];
      const answer: unknown = JSON.parse(node.host.run("sh", "-c", script, "sh", document, ...program));
      expect(answer, verb).toMatchObject({ code: expect.any(Number), msg: expect.stringMatching(/^Cannot .*: .+/) });
    }
    expect(node.traces()).toEqual(before);
  });
});

/** Of what the agent, or the first call of a node, writes. */
const planted = {
  data: ["guard.json", "guard.json.new", "sysctls.json.new", "leases.db.new", "leases.db.new-wal"],
  networks: ["10-hextet.conflist", ".10-hextet.conflist.new"],
} as const;

const subnets = { v4: "10.10.0.0/24", v6: "fd00:10::/64", dual: "fd00:10::/64" } as const;

/** Which of ours must be files, and nothing is written where they are not. */
const needed = {
  v4: ["leases.db", "leases.lock"],
  v6: ["leases.db-wal", "leases.reserve"],
  dual: ["leases.db-shm", "leases.db"],
} as const;

describe.for(columns)("%s: a symbolic link", (families) => {
  test("in the way of what is written is replaced, and leads to what it led to", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    mkdirSync(served.networks);
    const victim = victimOf(node.directory);
    const paths = [
      ...planted.data.map((name) => join(node.dataDirectory, name)),
      ...planted.networks.map((name) => join(served.networks, name)),
      served.socket,
    ];
    for (const path of paths) symlinkSync(victim, path);
    const agent = await served.start();
    await agent.says("network configuration written");
    const { container } = node.pod();
    const result = await node.runtime.add(node.network({ families }), container);
    expect(addressesOf(result)).not.toHaveLength(0);
    await node.runtime.del(node.network({ families }), container);
    await eventually("the agent has told of both", () =>
      agent.served(container.containerId).length === 2 ? true : undefined,
    );
    expectUntouched(victim);
  });

  test("in the place of the database or what is beside it is followed nowhere", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    const victim = victimOf(node.directory);
    for (const [number, name] of needed[families].entries()) {
      const dataDir = join(node.directory, `data-${number}`);
      mkdirSync(dataDir);
      symlinkSync(victim, join(dataDir, name));
      const list = node.network({ families, ipam: { ranges: [[{ subnet: subnets[families] }]], dataDir } });
      const { container } = node.pod();
      const failure = await node.runtime.add(list, container).then(() => undefined, failureIn);
      if (failure !== undefined) expect(failure.msg).toContain(dataDir);
      expectUntouched(victim);
    }
  });
});

function victimOf(directory: string): string {
  const path = join(directory, "victim");
  writeFileSync(path, "precious", { mode: 0o644 });
  return path;
}

function failureIn(error: unknown): PluginFailure {
  if (error instanceof PluginFailure) return error;
  throw error;
}

function expectUntouched(victim: string): void {
  expect([readFileSync(victim, "utf8"), statSync(victim).mode & 0o777]).toEqual(["precious", 0o644]);
}
