// Statements G1 to G9: how a plugin is called, and how it answers, whatever it is asked.
import { execFile } from "node:child_process";
import { test as base, describe, expect } from "vitest";
import { versions } from "../../src/cni/versions.ts";
import {
  addressesOf,
  chosen,
  columns,
  everyKind,
  expectSound,
  failureOf,
  freshNode,
  type Node,
  type Pod,
  resultOf,
} from "./node.ts";
import { documentFor, type Execution, type Json, type NetworkList } from "./runtime.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const;

function documentOf(list: NetworkList, more: Json = {}): string {
  const [plugin] = list.plugins;
  if (plugin === undefined) throw new Error("A network without a plugin");
  return JSON.stringify({ ...documentFor(list, plugin, {}), ...more });
}

/** One call with some variables changed or, where they are undefined, unset. */
function call(
  node: Node,
  verb: string,
  changes: Readonly<Record<string, string | undefined>>,
  stdin: string,
  pod?: Pod,
) {
  const all = { ...node.runtime.environmentOf(verb, pod?.container), ...changes };
  const set = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return node.runtime.execute("hextet", Object.fromEntries(set), stdin);
}

function errorIn({ code, stdout }: Execution): { cniVersion: string; code: number; msg: string } {
  expect(code).not.toBe(0);
  return JSON.parse(stdout);
}

describe.for(everyKind)("G1 G2 ($mode, $families)", ({ mode, families }) => {
  test("success is exit code 0, one JSON document of ADD, and silence of DEL, CHECK, GC and STATUS", async ({
    node,
  }) => {
    const list = node.network({ mode, families });
    const pod = node.pod();
    const added = await call(node, "ADD", {}, documentOf(list), pod);
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout.trimEnd()).not.toContain("\n");
    const prevResult = JSON.parse(added.stdout);
    const keep = [{ containerID: pod.container.containerId, ifname: "eth0" }];
    const document = documentOf(list, { prevResult, "cni.dev/valid-attachments": keep });
    for (const verb of ["CHECK", "STATUS", "GC", "DEL"]) {
      expect({ verb, ...(await call(node, verb, {}, document, pod)) }).toMatchObject({ verb, code: 0, stdout: "" });
    }
  });

  test("failure is another exit code, and {cniVersion, code, msg} on stdout", async ({ node }) => {
    const list = node.network({ mode, families });
    const pod = node.pod();
    pod.namespace.run("ip", "link", "add", "eth0", "type", "bridge");
    const error = errorIn(await call(node, "ADD", {}, documentOf(list), pod));
    expect(error).toEqual({
      cniVersion: "1.1.0",
      code: expect.any(Number),
      msg: expect.stringMatching(/./),
      ...("details" in error ? { details: expect.stringMatching(/./) } : {}),
    });
  });
});

describe("G1 logs", () => {
  test("are on stderr only, each line a JSON object", async ({ node }) => {
    const list = node.network({ plugin: { colour: "red" } });
    const { code, stdout, stderr } = await call(node, "ADD", {}, documentOf(list), node.pod());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty("ips");
    const lines = stderr.split("\n").filter((line) => line !== "");
    expect(lines.map((line) => Object.keys(JSON.parse(line)).slice(0, 3))).toEqual(
      lines.map(() => ["time", "level", "message"]),
    );
    expect(stderr).toContain("colour");
  });
});

describe("G3", () => {
  test.for([
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME"]],
    ["GC", ["CNI_PATH"]],
  ] as const)("%s without %j has code 4 and names them all", async ([verb, names], { node }) => {
    for (const missing of ["", undefined]) {
      const changes = Object.fromEntries(names.map((name) => [name, missing]));
      const { code, msg } = errorIn(await call(node, verb, changes, documentOf(node.network()), node.pod()));
      expect([code, names.filter((name) => msg.includes(name))]).toEqual([4, names]);
    }
  });

  test.for([undefined, "", "UPDATE", "add"])("CNI_COMMAND %j has code 4 and is named", async (command, { node }) => {
    const { code, msg } = errorIn(
      await call(node, "ADD", { CNI_COMMAND: command }, documentOf(node.network()), node.pod()),
    );
    expect([code, msg]).toEqual([4, expect.stringContaining("CNI_COMMAND")]);
  });
});

describe("G4", () => {
  test.for(["-c", ".c", "c c", "c/c", "../c", "c;c"])("the container id %j has code 4", async (id, { node }) => {
    for (const verb of ["ADD", "DEL", "CHECK"]) {
      const execution = await call(node, verb, { CNI_CONTAINERID: id }, documentOf(node.network()), node.pod());
      expect(errorIn(execution)).toMatchObject({ code: 4, msg: expect.stringContaining("CNI_CONTAINERID") });
    }
  });

  test.for(["sixteen-letters-", ".", "..", "a/b", "a:b", "a b", "all", "default"])(
    "the interface name %j has code 4",
    async (name, { node }) => {
      for (const verb of ["ADD", "DEL", "CHECK"]) {
        const execution = await call(node, verb, { CNI_IFNAME: name }, documentOf(node.network()), node.pod());
        expect(errorIn(execution)).toMatchObject({ code: 4, msg: expect.stringContaining("CNI_IFNAME") });
      }
    },
  );
});

describe("G5", () => {
  test.for(["", "{", "name=pods", "[]", "5"])("%j on stdin has code 6", async (stdin, { node }) => {
    for (const verb of verbs) expect(errorIn(await call(node, verb, {}, stdin, node.pod()))).toMatchObject({ code: 6 });
  });

  test("a directory as stdin, which cannot be read, has code 5", async ({ node }) => {
    const { container } = node.pod();
    const env = {
      PATH: process.env["PATH"] ?? "",
      HEXTET_SOCKET: "/nowhere",
      ...node.runtime.environmentOf("ADD", container),
    };
    const stdout = await new Promise<string>((resolve) => {
      execFile("sh", ["-c", 'exec "$0" < /', node.runtime.find("hextet")], { env }, (_, text) => resolve(text));
    });
    expect(JSON.parse(stdout)).toMatchObject({ code: 5 });
  });

  test.for([undefined, "", "-pods", "po/ds", "po ds", 5])("the name %j has code 7", async (name, { node }) => {
    for (const verb of verbs) {
      const execution = await call(node, verb, {}, documentOf(node.network(), { name }), node.pod());
      expect(errorIn(execution)).toMatchObject({ code: 7, msg: expect.stringContaining("name") });
    }
  });
});

describe("G6", () => {
  test.for(["0.1.0", "0.2.0", "1.2.0", "2.0.0", undefined])(
    "cniVersion %s has code 1",
    async (cniVersion, { node }) => {
      for (const verb of verbs) {
        const execution = await call(node, verb, {}, documentOf(node.network(), { cniVersion }), node.pod());
        expect(errorIn(execution)).toMatchObject({ code: 1 });
      }
    },
  );

  test("a capability it does not serve has code 2, with key and value in the message", async ({ node }) => {
    const document = documentOf(node.network(), { runtimeConfig: { deviceID: "0000:04:00.5" } });
    const { code, msg } = errorIn(await call(node, "ADD", {}, document, node.pod()));
    expect([code, msg]).toEqual([2, expect.stringMatching(/deviceID.*0000:04:00\.5/)]);
  });

  test.for([
    [{ mode: "rooted" }, "mode"],
    [{ mtu: "big" }, "mtu"],
    [{ mtu: 1279 }, "mtu"],
    [{ ipam: { ranges: [[{ subnet: "fd00:10::1/64" }]] } }, "ipam.ranges[0][0].subnet"],
    [{ ipam: { ranges: [] } }, "ipam"],
    [{ ipam: {} }, "ipam"],
    [{ ipam: 5 }, "ipam"],
    [{ runtimeConfig: { mac: "x" } }, "runtimeConfig.mac"],
    [{ runtimeConfig: { ips: ["x"] } }, "runtimeConfig.ips[0]"],
  ] as const)("the invalid value %j has code 7 and the path %s", async ([wrong, path], { node }) => {
    const before = node.traces();
    const { code, msg } = errorIn(await call(node, "ADD", {}, documentOf(node.network(), wrong), node.pod()));
    expect([code, msg]).toEqual([7, expect.stringContaining(path)]);
    expect(node.traces()).toEqual(before);
  });

  test("CHECK of a container that was never added has code 3 or 107", async ({ node }) => {
    const list = node.network();
    await node.runtime.add(list, node.pod().container);
    const stranger = node.pod();
    const sandbox = stranger.namespace.path;
    const prevResult = { interfaces: [{ name: "eth0", sandbox }], ips: [{ address: "fd00:10::99/128", interface: 0 }] };
    const execution = await call(node, "CHECK", {}, documentOf(list, { prevResult }), stranger);
    expect([3, 107]).toContain(errorIn(execution).code);
  });

  test.for(versions)("an error is told in version %s where that is the configuration's", async (version, { node }) => {
    const execution = await call(node, "ADD", {}, documentOf(node.network({ version }), { mtu: "big" }), node.pod());
    expect(errorIn(execution).cniVersion).toBe(version);
  });
});

describe.for(everyKind)("G7 ($mode, $families)", ({ mode, families }) => {
  test("twelve ADDs at once, and DELs among them, give every address to one pod only", async ({ node }) => {
    const list = node.network({ mode, families });
    const pods = Array.from({ length: 12 }, () => node.pod());
    const results = await Promise.all(pods.map(({ container }) => node.runtime.add(list, container)));
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(12 * (families === "dual" ? 2 : 1));
    const [leaving, staying] = [pods.slice(0, 6), pods.slice(6)];
    const joining = Array.from({ length: 6 }, () => node.pod());
    const later = await Promise.all([
      ...joining.map(({ container }) => node.runtime.add(list, container)),
      ...leaving.map(async ({ container }) => {
        await node.runtime.del(list, container);
        return {};
      }),
    ]);
    const held = [...results.slice(6), ...later].flatMap(addressesOf);
    expect(new Set(held).size).toBe(held.length);
    for (const { container } of [...staying, ...joining]) await expectSound(node, list, container);
  });
});

describe("G8", () => {
  test.for(columns)(
    "keys nobody knows and keys the protocol reserves change nothing, %s",
    async (families, { node }) => {
      const list = node.network({
        families,
        plugin: { colour: "red", "x.y/z": {}, cniVersions: ["1.1.0"], disableGC: true },
      });
      const reserved = { "cni.dev/anything": [1], args: { "org.example": { a: 1 } } };
      const { code, stdout } = await call(node, "ADD", {}, documentOf(list, reserved), node.pod());
      expect(code).toBe(0);
      expect(resultOf(JSON.parse(stdout)).ips).toHaveLength(families === "dual" ? 2 : 1);
    },
  );

  test.for([
    { prevResult: 5 },
    { prevResult: [] },
    { args: "x" },
    { runtimeConfig: "x" },
    { capabilities: 5 },
    { ipam: null },
  ])("%j is served or refused, and never a crash", async (odd, { node }) => {
    const execution = await call(node, "ADD", {}, documentOf(node.network(), odd), node.pod());
    const code = execution.code === 0 ? 0 : errorIn(execution).code;
    expect(code).toBeLessThan(999);
  });
});

describe.for(columns)("G9 (%s)", (families) => {
  const asks = chosen[families];

  test("CNI_ARGS IP is granted", async ({ node }) => {
    const { container } = node.pod({ args: { IgnoreUnknown: "1", IP: asks.join(","), FOO: "BAR" } });
    expect(addressesOf(await node.runtime.add(node.network({ families }), container))).toEqual(asks);
  });

  test("args.cni.ips wins over CNI_ARGS IP", async ({ node }) => {
    const other = { v4: "10.10.0.99", v6: "fd00:10::99", dual: "fd00:10::99,10.10.0.99" }[families];
    const list = node.network({ families, plugin: { args: { cni: { ips: asks } } } });
    const { container } = node.pod({ args: { IP: other } });
    expect(addressesOf(await node.runtime.add(list, container))).toEqual(asks);
  });

  test("a key nobody knows is an error without IgnoreUnknown, and none with it", async ({ node }) => {
    const list = node.network({ families });
    const failure = await failureOf(node.runtime.add(list, node.pod({ args: { FOO: "BAR" } }).container));
    expect([failure.code, failure.msg]).toEqual([4, expect.stringContaining("FOO")]);
    await node.runtime.add(list, node.pod({ args: { FOO: "BAR", IgnoreUnknown: "true" } }).container);
  });
});
