import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import { matrixOf } from "../../inspect/mesh/matrix.ts";
import { meshPage } from "../../inspect/mesh/row.ts";
import type { Address, Family } from "../../ip/address.ts";
import { createLog, silent } from "../../log/log.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { cluster } from "../../node/sample-cluster.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import { observeMesh } from "./mesh-metrics.ts";
import { MeshProber, type MeshProberOptions } from "./mesh-prober.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];
const names = ["alpha", "beta", "gamma"] as const;

function viewOf(families: readonly Family[]): ClusterView {
  const written = names.map((name, at) => {
    const node = at + 1;
    const texts = { v6: [`2001:db8::${node}`, `fd00:${node}::/64`], v4: [`192.0.2.${node}`, `10.${node}.0.0/24`] };
    return [name, families.flatMap((family) => texts[family])] as const;
  });
  return { nodes: cluster(Object.fromEntries(written)).nodes };
}

/** A network of several nodes in one process. */
class Network {
  nowMs = 0;
  opened = 0;
  readonly clock: LoopClock = {
    now: () => this.nowMs,
    sleep: async (ms, signal) => {
      if (!signal.aborted) this.nowMs += ms;
    },
  };
  readonly #inboxes = new Map<string, Address[]>();
  readonly #view: ClusterView;
  readonly #broken = new Set<string>();

  constructor(families: readonly Family[]) {
    this.#view = viewOf(families);
  }

  /** What the first sends does not arrive at the second. */
  break(from: string, to: string): void {
    this.#broken.add(`${from} ${to}`);
  }

  prober(node: string, given: Partial<MeshProberOptions> = {}): MeshProber {
    const own = (family: Family) => {
      const address = this.#view.nodes
        .find(({ name }) => name === node)
        ?.addresses.find((each) => each.family === family);
      if (address === undefined) throw new Error(`${node} has no address of ${family}`);
      return address;
    };
    return new MeshProber({
      settings: { intervalSeconds: 30, peers: 16 },
      node,
      view: () => this.#view,
      clock: this.clock,
      log: silent,
      open: (family, onAnswer) => ({
        ask: (to, mark) => {
          const other = this.#view.nodes.find(({ addresses, prefixes }) =>
            [...addresses, ...prefixes.map(({ prefix }) => prefix.first)].some((each) => each.equals(to)),
          );
          if (other === undefined || this.#broken.has(`${node} ${other.name}`)) return;
          const isNode = other.addresses.some((each) => each.equals(to));
          if (isNode) this.#inboxes.get(`${to}`)?.push(own(family));
          if (this.#broken.has(`${other.name} ${node}`)) return;
          this.nowMs += 1;
          const from = other.addresses.find((each) => each.family === family) ?? to;
          onAnswer({ mark, from, ...(isNode ? { kind: "reply" } : { kind: "refusal", code: 0 }) });
        },
        [Symbol.dispose]: () => {},
      }),
      hear: (family) => {
        this.opened++;
        const inbox: Address[] = [];
        this.#inboxes.set(`${own(family)}`, inbox);
        return { heard: () => inbox.splice(0), [Symbol.dispose]: () => this.#inboxes.delete(`${own(family)}`) };
      },
      ...given,
    });
  }
}

/** Every node asks twice, so that each has heard the others. */
async function rowsOf(network: Network) {
  const probers = names.map((name) => network.prober(name));
  for (let round = 0; round < 2; round++) {
    for (const prober of probers) {
      await prober.fresh();
      network.nowMs += 5_000;
    }
  }
  return probers.map((prober) => prober.row());
}

describe.for(columns)("%s: MeshProber", ([, families]) => {
  test("has a row of all others, at their addresses and by their prefixes", async () => {
    const [row] = await rowsOf(new Network(families));
    expect(row?.cells).toHaveLength(2 * 2 * families.length);
    expect(row?.cells.every(({ reached, roundTripMs }) => reached && roundTripMs === 1)).toBe(true);
    expect(row?.cells.map(({ kind, heard }) => `${kind} ${heard}`)).toEqual(
      ["beta", "gamma"].flatMap(() => [...families.map(() => "node true"), ...families.map(() => "prefix undefined")]),
    );
    expect(meshPage.read(JSON.stringify(row))).toEqual(row);
  });

  test("shows which direction of a broken way it is", async () => {
    const network = new Network(families);
    network.break("alpha", "beta");
    const cells = matrixOf(await rowsOf(network)).filter(
      ({ kind, verdict }) => kind === "node" && verdict !== "answered",
    );
    expect(cells.map(({ from, to, verdict }) => `${from} ${to} ${verdict}`)).toEqual([
      ...families.map(() => "alpha beta lost"),
      ...families.map(() => "beta alpha arrives"),
    ]);
  });

  test("has metrics of whom it asks, and of nobody else", async () => {
    const network = new Network(families);
    network.break("alpha", "beta");
    const prober = network.prober("alpha");
    await prober.fresh();
    const registry = new Registry();
    observeMesh([registry], () => prober.row());
    const text = await registry.metrics();
    for (const family of families) {
      expect(text).toContain(`hextet_mesh_unreachable{peer="beta",family="${family}",kind="node"} 1\n`);
      expect(text).toContain(`hextet_mesh_unreachable{peer="gamma",family="${family}",kind="prefix"} 0\n`);
      expect(text).toContain(`hextet_mesh_round_trip_seconds{peer="gamma",family="${family}",kind="node"} 0.001\n`);
      expect(text).toContain(`hextet_mesh_heard{peer="gamma",family="${family}",kind="node"} 0\n`);
    }
    expect(text).not.toMatch(/round_trip_seconds\{peer="beta"/);
    expect(text.match(/^hextet_mesh_unreachable\{/gm)).toHaveLength(4 * families.length);
  });
});

test("is not measured again for who asks a moment later, and once for all who ask meanwhile", async () => {
  const network = new Network(["v6"]);
  const prober = network.prober("alpha");
  await Promise.all([prober.fresh(), prober.fresh()]);
  expect(prober.row().secondsAgo).toBe(0);
  const atMs = network.nowMs;
  network.nowMs += 4_900;
  expect((await prober.fresh()).secondsAgo).toBe(4.9);
  network.nowMs += 200;
  expect((await prober.fresh()).secondsAgo).toBe(0);
  expect(network.nowMs).toBeGreaterThan(atMs + 5_100);
});

test("without peers nothing is asked and nothing opened", async () => {
  const network = new Network(["v6"]);
  const settings = { intervalSeconds: 30, peers: 0 };
  await using prober = network.prober("alpha", {
    settings,
    open: () => {
      throw new Error("opened");
    },
  });
  prober.start();
  expect(await prober.fresh()).toEqual({ version: 1, node: "alpha", peers: 0, cells: [] });
  expect(network.opened).toBe(0);
});

test("alone in the cluster nothing is opened either", async () => {
  const network = new Network(["v6"]);
  const { nodes } = viewOf(["v6"]);
  const prober = network.prober("alpha", { view: () => ({ nodes: nodes.slice(0, 1) }) });
  expect((await prober.fresh()).cells).toEqual([]);
  expect((await network.prober("alpha", { view: () => undefined }).fresh()).cells).toEqual([]);
  expect(network.opened).toBe(0);
});

test("tells once what it lacks, and goes on", async () => {
  const lines: string[] = [];
  const told = Promise.withResolvers<void>();
  const log = createLog({
    write: (line) => {
      lines.push(line);
      told.resolve();
    },
  });
  const clock: LoopClock = {
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve());
      }),
  };
  await using prober = new Network(["v6"]).prober("alpha", {
    clock,
    log,
    hear: () => {
      throw new KernelError({ operation: "open a raw socket for ICMP of v6", errno: 1 });
    },
  });
  prober.start();
  await told.promise;
  expect(lines.join()).toContain(
    "Cannot measure which nodes are reached: Cannot open a raw socket for ICMP of v6: Operation not permitted: let the agent have CAP_NET_RAW, or set mesh.peers to 0",
  );
  expect(prober.row()).toEqual({ version: 1, node: "alpha", peers: 16, cells: [] });
});
