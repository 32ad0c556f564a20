// A small Kubernetes API server for tests and measurements: lists in pages, watches with bookmarks, versions that expire, and whatever
// may go wrong on request. It holds objects of any kind as they are given; validation, conversion and storage it has none.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

/** What one request gets instead of an answer, or what happens to it; `slow` is answered when the test says so. */
export type TestFault =
  | { readonly do: "status"; readonly status: number; readonly retryAfter?: number; readonly message?: string }
  | { readonly do: "drop" | "rubbish" | "half" | "slow" };

export interface TestServerOptions {
  readonly host?: "::1" | "127.0.0.1";
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What requests must bring; otherwise anybody may ask. */
  readonly token?: string;
}

export interface SeenRequest {
  readonly resource: string;
  readonly verb: "list" | "watch";
  readonly parameters: URLSearchParams;
}

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ApiObject;
}

interface Watcher {
  readonly resource: string;
  readonly response: ServerResponse;
}

/** Of the last segment of a path: `nodes`, `pods`, `namespaces`, `networkpolicies`. */
type Resource = string;

export class TestApiServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** As servers do that answer from their cache. */
  ignoresLimit = false;
  /** Whatever the request allows. */
  maxPage = Infinity;
  token: string | undefined;
  readonly #options: TestServerOptions;
  readonly #objects = new Map<Resource, Map<string, ApiObject>>();
  readonly #changes = new Map<Resource, Change[]>();
  readonly #faults: { readonly fault: TestFault; readonly verb: "list" | "watch" | undefined }[] = [];
  readonly #forbidden = new Set<string>();
  readonly #watchers = new Set<Watcher>();
  /** The pages of a list are of one version. */
  readonly #lists = new Map<string, readonly ApiObject[]>();
  readonly #held: (() => void)[] = [];
  #server: Server | undefined;
  #port = 0;
  #version = 1;
  /** Changes up to here are forgotten. */
  #compacted = 0;

  constructor(options: TestServerOptions = {}) {
    this.#options = options;
    this.token = options.token;
  }

  static async start(options: TestServerOptions = {}): Promise<TestApiServer> {
    const server = new TestApiServer(options);
    await server.listen();
    return server;
  }

  get url(): URL {
    const { host = "::1", tls } = this.#options;
    return new URL(`${tls ? "https" : "http"}://${host === "::1" ? "[::1]" : host}:${this.#port}`);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Begins to answer; after `shut` at the same port. */
  async listen(): Promise<void> {
    const { host = "::1", tls } = this.#options;
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    const server = tls ? createTlsServer(tls, answer) : createServer(answer);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, host, resolve);
    });
    const address = server.address() as AddressInfo;
    this.#port = address.port;
  }

  /** Closes every connection and refuses new ones. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.shut();
  }

  /** Adds or replaces; one that has another uid than before was deleted first. */
  put(resource: Resource, object: ApiObject): void {
    const key = keyOf(object);
    const before = this.#of(resource).get(key);
    const uid = object.metadata.uid ?? before?.metadata.uid ?? `uid-${this.#version}`;
    if (before !== undefined && before.metadata.uid !== uid) this.remove(resource, key);
    const isNew = !this.#of(resource).has(key);
    const stored = versioned(object, { uid, resourceVersion: `${++this.#version}` });
    this.#of(resource).set(key, stored);
    this.#change(resource, { version: this.#version, type: isNew ? "ADDED" : "MODIFIED", object: stored });
  }

  /** `name`, or `namespace/name`. */
  remove(resource: Resource, key: string): void {
    const object = this.#of(resource).get(key);
    if (object === undefined) return;
    this.#of(resource).delete(key);
    const last = versioned(object, { resourceVersion: `${++this.#version}` });
    this.#change(resource, { version: this.#version, type: "DELETED", object: last });
  }

  bookmark(): void {
    const object = { metadata: { resourceVersion: `${this.#version}` } };
    for (const { response } of this.#watchers) response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }

  objects(resource: Resource): readonly ApiObject[] {
    return [...this.#of(resource).values()];
  }

  /** What happened so far is forgotten: whoever wants to watch from before is told so. */
  compact(): void {
    this.#compacted = ++this.#version;
    for (const changes of this.#changes.values()) changes.length = 0;
    this.#lists.clear();
  }

  /** The next request, or the next of this verb, meets it. */
  fail(fault: TestFault, verb?: "list" | "watch"): void {
    this.#faults.push({ fault, verb });
  }

  recover(): void {
    this.#faults.length = 0;
    this.#forbidden.clear();
    this.release();
  }

  forbid(verb: "list" | "watch", resource: Resource): void {
    this.#forbidden.add(`${verb} ${resource}`);
  }

  /** Lets go of requests that were held as slow. */
  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  /** What happens to all watches that are open. */
  disturb(how: "close" | "drop" | "rubbish" | "half" | "gone" | "error"): void {
    for (const watcher of this.#watchers) {
      const { response } = watcher;
      this.#watchers.delete(watcher);
      if (how === "rubbish") response.end("{]<html>\n");
      else if (how === "half") response.end('{"type":"ADDED","object":{"metadata":{"name":"hal');
      else if (how === "gone") response.end(errorEvent(410, "too old resource version"));
      else if (how === "error") response.end(errorEvent(500, "etcdserver: leader changed"));
      else if (how === "drop") response.destroy();
      else response.end();
    }
  }

  #of(resource: Resource): Map<string, ApiObject> {
    const objects = this.#objects.get(resource) ?? new Map<string, ApiObject>();
    this.#objects.set(resource, objects);
    return objects;
  }

  #change(resource: Resource, change: Change): void {
    const changes = this.#changes.get(resource) ?? [];
    changes.push(change);
    this.#changes.set(resource, changes);
    for (const watcher of this.#watchers) if (watcher.resource === resource) watcher.response.write(lineOf(change));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://server");
    const resource = pathname.split("/").at(-1) ?? "";
    const verb = searchParams.has("watch") ? "watch" : "list";
    this.requests.push({ resource, verb, parameters: searchParams });
    response.setHeader("content-type", "application/json");
    const allowed = this.token === undefined || request.headers.authorization === `Bearer ${this.token}`;
    if (!allowed) return sendStatus(response, { status: 401, message: "Unauthorized" });
    if (this.#forbidden.has(`${verb} ${resource}`)) {
      return sendStatus(response, { status: 403, message: `User "agent" cannot ${verb} resource "${resource}"` });
    }
    const go = () =>
      verb === "watch" ? this.#watch(resource, searchParams, response) : this.#list(resource, searchParams, response);
    const at = this.#faults.findIndex((each) => each.verb === undefined || each.verb === verb);
    const [next] = at < 0 ? [] : this.#faults.splice(at, 1);
    if (next === undefined) return go();
    this.#spoil(next.fault, response, go);
  }

  #spoil(fault: TestFault, response: ServerResponse, go: () => void): void {
    if (fault.do === "slow") this.#held.push(go);
    else if (fault.do === "drop") response.destroy();
    else if (fault.do === "rubbish") response.end("<html>502 Bad Gateway</html>\n");
    else if (fault.do === "half") response.end('{"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[{"meta');
    else if (fault.do === "status") sendStatus(response, fault);
  }

  #list(resource: Resource, parameters: URLSearchParams, response: ServerResponse): void {
    const [start, version] = (parameters.get("continue") ?? `0 ${this.#version}`).split(" ").map(Number);
    if (start === undefined || version === undefined || version < this.#compacted) {
      return sendStatus(response, { status: 410, message: "The provided continue parameter is too old" });
    }
    if (Number(parameters.get("resourceVersion") ?? 0) > this.#version) {
      return sendStatus(response, { status: 504, message: "Too large resource version" });
    }
    const limit = this.ignoresLimit ? Infinity : Math.min(Number(parameters.get("limit") ?? Infinity), this.maxPage);
    const all = this.#lists.get(`${resource} ${version}`) ?? [...this.#of(resource).values()];
    const end = Math.min(start + limit, all.length);
    const next = end < all.length ? { continue: `${end} ${version}` } : {};
    if (end < all.length) this.#lists.set(`${resource} ${version}`, all);
    const head = JSON.stringify({ kind: "List", metadata: { resourceVersion: `${version}`, ...next } });
    response.write(`${head.slice(0, -1)},"items":[`);
    for (let at = start; at < end; at++) response.write(`${at > start ? "," : ""}${JSON.stringify(all[at])}`);
    response.end("]}");
  }

  #watch(resource: Resource, parameters: URLSearchParams, response: ServerResponse): void {
    const since = Number(parameters.get("resourceVersion") ?? 0);
    if (since < this.#compacted) return void response.end(errorEvent(410, "too old resource version"));
    response.flushHeaders();
    const missed = (this.#changes.get(resource) ?? []).filter(({ version }) => version > since);
    for (const change of missed) response.write(lineOf(change));
    const watcher = { resource, response };
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
  }
}

function keyOf({ metadata: { namespace, name } }: ApiObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function versioned(object: ApiObject, more: Partial<ApiObject["metadata"]>): ApiObject {
  return { ...object, metadata: { ...object.metadata, ...more } };
}

function lineOf({ type, object }: Change): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function errorEvent(code: number, message: string): string {
  return `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code, message } })}\n`;
}

interface Refusal {
  readonly status: number;
  readonly message?: string;
  readonly retryAfter?: number;
}

function sendStatus(response: ServerResponse, { status, message = "", retryAfter }: Refusal): void {
  response.statusCode = status;
  if (retryAfter !== undefined) response.setHeader("retry-after", `${retryAfter}`);
  response.end(JSON.stringify({ kind: "Status", code: status, message }));
}
