// A browser without a window, driven by the DevTools protocol over two pipes, so that it opens no port: pages are opened, asked and
// photographed in it, and what they complain of is kept. https://chromedevtools.github.io/devtools-protocol/
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import * as v from "valibot";

const messageSchema = v.object({
  id: v.optional(v.number()),
  method: v.optional(v.string()),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
  result: v.optional(v.record(v.string(), v.unknown()), {}),
  error: v.optional(v.object({ message: v.string() })),
});
type Message = v.InferOutput<typeof messageSchema>;

/** It is to be as a new one, and to ask nobody for anything. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--remote-debugging-pipe",
];

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scheme?: "light" | "dark";
}

export class Browser implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-browser-"));
  readonly #child: ChildProcess;
  readonly #orders: Writable;
  readonly #waiting = new Map<number, PromiseWithResolvers<Message>>();
  #count = 0;
  #unread = "";
  #session: string | undefined;
  #given = { body: "", tag: "" };
  #errors = "";
  /** What pages complained of: exceptions, and what their policy kept out. */
  readonly complaints: string[] = [];
  /** Addresses of everything that was asked for. */
  readonly requests: string[] = [];

  /** In the network namespace at this path. */
  constructor(namespace: string) {
    const program = ["--net=" + namespace, "chromium", ...flags, `--user-data-dir=${this.#directory}`, "about:blank"];
    const home = this.#directory;
    this.#child = spawn("nsenter", program, {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, HOME: home, TMPDIR: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    });
    const [, , errors, orders, answers] = this.#child.stdio;
    if (!(errors instanceof Readable && orders instanceof Writable && answers instanceof Readable)) {
      throw new Error("The browser has no pipes");
    }
    this.#orders = orders;
    errors.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    answers.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.#child.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`The browser ended: ${this.#errors}`));
    });
  }

  /** Opens a page and waits until the expression is true in it. */
  async open(url: string, { width, height, scheme = "light" }: Screen, until: string): Promise<void> {
    if (this.#session === undefined) await this.#attach();
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.#order("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    await this.#order("Emulation.setEmulatedMedia", { features });
    await this.#order("Page.navigate", { url });
    await this.until(until);
  }

  /** Waits until the expression is true in the page. */
  async until(expression: string): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      if ((await this.ask(expression)) === true) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const text = await this.ask("document.body.innerText");
    throw new Error(`${expression} did not become true. Complaints: ${this.complaints.join("; ")}. Page: ${text}`);
  }

  /** From now on the page gets this where it asks for an address that ends so. */
  async answer(end: string, body: string): Promise<void> {
    this.#given = { body: Buffer.from(body).toString("base64"), tag: `"${++this.#count}"` };
    await this.#order("Fetch.enable", { patterns: [{ urlPattern: `*${end}` }] });
  }

  /** The value of an expression in the page. */
  async ask(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = v.parse(
      v.object({ result: v.object({ value: v.optional(v.unknown()) }), exceptionDetails: v.optional(v.unknown()) }),
      await this.#order("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }),
    );
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  /** As a person presses it: `Tab`, `ArrowRight`, or text to be typed. */
  async press(key: string): Promise<void> {
    if (key.length === 1) return void (await this.#order("Input.insertText", { text: key }));
    const codes: Readonly<Record<string, number>> = {
      Tab: 9,
      Enter: 13,
      End: 35,
      Home: 36,
      ArrowLeft: 37,
      ArrowUp: 38,
      ArrowRight: 39,
      ArrowDown: 40,
    };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key] };
    await this.#order("Input.dispatchKeyEvent", { type: "rawKeyDown", ...event });
    await this.#order("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** The whole page as PNG. */
  async photograph(path: string): Promise<void> {
    const answer = await this.#order("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    writeFileSync(path, Buffer.from(v.parse(v.string(), answer["data"]), "base64"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await closed;
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #attach(): Promise<void> {
    const { targetId } = await this.#order("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#order("Target.attachToTarget", { targetId, flatten: true });
    this.#session = v.parse(v.string(), sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.#order(`${domain}.enable`, {});
  }

  async #order(method: string, params: object): Promise<Message["result"]> {
    const id = ++this.#count;
    const answered = Promise.withResolvers<Message>();
    this.#waiting.set(id, answered);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#orders.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const { result, error } = await answered.promise;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #read(text: string): void {
    const messages = (this.#unread + text).split("\0");
    this.#unread = messages.pop() ?? "";
    for (const each of messages) this.#take(v.parse(messageSchema, JSON.parse(each)));
  }

  #take(message: Message): void {
    const { id, method, params } = message;
    if (id !== undefined) {
      this.#waiting.get(id)?.resolve(message);
      this.#waiting.delete(id);
    }
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded")
      this.complaints.push(JSON.stringify(params));
    if (method === "Fetch.requestPaused") {
      const { body, tag: value } = this.#given;
      const answer = {
        requestId: params["requestId"],
        responseCode: 200,
        responseHeaders: [{ name: "etag", value }],
        body,
      };
      void this.#order("Fetch.fulfillRequest", answer);
    }
    if (method === "Network.requestWillBeSent") {
      this.requests.push(v.parse(v.object({ request: v.object({ url: v.string() }) }), params).request.url);
    }
  }
}
