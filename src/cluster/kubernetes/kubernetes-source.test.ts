import fc from "fast-check";
import { test as base, describe, expect } from "vitest";
import { createLog } from "../../log/log.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import type { Access } from "./access.ts";
import { KubernetesSource, type KubernetesSourceOptions } from "./kubernetes-source.ts";
import { type ApiObject, TestApiServer, type TestFault, type TestServerOptions } from "./test-api-server.ts";

/** How long a source lets whoever started it wait. */
const startMs = 5_000;

/** Waits are short, in proportion, so that what is to come first does; only the test says when a start takes too long. */
class QuickClock implements LoopClock {
  /** Every wait that was asked for. */
  readonly waits: number[] = [];
  readonly #longStart = Promise.withResolvers<void>();

  now(): number {
    return 0;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.waits.push(ms);
    if (signal.aborted) return;
    const over = Promise.withResolvers<void>();
    if (ms === startMs) void this.#longStart.promise.then(over.resolve);
    const timer = ms === startMs ? undefined : setTimeout(over.resolve, ms / 200);
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    await over.promise;
    clearTimeout(timer);
  }

  startTakesLong(): void {
    this.#longStart.resolve();
  }
}

/** A source with everything it told of. */
class Observed implements AsyncDisposable {
  readonly clock = new QuickClock();
  readonly source: KubernetesSource;
  readonly lines: { level: string; message: string; [field: string]: unknown }[] = [];
  changes = 0;
  #changed = Promise.withResolvers<void>();

  constructor(access: Access, options: Partial<KubernetesSourceOptions> = {}) {
    const write = (line: string) => {
      this.lines.push(JSON.parse(line));
      this.#wake();
    };
    const log = createLog({ write });
    this.source = new KubernetesSource({ access, log, clock: this.clock, withPolicies: false, ...options });
  }

  start(): Promise<void> {
    return this.source.start(() => {
      this.changes++;
      this.#wake();
    });
  }

  get names(): string {
    return this.source.view?.nodes.map(({ name }) => name).join(" ") ?? "no view";
  }

  async until(isReached: () => boolean): Promise<void> {
    while (!isReached()) await this.#changed.promise;
  }

  untilNames(names: string): Promise<void> {
    return this.until(() => this.names === names);
  }

  untilWell(): Promise<void> {
    return this.until(() => this.source.fault === undefined);
  }

  untilFault(pattern: RegExp): Promise<void> {
    return this.until(() => pattern.test(this.source.fault ?? ""));
  }

  /** Until every resource is watched. */
  async untilWatching(server: TestApiServer, watchers = 1): Promise<void> {
    while (server.watchers < watchers) await new Promise((resolve) => setImmediate(resolve));
  }

  async untilAsked(server: TestApiServer): Promise<void> {
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  linesAt(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source[Symbol.asyncDispose]();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function accessTo(...servers: readonly URL[]): Access {
  return { credentials: async () => ({ servers, headers: {}, tls: {} }) };
}

function node(name: string, podCIDRs: readonly string[] = [], addresses: readonly string[] = []): ApiObject {
  return {
    metadata: { name },
    spec: { podCIDRs },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  };
}

const test = base.extend<{
  serve: (options?: TestServerOptions) => Promise<TestApiServer>;
  observe: (access: Access, options?: Partial<KubernetesSourceOptions>) => Observed;
}>({
  serve: async ({ task: _ }, use) => {
    await using stack = new AsyncDisposableStack();
    await use(async (options) => stack.use(await TestApiServer.start(options)));
  },
  observe: async ({ task: _ }, use) => {
    await using stack = new AsyncDisposableStack();
    await use((access, options) => stack.use(new Observed(access, options)));
  },
});

const hosts = ["::1", "127.0.0.1"] as const;

describe("a Kubernetes source", () => {
  test.for([
    ["IPv4-only", ["192.0.2.1"], ["10.1.0.0/24"], "127.0.0.1"],
    ["IPv6-only", ["2001:db8::1"], ["fd00:0:0:1::/64"], "::1"],
    ["dual-stack", ["2001:db8::1", "192.0.2.1"], ["fd00:0:0:1::/64", "10.1.0.0/24"], "::1"],
    ["dual-stack, IPv4 first", ["192.0.2.1", "2001:db8::1"], ["10.1.0.0/24", "fd00:0:0:1::/64"], "127.0.0.1"],
  ] as const)("has the %s view when start() resolves", async ([, addresses, prefixes, host], { serve, observe }) => {
    const server = await serve({ host });
    server.put("nodes", node("alpha", prefixes, addresses));
    const observed = observe(accessTo(server.url));
    await observed.start();
    const [first] = observed.source.view?.nodes ?? [];
    expect(JSON.parse(JSON.stringify(first))).toEqual({
      name: "alpha",
      addresses,
      prefixes: prefixes.map((prefix) => ({ prefix, state: "active" })),
    });
    expect(observed.source.fault).toBeUndefined();
  });

  test.for(hosts)("follows what is added, changed and deleted, at %s", async (host, { serve, observe }) => {
    const server = await serve({ host });
    server.put("nodes", node("alpha"));
    const observed = observe(accessTo(server.url));
    await observed.start();
    const before = observed.source.view;
    server.put("nodes", node("beta", ["10.1.0.0/24"]));
    await observed.untilNames("alpha beta");
    server.put("nodes", node("beta", ["10.2.0.0/24"]));
    await observed.until(() => `${observed.source.view?.nodes[1]?.prefixes[0]?.prefix}` === "10.2.0.0/24");
    server.remove("nodes", "alpha");
    await observed.untilNames("beta");
    expect(before?.nodes.map(({ name }) => name)).toEqual(["alpha"]);
  });
});

describe("a Kubernetes source in trouble", () => {
  test("reads in pages, and all at once from a server that serves no pages", async ({ serve, observe }) => {
    const server = await serve();
    const names = Array.from({ length: 1201 }, (_, at) => `n${at + 1000}`);
    for (const name of names) server.put("nodes", node(name));
    const observed = observe(accessTo(server.url));
    await observed.start();
    expect(observed.names).toBe(names.join(" "));
    const lists = server.requests.filter(({ verb }) => verb === "list").map(({ parameters }) => parameters);
    expect(lists.map((each) => [each.get("limit"), each.get("resourceVersion"), each.has("continue")])).toEqual([
      ["500", "0", false],
      ["500", null, true],
      ["500", null, true],
    ]);
    server.ignoresLimit = true;
    const again = observe(accessTo(server.url));
    await again.start();
    expect(again.names).toBe(observed.names);
  });

  test("asks for bookmarks and for a watch of five to ten minutes, and goes on from the last bookmark", async ({
    serve,
    observe,
  }) => {
    const server = await serve();
    server.put("nodes", node("alpha"));
    const observed = observe(accessTo(server.url));
    await observed.start();
    await observed.untilWatching(server);
    const [first] = server.requests.filter(({ verb }) => verb === "watch");
    expect(first?.parameters.get("allowWatchBookmarks")).toBe("true");
    const seconds = Number(first?.parameters.get("timeoutSeconds"));
    expect(seconds >= 300 && seconds <= 600).toBe(true);
    server.put("pods", node("of no concern"));
    server.bookmark();
    server.disturb("close");
    await observed.untilWatching(server);
    const last = server.requests.filter(({ verb }) => verb === "watch").at(-1);
    expect(last?.parameters.get("resourceVersion")).toBe("3");
    expect(server.requests.filter(({ verb }) => verb === "list").length).toBe(1);
    expect(observed.linesAt("error")).toEqual([]);
  });

  test.for(["close", "drop", "rubbish", "half", "error", "gone"] as const)(
    "catches up after a watch that ends with: %s",
    async (how, { serve, observe }) => {
      const server = await serve();
      server.put("nodes", node("alpha"));
      const observed = observe(accessTo(server.url));
      await observed.start();
      await observed.untilWatching(server);
      server.disturb(how);
      server.put("nodes", node("beta"));
      server.remove("nodes", "alpha");
      await observed.untilNames("beta");
      await observed.untilWell();
    },
  );

  test.for([
    [{ do: "status", status: 429, retryAfter: 7 }, /answers 429/],
    [{ do: "status", status: 500, message: "etcd has no leader" }, /answers 500, etcd has no leader/],
    [{ do: "status", status: 503 }, /answers 503/],
    [{ do: "drop" }, /Cannot (reach the Kubernetes API|list nodes)/],
    [{ do: "rubbish" }, /Cannot list nodes: the server sends what cannot be read/],
    [{ do: "half" }, /Cannot list nodes: the server sends what cannot be read/],
  ] as const)(
    "tells once of a server that answers with %j, and once that it is well",
    async ([fault, told], { serve, observe }) => {
      const server = await serve();
      server.put("nodes", node("alpha"));
      for (let times = 0; times < 5; times++) server.fail(fault);
      const observed = observe(accessTo(server.url));
      await observed.start();
      expect(observed.source.fault).toMatch(told);
      expect(observed.source.fault).toMatch(/; until then no other node is known$/);
      await observed.untilWell();
      expect(observed.names).toBe("alpha");
      expect(observed.linesAt("error")).toEqual(["The Kubernetes API cannot be used"]);
      expect(observed.linesAt("info").toSorted()).toEqual([
        "The Kubernetes API is usable again",
        "The cluster was read from Kubernetes",
      ]);
    },
  );

  test("waits longer with each failure, and as long as Retry-After says", async ({ serve, observe }) => {
    const server = await serve();
    for (let times = 0; times < 4; times++) server.fail({ do: "status", status: 500 });
    server.fail({ do: "status", status: 429, retryAfter: 60 });
    const observed = observe(accessTo(server.url), { random: () => 0.5 });
    await observed.start();
    await observed.untilWell();
    const waits = observed.clock.waits.filter((ms) => ms !== startMs && ms !== 1_000);
    expect(waits).toEqual([375, 750, 1500, 3000, 60_000]);
  });

  test.for(hosts)("keeps its view while the server at %s is away, and catches up", async (host, { serve, observe }) => {
    const server = await serve({ host });
    server.put("nodes", node("alpha"));
    const observed = observe(accessTo(server.url));
    await observed.start();
    await observed.untilWatching(server);
    const { view } = observed.source;
    await server.shut();
    await observed.untilFault(/connection refused/);
    expect(observed.source.view).toBe(view);
    expect(observed.source.fault).toBe(
      `Cannot reach the Kubernetes API at ${server.url.origin}: connection refused: see that the API server runs and that ` +
        "this node has a route to it, or name others in cluster.kubernetes.apiServers; until then the last good view stays in use",
    );
    server.put("nodes", node("beta"));
    server.compact();
    await server.listen();
    await observed.untilNames("alpha beta");
    await observed.untilWell();
    expect(observed.linesAt("error")).toEqual(["The Kubernetes API cannot be used"]);
  });

  test("goes to the next server where one does not answer, and stays there", async ({ serve, observe }) => {
    const [away, other] = [await serve(), await serve({ host: "127.0.0.1" })];
    await away.shut();
    other.put("nodes", node("alpha"));
    const observed = observe(accessTo(away.url, other.url));
    await observed.start();
    await observed.untilWatching(other);
    expect([observed.names, observed.source.fault, away.requests.length]).toEqual(["alpha", undefined, 0]);
  });

  test("begins while the server is slow, and has the view when it comes", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("alpha"));
    server.fail({ do: "slow" });
    const observed = observe(accessTo(server.url));
    const started = observed.start();
    await observed.untilAsked(server);
    observed.clock.startTakesLong();
    await started;
    expect([observed.names, observed.source.fault]).toEqual(["no view", undefined]);
    server.release();
    await observed.untilNames("alpha");
  });

  test("asks anew, not for a version, where the version it knows is none any more", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("alpha"));
    const observed = observe(accessTo(server.url));
    await observed.start();
    await observed.untilWatching(server);
    server.fail({ do: "status", status: 504, message: "Too large resource version" }, "list");
    server.disturb("gone");
    server.put("nodes", node("beta"));
    await observed.untilNames("alpha beta");
    const lists = server.requests.filter(({ verb }) => verb === "list");
    expect(lists.map(({ parameters }) => parameters.get("resourceVersion"))).toEqual(["0", "2", null]);
  });

  test.for([
    ["list", "nodes", "nodes"],
    ["watch", "nodes", "nodes"],
    ["list", "networkpolicies", "networkpolicies.networking.k8s.io"],
  ] as const)("names the right to %s %s that is missing", async ([verb, resource, name], { serve, observe }) => {
    const server = await serve();
    server.forbid(verb, resource);
    const observed = observe(accessTo(server.url), { withPolicies: true });
    await observed.start();
    const words = `Cannot ${verb} ${name} at ${server.url.origin}: RBAC does not allow it (403, User "agent" cannot`;
    await observed.until(() => observed.source.fault?.startsWith(words) === true);
    expect(observed.source.fault).toContain(
      `grant the verbs list and watch on ${name} in the ClusterRole of the agent`,
    );
    server.recover();
    await observed.untilWell();
    expect(observed.linesAt("error").length).toBe(1);
  });

  test("has no view before pods, namespaces and policies are known, and then all of it", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("alpha"));
    server.put("namespaces", { metadata: { name: "shop", labels: { team: "a" } } });
    server.put("networkpolicies", {
      metadata: { name: "closed", namespace: "shop" },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    });
    for (const [name, ip] of [
      ["web-0", "fd00::7"],
      ["web-1", "10.1.0.7"],
    ] as const) {
      server.put("pods", {
        metadata: { name, namespace: "shop", labels: { app: "web" } },
        spec: { nodeName: "alpha", containers: [{ ports: [{ name: "http", containerPort: 80 }] }] },
        status: { podIPs: [{ ip }] },
      });
    }
    server.put("pods", { metadata: { name: "proxy", namespace: "shop" }, spec: { hostNetwork: true }, status: {} });
    server.forbid("list", "pods");
    const observed = observe(accessTo(server.url), { withPolicies: true });
    await observed.start();
    expect(observed.source.view).toBeUndefined();
    server.recover();
    await observed.until(() => observed.source.view !== undefined);
    const { pods, namespaces, policies } = observed.source.view?.policies ?? {};
    expect([...(namespaces?.keys() ?? [])]).toEqual(["shop"]);
    expect([...(policies?.keys() ?? [])]).toEqual(["shop/closed"]);
    expect([...(pods?.keys() ?? [])].toSorted()).toEqual(["shop/web-0", "shop/web-1"]);
    const [one, other] = [pods?.get("shop/web-0"), pods?.get("shop/web-1")];
    expect(one?.labels).toBe(other?.labels);
    expect([`${one?.addresses}`, `${other?.addresses}`]).toEqual(["fd00::7", "10.1.0.7"]);
  });
});

describe("a Kubernetes source and what objects may hold", () => {
  test("tells of a node without prefix after a while, with the flags that give it one", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("bare"));
    server.put("nodes", node("odd", ["fd00:1::1/64", "10.0.0/24"], ["fe80::1", "192.0.2.1"]));
    const observed = observe(accessTo(server.url));
    await observed.start();
    await observed.until(() => observed.linesAt("warning").length === 2);
    const told = observed.lines.filter(({ level }) => level === "warning");
    expect(told.map(({ object }) => object)).toEqual(["Node bare", "Node odd"]);
    expect(told[0]?.["remark"]).toMatch(
      /^spec.podCIDRs is empty, .*--allocate-node-cidrs and --cluster-cidr .*InternalIP/,
    );
    expect(told[1]?.["remark"]).toBe(
      "spec.podCIDRs[0]: fd00:1::1/64 has host bits set and is read as fd00:1::/64; " +
        'spec.podCIDRs[1]: "10.0.0" is not an IP address: write four decimal numbers, as in 192.0.2.1; it is left out; ' +
        "status.addresses[0]: fe80::1 cannot be reached by other nodes; write an address that every node reaches; it is left out",
    );
    expect(JSON.stringify(observed.source.view?.nodes[1])).toBe(
      '{"name":"odd","addresses":["192.0.2.1"],"prefixes":[{"prefix":"fd00:1::/64","state":"active"}]}',
    );
    server.put("nodes", node("bare", ["fd00::/64"], ["192.0.2.2"]));
    await observed.until(() => observed.linesAt("info").includes("An object of the cluster is in order again"));
  });

  test("tells of a node that has other prefixes than before, and takes them", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("alpha", ["fd00:1::/64"], ["2001:db8::1"]));
    const observed = observe(accessTo(server.url));
    await observed.start();
    await observed.untilWatching(server);
    await server.shut();
    const again = node("alpha", ["fd00:2::/64", "10.1.0.0/24"], ["2001:db8::1"]);
    server.put("nodes", { ...again, metadata: { ...again.metadata, uid: "another" } });
    server.compact();
    await server.listen();
    await observed.until(() => observed.linesAt("warning").length === 1);
    const told = observed.lines.find(({ level }) => level === "warning");
    expect(told).toMatchObject({ node: "alpha", before: "fd00:1::/64", after: "fd00:2::/64, 10.1.0.0/24" });
    await observed.until(() => observed.source.view?.nodes[0]?.prefixes.length === 2);
  });

  test("does not look up for what it has no use for: a node's heartbeat", async ({ serve, observe }) => {
    const server = await serve();
    server.put("nodes", node("alpha"));
    const observed = observe(accessTo(server.url));
    await observed.start();
    const { view } = observed.source;
    const before = observed.changes;
    server.put("nodes", { ...node("alpha"), heartbeat: 1 });
    server.put("nodes", { ...node("alpha"), heartbeat: 2 });
    server.put("nodes", node("beta"));
    await observed.untilNames("alpha beta");
    expect(observed.changes).toBe(before + 1);
    expect(observed.source.view?.nodes[0]).toBe(view?.nodes[0]);
  });
});

describe("whatever happens to the server", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("put" as const),
        name,
        third: fc.integer({ min: 1, max: 9 }),
        isAnother: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), name }) },
    fc.record({
      do: fc.constant("disturb" as const),
      how: fc.constantFrom("close", "drop", "rubbish", "half", "gone", "error"),
    }),
    fc.record({
      do: fc.constant("fail" as const),
      fault: fc.constantFrom<TestFault>(
        { do: "status", status: 429, retryAfter: 1 },
        { do: "status", status: 500 },
        { do: "status", status: 410 },
        { do: "drop" },
        { do: "rubbish" },
        { do: "half" },
      ),
      verb: fc.constantFrom("list", "watch", undefined),
    }),
    fc.constant({ do: "compact" as const }),
    fc.constant({ do: "bookmark" as const }),
    fc.record({ do: fc.constant("restart" as const), name, forgets: fc.boolean() }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(6) }) },
  );
  type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

  async function perform(server: TestApiServer, step: Action): Promise<void> {
    switch (step.do) {
      case "put": {
        const another = step.isAnother ? { uid: `${Math.random()}` } : {};
        const object = node(step.name, [`fd00:0:0:${step.third}::/64`, `10.1.${step.third}.0/24`], ["fd00::1"]);
        return server.put("nodes", { ...object, metadata: { ...object.metadata, ...another } });
      }
      case "remove":
        return server.remove("nodes", step.name);
      case "disturb":
        return server.disturb(step.how);
      case "fail":
        return server.fail(step.fault, step.verb);
      case "compact":
        return server.compact();
      case "bookmark":
        return server.bookmark();
      case "restart":
        await server.shut();
        server.remove("nodes", step.name);
        if (step.forgets) server.compact();
        return await server.listen();
      case "wait":
        return await new Promise((resolve) => setTimeout(resolve, step.ms));
    }
  }

  test("the view equals what the server holds, once it is quiet", async ({ serve, observe }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 30, size: "max" }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, pageSize) => {
          const server = await serve();
          server.maxPage = pageSize;
          const observed = observe(accessTo(server.url));
          await observed.start();
          for (const step of steps) await perform(server, step);
          server.recover();
          server.put("nodes", node("last"));
          await observed.until(() => observed.names.includes("last") && observed.source.fault === undefined);
          const seen = observed.source.view?.nodes.map(({ name: of, prefixes }) => [
            of,
            ...prefixes.map(({ prefix }) => `${prefix}`),
          ]);
          const objects = server.objects("nodes").toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
          const held = objects.map(({ metadata, spec }) => [metadata.name, ...Object(spec).podCIDRs]);
          expect(seen).toEqual(held);
          await observed[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 60 },
    );
  }, 30_000);
});
