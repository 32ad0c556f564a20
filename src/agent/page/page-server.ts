// Serves the page and its document, to be read and nothing else. It tells more of the cluster than /status does, so it has an address
// of its own, and a browser is told to let nothing into the page and the page to nowhere else.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Log } from "../../log/log.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import type { Endpoint } from "../endpoint.ts";
import { type HttpAnswer, type HttpRequest, HttpServer, plainText } from "../http-server.ts";
import pageText from "./page.html?raw";
import type { PrintedModel } from "./page-model.ts";

export interface PageServerOptions {
  readonly listen: Endpoint;
  readonly model: () => PrintedModel;
  readonly log: Log;
  readonly clock?: LoopClock;
}

/** To be started, and disposed of in the end. */
export function pageServer({ model, ...server }: PageServerOptions): HttpServer {
  const answer = (request: HttpRequest): HttpAnswer => {
    const { headers, ...rest } = answerOf(request, model);
    return { ...rest, headers: { ...safety, ...headers } };
  };
  return new HttpServer({ ...server, key: "page", purpose: "page", answer });
}

function answerOf({ path, headers }: HttpRequest, model: () => PrintedModel): HttpAnswer {
  if (!isOwnHost(headers.host)) {
    return {
      status: 421,
      type: plainText,
      text: "Open this page by an address or as localhost, not by another name\n",
    };
  }
  switch (path) {
    case "/":
      return { status: 200, type: "text/html; charset=utf-8", text: pageText };
    case "/model.json": {
      const { text, tag } = model();
      const isKnown = headers["if-none-match"] === tag;
      return { status: isKnown ? 304 : 200, type: "application/json", text, headers: { etag: tag } };
    }
    default:
      return { status: 404, type: plainText, text: "There are / and /model.json\n" };
  }
}

/**
 * A site elsewhere may let its name lead to this address once its own page is in somebody's browser, and would then read what we
 * serve as its own (DNS rebinding). It cannot do so with a name that is an address.
 */
function isOwnHost(host = ""): boolean {
  const [, bracketed, plain = ""] = /^(?:\[(.*)\]|([^:]*))(?::\d+)?$/.exec(host) ?? [];
  return plain === "localhost" || isIP(bracketed ?? plain) !== 0;
}

/** Hashes of what stands between the page's own tags: nothing else is executed, whatever is written into it. */
function hashOf(tag: "script" | "style"): string {
  const [, text = ""] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(pageText) ?? [];
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const safety = {
  "content-security-policy": [
    "default-src 'none'",
    `script-src ${hashOf("script")}`,
    `style-src ${hashOf("style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  // Asked again each time; what has not changed is not sent again.
  "cache-control": "no-cache",
} as const;
