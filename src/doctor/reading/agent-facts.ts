// Whether an agent serves calls of the installed executable, asked as a launcher would: by a VERSION call, which changes nothing. And
// what it says of itself by HTTP.
import { statSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { Endpoint } from "../../agent/endpoint.ts";
import { encodeRequest, replyKindOf } from "../../agent/launcher-protocol.ts";
import { download } from "../../inspect/download.ts";
import { Address } from "../../ip/address.ts";
import { isForbidden } from "../../kernel/system-error.ts";
import type { AgentFacts } from "../facts.ts";

/** The launcher waits one second for an agent to accept. */
const timeoutMs = 2_000;

export async function readAgent(socket: string, buildId: string | undefined): Promise<AgentFacts> {
  const stats = statSync(socket, { throwIfNoEntry: false });
  const directory = statSync(dirname(socket), { throwIfNoEntry: false });
  const rights = {
    ...(stats === undefined ? {} : { mode: stats.mode & 0o777, owner: stats.uid }),
    ...(directory === undefined ? {} : { directoryMode: directory.mode & 0o777 }),
  };
  return { socket, ...rights, state: stats === undefined ? "absent" : await call(socket, buildId ?? "") };
}

function call(path: string, buildId: string): Promise<AgentFacts["state"]> {
  const request = encodeRequest({
    buildId,
    program: "hextet",
    environment: { CNI_COMMAND: "VERSION" },
    stdin: '{"cniVersion":"1.0.0"}',
  });
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: timeoutMs }, () => socket.write(request));
    const end = (state: AgentFacts["state"]) => {
      socket.destroy();
      resolve(state);
    };
    socket.on("data", (bytes) =>
      end(typeof bytes !== "string" && replyKindOf(bytes) === "declined" ? "declined" : "served"),
    );
    socket.on("timeout", () => end("silent"));
    socket.on("end", () => end("silent"));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (isForbidden(error)) reject(new Error(`${path} is root's alone: run it as root`));
      else end(error.code === "ECONNREFUSED" ? "refused" : "absent");
    });
  });
}

/** Lines of /readyz; undefined where nobody answers, which another check tells. */
export async function readAgentFaults({ address, port }: Endpoint): Promise<readonly string[] | undefined> {
  const own = Address.parse(address.family === "v6" ? "::1" : "127.0.0.1");
  const listener = new Endpoint(address.isUnspecified ? own : address, port);
  const page = await download(`http://${listener}/readyz`, AbortSignal.timeout(timeoutMs)).catch(() => undefined);
  if (page === undefined || page.status === 200) return page && [];
  return page.status === 503 ? page.text.trimEnd().split("\n") : undefined;
}
