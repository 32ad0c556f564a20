// Asks an agent for its status by HTTP: one that does not answer, or not in a way that is understood, is an answer too.
import { get, type IncomingMessage } from "node:http";
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

export async function askAgent(address: Address, port: number): Promise<AgentAnswer> {
  const where = address.family === "v6" ? `[${address}]:${port}` : `${address}:${port}`;
  try {
    const { code, text } = await page(`http://${where}/status`);
    if (code === 404) return none(`what listens at ${where} has no status: an agent of an older build, or no agent`);
    if (code !== 200) return none(`${where} answered ${code}: ${text.trim().slice(0, 200)}`);
    return { kind: "status", status: parseStatus(text) };
  } catch (error) {
    return none(`${where}: ${whyOf(error)}`);
  }
}

/** Asks one after another, and gives the first status, or what the first of them said. */
export async function askFirst(addresses: readonly Address[], port: number): Promise<AgentAnswer> {
  let first: AgentAnswer | undefined;
  for (const address of addresses) {
    const answer = await askAgent(address, port);
    if (answer.kind === "status") return answer;
    first ??= answer;
  }
  return first ?? none("it has no address to be asked at");
}

function page(url: string): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false }, (response: IncomingMessage) => {
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
