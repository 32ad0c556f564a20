// Asks an agent for its status by HTTP: one that does not answer, or not in a way that is understood, is an answer too.
import { get, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { getSystemErrorMessage } from "node:util";
import type { Address } from "../ip/address.ts";
import { type NodeStatus, parseStatus } from "./status.ts";

export type AgentAnswer =
  | { readonly kind: "status"; readonly status: NodeStatus }
  /** Why there is none, to be read after a colon. */
  | { readonly kind: "none"; readonly why: string };

/** An agent answers within a tenth of a second, on a busy node in seconds; one that does not hangs, or packets to it are dropped. */
const timeoutMs = 5_000;
const longestAnswer = 1_048_576;
/** For an address to answer before the next is asked beside it; on one node's network none needs so long. */
const headStartMs = 500;

async function askAgent(address: Address, port: number, signal: AbortSignal): Promise<AgentAnswer> {
  const where = address.family === "v6" ? `[${address}]:${port}` : `${address}:${port}`;
  try {
    const { code, text } = await page(`http://${where}/status`, signal);
    if (code === 404) return none(`what listens at ${where} has no status: an agent of an older build, or no agent`);
    if (code !== 200) return none(`${where} answered ${code}: ${text.trim().slice(0, 200)}`);
    return { kind: "status", status: parseStatus(text) };
  } catch (error) {
    return none(`${where}: ${whyOf(error)}`);
  }
}

/**
 * The first status that comes from any of them, or why the first of them gave none. The next is asked when all before have answered,
 * or keep silent for a while, so that addresses without an answer cost no more time than one.
 */
export async function askFirst(addresses: readonly Address[], port: number): Promise<AgentAnswer> {
  const enough = new AbortController();
  const asked: Promise<AgentAnswer>[] = [];
  try {
    for (const address of addresses) {
      asked.push(askAgent(address, port, enough.signal));
      const silence = wait(headStartMs, undefined, { ref: false, signal: enough.signal });
      const answer = await Promise.race([statusAmong(asked), silence.catch(() => undefined)]);
      if (answer?.kind === "status") return answer;
    }
    return (await statusAmong(asked)) ?? none("it has no address to be asked at");
  } finally {
    enough.abort();
  }
}

/** The first of the answers with a status; where all have come and none has one, the first of all. */
async function statusAmong(asked: readonly Promise<AgentAnswer>[]): Promise<AgentAnswer | undefined> {
  const found = Promise.withResolvers<AgentAnswer | undefined>();
  for (const each of asked) void each.then((answer) => answer.kind === "status" && found.resolve(answer));
  void Promise.all(asked).then(([first]) => found.resolve(first));
  return found.promise;
}

function page(url: string, enough: AbortSignal): Promise<{ readonly code: number; readonly text: string }> {
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), enough]);
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false }, (response: IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > longestAnswer) request.destroy(new Error(`more than ${longestAnswer} bytes came`));
      });
      response.on("end", () => resolve({ code: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}

function none(why: string): AgentAnswer {
  return { kind: "none", why };
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError" || error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  return "errno" in error && typeof error.errno === "number" ? getSystemErrorMessage(error.errno) : error.message;
}
