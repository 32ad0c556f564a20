import { describe, expect, test } from "vitest";
import { type Behaviour, errorOf, ipamAnswer, ips, machine, received, told } from "./scripted-plugin.ts";
import { versions } from "./versions.ts";

/** The reference plugins of Debian 12, which speak up to 1.0.0 and check the container id before the version. */
const debian: Behaviour = (verb, document) => {
  const supportedVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"];
  if (verb === "VERSION") return { stdout: JSON.stringify({ cniVersion: "1.0.0", supportedVersions }) };
  if (verb === "GC" || verb === "STATUS") return told(3, "missing containerID");
  const version = String(document["cniVersion"]);
  if (!supportedVersions.includes(version)) return told(1, "incompatible CNI versions");
  return verb === "ADD" ? ipamAnswer("1.0.0", ips.dual) : {};
};

describe("a delegate that speaks up to 1.0.0 only", () => {
  test("is asked for its versions, and then spoken to in 1.0.0", async () => {
    const { delegates, executions, verbs } = machine(debian);
    const result = await delegates.add("host-local", received("ADD"));
    expect(result.ips).toHaveLength(2);
    expect(verbs()).toEqual(["ADD", "VERSION", "ADD"]);
    expect(JSON.parse(executions[2]?.stdin ?? "")).toEqual({
      ...JSON.parse(received("ADD").stdin),
      cniVersion: "1.0.0",
    });
  });

  test("is spoken to in 1.0.0 at once the second time", async () => {
    const { delegates, verbs } = machine(debian);
    await delegates.add("host-local", received("ADD"));
    await delegates.del("host-local", received("DEL"));
    await delegates.del("host-local", received("DEL", "0.4.0"));
    expect(verbs()).toEqual(["ADD", "VERSION", "ADD", "DEL", "DEL"]);
  });

  test("gets prevResult in 1.0.0 too", async () => {
    const prevResult = { interfaces: [{ name: "eth0", mtu: 1400 }], ips: [{ address: "fd00::5/64", interface: 0 }] };
    const { delegates, executions } = machine(debian);
    await delegates.check("host-local", received("CHECK", "1.1.0", { prevResult }));
    expect(JSON.parse(executions[2]?.stdin ?? "").prevResult).toEqual({
      cniVersion: "1.0.0",
      interfaces: [{ name: "eth0" }],
      ips: [{ address: "fd00::5/64", interface: 0 }],
    });
  });

  test("goes without a prevResult that cannot be read, for DEL", async () => {
    const { delegates, executions } = machine(debian);
    await delegates.del("host-local", received("DEL", "1.1.0", { prevResult: 5 }));
    expect(JSON.parse(executions[2]?.stdin ?? "")).not.toHaveProperty("prevResult");
  });

  test.for([
    ["gc", "GC"],
    ["status", "STATUS"],
  ] as const)("has no %s, which is not an error, and is not asked again", async ([verb, name]) => {
    const { delegates, verbs } = machine(debian);
    await delegates[verb]("host-local", received(name));
    await delegates[verb]("host-local", received(name));
    expect(verbs()).toEqual([name, "VERSION"]);
  });

  test("is not asked for its versions where it speaks the configuration's", async () => {
    const { delegates, verbs } = machine(debian);
    await delegates.add("host-local", received("ADD", "1.0.0"));
    expect(verbs()).toEqual(["ADD"]);
  });
});

describe("a delegate with which there is no common version", () => {
  test.for([
    [{ stdout: '{"cniVersion":"2.0.0","supportedVersions":["2.0.0"]}' }],
    [{ stdout: '{"cniVersion":"2.0.0"}' }],
    [{ code: 1, stdout: "what?" }],
    [new Error("gone")],
  ] as const)("%#: is told of by its own error", async ([answer]) => {
    const { delegates } = machine((verb) =>
      verb === "VERSION" ? answer : told(1, "incompatible CNI versions", "config is 1.1.0"),
    );
    expect(await errorOf(delegates.del("host-local", received("DEL")))).toMatchObject({
      code: 1,
      message: "Plugin host-local: incompatible CNI versions",
      details: "config is 1.1.0",
    });
  });

  test("is not asked for its versions after it hung", async () => {
    const { delegates, verbs } = machine(() => ({ code: 137, signal: "SIGKILL", timedOut: true }));
    await errorOf(delegates.status("host-local", received("STATUS")));
    expect(verbs()).toEqual(["STATUS"]);
  });

  test("T3 C5: an error of STATUS that is not about versions is passed on", async () => {
    const { delegates } = machine((verb) =>
      verb === "VERSION" ? { stdout: JSON.stringify({ supportedVersions: versions }) } : told(50, "no address is free"),
    );
    expect(await errorOf(delegates.status("host-local", received("STATUS")))).toMatchObject({
      code: 50,
      message: "Plugin host-local: no address is free",
    });
  });
});
