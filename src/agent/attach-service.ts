// Serves the launcher over the agent's socket: reads one call per connection, has the plugin do it, sends the answer. What the bytes
// mean is launcher-protocol.ts; what each side owes the other is docs/decisions/launcher-and-runtime.md.
import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Answer, type Plugin, serve } from "../cni/dispatch.ts";
import type { Log } from "../log/log.ts";
import { isPluginName, type PluginName } from "../plugin/plugins.ts";
import {
  decodeRequest,
  encodeAccepted,
  encodeAnswer,
  encodeDeclined,
  type LauncherRequest,
  ProtocolError,
  readyQuestion,
  requestLength,
} from "./launcher-protocol.ts";
import { readyAnswer } from "./ready-answer.ts";
import { Turns } from "./turns.ts";

export interface AttachServiceOptions {
  /** Path of the Unix socket. Its directory is made for root alone: who can call may change the node's network. */
  readonly socket: string;
  readonly buildId: string;
  readonly plugin: (name: PluginName) => Plugin;
  /** What stands in the way of an ADD, each in a sentence with its fix; nothing where it is left out. */
  readonly faults?: () => readonly string[];
  readonly log: Log;
  /** Told of every call once its answer has been sent, or could not be. */
  readonly onAnswered?: (call: AnsweredCall) => void;
}

export interface AnsweredCall {
  readonly program: PluginName;
  /** As the runtime wrote it: anything at all. */
  readonly verb: string;
  /** `undelivered`: done, and the runtime was gone. */
  readonly outcome: "success" | "error" | "undelivered";
  /** From the complete request to the answer, waiting for calls of the same attachment included. */
  readonly seconds: number;
}

export class AttachService implements AsyncDisposable {
  readonly #options: AttachServiceOptions;
  readonly #server: Server;
  readonly #turns = new Turns();
  readonly #calls = new Set<Promise<void>>();

  private constructor(options: AttachServiceOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  static async start(options: AttachServiceOptions): Promise<AttachService> {
    const service = new AttachService(options);
    await mkdir(dirname(options.socket), { recursive: true, mode: 0o700 });
    // Node unlinks at the end what it was told to listen on, which must not be the path: by then it may be a newer agent's. Whoever
    // is renamed into place has it; a socket nobody listens on any more stays there, and refuses calls at once.
    const own = `${options.socket}.${process.pid}`;
    await rm(own, { force: true });
    await service.#listen(own);
    await chmod(own, 0o600);
    await rename(own, options.socket);
    return service;
  }

  /** Takes no more calls, and waits for those under way: the launcher serves itself from now on. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    while (this.#calls.size > 0) await Promise.all(this.#calls);
    await closed;
  }

  #listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    // Whoever reads or writes is told of it there; without a listener it would end the process.
    socket.on("error", () => {});
    const call = this.#serve(socket)
      .catch((error: unknown) => this.#options.log.warning("call not served", { error }))
      .finally(() => {
        socket.destroy();
        this.#calls.delete(call);
      });
    this.#calls.add(call);
  }

  async #serve(socket: Socket): Promise<void> {
    const request = await readRequest(socket);
    if (request === undefined) return;
    const { program, buildId } = request;
    const isOurs = buildId === this.#options.buildId;
    if (isOurs && program === readyQuestion) return await this.#tellReadiness(socket);
    if (!isOurs || !isPluginName(program) || !seesNamespace(request)) {
      this.#options.log.debug("call declined", { program, buildId, namespace: request.environment["CNI_NETNS"] });
      return await send(socket, encodeDeclined());
    }
    // From the moment this is sent the launcher leaves the work to us, and not before.
    await send(socket, encodeAccepted());
    const startedAt = performance.now();
    const outcome = await this.#turns.take(keyOf(request), () => this.#answer(socket, request, program));
    const { CNI_COMMAND: verb = "", CNI_CONTAINERID: container } = request.environment;
    const seconds = (performance.now() - startedAt) / 1000;
    this.#options.log.debug("call answered", { program, verb, container, outcome, seconds });
    this.#options.onAnswered?.({ program, verb, outcome, seconds });
  }

  async #tellReadiness(socket: Socket): Promise<void> {
    await send(socket, encodeAccepted());
    await send(socket, encodeAnswer({ ...readyAnswer(this.#options.faults?.() ?? []), stderr: "" }));
  }

  async #answer(
    socket: Socket,
    { environment, stdin }: LauncherRequest,
    program: PluginName,
  ): Promise<AnsweredCall["outcome"]> {
    const { plugin } = this.#options;
    const log = this.#options.log.with({ container: environment["CNI_CONTAINERID"] });
    const answer = await serve({ environment, stdin }, plugin(program), log);
    try {
      await send(socket, encodeAnswer({ exitCode: answer.code, stdout: answer.stdout, stderr: "" }));
      answer.delivered?.();
      return answer.code === 0 ? "success" : "error";
    } catch (error) {
      log.warning("answer could not be delivered", { error });
      await withdraw(answer);
      return "undelivered";
    }
  }
}

/** The runtime knows of no attachment, so there must be none. */
async function withdraw(answer: Answer): Promise<void> {
  await answer.withdraw?.();
}

/** Calls about one interface of one container wait for each other; GC and STATUS are about none. */
function keyOf({ environment }: LauncherRequest): string {
  return `${environment["CNI_CONTAINERID"] ?? ""}/${environment["CNI_IFNAME"] ?? ""}`;
}

/**
 * An agent in a container sees what is mounted into it; the host's own runtime sees every namespace, or knows that it is gone. Only ADD
 * and CHECK need one.
 */
function seesNamespace({ environment: { CNI_COMMAND: verb, CNI_NETNS: path } }: LauncherRequest): boolean {
  return (verb !== "ADD" && verb !== "CHECK") || path === undefined || path === "" || existsSync(path);
}

/** Undefined where the launcher gave up before it had said everything. */
function readRequest(socket: Socket): Promise<LauncherRequest | undefined> {
  const chunks: Buffer[] = [];
  let have = 0;
  let wanted: number | undefined;
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      have += chunk.length;
      try {
        wanted ??= requestLength(chunks.length === 1 ? chunk : Buffer.concat(chunks));
        if (wanted === undefined || have < wanted) return;
        socket.off("data", take).pause();
        if (have > wanted) throw new ProtocolError(`Cannot read a request of ${wanted} bytes: ${have} came`);
        resolve(decodeRequest(Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    };
    const giveUp = () => resolve(undefined);
    // By its events: an iterator of the stream goes through several promises for each chunk, and the call waits for them.
    socket.on("data", take).once("error", reject).once("end", giveUp).once("close", giveUp);
  });
}

/** Resolves when the kernel has taken the bytes; rejects where the other side will not read them. */
function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
