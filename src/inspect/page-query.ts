// Asks an agent for one of the pages it serves by HTTP, at whichever of its addresses answers: one that does not, or not in a way that is
// understood, is an answer too.
import { setTimeout as wait } from "node:timers/promises";
import type { Address } from "../ip/address.ts";
import { wordsOf } from "../kernel/system-error.ts";
import { download } from "./download.ts";

export interface Page<T> {
  readonly path: string;
  /** What it has, as people call it. */
  readonly holds: string;
  /** An error says why a text cannot be understood. */
  readonly read: (text: string) => T;
}

export type PageAnswer<T> =
  | { readonly kind: "read"; readonly value: T }
  /** Why there is none, to be read after a colon. */
  | { readonly kind: "none"; readonly why: string };

/** An agent answers within a tenth of a second, on a busy node in seconds; one that does not hangs, or packets to it are dropped. */
const timeoutMs = 5_000;
/** For an address to answer before the next is asked beside it; on one node's network none needs so long. */
const headStartMs = 500;

/**
 * The first page that comes from any of them, or why the first of them gave none. The next is asked when all before have answered,
 * or keep silent for a while, so that addresses without an answer cost no more time than one.
 */
export async function askForPage<T>(
  wanted: Page<T>,
  addresses: readonly Address[],
  port: number,
): Promise<PageAnswer<T>> {
  const enough = new AbortController();
  const asked: Promise<PageAnswer<T>>[] = [];
  try {
    for (const address of addresses) {
      asked.push(askAt(wanted, address.withPort(port), enough.signal));
      const silence = wait(headStartMs, undefined, { ref: false, signal: enough.signal });
      const answer = await Promise.race([pageAmong(asked), silence.catch(() => undefined)]);
      if (answer?.kind === "read") return answer;
    }
    return (await pageAmong(asked)) ?? none("it has no address to be asked at");
  } finally {
    enough.abort();
  }
}

/** The first of the answers with a page; where all have come and none has one, the first of all. */
async function pageAmong<T>(asked: readonly Promise<PageAnswer<T>>[]): Promise<PageAnswer<T> | undefined> {
  const found = Promise.withResolvers<PageAnswer<T> | undefined>();
  for (const each of asked) void each.then((answer) => answer.kind === "read" && found.resolve(answer));
  void Promise.all(asked).then(([first]) => found.resolve(first));
  return found.promise;
}

async function askAt<T>({ path, holds, read }: Page<T>, where: string, enough: AbortSignal): Promise<PageAnswer<T>> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), enough]);
    const { status, text } = await download(`http://${where}${path}`, signal);
    if (status === 404)
      return none(`what listens at ${where} has no ${holds}: an agent of an older build, or no agent`);
    if (status !== 200) return none(`${where} answered ${status}: ${text.trim().slice(0, 200)}`);
    return { kind: "read", value: read(text) };
  } catch (error) {
    return none(`${where}: ${whyOf(error)}`);
  }
}

function none(why: string): PageAnswer<never> {
  return { kind: "none", why };
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError" || error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  return wordsOf(error);
}
