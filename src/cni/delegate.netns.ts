// Delegation to real programs: shell scripts that misbehave in every way a plugin can, and the reference host-local, which
// the distribution's containernetworking-plugins brings and which may be older than the version we speak.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test as base, describe, expect } from "vitest";
import { linux } from "../kernel/linux.ts";
import { CniError } from "./cni-error.ts";
import { createDelegates, type DelegateTools } from "./delegate.ts";
import type { Received } from "./request.ts";
import { type Verb, type Version, versions } from "./versions.ts";

const referencePlugins =
  ["/usr/lib/cni", "/opt/cni/bin"].find((path) => existsSync(`${path}/host-local`)) ?? "/opt/cni/bin";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(`${tmpdir()}/hextet-delegate-`);
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

function received(verb: Verb, path: string, document: object = {}, version: Version = "1.1.0"): Received {
  const environment = {
    ...process.env,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: "/run/netns/pod1",
    CNI_IFNAME: "eth0",
    CNI_PATH: path,
  };
  return { environment, stdin: JSON.stringify({ cniVersion: version, name: "pods", type: "hextet", ...document }) };
}

function script(directory: string, text: string): void {
  writeFileSync(`${directory}/plugin`, text);
  chmodSync(`${directory}/plugin`, 0o755);
}

function delegates(more: Partial<DelegateTools> = {}) {
  const stderr: string[] = [];
  return {
    stderr,
    ...createDelegates({ run: (...call) => linux.run(...call), stderr: (text) => stderr.push(text), ...more }),
  };
}

async function errorOf(promise: Promise<unknown>): Promise<CniError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a program", () => {
  test("that hangs is killed and told of, although a child of it keeps its output open", async ({ directory }) => {
    script(directory, "#!/bin/sh\nsleep 3 &\nwait\n");
    const error = await errorOf(delegates({ timeoutMs: 300 }).del("plugin", received("DEL", directory)));
    expect(error.message).toBe("Plugin plugin: it did not end within 0.3 s and was killed");
  });

  test("that is ended by a signal is told of", async ({ directory }) => {
    script(directory, '#!/bin/sh\necho "about to fall" >&2\nkill -SEGV $$\n');
    const { stderr, del } = delegates();
    const error = await errorOf(del("plugin", received("DEL", directory)));
    expect([error.message, error.details]).toEqual(["Plugin plugin: it was ended by SIGSEGV", "about to fall"]);
    expect(stderr).toEqual(["about to fall\n"]);
  });

  test("whose interpreter is missing is told of", async ({ directory }) => {
    script(directory, "#!/nowhere/sh\n");
    const error = await errorOf(delegates().del("plugin", received("DEL", directory)));
    expect(error.message).toMatch(/^Cannot execute plugin plugin: Cannot run .*: No such file or directory$/i);
  });

  test("that may not be executed is told of", async ({ directory }) => {
    writeFileSync(`${directory}/plugin`, "#!/bin/sh\n", { mode: 0o644 });
    const error = await errorOf(delegates().del("plugin", received("DEL", directory)));
    expect(error.message).toMatch(/^Cannot execute plugin plugin: Cannot run .*: Permission denied$/i);
  });

  test("that is a directory is not found", async ({ directory }) => {
    mkdirSync(`${directory}/plugin`);
    expect((await errorOf(delegates().del("plugin", received("DEL", directory)))).message).toContain(
      "Cannot find plugin",
    );
  });

  test("that reads nothing and writes a megabyte is heard to the end", async ({ directory }) => {
    script(
      directory,
      '#!/bin/sh\nhead -c 1000000 /dev/zero | tr \'\\0\' x >&2\necho \'{"ips":[{"address":"fd00::5/64"}]}\'\n',
    );
    const { stderr, add } = delegates();
    const document = { filler: "y".repeat(1e6) };
    expect((await add("plugin", received("ADD", directory, document))).ips[0]?.address.toString()).toBe("fd00::5/64");
    expect(stderr.join("")).toHaveLength(1e6);
  });
});

describe("A7 the reference host-local", () => {
  const ranges = {
    v4: [[{ subnet: "10.1.0.0/16" }]],
    v6: [[{ subnet: "fd00:1::/64" }]],
    dual: [[{ subnet: "fd00:1::/64" }], [{ subnet: "10.1.0.0/16" }]],
  } as const;
  const expected = { v4: ["10.1.0.2/16"], v6: ["fd00:1::2/64"], dual: ["fd00:1::2/64", "10.1.0.2/16"] } as const;
  const table = versions.flatMap((version) =>
    (["v4", "v6", "dual"] as const).map((family) => [version, family] as const),
  );

  test.for(table)(
    "serves a configuration of version %s, %s: ADD, CHECK, DEL, DEL",
    async ([version, family], { directory }) => {
      const ipam = { type: "host-local", dataDir: directory, ranges: ranges[family] };
      const { add, check, del, gc, status } = delegates();
      const call = (verb: Verb, more: object = {}) => received(verb, referencePlugins, { ipam, ...more }, version);
      const result = await add("host-local", call("ADD"));
      expect(result.ips.map((ip) => ip.address.toString())).toEqual(expected[family]);
      if (version !== "0.3.0" && version !== "0.3.1") await check("host-local", call("CHECK", { prevResult: {} }));
      if (version === "1.1.0") {
        await status("host-local", call("STATUS"));
        const keep = [{ containerID: "c1", ifname: "eth0" }];
        await gc("host-local", call("GC", { "cni.dev/valid-attachments": keep }));
      }
      await del("host-local", call("DEL"));
      await del("host-local", call("DEL"));
    },
  );

  test("has its error passed on: a range without addresses", async ({ directory }) => {
    const ipam = { type: "host-local", dataDir: directory, ranges: [[{ subnet: "10.1.0.0/31" }]] };
    const error = await errorOf(delegates().add("host-local", received("ADD", referencePlugins, { ipam })));
    expect(error.message).toMatch(/^Plugin host-local: .*too small/);
  });
});
