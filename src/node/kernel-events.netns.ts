import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import type { Address } from "../ip/address.ts";
import { frameSender } from "../kernel/frames.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { openSocket } from "../netlink/native.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { Loop, systemClock } from "../reconcile/loop.ts";
import { KernelEvents } from "./kernel-events.ts";
import { NodeMemory, type NodeState, nodePass } from "./pass.ts";
import { cluster } from "./sample-cluster.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { freshRacks, type Nodes, type Racks, stacks, wire } from "./test-racks.ts";
import { cable, configure, eventually } from "./test-wires.ts";

const test = base.extend<{ racks: Racks }>({ racks: freshRacks });
const columns = ["IPv4-only", "IPv6-only", "dual-stack"] as const;
/** Longer than any test: what happens in one is by events alone. */
const resyncMs = 3_600_000;

/** A node's loop as the agent has it, over events. */
class Node implements AsyncDisposable {
  readonly states: NodeState[] = [];
  readonly failures: unknown[] = [];
  podAddresses: readonly Address[] = [];
  heard = 0;
  readonly #namespace: TestNamespace;
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-events-"));
  readonly #events: KernelEvents;
  readonly #loop: Loop;

  constructor({ alpha }: Racks, nodes: Nodes) {
    this.#namespace = alpha;
    const kernel = inside(linux, alpha);
    const onChange = () => {
      this.heard += 1;
      this.#loop.lookAgain();
    };
    const onFailure = (error: Error) => this.failures.push(error);
    this.#events = new KernelEvents({ kernel, onChange, onLoss: onFailure, onEnd: onFailure });
    const pass = nodePass({
      kernel,
      record: SysctlRecord.open(this.#directory, kernel.sysctl()),
      memory: new NodeMemory(),
      settings: {
        nodeName: "alpha",
        uplink: ["eth0"],
        routing: { mode: "auto", vxlan: { id: 18552, port: 4789 } },
        ndpProxy: "auto",
        mtu: "auto",
      },
      view: () => cluster({ ...nodes }),
      podAddresses: () => this.podAddresses,
      sendFrames: frameSender(alpha),
      onOpen: (port) => this.#events.expect(port),
      onState: (state) => {
        this.states.push(state);
        this.#events.heed({ uplinks: state.uplinks.links.map(({ index }) => index), tunnels: state.tunnels });
      },
    });
    this.#loop = new Loop({
      clock: systemClock,
      resyncMs,
      pass: () => {
        this.#events.listen();
        return pass();
      },
      onFailure: (error) => this.failures.push(error),
    });
    this.#loop.start();
  }

  show(...args: readonly string[]): string {
    return this.#namespace.run("ip", ...args);
  }

  /** Two passes in a row had nothing to do, so that none is left to come but by an event. */
  async atRest(): Promise<void> {
    await eventually(
      () => this.states.at(-1)?.changes,
      (changes) => changes?.length === 0,
    );
  }

  /** The kernel tells in the order of what happened: when this is heard, so is all that came before. */
  async fence(alias: string): Promise<void> {
    const before = this.heard;
    configure(this.#namespace, `link set lo alias ${alias}`);
    await eventually(
      () => this.heard,
      (count) => count > before,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop.stop();
    this.#events[Symbol.dispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

function routesOfNode(node: Node): string {
  return `${node.show("route", "show", "proto", "72")}${node.show("-6", "route", "show", "proto", "72")}`;
}

describe.concurrent.for(columns)("%s: without a resync, a node heals", (stack) => {
  test("a route of its own that somebody deleted", async ({ racks }) => {
    wire(racks, stacks[stack]);
    await using node = new Node(racks, stacks[stack]);
    await node.atRest();
    const before = routesOfNode(node);
    configure(racks.alpha, "route flush proto 72", "-6 route flush proto 72");
    await eventually(
      () => routesOfNode(node),
      (now) => now === before,
    );
    expect(node.failures).toEqual([]);
  });

  test("entries of its tunnel, and the tunnel itself", async ({ racks }) => {
    wire(racks, stacks[stack]);
    await using node = new Node(racks, stacks[stack]);
    await node.atRest();
    const tunnel = stack === "IPv4-only" ? "hextet.vxlan4" : "hextet.vxlan";
    const look = () =>
      [
        racks.alpha.run("bridge", "fdb", "show", "dev", tunnel),
        node.show("neigh", "show", "dev", tunnel, "nud", "permanent"),
        node.show("-6", "neigh", "show", "dev", tunnel, "nud", "permanent"),
        routesOfNode(node),
      ].join("");
    const before = look();
    const [mac = "", , remote = ""] =
      /^(\S+) dst (\S+)/m
        .exec(before)
        ?.slice(1, 3)
        .flatMap((part) => [part, ""]) ?? [];
    racks.alpha.run("bridge", "fdb", "del", mac, "dev", tunnel, "dst", remote);
    await eventually(look, (now) => now === before);
    configure(racks.alpha, `neigh flush dev ${tunnel} nud permanent`, `-6 neigh flush dev ${tunnel} nud permanent`);
    await eventually(look, (now) => now === before);
    configure(racks.alpha, `link delete ${tunnel}`);
    const safely = () => {
      try {
        return look();
      } catch {
        return "the tunnel is gone";
      }
    };
    await eventually(safely, (now) => now === before);
    expect(node.failures).toEqual([]);
  });

  test("forwarding that somebody switched off, and what is lost by an uplink that goes down and up", async ({
    racks,
  }) => {
    wire(racks, stacks[stack]);
    await using node = new Node(racks, stacks[stack]);
    await node.atRest();
    const before = routesOfNode(node);
    const sysctl = linux.sysctl(racks.alpha);
    for (const family of stack === "dual-stack" ? ["ipv4", "ipv6"] : [stack.slice(0, 4).toLowerCase()]) {
      const name = `net/${family}/conf/all/forwarding`;
      sysctl.set(name, "0");
      await eventually(
        () => sysctl.get(name),
        (value) => value === "1",
      );
    }
    configure(racks.alpha, "link set eth0 down");
    await eventually(
      () => node.states.at(-1)?.faults.length,
      (count) => count !== 0,
    );
    expect(node.states.at(-1)?.faults.map(({ code }) => code)).toContain("uplink-down");
    configure(racks.alpha, "link set eth0 up");
    for (const text of stacks[stack].alpha.filter((each) => !each.includes("/"))) {
      const [length, family] = text.includes(":") ? [64, "-6"] : [24, "-4"];
      configure(racks.alpha, `${family} address replace ${text}/${length} dev eth0`);
    }
    await eventually(
      () => ({ routes: routesOfNode(node), faults: node.states.at(-1)?.faults }),
      ({ routes, faults }) => routes === before && faults?.length === 0,
    );
  });
});

test.for(columns)(
  "%s: at rest nothing is heard of the node's own looking, nor of its pods",
  async (stack, { racks }) => {
    wire(racks, stacks[stack]);
    await using node = new Node(racks, stacks[stack]);
    await node.atRest();
    using pod = TestNamespace.create();
    await node.fence("one");
    await node.atRest();
    const passes = node.states.length;
    await node.fence("two");
    await eventually(
      () => node.states.length,
      (count) => count > passes,
    );
    const { heard } = node;
    cable({ namespace: racks.alpha, name: "hx0123456789abc" }, { namespace: pod, name: "eth0" });
    configure(
      racks.alpha,
      "address add fe80::1/64 dev hx0123456789abc nodad",
      "route add 10.9.9.9 dev hx0123456789abc proto 72",
      "-6 route add fd00:9::9 dev hx0123456789abc proto 72",
      "link set hx0123456789abc down",
      "link set hx0123456789abc name hxgone1",
      "link delete hxgone1",
    );
    await node.fence("three");
    expect(node.heard).toBe(heard + 1);
    expect(node.failures).toEqual([]);
  },
);

test.for(columns)(
  "%s: of a route that is gone the node hears, and not of its own mending",
  async (stack, { racks }) => {
    wire(racks, stacks[stack]);
    await using node = new Node(racks, stacks[stack]);
    await node.fence("one");
    await node.atRest();
    const before = routesOfNode(node);
    const [prefix = ""] = stacks[stack].beta.filter((text) => text.includes("/"));
    const { heard } = node;
    configure(racks.alpha, `${prefix.includes(":") ? "-6" : "-4"} route del ${prefix}`);
    await eventually(
      () => routesOfNode(node),
      (now) => now === before,
    );
    await node.fence("two");
    expect(node.heard).toBe(heard + 2);
  },
);

describe("what the kernel could not tell", () => {
  /** A socket whose watch a test speaks through. */
  function told() {
    let speak: (error: Error) => void = () => {};
    let opened = 0;
    let closed = 0;
    const socket: NetlinkSocket = {
      port: 1,
      send: () => {},
      sendLater: async () => {},
      receive: () => new Uint8Array(),
      watch: (_groups, _onDatagram, onError) => {
        speak = onError;
      },
      [Symbol.dispose]: () => {
        closed += 1;
      },
    };
    const kernel = {
      socket: () => {
        opened += 1;
        return socket;
      },
    };
    return {
      kernel,
      speak: (errno: number) => speak(new KernelError({ operation: "receive", errno })),
      count: () => ({ opened, closed }),
    };
  }

  test.for<[name: string, errno: number, after: { lost: number; ended: number; opened: number; closed: number }]>([
    ["too many events: it looks again, and goes on listening", 105, { lost: 1, ended: 0, opened: 1, closed: 0 }],
    [
      "the socket's end: it looks again, and listens anew when it is told to",
      9,
      { lost: 0, ended: 1, opened: 2, closed: 1 },
    ],
  ])("%s", ([, errno, after]) => {
    const { kernel, speak, count } = told();
    let changes = 0;
    let lost = 0;
    let ended = 0;
    using events = new KernelEvents({
      kernel,
      onChange: () => (changes += 1),
      onLoss: () => (lost += 1),
      onEnd: () => (ended += 1),
    });
    events.listen();
    events.listen();
    speak(errno);
    events.listen();
    expect({ changes, lost, ended, ...count() }).toEqual({ changes: 1, ...after });
  });

  test("events that overran the buffer on Linux are looked after all the same", async ({ racks }) => {
    let changes = 0;
    let losses = 0;
    const kernel = { socket: () => smallSocket(racks.alpha) };
    using events = new KernelEvents({
      kernel,
      onChange: () => (changes += 1),
      onLoss: () => (losses += 1),
      onEnd: (error) => expect.fail(error.message),
    });
    events.listen();
    const lines = Array.from({ length: 200 }, (_, at) => `address add 10.77.0.${at}/32 dev lo`).join("\n");
    racks.alpha.run("sh", "-c", `echo '${lines}' | ip -batch -`);
    await eventually(
      () => Math.min(changes, losses),
      (count) => count > 0,
    );
  });
});

function smallSocket(namespace: TestNamespace): NetlinkSocket {
  return openSocket("route", { namespace, receiveBufferBytes: 2048 });
}
