import { mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { createLog } from "../../log/log.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import type { WatchDirectory } from "./directory-watches.ts";
import { FileSource, type FileSourceOptions } from "./file-source.ts";

/** Short waits pass at once; the long one between two polls lasts until the test says so or an event ends it. */
class PollClock implements LoopClock {
  duringShortWaits: () => Promise<void> = async () => {};
  #poll = Promise.withResolvers<void>();
  #idle = Promise.withResolvers<void>();

  now(): number {
    return 0;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (ms < 1000) {
      await this.duringShortWaits();
      return new Promise((resolve) => setImmediate(resolve));
    }
    this.#idle.resolve();
    await Promise.race([this.#poll.promise, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    this.#idle = Promise.withResolvers();
  }

  /** Ends the wait between two polls, and resolves when the next wait begins. */
  async poll(): Promise<void> {
    await this.#idle.promise;
    const poll = this.#poll;
    this.#poll = Promise.withResolvers();
    poll.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    await this.#idle.promise;
  }
}

/** A source with everything it told of: every callback, every line of the log. */
class Observed {
  readonly clock = new PollClock();
  readonly source: FileSource;
  readonly lines: { level: string; message: string; [field: string]: unknown }[] = [];
  changes = 0;
  #changed = Promise.withResolvers<void>();

  constructor(path: string, options: Partial<FileSourceOptions> = {}) {
    const log = createLog({ write: (line) => this.lines.push(JSON.parse(line)) });
    this.source = new FileSource({ path, log, clock: this.clock, ...options });
  }

  start(): Promise<void> {
    return this.source.start(() => {
      this.changes++;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  get names(): string {
    return this.source.view?.nodes.map(({ name }) => name).join(" ") ?? "no view";
  }

  /** Waits for callbacks, never for time, until the view has these nodes. */
  async untilNames(names: string): Promise<void> {
    while (this.names !== names) await this.#changed.promise;
  }

  async untilFault(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.source.fault ?? "")) await this.#changed.promise;
  }

  linesAt(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

/** Never tells of anything. */
const deaf: WatchDirectory = () => ({ [Symbol.dispose]: () => {} });

const test = base.extend<{
  directory: string;
  observe: (path: string, options?: Partial<FileSourceOptions>) => Observed;
}>({
  directory: async ({ task: _ }, use) => {
    const directory = await mkdtemp(join(tmpdir(), "hextet-cluster-"));
    await use(directory);
    await rm(directory, { recursive: true });
  },
  observe: async ({ task: _ }, use) => {
    await using stack = new AsyncDisposableStack();
    await use((path, options) => {
      const observed = new Observed(path, options);
      stack.use(observed.source);
      return observed;
    });
  },
});

function cluster(...names: readonly string[]): string {
  return `nodes: {${names.map((name) => `${name}: `).join(", ")}}\n`;
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** The layout of a mounted ConfigMap or Secret: names lead through `..data`, which is swapped. */
async function swapConfigMap(directory: string, version: string, text: string): Promise<void> {
  const before = await readlink(join(directory, "..data")).catch(() => undefined);
  await mkdir(join(directory, version));
  await writeFile(join(directory, version, "cluster.yaml"), text);
  await symlink(version, join(directory, "..data_tmp"));
  await rename(join(directory, "..data_tmp"), join(directory, "..data"));
  if (before === undefined) await symlink("..data/cluster.yaml", join(directory, "cluster.yaml"));
  else await rm(join(directory, before), { recursive: true });
}

describe("a file source at its start", () => {
  test.for([
    ["IPv4-only", "192.0.2.1", "10.1.0.0/24"],
    ["IPv6-only", "2001:db8::1", "fd00:0:0:1::/64"],
    ["dual-stack", "2001:db8::1, 192.0.2.1", "fd00:0:0:1::/64, 10.1.0.0/24"],
  ] as const)("has the %s view when start() resolves", async ([, address, prefix], { directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, `nodes: {alpha: {addresses: [${address}], prefixes: [${prefix}]}}`);
    const observed = observe(path);
    await observed.start();
    const [node] = observed.source.view?.nodes ?? [];
    expect([node?.name, node?.addresses.join(", "), node?.prefixes.map((one) => one.prefix).join(", ")]).toEqual([
      "alpha",
      address,
      prefix,
    ]);
    expect([observed.changes, observed.source.fault]).toEqual([1, undefined]);
  });

  test("waits for a missing file and says so once", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    const observed = observe(path);
    await observed.start();
    await observed.clock.poll();
    await observed.clock.poll();
    expect(observed.source.view).toBeUndefined();
    expect(observed.source.fault).toBe(
      `${path} is missing: write it as docs/cluster-file.md has it; until then no other node is known`,
    );
    expect([observed.changes, observed.linesAt("error")]).toEqual([1, ["The cluster file cannot be used"]]);
    await replace(path, cluster("alpha"));
    await observed.untilNames("alpha");
    expect(observed.source.fault).toBeUndefined();
  });

  test("finds a file whose directory came later by polling, and watches it from then on", async ({
    directory,
    observe,
  }) => {
    const path = join(directory, "etc", "cluster.yaml");
    const observed = observe(path);
    await observed.start();
    await mkdir(join(directory, "etc"));
    await writeFile(path, cluster("alpha"));
    await observed.clock.poll();
    expect(observed.names).toBe("alpha");
    await replace(path, cluster("beta"));
    await observed.untilNames("beta");
    expect(observed.linesAt("warning").filter((message) => message.startsWith("Cannot watch"))).toEqual([]);
  });
});

describe("a file source sees", () => {
  test("a file written in place", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const observed = observe(path);
    await observed.start();
    await writeFile(path, cluster("alpha", "beta"));
    await observed.untilNames("alpha beta");
  });

  test("a file replaced by renaming another over it", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const observed = observe(path);
    await observed.start();
    for (const name of ["beta", "gamma", "delta"]) {
      await replace(path, cluster(name));
      await observed.untilNames(name);
    }
    expect([observed.changes, observed.linesAt("error")]).toEqual([4, []]);
  });

  test("the swap of a ConfigMap's symbolic link, three times", async ({ directory, observe }) => {
    await swapConfigMap(directory, "..1", cluster("one"));
    const observed = observe(join(directory, "cluster.yaml"));
    await observed.start();
    for (const [version, name] of [
      ["..2", "two"],
      ["..3", "three"],
      ["..4", "four"],
    ] as const) {
      await swapConfigMap(directory, version, cluster(name));
      await observed.untilNames(name);
    }
    expect(observed.source.fault).toBeUndefined();
  });

  test("the same swap in a directory that is read as one", async ({ directory, observe }) => {
    await swapConfigMap(directory, "..1", cluster("one"));
    const observed = observe(directory);
    await observed.start();
    await swapConfigMap(directory, "..2", cluster("two"));
    await observed.untilNames("two");
  });

  test("a change behind a symbolic link to another directory", async ({ directory, observe }) => {
    await mkdir(join(directory, "real"));
    await mkdir(join(directory, "etc"));
    const real = join(directory, "real", "nodes.yaml");
    await writeFile(real, cluster("alpha"));
    await symlink("../real/nodes.yaml", join(directory, "etc", "cluster.yaml"));
    const observed = observe(join(directory, "etc", "cluster.yaml"));
    await observed.start();
    await replace(real, cluster("beta"));
    await observed.untilNames("beta");
  });

  test("files that come and go in a directory, and no hidden or other ones", async ({ directory, observe }) => {
    await writeFile(join(directory, "b.yaml"), cluster("beta"));
    const observed = observe(directory);
    await observed.start();
    await writeFile(join(directory, ".hidden.yaml"), "nonsense: [");
    await writeFile(join(directory, "a.yaml~"), "nonsense: [");
    await replace(join(directory, "a.yml"), cluster("alpha"));
    await observed.untilNames("alpha beta");
    await rm(join(directory, "b.yaml"));
    await observed.untilNames("alpha");
    expect(observed.linesAt("error")).toEqual([]);
  });

  test("changes after its directory was removed and made anew", async ({ directory, observe }) => {
    const etc = join(directory, "etc");
    await mkdir(etc);
    await writeFile(join(etc, "cluster.yaml"), cluster("alpha"));
    const observed = observe(join(etc, "cluster.yaml"));
    await observed.start();
    await rm(etc, { recursive: true });
    await observed.untilFault(/is missing/);
    await mkdir(etc);
    await writeFile(join(etc, "cluster.yaml"), cluster("beta"));
    await observed.clock.poll();
    expect(observed.names).toBe("beta");
    await replace(join(etc, "cluster.yaml"), cluster("gamma"));
    await observed.untilNames("gamma");
  });

  test("a change that no event told of, at the next poll", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const observed = observe(path, { watch: deaf });
    await observed.start();
    await writeFile(path, cluster("beta"));
    await observed.clock.poll();
    expect(observed.names).toBe("beta");
  });
});

describe("a file source keeps the last good view", () => {
  test("through a broken file, tells of it once, and says when it is usable again", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const observed = observe(path, { watch: deaf });
    await observed.start();
    const { view } = observed.source;
    const broken = "nodes:\n  beta:\n    prefix: [fd00::1/64]\n    prefixes: [fd00::1/64]\n";
    await writeFile(path, broken);
    await observed.clock.poll();
    await writeFile(path, `${broken}# tried again\n`);
    await observed.clock.poll();
    expect(observed.source.view).toBe(view);
    expect(observed.source.fault).toBe(
      `2 faults: ${path}:3:5: nodes.beta.prefix: this key is unknown; did you mean prefixes; ` +
        `${path}:4:16: nodes.beta.prefixes[0]: fd00::1/64 has host bits set; write fd00::/64; ` +
        "until then the last good reading stays in use",
    );
    expect([observed.changes, observed.linesAt("error").length]).toEqual([2, 1]);

    await writeFile(path, cluster("alpha"));
    await observed.clock.poll();
    expect(observed.source.view).toBe(view);
    expect([observed.changes, observed.source.fault]).toEqual([3, undefined]);
    expect(observed.linesAt("info").at(-1)).toBe("The cluster file is usable again");
  });

  test.for(["", "# empty for a moment\n", "nodes: {alpha: {prefixes: [fd00::/64"])(
    "when the file becomes %j",
    async (text, { directory, observe }) => {
      const path = join(directory, "cluster.yaml");
      await writeFile(path, cluster("alpha"));
      const observed = observe(path);
      await observed.start();
      await replace(path, text);
      await observed.untilFault(/until then the last good reading stays in use$/);
      expect(observed.names).toBe("alpha");
    },
  );

  test("when the file, or every file of the directory, is removed", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const [file, folder] = [observe(path), observe(directory)];
    await file.start();
    await folder.start();
    await rm(path);
    await file.untilFault(/cluster\.yaml is missing: write it .* stays in use$/);
    await folder.untilFault(/holds no file that ends in \.yaml: write one/);
    expect([file.names, folder.names]).toEqual(["alpha", "alpha"]);
  });

  test("while a file is being written, and takes neither half of it", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha", "beta"));
    const observed = observe(path, { watch: deaf });
    await observed.start();
    const views: string[] = [];
    const rest = ["nodes:\n  alpha:\n  beta:\n", "nodes:\n  alpha:\n  beta:\n  gamma:\n"];
    observed.clock.duringShortWaits = async () => {
      views.push(observed.names);
      const next = rest.shift();
      if (next !== undefined) await writeFile(path, next);
    };
    await writeFile(path, "nodes:\n  alpha:\n");
    await observed.clock.poll();
    await observed.untilNames("alpha beta gamma");
    expect(new Set(views)).toEqual(new Set(["alpha beta"]));
    expect([observed.changes, observed.linesAt("error")]).toEqual([2, []]);
  });

  test.for([
    ["a directory with a file's name", (path: string) => mkdir(path), "is not a file"],
    ["bytes that are no UTF-8", (path: string) => writeFile(path, Uint8Array.of(0x6e, 0xff)), "save it in UTF-8"],
    ["a file of 17 MB", (path: string) => writeFile(path, Buffer.alloc(17 << 20)), "at most 16777216 are read"],
    ["a link to itself", (path: string) => symlink("bad.yaml", path), "Cannot read"],
  ] as const)("when %s is among the files", async ([, make, words], { directory, observe }) => {
    await writeFile(join(directory, "good.yaml"), cluster("alpha"));
    const observed = observe(directory, { watch: deaf });
    await observed.start();
    await make(join(directory, "bad.yaml"));
    await observed.clock.poll();
    expect(observed.source.fault).toContain(words);
    expect(observed.names).toBe("alpha");
  });
});

describe("a file source says no more than it has to", () => {
  test("does not call back for a comment", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const observed = observe(path, { watch: deaf });
    await observed.start();
    const { view } = observed.source;
    await writeFile(path, `# the first node\n${cluster("alpha")}`);
    await observed.clock.poll();
    expect(observed.source.view).toBe(view);
    expect(observed.changes).toBe(1);
  });

  test("calls back for a change in a policy alone, and keeps the values that did not change", async ({
    directory,
    observe,
  }) => {
    const path = join(directory, "cluster.yaml");
    const policy = "pods: {web: }\npolicies: [{metadata: {name: p}, spec: {";
    await writeFile(path, `${cluster("alpha")}${policy}}}]\n`);
    const observed = observe(path, { watch: deaf });
    await observed.start();
    const { view } = observed.source;
    await writeFile(path, `${cluster("alpha")}${policy}egress: [{}]}}]\n`);
    await observed.clock.poll();
    expect(observed.changes).toBe(2);
    expect(observed.source.view?.policies?.policies.get("default/p")?.egress).toEqual([{}]);
    expect(observed.source.view?.policies?.pods).toBe(view?.policies?.pods);
    expect(observed.source.view?.nodes).toBe(view?.nodes);
  });

  test("tells once of a node without prefix, however often the file changes", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    const bare = "  bare: {addresses: [fd00::1]}\n";
    await writeFile(path, `nodes:\n${bare}`);
    const observed = observe(path, { watch: deaf });
    await observed.start();
    await writeFile(path, `nodes:\n  other: {addresses: [fd00::2], prefixes: [fd01::/64]}\n${bare}`);
    await observed.clock.poll();
    expect(observed.source.fault).toBeUndefined();
    expect(observed.lines.filter((line) => line.level === "warning").map((line) => line["remark"])).toEqual([
      `node bare of ${path} has no prefix, so no pod can get an address there: add one to its prefixes`,
    ]);
  });

  test("tells ten faults of a hundred, and how many more there are", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, Array.from({ length: 100 }, (_, at) => `key${at}: 1\n`).join(""));
    const observed = observe(path);
    await observed.start();
    expect(observed.source.fault?.match(/this key is unknown/g)?.length).toBe(10);
    expect(observed.source.fault).toContain("; and 90 more; until then no other node is known");
  });

  test("says once that nothing can be watched, reads all the same, and says when it can again", async ({
    directory,
    observe,
  }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    let isExhausted = true;
    const observed = observe(path, {
      watch: (...args) => {
        if (!isExhausted) return deaf(...args);
        throw Object.assign(new Error("EMFILE: too many open files, watch"), { code: "EMFILE" });
      },
    });
    await observed.start();
    await writeFile(path, cluster("beta"));
    await observed.clock.poll();
    await observed.clock.poll();
    expect(observed.names).toBe("beta");
    expect(observed.lines.filter((line) => line.message.startsWith("Cannot watch"))).toEqual([
      expect.objectContaining({
        level: "warning",
        everySeconds: 5,
        reason: "EMFILE: too many open files, watch",
        fix: "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches",
      }),
    ]);
    isExhausted = false;
    await observed.clock.poll();
    expect(observed.linesAt("info").at(-1)).toBe("The cluster file is watched again");
  });

  test("watches again what ceased to be watched by an error", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    const watched: string[] = [];
    let fail: (error: Error) => void = () => {};
    const observed = observe(path, {
      watch: (name, _, onError) => {
        watched.push(name);
        fail = onError;
        return { [Symbol.dispose]: () => {} };
      },
    });
    await observed.start();
    await observed.clock.poll();
    expect(watched).toEqual([directory]);
    fail(new Error("gone"));
    await observed.clock.poll();
    expect(watched).toEqual([directory, directory]);
  });

  test("calls nobody and watches nothing after its end", async ({ directory, observe }) => {
    const path = join(directory, "cluster.yaml");
    await writeFile(path, cluster("alpha"));
    let open = 0;
    const observed = observe(path, {
      watch: () => {
        open++;
        return { [Symbol.dispose]: () => void open-- };
      },
    });
    await observed.start();
    expect(open).toBe(1);
    await observed.source[Symbol.asyncDispose]();
    expect([open, observed.changes]).toEqual([0, 1]);
    expect((await readdir(directory)).length).toBe(1);
  });
});
