import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { createLog } from "../../log/log.ts";
import { Endpoint } from "../endpoint.ts";
import { pageServer } from "./page-server.ts";

const model = { text: '{"events":[]}', tag: '"abc"' };

async function started() {
  const probe = createServer().listen(0, "::1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("No port");
  const { port } = address;
  const listening = Promise.withResolvers<void>();
  const log = createLog({ write: (line) => line.includes("page served") && listening.resolve() });
  const server = pageServer({ listen: Endpoint.parse(`[::1]:${port}`), model: () => model, log });
  server.start();
  await listening.promise;
  return { server, port };
}

interface Asked {
  readonly path: string;
  readonly host?: string;
  readonly method?: string;
  readonly tag?: string;
}

async function ask(port: number, { path, host = "[::1]", method = "GET", tag }: Asked) {
  const headers = { host: `${host}:${port}`, ...(tag !== undefined && { "if-none-match": tag }) };
  const request = get({ host: "::1", port, path, method, headers, agent: false });
  const [response] = await once(request, "response");
  let text = "";
  for await (const part of response) text += part;
  return { status: response.statusCode, text, headers: response.headers };
}

describe("pageServer()", () => {
  test.for([
    { path: "/", status: 200, says: "<!doctype html>" },
    { path: "/model.json", status: 200, says: model.text },
    { path: "/model.json?a", status: 200, says: model.text },
    { path: "/metrics", status: 404, says: "There are / and /model.json" },
    { path: "/../config.ts", status: 404, says: "There are / and /model.json" },
  ])("answers $status to $path, and lets nothing else into it", async ({ path, status, says }) => {
    const { server, port } = await started();
    await using _server = server;
    const answer = await ask(port, { path });
    expect([answer.status, answer.text.slice(0, says.length)]).toEqual([status, says]);
    const policy = answer.headers["content-security-policy"];
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}'; /);
    expect(policy).not.toContain("unsafe");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  test.for(["POST", "PUT", "DELETE"])("refuses %s", async (method) => {
    const { server, port } = await started();
    await using _server = server;
    expect((await ask(port, { path: "/model.json", method })).status).toBe(405);
  });

  test("sends what the browser has already no second time", async () => {
    const { server, port } = await started();
    await using _server = server;
    const { headers } = await ask(port, { path: "/model.json" });
    expect(headers["etag"]).toBe(model.tag);
    expect(await ask(port, { path: "/model.json", tag: model.tag })).toMatchObject({ status: 304, text: "" });
    expect((await ask(port, { path: "/model.json", tag: '"other"' })).status).toBe(200);
  });

  test.for([
    { host: "[::1]", status: 200 },
    { host: "127.0.0.1", status: 200 },
    { host: "localhost", status: 200 },
    { host: "node.example.org", status: 421 },
    { host: "localhost.example.org", status: 421 },
    { host: "[example.org]", status: 421 },
  ])("answers $status where it is called $host", async ({ host, status }) => {
    const { server, port } = await started();
    await using _server = server;
    for (const path of ["/", "/model.json"]) expect((await ask(port, { path, host })).status).toBe(status);
  });
});
