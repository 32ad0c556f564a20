// A small HTTP server on one address: what it answers is a function's matter. Where it cannot listen the agent goes on without it and
// tries again, because pods matter more than what is said of them.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { codeOf, wordsOf } from "../kernel/system-error.ts";
import type { Log } from "../log/log.ts";
import { Loop, type LoopClock, systemClock } from "../reconcile/loop.ts";
import type { Endpoint } from "./endpoint.ts";
import { Remarks } from "./remarks.ts";

export interface HttpServerOptions {
  readonly listen: Endpoint;
  /** The key of the configuration that says where it listens. */
  readonly key: string;
  /** What it is for, as people call it. */
  readonly purpose: string;
  /** Asked for GET and HEAD alone. */
  readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
  readonly log: Log;
  readonly clock?: LoopClock;
}

export interface HttpRequest {
  /** Without what follows a question mark. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const plainText = "text/plain; charset=utf-8";

/** Probes and Prometheus take a fraction of a second; what takes longer is not one of them. */
const requestTimeoutMs = 10_000;
/** A handful of probes and readers; more would only take memory. */
const maxConnections = 64;

export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #remarks: Remarks;
  readonly #loop: Loop;
  #server: Server | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#remarks = new Remarks(options.log);
    this.#loop = new Loop({
      pass: () => this.#listen(),
      onFailure: (error) => this.#remarks.tell([faultOf(options, error)]),
      clock: options.clock ?? systemClock,
    });
  }

  /** Why it does not listen, with the fix. */
  get faults(): readonly string[] {
    return this.#remarks.present;
  }

  /** Listens as soon as it can: the address may be another's for now. */
  start(): void {
    this.#loop.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop.stop();
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
      void this.#answer(request, response);
    });
    server.maxConnections = maxConnections;
    const { listen, purpose, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: listen.address.toString(), port: listen.port, ipv6Only: false }, resolve);
    });
    server.on("error", (error) => log.error(`${purpose} failed`, { error }));
    this.#server = server;
    this.#remarks.tell([]);
    log.info(`${purpose} served`, { listen });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, text, headers } = await this.#find(request).catch((error: unknown): HttpAnswer => {
      this.#options.log.error("page could not be made", { url: request.url, error });
      return { status: 500, type: plainText, text: "This page could not be made: see the agent's log\n" };
    });
    const body = status === 304 ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) };
    response.writeHead(status, { ...headers, ...body });
    response.end(request.method === "HEAD" || status === 304 ? undefined : text);
  }

  async #find({ method, url = "", headers }: IncomingMessage): Promise<HttpAnswer> {
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, type: plainText, text: "Only GET and HEAD are served\n", headers: { allow: "GET, HEAD" } };
    }
    return await this.#options.answer({ path: url.split("?")[0] ?? "", headers });
  }
}

const fixes: Readonly<Record<string, (key: string) => string>> = {
  EADDRINUSE: (key) => `end the program that has the port, or set ${key} to another`,
  EADDRNOTAVAIL: (key) => `set ${key} to an address this host has, or to [::]`,
  EAFNOSUPPORT: (key) => `this kernel runs without IPv6: set ${key} to 0.0.0.0 with the port`,
  EACCES: (key) => `run the agent as root, or set ${key} to a port from 1024 on`,
};

function faultOf({ listen, key, purpose }: HttpServerOptions, error: unknown): string {
  const fix = fixes[codeOf(error) ?? ""]?.(key) ?? `set ${key} to another address`;
  return `Cannot listen on ${listen} for ${purpose}: ${wordsOf(error)}: ${fix}`;
}
