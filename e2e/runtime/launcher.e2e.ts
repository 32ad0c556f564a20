// The launcher against agents that answer, decline, break off and hang: either the agent's answer is printed, complete, or the
// standalone runtime runs with the same environment and the same standard input.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  encodeAccepted,
  encodeAnswer,
  encodeDeclined,
  type LauncherRequest,
} from "../../src/agent/launcher-protocol.ts";
import { acceptMs, type Behaviour, buildId, hashOf, Launched, listen, type Outcome } from "./launched.ts";

let launched: Launched;
beforeAll(() => {
  launched = new Launched();
});
afterAll(() => launched[Symbol.dispose]());

const sizes = [0, 1 << 10, 1 << 20] as const;
const reportSchema = v.object({
  runtime: v.literal(true),
  argv: v.array(v.string()),
  environment: v.record(v.string(), v.string()),
  length: v.number(),
  sha256: v.string(),
});

/** What the standalone runtime says reached it; fails where something else answered. */
function reportOf({ code, stdout }: Outcome): v.InferOutput<typeof reportSchema> {
  expect(code).toBe(3);
  return v.parse(reportSchema, JSON.parse(stdout));
}

function payload(size: number): Buffer {
  return Buffer.alloc(size, "0123456789abcdefghijklmnopqrstuvwxyz\n");
}

function answers(reply: { exitCode: number; stdout: string; stderr: string }, seen: LauncherRequest[] = []): Behaviour {
  return {
    onRequest(socket, request) {
      seen.push(request);
      socket.write(encodeAccepted());
      socket.end(encodeAnswer(reply));
    },
  };
}

describe("an agent that answers", () => {
  test.for(sizes)("gets the call with %i bytes of standard input, and its answer is printed", async (size) => {
    const seen: LauncherRequest[] = [];
    await using _agent = await listen(
      launched.socketPath,
      answers({ exitCode: 1, stdout: '{"code":7}\n', stderr: "warned\n" }, seen),
    );
    const env = {
      CNI_COMMAND: "ADD",
      CNI_ARGS: "K=V;IP=fd00::5",
      CNI_NETNS: "/run/netns/pod",
      PATH: "/bin",
      OTHER: "x",
    };
    const outcome = await launched.call({ name: "hextet-ipam", env, stdin: payload(size) });
    expect(outcome).toEqual({ code: 1, stdout: '{"code":7}\n', stderr: "warned\n" });
    const { PATH: _path, OTHER: _other, ...environment } = env;
    expect(seen).toEqual([{ buildId, program: "hextet-ipam", environment, stdin: payload(size).toString() }]);
  });

  test("may answer with nothing, and with 4 MB", async () => {
    for (const stdout of ["", "x".repeat(4 << 20)]) {
      await using _agent = await listen(launched.socketPath, answers({ exitCode: 0, stdout, stderr: "" }));
      expect(await launched.call({})).toEqual({ code: 0, stdout, stderr: "" });
    }
  });

  test("may take its time between accepting and answering", async () => {
    const behaviour: Behaviour = {
      onRequest(socket) {
        socket.write(encodeAccepted());
        void setTimeout(acceptMs * 1.5).then(() =>
          socket.end(encodeAnswer({ exitCode: 0, stdout: "late", stderr: "" })),
        );
      },
    };
    await using _agent = await listen(launched.socketPath, behaviour);
    expect(await launched.call({})).toMatchObject({ code: 0, stdout: "late" });
  });
});

describe("hextetctl ready", () => {
  const ready = { name: "hextetctl", args: ["ready"] } as const;

  test("is the agent's answer, without a runtime and without waiting for standard input", async () => {
    const seen: LauncherRequest[] = [];
    const reply = { exitCode: 1, stdout: "Node alpha has no prefix\n", stderr: "" };
    await using _agent = await listen(launched.socketPath, answers(reply, seen));
    expect(await launched.call({ ...ready, stdin: payload(10) })).toEqual({
      code: 1,
      stdout: reply.stdout,
      stderr: "",
    });
    expect(seen).toMatchObject([{ buildId, program: "hextetctl ready", stdin: "" }]);
  });

  test("is the runtime's where no agent answers, and where it has options", async () => {
    rmSync(launched.socketPath, { force: true });
    for (const args of [["ready"], ["ready", "--help"]]) {
      const report = reportOf(await launched.call({ ...ready, args }));
      expect(report.argv.slice(-args.length)).toEqual(args);
    }
    await using agent = await listen(launched.socketPath, answers({ exitCode: 0, stdout: "", stderr: "" }));
    reportOf(await launched.call({ ...ready, args: ["ready", "--help"] }));
    expect(agent.connections).toBe(0);
  });
});

const answer = encodeAnswer({ exitCode: 0, stdout: '{"cniVersion":"1.1.0"}', stderr: "" });
const failing: Readonly<Record<string, Behaviour>> = {
  declines: { onRequest: (socket) => socket.end(encodeDeclined()) },
  "closes at once": { onConnection: (socket) => socket.destroy() },
  "closes when it has read the request": { onRequest: (socket) => socket.destroy() },
  "closes half way through accepting": { onRequest: (socket) => socket.end(encodeAccepted().subarray(0, 7)) },
  "closes after accepting": { onRequest: (socket) => socket.end(encodeAccepted()) },
  "closes half way through the answer's head": {
    onRequest: (socket) => socket.end(Buffer.concat([encodeAccepted(), answer.subarray(0, 9)])),
  },
  "closes half way through the answer": {
    onRequest: (socket) => socket.end(Buffer.concat([encodeAccepted(), answer.subarray(0, -1)])),
  },
  "speaks another protocol": { onRequest: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
  "announces an answer of 4 GB": {
    onRequest: (socket) =>
      socket.end(Buffer.concat([encodeAccepted(), Buffer.from("4858540102000000ffffffff00000000", "hex")])),
  },
  "hangs before it accepts": { onRequest: () => {} },
  "hangs without reading": { onConnection: (socket) => socket.pause() },
  "hangs after it accepted": { onRequest: (socket) => socket.write(encodeAccepted()) },
  "hangs half way through the answer": {
    onRequest: (socket) => socket.write(Buffer.concat([encodeAccepted(), answer.subarray(0, 20)])),
  },
};
const cases = Object.keys(failing).flatMap((what) => sizes.map((size) => [what, size] as const));

describe("the standalone runtime takes over from an agent that", () => {
  test.for(cases)("%s, with %i bytes of standard input", async ([what, size]) => {
    await using agent = await listen(launched.socketPath, failing[what] ?? {});
    const outcome = await launched.call({ stdin: payload(size) });
    expect(reportOf(outcome)).toMatchObject({ length: size, sha256: hashOf(payload(size)) });
    expect(outcome.stderr).toBe("");
    expect(agent.connections).toBe(1);
  });
});

describe("without an agent", () => {
  test.for(sizes)("a missing socket means the standalone runtime, with %i bytes of standard input", async (size) => {
    expect(reportOf(await launched.call({ stdin: payload(size) }))).toMatchObject({ sha256: hashOf(payload(size)) });
  });

  test("a socket nobody listens on, a file in its place, and a path longer than a socket's may be mean the same", async () => {
    writeFileSync(launched.socketPath, "");
    expect(reportOf(await launched.call({ stdin: payload(9) })).length).toBe(9);
    rmSync(launched.socketPath);
    const env = { CNI_COMMAND: "ADD", HEXTET_SOCKET: `/${"x".repeat(200)}` };
    expect(reportOf(await launched.call({ env, stdin: payload(9) })).length).toBe(9);
  });

  test("the runtime is told by which name and with which arguments it was called", async () => {
    const { argv } = reportOf(await launched.call({ name: "loopback", args: ["one", "two words"] }));
    expect(argv).toEqual(["/opt/cni/bin/loopback", "one", "two words"]);
    const control = reportOf(await launched.call({ name: "hextetctl", args: ["status"], env: {} }));
    expect(control.argv).toEqual(["/opt/cni/bin/hextetctl", "status"]);
  });

  test("what the host sets for other programs' loaders and Nodes does not reach the runtime", async () => {
    const env = {
      CNI_COMMAND: "ADD",
      NODE_OPTIONS: "--no-such-option",
      LD_PRELOAD: "/none.so",
      LD_AUDIT: "/none.so",
      LD_LIBRARY_PATH: "/none",
      PATH: "/bin",
    };
    const { environment } = reportOf(await launched.call({ env }));
    expect(environment).toEqual({
      CNI_COMMAND: "ADD",
      HEXTET_SOCKET: launched.socketPath,
      LD_LIBRARY_PATH: "/none",
      PATH: "/bin",
    });
  });
});

test("what is no CNI call goes to the runtime, not to the agent", async () => {
  await using agent = await listen(launched.socketPath, answers({ exitCode: 0, stdout: "", stderr: "" }));
  expect(reportOf(await launched.call({ env: {}, stdin: payload(20) })).length).toBe(20);
  expect(agent.connections).toBe(0);
});

test.for(["hextet", "hextetctl"])("%s has its options of V8 from the launcher, and from nobody else", async (name) => {
  const args = ["--node-options=--v8-options", "x"];
  expect(reportOf(await launched.call({ name, args })).argv).toEqual([`/opt/cni/bin/${name}`, "x"]);
});

test("an agent that accepts after the launcher gave up cannot send its acceptance", async () => {
  const failed = Promise.withResolvers<Error | null | undefined>();
  const behaviour: Behaviour = {
    onRequest(socket) {
      void setTimeout(acceptMs * 1.5).then(() => socket.write(encodeAccepted(), failed.resolve));
    },
  };
  await using _agent = await listen(launched.socketPath, behaviour);
  reportOf(await launched.call({}));
  expect(await failed.promise).toMatchObject({ code: "EPIPE" });
});

test("an acceptance that came before the launcher, which the machine runs late, could give up is heard", async () => {
  const late = join(launched.directory, "late");
  const delay = `strace -qq -o /dev/null -e trace=recvfrom -e inject=recvfrom:delay_exit=${acceptMs * 2_000}:when=1`;
  writeFileSync(late, `#!/bin/sh\nexec ${delay} ${launched.binary} "$@"\n`, { mode: 0o755 });
  const behaviour: Behaviour = {
    onRequest(socket) {
      void setTimeout(acceptMs * 1.5).then(() => {
        socket.write(encodeAccepted());
        socket.end(encodeAnswer({ exitCode: 0, stdout: "late\n", stderr: "" }));
      });
    },
  };
  await using _agent = await listen(launched.socketPath, behaviour);
  expect(await launched.call({ binary: late })).toEqual({ code: 0, stdout: "late\n", stderr: "" });
});

describe("errors", () => {
  test("a name that is none of ours is refused with those that are", async () => {
    const outcome = await launched.call({ name: "bridge", env: {} });
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toBe(
      "bridge: no program of Hextet; call hextet, hextet-ipam, loopback, hextetctl or hextet-agent\n",
    );
  });

  test("a container runtime gets the error as JSON on standard output", async () => {
    const outcome = await launched.call({ name: 'bri"dge\\', env: { CNI_COMMAND: "ADD" } });
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      cniVersion: "1.1.0",
      code: 999,
      msg: expect.stringContaining("bri?dge?: no program of Hextet"),
    });
  });

  test("an incomplete installation is named, with what mends it", async () => {
    const lonely = `${launched.directory}/lonely`;
    execFileSync("cp", [launched.binary, lonely]);
    const outcome = await launched.call({ binary: lonely });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("hextetctl install");
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      code: 999,
      msg: expect.stringMatching(/lib\/ld-linux.*: No such file or directory$/),
    });
  });
});

describe("the program itself", () => {
  test("is static, and smaller than 100 KB where musl is installed", () => {
    const headers = execFileSync("readelf", ["--program-headers", "--wide", launched.binary], { encoding: "utf8" });
    expect(headers).toContain("LOAD");
    expect(headers).not.toContain("INTERP");
    expect(statSync(launched.binary).size).toBeLessThan(100_000);
  });

  test("takes less than 2 MB of memory while it hands on 1 MB", async () => {
    const { promise: pid, resolve } = Promise.withResolvers<number>();
    const peaks: number[] = [];
    const behaviour: Behaviour = {
      onRequest(socket) {
        void pid.then((id) => {
          peaks.push(Number(readFileSync(`/proc/${id}/status`, "utf8").match(/VmHWM:\s+(\d+) kB/)?.[1]));
          socket.write(encodeAccepted());
          socket.end(answer);
        });
      },
    };
    await using _agent = await listen(launched.socketPath, behaviour);
    await launched.call({ stdin: payload(1 << 20), onStart: resolve });
    expect(peaks).toHaveLength(1);
    expect(peaks[0]).toBeGreaterThan(0);
    expect(peaks[0]).toBeLessThan(2000);
  });
});
