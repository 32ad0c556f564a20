import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Plugin } from "../cni/dispatch.ts";
import { silent } from "../log/log.ts";
import { AttachService } from "./attach-service.ts";
import { encodeRequest, type LauncherRequest } from "./launcher-protocol.ts";

const accepted = 1;
const answered = 2;
const declined = 3;
const headLength = 16;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hextet-agent-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const request: LauncherRequest = {
  buildId: "0123456789abcdef",
  program: "hextet",
  environment: {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "one",
    CNI_IFNAME: "eth0",
    CNI_NETNS: "/proc/self/ns/net",
    CNI_PATH: "/opt/cni/bin",
  },
  stdin: JSON.stringify({ cniVersion: "1.1.0", name: "pods", type: "hextet" }),
};

const result = { interfaces: [], ips: [], routes: [] };
const nothing = async () => {};

function pluginWith(add: Plugin["add"]): Plugin {
  return { add, del: nothing, check: nothing, gc: nothing, status: nothing };
}

async function start(plugin: Plugin, faults: readonly string[] = []): Promise<AttachService> {
  return await AttachService.start({
    socket: join(directory, "run", "agent.sock"),
    buildId: request.buildId,
    plugin: () => plugin,
    faults: () => faults,
    log: silent,
  });
}

function dial(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(directory, "run", "agent.sock"), () => resolve(socket));
    socket.on("error", reject);
  });
}

/** Sends one call and gives all that comes back. */
async function call(of: LauncherRequest): Promise<Buffer> {
  const socket = await dial();
  socket.write(encodeRequest(of));
  return Buffer.concat(await socket.toArray());
}

describe("AttachService", () => {
  test("accepts a call, has the plugin do it and sends its answer, then says that it was delivered", async () => {
    const events: string[] = [];
    await using _service = await start(
      pluginWith(async ({ target }) => {
        events.push(`add ${target.containerId}`);
        return { result, delivered: () => events.push("delivered") };
      }),
    );
    const reply = await call(request);
    expect(reply[4]).toBe(accepted);
    expect(reply[headLength + 4]).toBe(answered);
    expect(reply[headLength + 5]).toBe(0);
    expect(JSON.parse(reply.subarray(2 * headLength).toString())).toMatchObject({ cniVersion: "1.1.0" });
    expect(events).toEqual(["add one", "delivered"]);
  });

  test("answers a failure with exit code 1 and the error", async () => {
    await using _service = await start(pluginWith(() => Promise.reject(new Error("no"))));
    const reply = await call(request);
    expect(reply[headLength + 5]).toBe(1);
    expect(JSON.parse(reply.subarray(2 * headLength).toString())).toMatchObject({ code: 999 });
  });

  test.for([
    { faults: [], code: 0, says: "ready\n" },
    {
      faults: ["Node a has no prefix", "Cannot list nodes at https://[fd00::1]:443: 403"],
      code: 1,
      says: "Node a has no prefix. Cannot list nodes at https://[fd00::1]:443: 403\n",
    },
  ])("tells in one line whether the node is ready: $says", async ({ faults, code, says }) => {
    await using _service = await start(
      pluginWith(() => Promise.reject(new Error("no"))),
      faults,
    );
    const reply = await call({ ...request, program: "hextetctl ready", environment: {}, stdin: "" });
    expect([reply[4], reply[headLength + 4], reply[headLength + 5]]).toEqual([accepted, answered, code]);
    expect(reply.subarray(2 * headLength).toString()).toBe(says);
  });

  test.for([
    { what: "of another build", changed: { buildId: "fedcba9876543210" } },
    { what: "of a program it does not know", changed: { program: "bridge" } },
    { what: "that asks whether it is ready, of another build", changed: { program: "hextetctl ready", buildId: "x" } },
    {
      what: "about a namespace it does not see",
      changed: { environment: { ...request.environment, CNI_NETNS: "/run/netns/elsewhere" } },
    },
  ])("declines a call $what before it does anything", async ({ changed }) => {
    let calls = 0;
    await using _service = await start(
      pluginWith(async () => {
        calls++;
        return { result };
      }),
    );
    const reply = await call({ ...request, ...changed });
    expect(reply).toHaveLength(headLength);
    expect(reply[4]).toBe(declined);
    expect(calls).toBe(0);
  });

  test("closes on bytes that are no request, and on half a request", async () => {
    await using _service = await start(pluginWith(async () => ({ result })));
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), encodeRequest(request).subarray(0, 60)]) {
      const socket = await dial();
      socket.end(bytes);
      expect(Buffer.concat(await socket.toArray())).toHaveLength(0);
    }
  });

  test("withdraws an ADD whose answer nobody takes", async () => {
    const gate = Promise.withResolvers<void>();
    const withdrawn = Promise.withResolvers<string>();
    await using _service = await start(
      pluginWith(async () => {
        await gate.promise;
        return {
          result,
          delivered: () => withdrawn.resolve("delivered"),
          withdraw: async () => withdrawn.resolve("withdrawn"),
        };
      }),
    );
    const socket = await dial();
    socket.write(encodeRequest(request));
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await new Promise((resolve) => socket.once("close", resolve));
    gate.resolve();
    expect(await withdrawn.promise).toBe("withdrawn");
  });

  test("does calls for one interface one after the other, and for two at the same time", async () => {
    const gates = { one: Promise.withResolvers<void>(), two: Promise.withResolvers<void>() };
    const events: string[] = [];
    await using _service = await start(
      pluginWith(async ({ target: { containerId } }) => {
        events.push(containerId);
        await (containerId === "one" ? gates.one : gates.two).promise;
        return { result };
      }),
    );
    const calls = [call(request), call(request)];
    const other = call({ ...request, environment: { ...request.environment, CNI_CONTAINERID: "two" } });
    gates.two.resolve();
    await other;
    expect(events.toSorted()).toEqual(["one", "two"]);
    gates.one.resolve();
    await Promise.all(calls);
    expect(events.toSorted()).toEqual(["one", "one", "two"]);
  });

  test("takes the place of a socket a killed agent left, and lets nobody but its user in", async () => {
    const first = await start(pluginWith(async () => ({ result })));
    await using _second = await start(pluginWith(async () => ({ result })));
    expect((await call(request))[4]).toBe(accepted);
    expect(statSync(join(directory, "run", "agent.sock")).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "run")).mode & 0o777).toBe(0o700);
    await first[Symbol.asyncDispose]();
  });

  test("leaves the path to a newer agent when it ends, and nothing beside it", async () => {
    const first = await start(pluginWith(async () => ({ result })));
    await using _second = await start(pluginWith(async () => ({ result })));
    await first[Symbol.asyncDispose]();
    expect((await call(request))[4]).toBe(accepted);
    expect(readdirSync(join(directory, "run"))).toEqual(["agent.sock"]);
  });

  test("refuses calls at once when it has ended", async () => {
    const service = await start(pluginWith(async () => ({ result })));
    await service[Symbol.asyncDispose]();
    await expect(dial()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("waits for calls under way when it ends", async () => {
    const gate = Promise.withResolvers<void>();
    const service = await start(
      pluginWith(async () => {
        await gate.promise;
        return { result };
      }),
    );
    const socket = await dial();
    socket.write(encodeRequest(request));
    await new Promise((resolve) => socket.once("data", resolve));
    const rest = socket.toArray();
    const ended = service[Symbol.asyncDispose]();
    gate.resolve();
    await ended;
    expect(Buffer.concat(await rest)[4]).toBe(answered);
  });
});
