// What the environment must hold, by the statements G3 and G4 of the conformance list.

import { describe, expect, test } from "vitest";
import { serve } from "./dispatch.ts";
import { config, environment, refused, requested } from "./recorded-call.ts";
import { recordingPlugin } from "./recording-plugin.ts";

describe("G3", () => {
  test.for([undefined, ""])("refuses CNI_COMMAND %j with code 4", async (command) => {
    const plugin = recordingPlugin();
    const answer = await serve({ environment: { ...environment, CNI_COMMAND: command }, stdin: config() }, plugin);
    expect(JSON.parse(answer.stdout)).toMatchObject({
      code: 4,
      msg: "The environment variable CNI_COMMAND is missing",
      details: expect.stringContaining("the one for people is hextetctl"),
    });
  });

  test.for([
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME"]],
  ] as const)("names every variable %s misses: %j", async ([verb, names]) => {
    for (const empty of ["", undefined]) {
      const changes = { CNI_CONTAINERID: empty, CNI_NETNS: empty, CNI_IFNAME: empty, CNI_PATH: empty };
      const error = await refused(verb, config(), changes);
      expect(error).toMatchObject({ code: 4, msg: `The environment variables ${names.join(", ")} are missing` });
    }
  });

  test("names CNI_PATH where GC misses it", async () => {
    const error = await refused("GC", config(), { CNI_PATH: "" });
    expect(error).toMatchObject({ code: 4, msg: "The environment variable CNI_PATH is missing" });
  });

  test.for([
    ["ADDD", "did you mean ADD"],
    ["add", "did you mean ADD"],
    ["UPDATE", "it is one of ADD, DEL, CHECK, GC, STATUS, VERSION"],
  ] as const)("refuses CNI_COMMAND %s with code 4: %s", async ([verb, words]) => {
    const error = await refused(verb, config());
    expect(error.code).toBe(4);
    expect(error.msg).toContain(`CNI_COMMAND: "${verb}" is unknown; ${words}`);
  });
});

describe("G4", () => {
  test.for(["-c1", ".c1", "_c1", "c 1", "c/1", "c1\n", "ü", "../etc"])(
    "refuses the container id %j with code 4",
    async (id) => {
      for (const verb of ["ADD", "DEL", "CHECK"]) {
        const error = await refused(verb, config(), { CNI_CONTAINERID: id });
        expect(error).toMatchObject({ code: 4 });
        expect(error.msg).toContain(`CNI_CONTAINERID: ${JSON.stringify(id)}`);
      }
    },
  );

  test.for(["a", "0", "C1.a-b_c", "f".repeat(64)])("takes the container id %j", async (id) => {
    expect(await requested("ADD", config(), { CNI_CONTAINERID: id })).toMatchObject({ target: { containerId: id } });
  });

  test.for(["sixteen-letters-", ".", "..", "a/b", "a:b", "a b", "a\tb", "eth%d"])(
    "refuses the interface name %j with code 4",
    async (name) => {
      for (const verb of ["ADD", "DEL", "CHECK"]) {
        const error = await refused(verb, config(), { CNI_IFNAME: name });
        expect(error).toMatchObject({ code: 4 });
        expect(error.msg).toContain(`CNI_IFNAME: ${JSON.stringify(name)}`);
      }
    },
  );

  test("names both variables where both are wrong", async () => {
    const { msg } = await refused("ADD", config(), { CNI_CONTAINERID: "-", CNI_IFNAME: "a/b" });
    expect(msg).toMatch(/CNI_CONTAINERID: .*; CNI_IFNAME: /);
  });
});

test("G3 refuses a variable with a zero byte, which only a forged request has", async () => {
  const stdin = JSON.stringify({ cniVersion: "1.1.0", name: "pods", type: "hextet" });
  const environment = { CNI_COMMAND: "STATUS", CNI_PATH: "/opt/cni/bin\0" };
  const answer = await serve({ environment, stdin }, recordingPlugin());
  expect(JSON.parse(answer.stdout)).toMatchObject({
    code: 4,
    msg: 'CNI_PATH: "/opt/cni/bin\\u0000" is not valid: it contains a zero byte',
  });
});
