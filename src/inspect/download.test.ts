import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { download } from "./download.ts";

const columns = [
  { families: "v4", listen: "127.0.0.1", hosts: ["127.0.0.1"] },
  { families: "v6", listen: "::1", hosts: ["[::1]"] },
  { families: "dual", listen: "::", hosts: ["127.0.0.1", "[::1]"] },
] as const;

const closed = "Error: the connection was closed before all of the answer had come";

/** What comes from somebody who answers every request with this text, and then says no more. */
async function downloads(answer: string, { listen, hosts }: (typeof columns)[number]): Promise<readonly unknown[]> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer));
  });
  await using _server = server.listen(0, listen);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  const { signal } = new AbortController();
  const asked = hosts.map((host) => download(`http://${host}:${address.port}/readyz`, signal).catch(String));
  const outcomes = await Promise.all(asked);
  for (const socket of sockets) socket.destroy();
  return outcomes;
}

describe.for(columns)("download() over $families", (column) => {
  test.for([
    ["a page", "HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\nfault\n", { status: 503, text: "fault\n" }],
    ["half of one", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfau", closed],
    ["too long a one", `HTTP/1.1 200 OK\r\n\r\n${"a".repeat(1_048_577)}`, "Error: more than 1048576 bytes came"],
    ["another protocol", "SSH-2.0-x\r\n", expect.stringMatching(/^Error: Parse Error/)],
    ["a change of protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", closed],
  ] as const)("ends, also where it is %s that comes", async ([, answer, outcome]) => {
    expect(await downloads(answer, column)).toEqual(column.hosts.map(() => outcome));
  });
});
