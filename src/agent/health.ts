// Health, status and metrics by HTTP: whether the agent lives, whether an ADD would succeed on this node, how the node is, and numbers. It
// answers four paths and nothing else. Where it cannot listen the agent goes on without it and tries again, because pods matter more
// than what is said of them.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getSystemErrorMessage } from "node:util";
import type { Log } from "../log/log.ts";
import { Loop, type LoopClock, systemClock } from "../reconcile/loop.ts";
import type { Endpoint } from "./endpoint.ts";
import { Remarks } from "./remarks.ts";

export interface HealthOptions {
  readonly listen: Endpoint;
  /** What stands in the way of an ADD, each in a sentence with its fix. */
  readonly faults: () => readonly string[];
  /** How the node is, as a document for programs. */
  readonly status: () => string;
  readonly metrics: { readonly contentType: string; print(): Promise<string> };
  readonly log: Log;
  readonly clock?: LoopClock;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Probes and Prometheus take a fraction of a second; what takes longer is not one of them. */
const requestTimeoutMs = 10_000;
/** A handful of probes and readers; more would only take memory. */
const maxConnections = 64;
const plain = "text/plain; charset=utf-8";

export class HealthServer implements AsyncDisposable {
  readonly #options: HealthOptions;
  readonly #remarks: Remarks;
  readonly #loop: Loop;
  #server: Server | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#remarks = new Remarks(options.log);
    this.#loop = new Loop({
      pass: () => this.#listen(),
      onFailure: (error) => this.#remarks.tell([faultOf(options.listen, error)]),
      clock: options.clock ?? systemClock,
    });
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
    const { listen, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: listen.address.toString(), port: listen.port, ipv6Only: false }, resolve);
    });
    server.on("error", (error) => log.error("health server failed", { error }));
    this.#server = server;
    this.#remarks.tell([]);
    log.info("health and metrics served", { listen });
  }

  async #answer({ method, url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, text } = await this.#page(method, url.split("?")[0] ?? "").catch((error: unknown): Page => {
      this.#options.log.error("page could not be made", { url, error });
      return { status: 500, type: plain, text: "This page could not be made: see the agent's log\n" };
    });
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
    response.end(method === "HEAD" ? undefined : text);
  }

  async #page(method: string | undefined, path: string): Promise<Page> {
    if (method !== "GET" && method !== "HEAD")
      return { status: 405, type: plain, text: "Only GET and HEAD are served\n" };
    switch (path) {
      case "/healthz":
        return { status: 200, type: plain, text: "ok\n" };
      case "/readyz":
        return readiness(this.#options.faults());
      case "/status":
        return { status: 200, type: "application/json", text: this.#options.status() };
      case "/metrics": {
        const { metrics } = this.#options;
        return { status: 200, type: metrics.contentType, text: await metrics.print() };
      }
      default:
        return { status: 404, type: plain, text: "There are /healthz, /readyz, /status and /metrics\n" };
    }
  }
}

function readiness(faults: readonly string[]): Page {
  if (faults.length === 0) return { status: 200, type: plain, text: "ready\n" };
  return { status: 503, type: plain, text: faults.map((fault) => `${fault}\n`).join("") };
}

const fixes: Readonly<Record<string, string>> = {
  EADDRINUSE: "end the program that has the port, or set listen to another",
  EADDRNOTAVAIL: "set listen to an address this host has, or to [::]",
  EAFNOSUPPORT: "this kernel runs without IPv6: set listen to 0.0.0.0 with the port",
  EACCES: "run the agent as root, or set listen to a port from 1024 on",
};

function faultOf(listen: Endpoint, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
  const why = errno === undefined ? String(error) : getSystemErrorMessage(errno);
  return `Cannot listen on ${listen} for health and metrics: ${why}: ${fixes[code] ?? "set listen to another address"}`;
}
