import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { KernelError } from "../netlink/kernel-error.ts";
import { errorOf, ipamAnswer, ips, machine, received, told } from "./scripted-plugin.ts";
import { versions } from "./versions.ts";

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

  test("may answer in another version than the configuration's, if it says so", async () => {
    const answer = { cniVersion: "1.1.0", interfaces: [{ name: "eth0", mtu: 1400 }] };
    const { delegates } = machine(() => ({ stdout: JSON.stringify(answer) }));
    expect((await delegates.add("host-local", received("ADD", "1.0.0"))).interfaces).toEqual([
      { name: "eth0", mtu: 1400 },
    ]);
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
