// A launcher under test: compiled with short deadlines, beside a runtime that only reports what reached it, and an agent whose
// behaviour each test chooses.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileLauncher, setBuildId } from "../../cmd/dev/build/launcher.ts";
import { decodeRequest, type LauncherRequest, requestLength } from "../../src/agent/launcher-protocol.ts";
import { build, linkOrCopy } from "./built.ts";

export const acceptMs = 300;
export const answerMs = 600;
export const buildId = "0123456789abcdef";

/** In place of every bundle: says how it was called. */
const reporter = `
const stdin = require("node:fs").readFileSync(0);
const sha256 = require("node:crypto").createHash("sha256").update(stdin).digest("hex");
const report = { runtime: true, argv: process.argv.slice(1), environment: process.env, length: stdin.length, sha256 };
require("node:fs").writeSync(1, JSON.stringify(report));
process.exit(3);
`;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  /** Another copy of the launcher. */
  readonly binary?: string;
  readonly name?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Buffer;
  /** Called with the launcher's process id as soon as it runs. */
  readonly onStart?: (pid: number) => void;
}

/** What an agent does with a connection; `request` is there once it has arrived in full. */
export interface Behaviour {
  onConnection?(socket: Socket): void;
  onRequest?(socket: Socket, request: LauncherRequest): void;
}

export class Launched implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "hextet-launcher-"));
  readonly socketPath = join(this.directory, "agent.sock");
  readonly binary = join(this.directory, "bin/hextet");

  constructor() {
    const library = join(build(), "lib");
    for (const part of ["bin", "lib"]) mkdirSync(join(this.directory, part));
    const names = readdirSync(library).filter((name) => /^(runtime|ld-.*|lib.*)$/.test(name));
    for (const name of names) linkOrCopy(join(library, name), join(this.directory, "lib", name));
    for (const name of ["hextet", "hextetctl"]) writeFileSync(join(this.directory, `lib/${name}.cjs`), reporter);
    const loader = names.find((name) => name.startsWith("ld-")) ?? "";
    const macros = { ACCEPT_MS: `${acceptMs}`, ANSWER_MS: `${answerMs}` };
    const cache = join(library, "../.cache");
    const root = join(import.meta.dirname, "../..");
    writeFileSync(this.binary, setBuildId(compileLauncher(root, { cache, loader, macros }), buildId), { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }

  async call({
    binary = this.binary,
    name = "hextet",
    args = [],
    env = { CNI_COMMAND: "ADD" },
    stdin,
    onStart,
  }: CallOptions): Promise<Outcome> {
    const child = spawn(binary, args, {
      argv0: `/opt/cni/bin/${name}`,
      env: { HEXTET_SOCKET: this.socketPath, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    child.stdin.on("error", () => {}); // a launcher that has its answer need not read on
    child.stdin.end(stdin);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (chunk) => (output[stream] += String(chunk)));
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.on("close", resolve);
    return { code: await promise, ...output };
  }
}

/** An agent on this socket path; it is gone when the returned value is disposed. */
export async function listen(path: string, behaviour: Behaviour): Promise<AsyncDisposable & { connections: number }> {
  const sockets = new Set<Socket>();
  const agent = { connections: 0, [Symbol.asyncDispose]: close };
  const server = createServer((socket) => {
    agent.connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    behaviour.onConnection?.(socket);
    if (behaviour.onRequest !== undefined) collect(socket, behaviour.onRequest.bind(behaviour));
  });
  const listening = Promise.withResolvers<void>();
  server.on("error", listening.reject).listen(path, listening.resolve);
  await listening.promise;
  return agent;

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
  }
}

export function hashOf(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function collect(socket: Socket, onRequest: (socket: Socket, request: LauncherRequest) => void): void {
  let have = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    have = Buffer.concat([have, Buffer.from(chunk)]);
    if (requestLength(have) === have.length) onRequest(socket, decodeRequest(have));
  });
}
