// The agent's socket, which takes bytes from whoever may open it: they are one call, or nothing, and the next caller is served as if
// they had not been. A real socket, so that bytes come in pieces and callers hang up.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AttachService } from "../../../../src/agent/attach-service.ts";
import {
  decodeRequest,
  encodeRequest,
  type LauncherRequest,
  ProtocolError,
  replyKindOf,
  requestLength,
} from "../../../../src/agent/launcher-protocol.ts";
import type { Plugin } from "../../../../src/cni/dispatch.ts";
import { silent } from "../../../../src/log/log.ts";
import { Finding, type Target } from "../target.ts";

const request: LauncherRequest = {
  buildId: "0123456789abcdef",
  program: "hextet",
  environment: { CNI_COMMAND: "ADD", CNI_CONTAINERID: "one", CNI_IFNAME: "eth0", CNI_NETNS: "/proc/self/ns/net" },
  stdin: JSON.stringify({ cniVersion: "1.1.0", name: "pods", type: "hextet" }),
};
const requests: readonly LauncherRequest[] = [
  request,
  ...["DEL", "CHECK", "GC", "STATUS"].map((verb) => ({
    ...request,
    environment: { ...request.environment, CNI_COMMAND: verb, CNI_PATH: "/opt/cni/bin" },
  })),
  { ...request, program: "loopback" },
  { ...request, buildId: "another" },
  { ...request, stdin: "" },
];

const nothing = async () => {};
const add = async () => ({ result: { interfaces: [], ips: [], routes: [] } });
const plugin: Plugin = { add, del: nothing, check: nothing, gc: nothing, status: nothing };

const replyHead = 16;
const kinds = { accepted: 1, answer: 2, declined: 3 } as const;

export async function open(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), "hextet-fuzz-agent-"));
  const socket = join(directory, "agent.sock");
  const service = await AttachService.start({ socket, buildId: request.buildId, plugin: () => plugin, log: silent });
  return {
    seeds: requests.map(encodeRequest),
    dictionary: ["HXT\u0001", "CNI_COMMAND=ADD\0", "CNI_COMMAND=DEL\0", "=\0", "hextet-ipam", "\0\0\0\u0008"],
    run: async (input) => {
      judgeProtocol(input);
      judgeReplies(await exchange(socket, input));
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

function judgeProtocol(input: Uint8Array): void {
  try {
    const length = requestLength(input);
    if (length !== input.length) return;
    const decoded = decodeRequest(input);
    assert.deepStrictEqual(decodeRequest(encodeRequest(decoded)), decoded);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** In two pieces, and then no more. */
async function exchange(path: string, input: Uint8Array): Promise<Buffer> {
  const socket = connect(path);
  const at = input.length === 0 ? 0 : (input[input.length - 1] ?? 0) % input.length;
  if (at > 0) socket.write(input.subarray(0, at));
  socket.end(input.subarray(at));
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  const { promise, resolve } = Promise.withResolvers<void>();
  // An agent that has no more to say to somebody hangs up, perhaps before it was told all.
  socket.on("error", () => {});
  socket.on("close", () => resolve());
  await promise;
  return Buffer.concat(chunks);
}

/** Nothing, a refusal, or both that make an answer. */
function judgeReplies(bytes: Buffer): void {
  if (bytes.length === 0) return;
  const kind = replyKindOf(bytes);
  if (kind === "declined" && bytes.length === replyHead) return;
  const answer = bytes.subarray(replyHead);
  if (kind !== "accepted" || answer[4] !== kinds.answer)
    throw new Finding(`It replied ${bytes.toString("hex", 0, 64)}`);
  const stdout = answer.subarray(replyHead, replyHead + answer.readUInt32BE(8)).toString("utf8");
  if (stdout === "") return;
  const { code, msg } = JSON.parse(stdout);
  if (code === 999 || (code !== undefined && String(msg).length < 8)) throw new Finding(`It answered ${stdout}`);
}
