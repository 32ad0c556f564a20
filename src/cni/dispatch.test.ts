// A call from beginning to end. The statements of the conformance list that can be tested on the protocol alone are named by
// their ids here and in the tests beside; what needs a kernel or an executable is in e2e/conformance.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLog } from "../log/log.ts";
import { brokenCall, call } from "./arbitraries.ts";
import { CniError } from "./cni-error.ts";
import { serve } from "./dispatch.ts";
import { config, environment, everything, refused, result, run, silentVerbs } from "./recorded-call.ts";
import { recordingPlugin } from "./recording-plugin.ts";
import { hasVerb, type Verb, verbs, versions } from "./versions.ts";

describe("G1 failure", () => {
  test.for(["ADD", ...silentVerbs])(
    "of %s is exit code 1 and {cniVersion, code, msg, details} on stdout",
    async (verb) => {
      const failure = new CniError("rangeExhausted", "fd00::/126 is exhausted", { details: "Wait, or add a range" });
      const { code, stdout } = await run(verb, config("1.1.0", everything), {}, failure);
      expect(code).toBe(1);
      expect(stdout).toBe(
        '{"cniVersion":"1.1.0","code":102,"msg":"fd00::/126 is exhausted","details":"Wait, or add a range"}\n',
      );
    },
  );

  test("is logged on stderr, with the stack of a defect, which is not on stdout", async () => {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const input = { environment: { ...environment, CNI_COMMAND: "ADD" }, stdin: config() };
    const { stdout } = await serve(input, recordingPlugin(new TypeError("x is undefined")), log);
    expect(JSON.parse(stdout)).toMatchObject({ code: 999, msg: "Internal error: x is undefined" });
    expect(stdout).not.toContain("dispatch.test.ts");
    expect(lines.join("")).toContain("dispatch.test.ts");
  });

  test("is logged without a stack where it is no defect", async () => {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const input = { environment: { ...environment, CNI_COMMAND: "ADD" }, stdin: config() };
    await serve(input, recordingPlugin(new CniError("rangeExhausted", "no")), log);
    expect(JSON.parse(lines.join(""))).toMatchObject({ level: "error", message: "request failed", verb: "ADD" });
    expect(lines.join("")).not.toContain("stack");
  });

  test.for(versions)("is told in the configuration's version %s", async (version) => {
    const { stdout } = await run("ADD", config(version), {}, new CniError("kernel", "no"));
    expect(JSON.parse(stdout).cniVersion).toBe(version);
  });

  test.for(["", "{", "[]", "null", '{"cniVersion":"9.9.9","name":"pods"}', '{"cniVersion":[]}'])(
    "is told in the newest version where %j does not say one that is spoken",
    async (stdin) => {
      expect(await refused("ADD", stdin)).toMatchObject({ cniVersion: "1.1.0" });
    },
  );
});

describe("G2 success", () => {
  test("of ADD is exactly one JSON document", async () => {
    const { code, stdout } = await run("ADD", config());
    expect(code).toBe(0);
    expect(stdout).toBe(
      '{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/pod1"}],' +
        '"ips":[{"address":"fd00::2/128","interface":0},{"address":"10.1.0.2/32","interface":0}]}\n',
    );
  });

  test("of ADD comes with what is to be called when the runtime has the result, and is not called before", async () => {
    let count = 0;
    const plugin = { ...recordingPlugin(), add: async () => ({ result, delivered: () => void count++ }) };
    const answer = await serve({ environment: { ...environment, CNI_COMMAND: "ADD" }, stdin: config() }, plugin);
    expect(count).toBe(0);
    answer.delivered?.();
    expect(count).toBe(1);
  });

  test.for(silentVerbs)("of %s is nothing", async (verb) => {
    const { code, stdout } = await run(verb, config("1.1.0", everything));
    expect([code, stdout]).toEqual([0, ""]);
  });
});

describe.for(versions)("in version %s", (version) => {
  test.for(verbs)("%s is served or refused with code 1", async (verb) => {
    const { code, stdout } = await run(verb, config(version, everything));
    expect(code).toBe(hasVerb(version, verb) ? 0 : 1);
    if (code === 1) expect(JSON.parse(stdout)).toMatchObject({ code: 1, msg: `cniVersion ${version} has no ${verb}` });
  });
});

describe("VERSION", () => {
  const supported = '"supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n';

  test.for(["0.1.0", "0.4.0", "1.0.0", "1.1.0", "2.0.0"])("V1 repeats cniVersion %s", async (cniVersion) => {
    const input = { environment: { CNI_COMMAND: "VERSION" }, stdin: JSON.stringify({ cniVersion }) };
    const plugin = recordingPlugin();
    expect(await serve(input, plugin)).toEqual({ code: 0, stdout: `{"cniVersion":"${cniVersion}",${supported}` });
    expect(plugin.requests).toEqual([]);
  });

  test.for(["", "{", "[]", '{"cniVersion":5}', new Error("EBADF")])(
    "V1 answers although stdin is %s",
    async (stdin) => {
      const answer = await serve({ environment: { CNI_COMMAND: "VERSION" }, stdin }, recordingPlugin());
      expect(answer).toEqual({ code: 0, stdout: `{"cniVersion":"1.1.0",${supported}` });
    },
  );
});

describe("any call", () => {
  const needsPrevious = (verb: Verb, stdin: string) => verb === "CHECK" && JSON.parse(stdin).prevResult === undefined;

  test("as a runtime makes it is served", async () => {
    await fc.assert(
      fc.asyncProperty(call, async ({ environment, stdin }) => {
        const verb = verbs.find((each) => each === environment["CNI_COMMAND"]) ?? "ADD";
        fc.pre(!needsPrevious(verb, stdin));
        const plugin = recordingPlugin();
        expect(await serve({ environment, stdin }, plugin)).toMatchObject({ code: 0 });
        expect(plugin.requests).toHaveLength(verb === "VERSION" ? 0 : 1);
      }),
      { numRuns: 150 },
    );
  });

  test("however broken, is served or refused with an error of the specification, and never crashes", async () => {
    await fc.assert(
      fc.asyncProperty(brokenCall, async ({ environment, stdin }) => {
        const plugin = recordingPlugin();
        const answer = await serve({ environment, stdin }, plugin);
        if (answer.code === 0) return;
        expect(plugin.requests).toEqual([]);
        const { cniVersion, code, msg } = JSON.parse(answer.stdout);
        expect(versions).toContain(cniVersion);
        expect([1, 2, 4, 6, 7]).toContain(code);
        expect(msg).toMatch(/./);
      }),
      { numRuns: 300 },
    );
  });
});
