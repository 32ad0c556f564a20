// Requests to a Kubernetes API server by node:https: the answer's body as it arrives, or an ApiFailure with the fix. It goes through
// the configured servers until one answers, and stays with that one. It knows nothing of lists and watches.
import { Agent as HttpAgent, type IncomingMessage, request as requestByHttp } from "node:http";
import { Agent as HttpsAgent, type RequestOptions, request as requestByHttps } from "node:https";
import * as v from "valibot";
import type { Access, Credentials } from "./access.ts";
import { ApiFailure, failureOfConnection, failureOfStatus, isUnauthorized, type Question } from "./api-failure.ts";

export interface ApiRequest extends Question {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Without a byte for this long the connection counts as lost. */
  readonly idleTimeoutMs: number;
}

/** A server that takes no connection in this time is passed over; one that takes it may need long to answer. */
const connectTimeoutMs = 10_000;
/** A connection whose other end has vanished without a word is found by the kernel's probes, not after minutes. */
const keepAliveMs = 30_000;
const maxStatusBytes = 64 * 1024;

export class ApiClient implements Disposable {
  readonly #access: Access;
  /** The server that answered last. */
  #current = "";
  #pool: Pool | undefined;
  #anew = false;

  constructor(access: Access) {
    this.#access = access;
  }

  /** The body of a good answer. */
  async get(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const credentials = await this.#access.credentials({ anew: this.#anew });
    try {
      const body = await this.#getBy(credentials, request, signal);
      this.#anew = false;
      return body;
    } catch (error) {
      this.#anew = isUnauthorized(error);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#pool?.agents.forEach((agent) => agent.destroy());
  }

  async #getBy(credentials: Credentials, request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const pool = this.#poolFor(credentials);
    const tried: { server: string; error: unknown }[] = [];
    for (const server of this.#inOrder(credentials.servers)) {
      try {
        const response = await send(urlOf(server, request), { credentials, pool, request, signal });
        this.#current = server.href;
        if (response.statusCode === 200) return response;
        // One that is about to stop says 503: the next request asks another.
        if ((response.statusCode ?? 500) >= 500) this.#current = after(server, credentials.servers);
        throw await failureOf(response, request, server);
      } catch (error) {
        if (error instanceof ApiFailure || signal.aborted) throw error;
        tried.push({ server: server.origin, error });
      }
    }
    throw failureOfConnection(tried);
  }

  #inOrder(servers: readonly URL[]): readonly URL[] {
    const at = Math.max(
      servers.findIndex(({ href }) => href === this.#current),
      0,
    );
    return [...servers.slice(at), ...servers.slice(0, at)];
  }

  /** Connections belong to credentials: a new certificate needs new ones. */
  #poolFor({ tls, proxy }: Credentials): Pool {
    const key = JSON.stringify([tls, proxy]);
    if (this.#pool?.key === key) return this.#pool;
    // Requests under way keep theirs to their end; idle ones go.
    this.#pool?.agents.forEach((agent) => agent.destroy());
    const proxyEnv = proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    const options = { keepAlive: true, keepAliveMsecs: keepAliveMs, maxFreeSockets: 2, ...proxyEnv };
    const https = new HttpsAgent({ ...options, ...tls });
    this.#pool = { key, https, agents: [https, new HttpAgent(options)] };
    return this.#pool;
  }
}

interface Pool {
  readonly key: string;
  readonly https: HttpsAgent;
  readonly agents: readonly [HttpsAgent, HttpAgent];
}

interface Sending {
  readonly credentials: Credentials;
  readonly pool: Pool;
  readonly request: ApiRequest;
  readonly signal: AbortSignal;
}

async function send(url: URL, sending: Sending): Promise<IncomingMessage> {
  const { credentials, pool, request, signal } = sending;
  const isHttps = url.protocol === "https:";
  const options: RequestOptions = {
    agent: pool.agents[isHttps ? 0 : 1],
    headers: { ...credentials.headers, accept: "application/json", "user-agent": "hextet-agent" },
    ...(isHttps ? credentials.tls : {}),
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = isHttps ? requestByHttps(url, options, resolve) : requestByHttp(url, options, resolve);
  const connecting = setTimeout(() => sent.destroy(new Error("no connection in time")), connectTimeoutMs);
  sent.once("error", reject);
  sent.setTimeout(request.idleTimeoutMs, () => sent.destroy(new Error("no answer in time")));
  sent.once("socket", (socket) => {
    socket.setKeepAlive(true, keepAliveMs);
    if (!socket.connecting) return clearTimeout(connecting);
    socket.once(isHttps ? "secureConnect" : "connect", () => clearTimeout(connecting));
  });
  sent.end();
  try {
    return await promise;
  } catch (error) {
    // The server closed a connection it had kept open just when it was to be used again.
    if (sent.reusedSocket && !signal.aborted && isReset(error)) return await send(url, sending);
    throw error;
  } finally {
    clearTimeout(connecting);
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function urlOf(server: URL, { path, parameters }: ApiRequest): URL {
  const url = new URL(server);
  url.pathname = `${server.pathname.replace(/\/$/, "")}${path}`;
  url.search = new URLSearchParams(parameters).toString();
  return url;
}

function after(server: URL, servers: readonly URL[]): string {
  const at = servers.findIndex(({ href }) => href === server.href);
  return servers[(at + 1) % servers.length]?.href ?? "";
}

async function failureOf(response: IncomingMessage, request: ApiRequest, server: URL): Promise<ApiFailure> {
  const status = response.statusCode ?? 0;
  const message = messageOf(await beginningOf(response)) || (response.statusMessage ?? "");
  const seconds = Number(response.headers["retry-after"] ?? NaN);
  const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
  return failureOfStatus(request, { server: server.origin, status, message, ...retryAfter });
}

/** A body that breaks off says as much as its beginning does. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > maxStatusBytes) break;
    }
  } catch (error) {
    if (parts.length === 0) return error instanceof Error ? error.message : "";
  }
  return Buffer.concat(parts).toString("utf8");
}

const statusSchema = v.pipe(v.string(), v.parseJson(), v.object({ message: v.string() }));

/** The message of a Status; a proxy's page of HTML is nobody's to read in a log. */
function messageOf(body: string): string {
  const parsed = v.safeParse(statusSchema, body);
  return parsed.success ? parsed.output.message : "";
}
