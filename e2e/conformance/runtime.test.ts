// The harness itself, against plugins that only record: whether it behaves as the specification and libcni demand of a runtime.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { Recorder } from "./recorder.ts";
import { type NetworkList, PluginFailure, Runtime } from "./runtime.ts";

class Setup implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "hextet-runtime-"));
  readonly first: Recorder;
  readonly second: Recorder;
  readonly runtime: Runtime;

  constructor() {
    const bin = join(this.directory, "bin");
    mkdirSync(bin);
    this.first = new Recorder("first", bin, this.directory).answer("ADD", {
      stdout: { interfaces: [{ name: "eth0" }] },
    });
    this.second = new Recorder("second", bin, this.directory).answer("ADD", {
      stdout: { cniVersion: "1.1.0", ips: [] },
    });
    this.runtime = new Runtime({ path: [bin, "/nowhere"], cacheDirectory: this.directory });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

const test = base.extend<{ setup: Setup }>({
  // oxlint-disable-next-line no-empty-pattern
  setup: async ({}, use) => {
    using setup = new Setup();
    await use(setup);
  },
});

const list: NetworkList = {
  cniVersion: "1.1.0",
  name: "pods",
  plugins: [
    { type: "first", mode: "routed", capabilities: { ips: true, mac: false } },
    { type: "second", capabilities: { bandwidth: true } },
  ],
};
const container = {
  containerId: "c1",
  interfaceName: "eth0",
  netns: "/run/netns/pod1",
  args: { IgnoreUnknown: "1", K8S_POD_NAME: "web-0" },
  capabilityArgs: { ips: ["fd00::5"], mac: "02:00:00:00:00:01" },
};

describe("ADD", () => {
  test("gives each plugin its configuration, the capabilities it asked for, and the result before it", async ({
    setup,
  }) => {
    expect(await setup.runtime.add(list, container)).toEqual({ cniVersion: "1.1.0", ips: [] });
    expect(setup.first.calls()[0]?.document).toEqual({
      type: "first",
      mode: "routed",
      name: "pods",
      cniVersion: "1.1.0",
      runtimeConfig: { ips: ["fd00::5"] },
    });
    expect(setup.second.calls()[0]?.document).toEqual({
      type: "second",
      name: "pods",
      cniVersion: "1.1.0",
      prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "eth0" }] },
    });
  });

  test("gives every plugin the environment of the specification", async ({ setup }) => {
    await setup.runtime.add(list, container);
    for (const plugin of [setup.first, setup.second]) {
      expect(plugin.calls()[0]?.environment).toMatchObject({
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: "c1",
        CNI_NETNS: "/run/netns/pod1",
        CNI_IFNAME: "eth0",
        CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web-0",
        CNI_PATH: `${setup.directory}/bin:/nowhere`,
      });
    }
  });

  test("ends with the first plugin that fails, and keeps no result", async ({ setup }) => {
    setup.first.answer("ADD", {
      code: 1,
      stdout: { cniVersion: "1.1.0", code: 102, msg: "exhausted", details: "wait" },
    });
    const failure = await setup.runtime.add(list, container).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PluginFailure);
    expect(failure).toMatchObject({ code: 102, msg: "exhausted", details: "wait" });
    expect(setup.second.verbs()).toEqual([]);
    expect(setup.runtime.cached(list, container)).toBeUndefined();
  });
});

describe("CHECK", () => {
  test("gives every plugin the last result of ADD, in the order of ADD", async ({ setup }) => {
    await setup.runtime.add(list, container);
    await setup.runtime.check(list, container);
    for (const plugin of [setup.first, setup.second]) {
      expect(plugin.calls()[1]).toMatchObject({
        verb: "CHECK",
        document: { prevResult: { cniVersion: "1.1.0", ips: [] } },
      });
    }
  });

  test("does nothing where the network says disableCheck", async ({ setup }) => {
    await setup.runtime.check({ ...list, disableCheck: true }, container);
    expect(setup.first.verbs()).toEqual([]);
  });
});

describe("DEL", () => {
  test("goes through the list in reverse, with the last result of ADD, and forgets it", async ({ setup }) => {
    await setup.runtime.add(list, container);
    setup.first.answer("DEL", { code: 1 });
    await expect(setup.runtime.del(list, container)).rejects.toThrow("first DEL failed with exit code 1");
    expect(setup.second.calls()[1]).toMatchObject({ verb: "DEL", document: { prevResult: { ips: [] } } });
    expect(setup.runtime.cached(list, container)).toBeDefined();
    setup.first.answer("DEL", {});
    await setup.runtime.del(list, container);
    expect(setup.runtime.cached(list, container)).toBeUndefined();
  });

  test("stops at the plugin that fails: the one before it in the list is not called", async ({ setup }) => {
    await setup.runtime.add(list, container);
    setup.second.answer("DEL", { code: 1 });
    await expect(setup.runtime.del(list, container)).rejects.toThrow("second DEL failed");
    expect(setup.first.verbs()).toEqual(["ADD"]);
  });

  test.for(["0.3.0", "0.3.1"])("gives no prevResult in version %s, which has none", async (cniVersion, { setup }) => {
    await setup.runtime.add({ ...list, cniVersion }, container);
    await setup.runtime.del({ ...list, cniVersion }, container);
    expect(setup.first.calls()[1]?.document).not.toHaveProperty("prevResult");
  });
});

describe("GC", () => {
  test("sends DEL for what is not valid any more, then GC with what is, to each plugin", async ({ setup }) => {
    await setup.runtime.add(list, container);
    await setup.runtime.add(list, { ...container, containerId: "c2" });
    const valid = [{ containerID: "c2", ifname: "eth0" }];
    await setup.runtime.gc(list, valid);
    expect(setup.first.verbs()).toEqual(["ADD", "ADD", "DEL", "GC"]);
    expect(setup.first.calls()[2]?.environment).toMatchObject({ CNI_CONTAINERID: "c1", CNI_NETNS: "/run/netns/pod1" });
    expect(setup.second.calls()[3]?.document).toMatchObject({ "cni.dev/valid-attachments": valid });
    expect(setup.second.calls()[3]?.document).not.toHaveProperty("runtimeConfig");
  });

  test("goes on after a failure and throws all of them", async ({ setup }) => {
    setup.first.answer("GC", { code: 1 });
    setup.second.answer("GC", { code: 1 });
    await expect(setup.runtime.gc(list, [])).rejects.toThrow(AggregateError);
    expect(setup.second.verbs()).toEqual(["GC"]);
  });
});

describe("STATUS and VERSION", () => {
  test("ask without a container", async ({ setup }) => {
    setup.first.answer("VERSION", { stdout: { cniVersion: "1.1.0", supportedVersions: ["1.1.0"] } });
    await setup.runtime.status(list);
    expect(await setup.runtime.version("first", "1.1.0")).toMatchObject({ supportedVersions: ["1.1.0"] });
    expect(setup.first.calls().map(({ environment }) => environment["CNI_CONTAINERID"])).toEqual(["", ""]);
  });
});
