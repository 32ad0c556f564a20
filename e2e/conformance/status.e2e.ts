// Statements T1 to T5 (STATUS, which came with version 1.1.0) and V1 (VERSION).
import { readdirSync, rmSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { versions } from "../../src/cni/versions.ts";
import { columns, everyKind, expectSound, failureOf, freshNode, modes, type Node } from "./node.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });

/** Ranges with room for one pod. */
const single = {
  v4: [[{ subnet: "10.10.0.0/24", rangeStart: "10.10.0.9", rangeEnd: "10.10.0.9" }]],
  v6: [[{ subnet: "fd00:10::/64", rangeStart: "fd00:10::9", rangeEnd: "fd00:10::9" }]],
  dual: [[{ subnet: "fd00:10::/64" }], [{ subnet: "10.10.0.0/24", rangeStart: "10.10.0.9", rangeEnd: "10.10.0.9" }]],
} as const;

describe.for(versions.filter((version) => version !== "1.1.0"))("STATUS in version %s", (version) => {
  test("has code 1", async ({ node }) => {
    expect((await failureOf(node.runtime.status(node.network({ version })))).code).toBe(1);
  });
});

describe.for(everyKind)("T1 ($mode, $families)", (kind) => {
  test("succeeds where an ADD can be served, before the first pod and after", async ({ node }) => {
    const list = node.network(kind);
    await expect(node.runtime.status(list)).resolves.toBeUndefined();
    await node.runtime.add(list, node.pod().container);
    await expect(node.runtime.status(list)).resolves.toBeUndefined();
  });
});

describe.for(everyKind)("T2 ($mode, $families)", ({ mode, families }) => {
  test("has code 50 where a range is exhausted, and succeeds once an address is back", async ({ node }) => {
    const list = node.network({ mode, families, ipam: { ranges: single[families] } });
    const { container } = node.pod();
    await node.runtime.add(list, container);
    const failure = await failureOf(node.runtime.status(list));
    expect([failure.code, failure.msg]).toEqual([50, expect.stringMatching(/10\.10\.0|fd00:10:/)]);
    await node.runtime.del(list, container);
    await expect(node.runtime.status(list)).resolves.toBeUndefined();
  });
});

describe.for(modes)("T2 (%s)", (mode) => {
  test("has code 50 where the lease database cannot be used", async ({ node }) => {
    const list = node.network({ mode, ipam: { dataDir: node.unusableDirectory(), ranges: single.dual } });
    expect((await failureOf(node.runtime.status(list))).code).toBe(50);
  });
});

test("T2 has code 50 where the master link of macvlan is missing", async ({ node }) => {
  const list = node.network({ mode: "macvlan", plugin: { master: "nowhere" } });
  const failure = await failureOf(node.runtime.status(list));
  expect([failure.code, failure.msg]).toEqual([50, expect.stringContaining("nowhere")]);
});

describe.for(columns)("T3 (%s)", (families) => {
  test("executes the delegate's STATUS and returns its error", async ({ node }) => {
    const ipam = node.recorder("some-ipam");
    const list = node.network({ families, ipam: { type: "some-ipam" } });
    await expect(node.runtime.status(list)).resolves.toBeUndefined();
    expect(ipam.verbs()).toEqual(["STATUS"]);
    ipam.answer("VERSION", { stdout: { cniVersion: "1.1.0", supportedVersions: versions } });
    ipam.answer("STATUS", { code: 1, stdout: { cniVersion: "1.1.0", code: 51, msg: "the server is gone" } });
    const failure = await failureOf(node.runtime.status(list));
    expect([failure.code, failure.msg]).toEqual([51, expect.stringContaining("the server is gone")]);
  });

  test("fails where the delegate is not installed", async ({ node }) => {
    const failure = await failureOf(node.runtime.status(node.network({ families, ipam: { type: "no-such-plugin" } })));
    expect(failure.msg).toContain("no-such-plugin");
  });
});

describe.for(everyKind)("T4 ($mode, $families)", ({ mode, families }) => {
  test("ADD, CHECK and DEL work while STATUS fails: a pod that is there stays and goes", async ({ node }) => {
    const list = node.network({ mode, families, ipam: { ranges: single[families] } });
    const first = node.pod();
    await node.runtime.add(list, first.container);
    await failureOf(node.runtime.status(list));
    await expectSound(node, list, first.container);
    expect((await failureOf(node.runtime.add(list, node.pod().container))).code).toBe(102);
    await node.runtime.del(list, first.container);
    await node.runtime.add(list, node.pod().container);
  });
});

describe.for(modes)("T5 (%s)", (mode) => {
  test("needs CNI_COMMAND alone", async ({ node }) => {
    const list = node.network({ mode });
    const stdin = JSON.stringify({ ...list.plugins[0], name: list.name, cniVersion: list.cniVersion });
    const execution = await node.runtime.execute("hextet", { CNI_COMMAND: "STATUS" }, stdin);
    expect(execution).toMatchObject({ code: 0, stdout: "" });
  });
});

describe.for(["hextet", "hextet-ipam", "loopback"])("V1 %s", (type) => {
  test.for([...versions, "0.1.0", "9.9.9"])(
    "repeats cniVersion %s and says which it supports",
    async (cniVersion, { node }) => {
      expect(await node.runtime.version(type, cniVersion)).toEqual({ cniVersion, supportedVersions: versions });
    },
  );

  test.for(["", "{", "[]"])("answers although stdin is %j", async (stdin, { node }) => {
    const execution = await node.runtime.execute(type, { CNI_COMMAND: "VERSION" }, stdin);
    expect(execution.code).toBe(0);
    expect(JSON.parse(execution.stdout)).toEqual({ cniVersion: "1.1.0", supportedVersions: versions });
  });

  test("changes nothing, and needs neither a network nor a directory for its data", async ({ node }) => {
    node.host.run("ip", "link", "del", "uplink");
    const before = node.traces();
    const names = readdirSync(node.directory);
    rmSync(node.dataDirectory, { recursive: true });
    await node.runtime.version(type, "1.1.0");
    expect(node.traces()).toEqual(before);
    expect(readdirSync(node.directory).toSorted()).toEqual(names.filter((name) => name !== "data").toSorted());
  });
});
