import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { createLog, type Log, silent } from "../log/log.ts";
import { Endpoint } from "./endpoint.ts";
import { healthServer } from "./health.ts";
import type { HttpServer } from "./http-server.ts";

const status = () => '{"version":1}\n';
const mesh = async () => '{"version":1,"cells":[]}';
const metrics = { contentType: "text/plain; version=0.0.4", print: async () => "hextet_faults 0\n" };

/** A port nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "::");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No port");
  return address.port;
}

interface Lines {
  readonly log: Log;
  /** Resolves with the first line of this message. */
  says: (message: string) => Promise<string>;
}

function recorded(): Lines {
  const lines: string[] = [];
  let onLine = () => {};
  const write = (line: string) => {
    lines.push(line);
    onLine();
  };
  const says = async (message: string): Promise<string> => {
    for (;;) {
      const found = lines.find((line) => line.includes(message));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        onLine = resolve;
      });
    }
  };
  return { log: createLog({ write }), says };
}

async function started(
  faults: () => readonly string[] = () => [],
  obstacles = faults,
): Promise<{ server: HttpServer; port: number }> {
  const port = await freePort();
  const { log, says } = recorded();
  const listen = Endpoint.parse(`[::]:${port}`);
  const server = healthServer({ listen, faults, obstacles, status, mesh, metrics, log });
  server.start();
  await says("health and metrics served");
  return { server, port };
}

describe("healthServer()", () => {
  test.for(["127.0.0.1", "[::1]"])("answers at %s where it listens on [::]", async (host) => {
    const { server, port } = await started();
    await using _server = server;
    const answer = await fetch(`http://${host}:${port}/healthz`);
    expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
  });

  const [uplink, room, beta] = ["No uplink: name one", "No room: make some", "Node beta has no prefix; give it one"];

  test.for([
    { faults: [], obstacles: [], status: 200, text: "ready\n" },
    { faults: [beta], obstacles: [], status: 200, text: `ready\n${beta}\n` },
    { faults: [uplink, room], obstacles: [uplink, room], status: 503, text: `${uplink}\n${room}\n` },
  ])("/readyz answers $status where the faults are $faults", async ({ faults, obstacles, status, text }) => {
    const { server, port } = await started(
      () => faults,
      () => obstacles,
    );
    await using _server = server;
    const answer = await fetch(`http://[::1]:${port}/readyz?verbose`);
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });

  test.for([
    { method: "GET", path: "/metrics", status: 200, text: "hextet_faults 0\n" },
    { method: "HEAD", path: "/metrics", status: 200, text: "" },
    { method: "GET", path: "/", status: 404, text: "There are /healthz, /readyz, /status, /mesh and /metrics\n" },
    { method: "GET", path: "/mesh", status: 200, text: '{"version":1,"cells":[]}\n' },
    { method: "GET", path: "/status", status: 200, text: status() },
    { method: "POST", path: "/healthz", status: 405, text: "Only GET and HEAD are served\n" },
  ])("answers $status to $method $path", async ({ method, path, status, text }) => {
    const { server, port } = await started();
    await using _server = server;
    const answer = await fetch(`http://[::1]:${port}${path}`, { method });
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });

  test("answers 500 where a page cannot be made, and goes on", async () => {
    const { server, port } = await started(() => {
      throw new Error("no");
    });
    await using _server = server;
    expect((await fetch(`http://[::1]:${port}/readyz`)).status).toBe(500);
    expect((await fetch(`http://[::1]:${port}/healthz`)).status).toBe(200);
  });

  test("tells of a port that is in use with the fix, and listens once it is free", async () => {
    const port = await freePort();
    const other = createServer().listen(port, "::");
    await once(other, "listening");
    const { log, says } = recorded();
    await using server = healthServer({
      listen: Endpoint.parse(`[::]:${port}`),
      faults: () => [],
      obstacles: () => [],
      status,
      mesh,
      metrics,
      log,
    });
    server.start();
    expect(await says('"fault"')).toContain(
      `Cannot listen on [::]:${port} for health and metrics: address already in use: end the program that has the port`,
    );
    other.close();
    await says("health and metrics served");
    expect((await fetch(`http://[::1]:${port}/healthz`)).status).toBe(200);
  });

  test("ends where it never listened", async () => {
    const server = healthServer({
      listen: Endpoint.parse("[::]:16128"),
      faults: () => [],
      obstacles: () => [],
      status,
      mesh,
      metrics,
      log: silent,
    });
    await expect(server[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });
});
