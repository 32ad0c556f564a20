// Health, status and metrics by HTTP: whether the agent lives, whether an ADD would succeed on this node, how the node is, and numbers. It
// answers five paths and nothing else.
import type { Log } from "../log/log.ts";
import type { LoopClock } from "../reconcile/loop.ts";
import type { Endpoint } from "./endpoint.ts";
import { type HttpAnswer, HttpServer, plainText } from "./http-server.ts";

export interface HealthOptions {
  readonly listen: Endpoint;
  /** All that is wrong, each in a sentence with its fix. */
  readonly faults: () => readonly string[];
  /** Those that stand in the way of an ADD on this node. */
  readonly obstacles: () => readonly string[];
  /** How the node is, as a document for programs. */
  readonly status: () => string;
  /** Whom the node reaches, as a document for programs. */
  readonly mesh: () => Promise<string>;
  readonly metrics: { readonly contentType: string; print(): Promise<string> };
  readonly log: Log;
  readonly clock?: LoopClock;
}

/** To be started, and disposed of in the end. */
export function healthServer({ faults, obstacles, status, mesh, metrics, ...server }: HealthOptions): HttpServer {
  const answer = async ({ path }: { readonly path: string }): Promise<HttpAnswer> => {
    switch (path) {
      case "/healthz":
        return { status: 200, type: plainText, text: "ok\n" };
      case "/readyz":
        return readiness(faults(), obstacles().length === 0);
      case "/status":
        return { status: 200, type: "application/json", text: status() };
      case "/mesh":
        return { status: 200, type: "application/json", text: `${await mesh()}\n` };
      case "/metrics":
        return { status: 200, type: metrics.contentType, text: await metrics.print() };
      default:
        return { status: 404, type: plainText, text: "There are /healthz, /readyz, /status, /mesh and /metrics\n" };
    }
  };
  return new HttpServer({ ...server, key: "listen", purpose: "health and metrics", answer });
}

function readiness(faults: readonly string[], isReady: boolean): HttpAnswer {
  const lines = [...(isReady ? ["ready"] : []), ...faults];
  return { status: isReady ? 200 : 503, type: plainText, text: lines.map((line) => `${line}\n`).join("") };
}
