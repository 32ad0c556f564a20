// The real Kernel: netlink sockets and namespaces of src/netlink, sysctls as the files they are, programs as child processes.
// It decides nothing; fake.ts is its counterpart and passes the same contract tests.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants as files, openSync, readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { asKernelError } from "../netlink/kernel-error.ts";
import { openInside, openNamespace, openSocket } from "../netlink/native.ts";
import type { Namespace } from "../netlink/socket.ts";
import type { Kernel, RunOptions, RunResult, Sysctl } from "./kernel.ts";

const allSysctls = "/proc/sys/";
const networkSysctls = "/proc/sys/net";

/** In a container /proc/sys is read-only; there the host's /proc/sys/net has been mounted once more, at `directory`. */
export function linuxWithSysctls(directory: string): Kernel {
  return {
    socket: (family, namespace) => openSocket(family, namespace === undefined ? {} : { namespace }),
    namespace: openNamespace,
    sysctl: (namespace) => new ProcSysctl(directory, namespace),
    run,
  };
}

export const linux: Kernel = linuxWithSysctls(networkSysctls);

class ProcSysctl implements Sysctl {
  readonly #network: string;
  readonly #namespace: Namespace | undefined;

  constructor(directory: string, namespace: Namespace | undefined) {
    this.#network = directory;
    this.#namespace = namespace;
  }

  get(name: string): string {
    return this.#with(`read sysctl ${name}`, name, files.O_RDONLY, (fd) => readFileSync(fd, "utf8").trimEnd());
  }

  set(name: string, value: string): void {
    this.#with(`set sysctl ${name} to ${value}`, name, files.O_WRONLY, (fd) => writeSync(fd, value));
  }

  #with<T>(operation: string, name: string, flags: number, use: (fd: number) => T): T {
    const path = checked(name).startsWith("net/") ? this.#network + name.slice("net".length) : allSysctls + name;
    const where = this.#namespace === undefined ? "" : ` in network namespace ${this.#namespace.path}`;
    try {
      const fd = this.#namespace === undefined ? openSync(path, flags) : openInside(this.#namespace, path, flags);
      try {
        return use(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw asKernelError(operation + where, error);
    }
  }
}

function checked(name: string): string {
  if (name.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new RangeError(`${JSON.stringify(name)} is not a sysctl: write it as in net/ipv6/conf/all/forwarding`);
  }
  return name;
}

function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env, stdin = "", timeoutMs } = options;
  const child: ChildProcess = spawn(program, args, { stdio: "pipe", ...(env === undefined ? {} : { env }) });
  // A program may end without reading all of its input; what it thinks of that is in its exit code.
  child.stdin?.on("error", () => {});
  child.stdin?.end(stdin);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const limit = timeoutMs === undefined ? undefined : new Limit(child, timeoutMs);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      limit?.clear();
      reject(asKernelError(`run ${program}`, error));
    });
    child.on("close", (code, signal) => {
      limit?.clear();
      const ended = signal === null ? { code: code ?? 0 } : { code: 128 + constants.signals[signal], signal };
      const late = limit?.passed ? { timedOut: true as const } : {};
      resolve({ ...ended, ...late, stdout: stdout(), stderr: stderr() });
    });
  });
}

/** Kills a program that takes too long, and stops listening: what it started may keep its output open for ever. */
class Limit {
  passed = false;
  readonly #timer: NodeJS.Timeout;

  constructor(child: ChildProcess, timeoutMs: number) {
    this.#timer = setTimeout(() => {
      this.passed = true;
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, timeoutMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** Where the limit of open files was reached there is no stream, and the error tells of it. */
function collect(stream: Readable | null | undefined): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}
