// Keeps a store in step with one resource of the Kubernetes API: lists it, then watches from there, and begins anew where the server
// no longer knows what came between. It never gives up. What it does in which case and why: docs/decisions/own-reflector.md.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import * as v from "valibot";
import type { LoopClock } from "../../reconcile/loop.ts";
import type { ApiClient, ApiRequest } from "./api-client.ts";
import { ApiFailure, failureOfStatus, isExpired } from "./api-failure.ts";
import { LineReader } from "./line-reader.ts";
import { ListReader } from "./list-reader.ts";
import { ObjectStore } from "./object-store.ts";
import { keyOf, metaOf, type Resource, versionOf } from "./resource.ts";

export interface ReflectorOptions<T> {
  readonly resource: Resource<T>;
  readonly client: Pick<ApiClient, "get">;
  readonly clock: LoopClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** The objects are not what they were, or are complete for the first time. */
  readonly onChange: () => void;
  /** Absent: all is well. */
  readonly onFailure: (failure: ApiFailure | undefined) => void;
  /** An object as it was and as it is; often the same. */
  readonly onReplace?: (before: T, now: T) => void;
  /** What there is to say of an object now; nothing, when all is well with it or it is gone. */
  readonly onRemarks: (key: string, remarks: readonly string[]) => void;
}

/** Small enough for a page to be no burden on either side, large enough that 5,000 nodes are ten requests. */
const pageSize = 500;
/** A watch ends after five to ten minutes, so that thousands of agents do not all come back together. */
const minWatchSeconds = 300;
/** What the server takes for a request at most, and a little. */
const listIdleMs = 65_000;
/** Servers end a watch in time; where none does, the connection is lost. */
const watchGraceMs = 30_000;
/** A watch that has been open this long works, even if there is nothing to tell. */
const settleMs = 1_000;
const firstBackoffMs = 500;
const maxBackoffMs = 30_000;
/** Watching from one version over and over may fail for reasons that lie there. */
const maxWatchFailures = 4;

/** Versions that expire one after another are told of like any other failure. */
const maxExpiries = 3;
/** Longer is not waited, whatever a server asks for. */
const maxRetryAfterMs = 120_000;

/** The first list is of any age, later ones at least as new as what is known; "now" is asked for where that fails. */
type ListAge = "any" | "known" | "now";
/** With these a server says that it cannot, or not in this way, serve the version that was asked for. */
const versionStatuses: readonly (number | undefined)[] = [400, 410, 422, 504];

const eventSchema = v.object({ type: v.string(), object: v.unknown() });
const statusSchema = v.object({ code: v.optional(v.number(), 500), message: v.optional(v.string(), "") });
const pageSchema = v.object({ continue: v.nullish(v.string(), "") });

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #store = new ObjectStore<T>();
  /** The last version heard of; absent before the first list. */
  #version: string | undefined;
  #mustList = true;
  #age: ListAge = "any";
  #isPaged = true;
  #failures = 0;
  #isChanged = true;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** By key; absent until they are complete for the first time. */
  get objects(): ReadonlyMap<string, T> | undefined {
    return this.#version === undefined ? undefined : this.#store.snapshot;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(this.#failureOf(error), signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const keys = new Set<string>();
    let [version, next] = ["", ""];
    do {
      const page = new ListReader((item) => keys.add(this.#put(item)));
      const body = await this.#options.client.get(this.#listRequest(next), signal);
      for await (const chunk of body) page.push(chunk);
      const rest = page.end();
      version = versionOf(rest);
      next = v.parse(pageSchema, rest.metadata).continue ?? "";
    } while (next !== "");
    for (const key of this.#store.retain(keys)) this.#gone(key);
    this.#version = version;
    this.#mustList = false;
    this.#age = "known";
    this.#isPaged = true;
    this.#tell();
  }

  #listRequest(next: string): ApiRequest {
    const { name, path, fieldSelector } = this.#options.resource;
    const parameters = {
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(this.#isPaged ? { limit: `${pageSize}` } : {}),
      ...(next === "" ? this.#ageParameters() : { continue: next }),
    };
    return { verb: "list", resource: name, path, parameters, idleTimeoutMs: listIdleMs };
  }

  #ageParameters(): Readonly<Record<string, string>> {
    if (this.#age === "now") return {};
    const known = this.#age === "known" ? this.#version : undefined;
    return { resourceVersion: known ?? "0", resourceVersionMatch: "NotOlderThan" };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const lines = new LineReader();
    const body = await this.#options.client.get(this.#watchRequest(), signal);
    using liveliness = this.#liveliness(signal);
    try {
      for await (const chunk of body) {
        const complete = lines.push(chunk);
        for (const line of complete) this.#take(line);
        if (complete.length > 0) liveliness.prove();
        this.#tell();
      }
    } catch (error) {
      this.#tell();
      if (isOwn(error) || !liveliness.isProven) throw error;
      // One that worked and broke off is no fault as long as the next one works.
      await this.#options.clock.sleep(this.#options.random() * settleMs, signal);
    }
    if (!liveliness.isProven) throw new SyntaxError("the server closes the watch at once");
  }

  /** A watch works that has told something, or that has been open for a while. */
  #liveliness(signal: AbortSignal) {
    const over = new AbortController();
    const prove = () => {
      liveliness.isProven = true;
      this.#failures = 0;
      this.#options.onFailure(undefined);
    };
    const liveliness = { isProven: false, prove, [Symbol.dispose]: () => over.abort() };
    const settled = this.#options.clock.sleep(settleMs, AbortSignal.any([signal, over.signal]));
    void settled.then(() => over.signal.aborted || signal.aborted || prove());
    return liveliness;
  }

  #watchRequest(): ApiRequest {
    const { name, path, fieldSelector } = this.#options.resource;
    const seconds = Math.round(minWatchSeconds * (1 + this.#options.random()));
    const parameters = {
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? "0",
      timeoutSeconds: `${seconds}`,
    };
    return { verb: "watch", resource: name, path, parameters, idleTimeoutMs: seconds * 1000 + watchGraceMs };
  }

  #take(line: string): void {
    const { type, object } = v.parse(eventSchema, JSON.parse(line));
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        this.#put(object);
        break;
      case "DELETED":
        this.#remove(object);
        break;
      case "BOOKMARK":
        break;
      case "ERROR":
        throw this.#failureOfStatus(object);
      default:
        throw new SyntaxError(`an event of type ${JSON.stringify(type)}`);
    }
    this.#version = versionOf(object);
  }

  #put(object: unknown): string {
    const meta = metaOf(object);
    const key = keyOf(meta);
    const { value, remarks } = this.#options.resource.read(object, meta);
    const before = this.#store.get(key);
    if (before !== undefined && value !== undefined) this.#options.onReplace?.(before, value);
    if (value === undefined) this.#isChanged = this.#store.drop(key) || this.#isChanged;
    else this.#isChanged = this.#store.put(key, { uid: meta.uid, value }) || this.#isChanged;
    this.#options.onRemarks(key, remarks);
    return key;
  }

  #remove(object: unknown): void {
    const meta = metaOf(object);
    if (this.#store.remove(keyOf(meta), meta.uid)) this.#gone(keyOf(meta));
  }

  #gone(key: string): void {
    this.#isChanged = true;
    this.#options.onRemarks(key, []);
  }

  /** Before the first complete list there is nothing to see. */
  #tell(): void {
    if (!this.#isChanged || this.#version === undefined) return;
    this.#isChanged = false;
    this.#options.onChange();
  }

  async #recover(failure: ApiFailure, signal: AbortSignal): Promise<void> {
    const wasWatching = !this.#mustList;
    this.#failures++;
    if (!wasWatching && versionStatuses.includes(failure.status)) this.#askOtherwise();
    if (wasWatching && (isExpired(failure) || this.#isStuck(failure))) this.#mustList = true;
    if (!isExpired(failure) || this.#failures > maxExpiries) this.#options.onFailure(failure);
    const backoff = Math.min(firstBackoffMs * 2 ** Math.min(this.#failures - 1, 10), maxBackoffMs);
    const jittered = backoff * (1 + this.#options.random()) * 0.5;
    const asked = Math.min(failure.retryAfterMs ?? 0, maxRetryAfterMs);
    await this.#options.clock.sleep(Math.max(jittered, asked), signal);
  }

  /** A page that expired comes of a list that took too long; the version known may be too old, or too new after a restore. */
  #askOtherwise(): void {
    if (this.#age === "now") this.#isPaged = false;
    this.#age = "now";
  }

  #isStuck({ kind }: ApiFailure): boolean {
    return kind === "garbled" && this.#failures >= maxWatchFailures;
  }

  #failureOf(error: unknown): ApiFailure {
    if (error instanceof ApiFailure) return error;
    const cannot = `Cannot ${this.#mustList ? "list" : "watch"} ${this.#options.resource.name}`;
    const reason = error instanceof Error ? error.message : String(error);
    const isGarbled = isOwn(error);
    return new ApiFailure(
      isGarbled
        ? `${cannot}: the server sends what cannot be read (${reason}): see what answers at its address, a proxy perhaps`
        : `${cannot}: the connection was lost (${reason}): see that the API server runs and that this node has a route to it`,
      { kind: isGarbled ? "garbled" : "unreachable", cause: error },
    );
  }

  #failureOfStatus(object: unknown): ApiFailure {
    const parsed = v.safeParse(statusSchema, object);
    if (!parsed.success) return this.#failureOf(new SyntaxError("an event of type ERROR without a status"));
    const { code, message } = parsed.output;
    const { name } = this.#options.resource;
    return failureOfStatus({ verb: "watch", resource: name }, { server: "the API server", status: code, message });
  }
}

/** What was read, not how it came here. */
function isOwn(error: unknown): boolean {
  return error instanceof ApiFailure || error instanceof SyntaxError || error instanceof v.ValiError;
}
