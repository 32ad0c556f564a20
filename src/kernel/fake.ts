// A working model of the kernel for tests without root: it reads the datagrams that a real one would get, keeps what they make, and
// answers as Linux does, refusals included. What it holds and does is in fake/; contract.test.ts and contract.netns.ts put the same
// questions to it and to Linux, so that it cannot drift.

import { constants } from "node:os";
import type { Family } from "../ip/address.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import type { Namespace, NetlinkFamily, NetlinkSocket } from "../netlink/socket.ts";
import { type MessageName, messageNames } from "./fake/answer.ts";
import { passTime } from "./fake/detection.ts";
import { removeLink } from "./fake/link-events.ts";
import { createLoopback } from "./fake/new-links.ts";
import { Refusal } from "./fake/refusal.ts";
import { show } from "./fake/show.ts";
import { errnoOf, FakeNetfilterSocket, FakeSocket } from "./fake/socket.ts";
import { type Machine, type NamespaceState, newNamespace } from "./fake/state.ts";
import { getSysctl, setSysctl } from "./fake/sysctls.ts";
import type { Kernel, RunOptions, RunResult, Sysctl } from "./kernel.ts";

/** What can be made to fail: a kind of message, opening a socket or a namespace, running a program, or a sysctl by its name. */
export type FaultPoint = MessageName | "socket" | "namespace" | "run" | `sysctl ${string}`;

/** Stands for a program. `namespacePath` is where `nsenter` runs it. */
export type FakeProgram = (
  args: readonly string[],
  options: RunOptions & { readonly namespacePath?: string },
) => Partial<RunResult> | Promise<Partial<RunResult>>;

interface Fault {
  readonly point: FaultPoint;
  readonly code: string;
  readonly detail: string | undefined;
  /** How many more times it goes well. */
  left: number;
}

const OWN_PATH = "/proc/self/ns/net";
const FIRST_FD = 1000;

export class FakeKernel implements Kernel {
  readonly #machine: Machine;
  readonly #own: NamespaceState;
  readonly #programs = new Map<string, FakeProgram>();
  #faults: Fault[] = [];
  #lastPort = 0;
  #lastFd = FIRST_FD;

  /** One that was booted with ipv6.disable=1 is made with `ipv6: false`. */
  constructor({ ipv6 = true }: { readonly ipv6?: boolean } = {}) {
    this.#machine = {
      namespaces: new Set(),
      opened: new Map(),
      ipv6,
      now: 0,
      macs: 0,
      neighborRefusals: { v4: 0n, v6: 0n },
    };
    this.#own = this.#make(OWN_PATH);
  }

  socket(family: NetlinkFamily, namespace?: Namespace): NetlinkSocket {
    const operation = `open ${family} netlink socket`;
    this.#checkFault("socket", operation);
    if (family === "generic") throw new KernelError({ operation, errno: errnoOf("EPROTONOSUPPORT") });
    const state = this.#stateOf(namespace);
    this.#lastPort += 1;
    const Socket = family === "route" ? FakeSocket : FakeNetfilterSocket;
    return new Socket(state, this.#lastPort, (message) => this.#fault(nameOf(message.type)));
  }

  namespace(path: string): Namespace {
    const operation = `open network namespace ${path}`;
    this.#checkFault("namespace", operation);
    const state = [...this.#machine.namespaces].find((one) => one.path === path);
    if (state === undefined) throw new KernelError({ operation, errno: constants.errno.ENOENT });
    return this.#open(state, path);
  }

  sysctl(namespace?: Namespace): Sysctl {
    const state = this.#stateOf(namespace);
    const get = (name: string) => getSysctl(state, name);
    return {
      get: (name) => this.#withSysctl(`read sysctl ${name}`, name, () => get(name)),
      set: (name, value) =>
        this.#withSysctl(`set sysctl ${name} to ${value}`, name, () => setSysctl(state, name, value)),
    };
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const operation = `run ${program}`;
    this.#checkFault("run", operation);
    const [net, inner, ...rest] = args;
    const namespacePath = program === "nsenter" && net?.startsWith("--net=") ? net.slice("--net=".length) : undefined;
    const handler = this.#programs.get(namespacePath === undefined ? program : (inner ?? ""));
    if (handler === undefined) throw new KernelError({ operation, errno: constants.errno.ENOENT });
    const result =
      namespacePath === undefined ? await handler(args, options) : await handler(rest, { ...options, namespacePath });
    return { code: 0, stdout: "", stderr: "", ...result };
  }

  /** Makes a network namespace with nothing but a loopback interface that is down, and opens it. */
  addNamespace(path: string): Namespace {
    return this.#open(this.#make(path), path);
  }

  /** Takes a namespace's path away. The namespace goes when nobody holds it open any more. */
  removeNamespace(path: string): void {
    for (const state of this.#machine.namespaces) {
      if (state.path !== path) continue;
      state.path = undefined;
      this.#collect(state);
    }
  }

  /** Gives a program that `run` finds. */
  addProgram(name: string, program: FakeProgram): void {
    this.#programs.set(name, program);
  }

  /**
   * Makes the next of something fail, or the one after `nth - 1` that go well: `kernel.fail("RTM_NEWROUTE", "ENOBUFS")`. What it gives
   * takes that back, and says whether it was still to come.
   */
  fail(
    point: FaultPoint,
    code: string,
    { nth = 1, detail }: { readonly nth?: number; readonly detail?: string } = {},
  ): () => boolean {
    const fault = { point, code, detail, left: nth - 1 };
    this.#faults.push(fault);
    return () => {
      const isDue = this.#faults.includes(fault);
      this.#faults = this.#faults.filter((one) => one !== fault);
      return isDue;
    };
  }

  /** As when a table of neighbors is full, and another was to be added. */
  refuseNeighbor(family: Family): void {
    this.#machine.neighborRefusals[family] += 1n;
  }

  /** Lets time pass: for what the kernel asks on a link, and waits to be answered. To be given to whoever waits. */
  readonly wait = async (ms: number): Promise<void> => {
    passTime(this.#machine, ms);
  };

  /** What a namespace holds, the caller's own or the one at a path, as text like that of `ip`. */
  show(path: string = OWN_PATH): string {
    const state = [...this.#machine.namespaces].find((one) => one.path === path);
    if (state === undefined) throw new KernelError({ operation: `show ${path}`, errno: constants.errno.ENOENT });
    return show(state);
  }

  #make(path: string): NamespaceState {
    const state = newNamespace(this.#machine, path);
    createLoopback(state);
    return state;
  }

  #open(state: NamespaceState, path: string): Namespace {
    this.#lastFd += 1;
    const fd = this.#lastFd;
    this.#machine.opened.set(fd, state);
    state.holders += 1;
    return {
      fd,
      path,
      [Symbol.dispose]: () => {
        if (!this.#machine.opened.delete(fd)) return;
        state.holders -= 1;
        this.#collect(state);
      },
    };
  }

  #collect(state: NamespaceState): void {
    if (state.path !== undefined || state.holders > 0) return;
    for (const link of Array.from(state.links.values())) removeLink(link);
    this.#machine.namespaces.delete(state);
    for (const { ids } of this.#machine.namespaces) {
      for (const [id, known] of ids) if (known === state) ids.delete(id);
    }
  }

  #stateOf(namespace: Namespace | undefined): NamespaceState {
    if (namespace === undefined) return this.#own;
    const state = this.#machine.opened.get(namespace.fd);
    if (state !== undefined) return state;
    throw new KernelError({ operation: `use network namespace ${namespace.path}`, errno: constants.errno.EBADF });
  }

  #withSysctl<T>(operation: string, name: string, act: () => T): T {
    if (name.split("/").some((part) => part === "" || part === "." || part === "..")) {
      throw new RangeError(`${JSON.stringify(name)} is not a sysctl: write it as in net/ipv6/conf/all/forwarding`);
    }
    this.#checkFault(`sysctl ${name}`, operation);
    return asKernelError(operation, act);
  }

  #checkFault(point: FaultPoint, operation: string): void {
    asKernelError(operation, () => this.#fault(point));
  }

  #fault(point: FaultPoint | undefined): void {
    const due = this.#faults.filter((one) => one.point === point);
    const now = due.find(({ left }) => left === 0);
    for (const fault of due) fault.left -= 1;
    if (now === undefined) return;
    this.#faults = this.#faults.filter((one) => one !== now);
    throw new Refusal(now.code, now.detail);
  }
}

function nameOf(type: number): MessageName | undefined {
  return messageNames.find(([, number]) => number === type)?.[0];
}

function asKernelError<T>(operation: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, detail } = error;
    throw new KernelError({ operation, errno: errnoOf(code), ...(detail === undefined ? {} : { detail }) });
  }
}
