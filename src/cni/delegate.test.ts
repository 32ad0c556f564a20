import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import type { RunOptions, RunResult } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { CniError } from "./cni-error.ts";
import { createDelegates, type DelegateTools } from "./delegate.ts";
import type { Received } from "./request.ts";
import { isAtLeast, type Verb, type Version, versions } from "./versions.ts";

interface Execution {
  readonly program: string;
  readonly verb: string | undefined;
  readonly stdin: string;
  readonly options: RunOptions;
}

type Behaviour = (verb: string, document: Record<string, unknown>) => Partial<RunResult> | Error;

/** A machine with plugins of which each verb is answered as told. */
function machine(behaviour: Behaviour, more: Partial<DelegateTools> = {}) {
  const executions: Execution[] = [];
  const stderr: string[] = [];
  const run = async (program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> => {
    expect(args).toEqual([]);
    const { stdin = "", env } = options;
    executions.push({ program, verb: env?.["CNI_COMMAND"], stdin, options });
    const answer = behaviour(env?.["CNI_COMMAND"] ?? "", JSON.parse(stdin));
    if (answer instanceof Error) throw answer;
    return { code: 0, stdout: "", stderr: "", ...answer };
  };
  const isFile = (path: string) => path === "/usr/lib/cni/host-local";
  const delegates = createDelegates({ run, isFile, stderr: (text) => stderr.push(text), ...more });
  return { delegates, executions, stderr, verbs: () => executions.map(({ verb }) => verb) };
}

function received(verb: Verb, version: Version = "1.1.0", more: object = {}): Received {
  const environment = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: "/run/netns/pod1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin:/usr/lib/cni",
    CNI_ARGS: "",
    PATH: "/usr/bin",
    UNSET: undefined,
  };
  return {
    environment,
    stdin: JSON.stringify({ cniVersion: version, name: "pods", ipam: { type: "host-local" }, ...more }),
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

const ips = { v4: ["10.1.0.5/16"], v6: ["fd00::5/64"], dual: ["fd00::5/64", "10.1.0.5/16"] } as const;

function ipamAnswer(version: Version, addresses: readonly string[]): Partial<RunResult> {
  const family = (address: string) =>
    isAtLeast(version, "1.0.0") ? {} : { version: address.includes(":") ? "6" : "4" };
  return {
    stdout: JSON.stringify({ cniVersion: version, ips: addresses.map((address) => ({ ...family(address), address })) }),
  };
}

const told = (code: number, msg: string, details?: string) => ({
  code: 1,
  stdout: JSON.stringify({ code, msg, details }),
});

describe("A7 a delegate", () => {
  test.for(versions.flatMap((version) => (["v4", "v6", "dual"] as const).map((family) => [version, family] as const)))(
    "is found by CNI_PATH, gets the same environment and the whole configuration, and gives addresses: %s %s",
    async ([version, family]) => {
      const { delegates, executions } = machine(() => ipamAnswer(version, ips[family]));
      const call = received("ADD", version);
      const result = await delegates.add("host-local", call);
      expect(result.ips.map((ip) => ip.address.toString())).toEqual(ips[family]);
      expect(result.interfaces).toEqual([]);
      expect(executions).toHaveLength(1);
      expect(executions[0]).toMatchObject({ program: "/usr/lib/cni/host-local", stdin: call.stdin });
      const { UNSET, ...environment } = call.environment;
      expect(UNSET).toBeUndefined();
      expect(executions[0]?.options.env).toEqual(environment);
    },
  );

  test("has its stderr passed through, on success and on failure", async () => {
    const speaking = (code: number) =>
      machine(() => ({ code, stderr: "looking around\n", ...ipamAnswer("1.1.0", []) }));
    const fine = speaking(0);
    await fine.delegates.add("host-local", received("ADD"));
    expect(fine.stderr).toEqual(["looking around\n"]);
    const failing = speaking(1);
    await errorOf(failing.delegates.del("host-local", received("DEL")));
    expect(failing.stderr).toEqual(["looking around\n"]);
  });

  test.for([
    ["del", "DEL"],
    ["check", "CHECK"],
    ["gc", "GC"],
    ["status", "STATUS"],
  ] as const)("D5 C5 X2 T3: %s executes %s", async ([verb, name]) => {
    const { delegates, verbs } = machine(() => ({}));
    await delegates[verb]("host-local", received(name));
    expect(verbs()).toEqual([name]);
  });

  test("may answer without a cniVersion, which then is that of the configuration", async () => {
    const { delegates } = machine(() => ({ stdout: '{"ips":[{"version":"6","address":"fd00::5/64"}],"dns":{}}' }));
    const { ips: found } = await delegates.add("host-local", received("ADD", "0.4.0"));
    expect(found[0]?.others).toBeUndefined();
  });
});

describe("a delegate that fails", () => {
  test("A5 at ADD gets DEL before the error is returned", async () => {
    const { delegates, verbs } = machine((verb) => (verb === "ADD" ? told(11, "busy") : {}));
    await errorOf(delegates.add("host-local", received("ADD")));
    expect(verbs()).toEqual(["ADD", "DEL"]);
  });

  test("A5 at ADD and at DEL too is told of by the error of ADD", async () => {
    const { delegates } = machine((verb) => told(verb === "ADD" ? 11 : 12, verb));
    expect(await errorOf(delegates.add("host-local", received("ADD")))).toMatchObject({ code: 11 });
  });

  test("keeps its code and details, and is named", async () => {
    const { delegates } = machine(() => told(11, "range is locked", "by somebody"));
    expect(await errorOf(delegates.del("host-local", received("DEL")))).toMatchObject({
      code: 11,
      message: "Plugin host-local: range is locked",
      details: "by somebody",
    });
  });

  test.for([
    [
      { code: 2, stdout: "", stderr: "panic: no" },
      "Plugin host-local: it ended with exit code 2 and told no error",
      "panic: no",
    ],
    [{ code: 1, stdout: "not JSON" }, "Plugin host-local: it ended with exit code 1 and told no error", "not JSON"],
    [{ code: 1, stdout: '{"code":7}' }, "Plugin host-local: it ended with exit code 1 and told no error", '{"code":7}'],
    [{ code: 139, signal: "SIGSEGV" }, "Plugin host-local: it was ended by SIGSEGV", undefined],
    [
      { code: 137, signal: "SIGKILL", timedOut: true },
      "Plugin host-local: it did not end within 90 s and was killed",
      undefined,
    ],
    [{ code: 1, stdout: '{"code":0,"msg":"odd"}' }, "Plugin host-local: odd", undefined],
  ] as const)("with %j is told of with code 106: %s", async ([answer, message, details]) => {
    const { delegates } = machine(() => answer);
    const error = await errorOf(delegates.del("host-local", received("DEL")));
    expect([error.code, error.message, error.details]).toEqual([106, message, details]);
  });

  test.for([
    ["", "Plugin host-local: its answer is not a JSON object"],
    ["hello", "Plugin host-local: its answer is not a JSON object"],
    ["[]", "Plugin host-local: its answer is not a JSON object"],
    ['{"ips":[{"address":"10.0.0.5"}]}', "Plugin host-local: its result cannot be used: ips[0].address: "],
    ['{"ips":{}}', "Plugin host-local: its result cannot be used: ips: an object is not a list"],
  ] as const)("to answer ADD with a result, but says %j, gets DEL and is told of", async ([stdout, message]) => {
    const { delegates, verbs } = machine((verb) => (verb === "ADD" ? { stdout } : {}));
    const error = await errorOf(delegates.add("host-local", received("ADD")));
    expect(error.code).toBe(106);
    expect(error.message).toContain(message);
    expect(verbs()).toEqual(["ADD", "DEL"]);
  });

  test.for([
    ["EACCES", 106, "Permission denied"],
    ["ENOEXEC", 106, "Exec format error"],
    ["ETXTBSY", 11, "Text file is busy"],
  ] as const)("to start with %s is told of with code %i", async ([name, code, words]) => {
    const refusal = new KernelError({ operation: "run /usr/lib/cni/host-local", errno: constants.errno[name] });
    const { delegates } = machine(() => refusal);
    const error = await errorOf(delegates.del("host-local", received("DEL")));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^Cannot execute plugin host-local: Cannot run /);
    expect(error.message.toLowerCase()).toContain(words.toLowerCase());
  });
});

describe("a delegate that cannot be found", () => {
  test("is named with the directories that were searched", async () => {
    const { delegates } = machine(() => ({}));
    const error = await errorOf(delegates.add("dhcp", received("ADD")));
    expect(error).toMatchObject({ code: 106, message: "Cannot find plugin dhcp in /opt/cni/bin, /usr/lib/cni" });
  });

  test.for([undefined, "", ":"])("because CNI_PATH is %j is an error of the environment", async (path) => {
    const { delegates } = machine(() => ({}));
    const { stdin, environment } = received("DEL");
    const error = await errorOf(
      delegates.del("host-local", { stdin, environment: { ...environment, CNI_PATH: path } }),
    );
    expect(error).toMatchObject({ code: 4, message: "Cannot find plugin host-local: CNI_PATH is missing" });
  });

  test.for(["", ".", "..", "a/b", "../sh", "a\0b"])(
    "because its type is %j is an error of the configuration",
    async (type) => {
      const { delegates, executions } = machine(() => ({}), { isFile: () => true });
      expect(await errorOf(delegates.add(type, received("ADD")))).toMatchObject({ code: 7 });
      expect(executions).toEqual([]);
    },
  );
});

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
