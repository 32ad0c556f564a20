// A machine of its own for container runtimes: mount, network and process namespaces in which they find their usual directories
// empty, one link with one neighbor behind it, and nothing of the host's configuration. When it ends, or when the process that
// started it dies, everything in it is gone. machine.sh says how it is made.
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { demand } from "./programs.ts";

/** The columns of every table. */
export const columns = ["v4", "v6", "dual"] as const;
export type Families = (typeof columns)[number];

/** What a container has in each column, as agreedAddresses() sorts. */
export const familiesIn = { v4: ["v4"], v6: ["v6"], dual: ["v4", "v6"] } as const;

export function familyOf(address: string): "v4" | "v6" {
  return address.includes(":") ? "v6" : "v4";
}

const script = join(import.meta.dirname, "machine.sh");
const build = join(import.meta.dirname, "../../dist");
/** Where machine.sh mounts the directory `npm run build` fills. */
export const buildInside = "/mnt/build";

/** Addresses on the link between the machine (1) and its neighbor (2): documentation prefixes. */
export const link = { v4: "192.0.2.", v6: "2001:db8:cafe::" } as const;

const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C" };

export class Machine implements AsyncDisposable {
  readonly families: Families;
  /** Unique on the host; names what is not in a namespace: cgroups. */
  readonly name: string;
  readonly #unshare: ChildProcess;
  /** The machine's first process, as the host numbers it. */
  readonly #init: number;

  private constructor(families: Families, name: string, unshare: ChildProcess) {
    this.families = families;
    this.name = name;
    this.#unshare = unshare;
    this.#init = onlyChild(unshare);
  }

  static async start(families: Families): Promise<Machine> {
    demand("/sbin/ip", "/usr/bin/nsenter", "/usr/bin/unshare", "/usr/sbin/iptables-save", "/usr/sbin/nft");
    mkdirSync(build, { recursive: true });
    const name = `hextet-e2e-${randomBytes(4).toString("hex")}`;
    const links = [families === "v6" ? "-" : link.v4, families === "v4" ? "-" : link.v6];
    const namespaces = [
      "--mount",
      "--net",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "--propagation",
      "private",
    ];
    const unshare = spawn("unshare", [...namespaces, "sh", script, name, ...links], { cwd: build, env: environment });
    const complaints = textOf(unshare.stderr);
    const ready = once(createInterface(unshare.stdout), "line");
    const ended = once(unshare, "close").then(async () => {
      throw new Error(`Cannot make a machine: ${await complaints}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => {});
    return new Machine(families, name, unshare);
  }

  /** The command that executes what follows it inside the machine. */
  get enter(): readonly [string, ...string[]] {
    return ["nsenter", "--target", String(this.#init), "--mount", "--net", "--pid"];
  }

  /** Addresses of the machine (1) or its neighbor (2) on the link, of the families it has. */
  addresses(host: 1 | 2): string[] {
    const both = [`${link.v6}${host}`, `${link.v4}${host}`];
    return both.filter((address) => this.families === "dual" || address.includes(":") === (this.families === "v6"));
  }

  /** Runs a program to its end and gives its standard output; rejects with its words where it fails. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.start(program, ...args).ended;
    if (code === 0) return stdout;
    throw new Error(`${program} ${args.join(" ")} ended with ${code ?? signal}: ${stderr.trim() || stdout.trim()}`);
  }

  /** Starts a program and leaves it running. */
  start(program: string, ...args: readonly string[]): Running {
    const [nsenter, ...namespaces] = this.enter;
    const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
    return new Running(spawn(nsenter, [...namespaces, program, ...args], { env: environment, stdio }));
  }

  /** What runs in the network namespace of the neighbor. */
  readonly neighbor = {
    run: (program: string, ...args: readonly string[]) => this.run("ip", "netns", "exec", "neighbor", program, ...args),
  };

  /** Where the host sees this path of the machine. */
  path(inside: string): string {
    return join(`/proc/${this.#init}/root`, inside);
  }

  write(inside: string, content: string | object, mode = 0o644): void {
    const path = this.path(inside);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 2), { mode });
  }

  read(inside: string): string {
    return readFileSync(this.path(inside), "utf8");
  }

  has(inside: string): boolean {
    return existsSync(this.path(inside));
  }

  /** A symbolic link; a relative one leads to the same file from outside. */
  link(target: string, inside: string): void {
    symlinkSync(target, this.path(inside));
  }

  /** Ends everything that runs in the machine, and with it the machine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#unshare.exitCode !== null || this.#unshare.signalCode !== null) return;
    const closed = once(this.#unshare, "exit");
    this.#unshare.stdin?.end();
    const late = setTimeout(() => this.#unshare.kill("SIGKILL"), 10_000);
    await closed;
    clearTimeout(late);
  }
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = collect(child);
  }

  /** nsenter only waits; the program itself is its child. */
  kill(signal: NodeJS.Signals): void {
    process.kill(onlyChild(this.#child), signal);
  }
}

async function collect(child: ChildProcess): Promise<Ended> {
  const output = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  await once(child, "exit");
  const [stdout, stderr] = await output;
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: string[] = [];
  if (stream !== null) for await (const chunk of stream.setEncoding("utf8")) chunks.push(String(chunk));
  return chunks.join("");
}

function onlyChild(parent: ChildProcess): number {
  const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8").trim();
  if (!/^\d+$/.test(children))
    throw new Error(`Process ${parent.pid} has no single child but ${JSON.stringify(children)}`);
  return Number(children);
}
