// What test pods run, by the Node that Hextet's image brings, so that no other image is needed: `serve PORT...` answers HTTP with who serves
// and whom it sees; `ask URL...` asks all at once and prints who answered or why nobody did; `resolve NAME` asks the name server of the
// pod; `ready` is a probe. It is mounted in the place of hextetctl's own script (workload.ts), whose launcher finds runtime and script.
import { Resolver } from "node:dns/promises";
import { createServer, get } from "node:http";
import { hostname } from "node:os";

export interface Served {
  /** Of the pod; of the node where the pod has its network. */
  readonly name: string;
  /** Whose address the server saw. */
  readonly from: string;
}

export interface Asked {
  readonly url: string;
  readonly served?: Served;
  readonly error?: string;
}

/** A denied packet is dropped or refused; one that is let pass is answered within milliseconds, on a busy machine in a second. */
const defaultLimitMs = 8000;

async function serve(ports: readonly string[]): Promise<void> {
  for (const port of ports) {
    const server = createServer((request, response) => {
      // An IPv4 client of a socket of both families.
      const from = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
      response.setHeader("connection", "close");
      response.end(JSON.stringify({ name: hostname(), from } satisfies Served));
    });
    await new Promise<void>((resolve) => server.listen(Number(port), "::", resolve));
  }
}

function ask(url: string, limitMs: number): Promise<Asked> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(limitMs) }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ url, served: readServed(text) }));
    });
    request.on("error", (error) => resolve({ url, error: error.message }));
  });
}

/** Others than these pods are asked too; that they answer is all there is to know. */
function readServed(text: string): Served {
  try {
    return JSON.parse(text);
  } catch {
    return { name: "", from: "" };
  }
}

async function resolveName(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2000, tries: 3 });
  const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return found.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
}

async function main([command, ...rest]: readonly string[]): Promise<void> {
  const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  if (command === "serve") {
    process.once("SIGTERM", () => process.exit());
    await serve(rest);
  } else if (command === "ask") {
    const within = rest[0]?.startsWith("--within=") ? Number(rest[0].slice("--within=".length)) : defaultLimitMs;
    print(await Promise.all(rest.filter((word) => !word.startsWith("--")).map((url) => ask(url, within))));
  } else if (command === "resolve") {
    print(await resolveName(rest[0] ?? ""));
  } else if (command !== "ready") {
    throw new Error(`There is no ${command}: serve, ask, resolve, ready`);
  }
}

void main(process.argv.slice(2));
