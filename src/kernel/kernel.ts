// The one seam to Linux. Everything Hextet does to a node or a pod goes through these four members; linux.ts is the real
// one, fake.ts a working model of it, and both pass the same contract tests.
import type { Namespace, NetlinkFamily, NetlinkSocket } from "../netlink/socket.ts";

export interface Kernel {
  /** Opens a netlink socket, in the caller's own network namespace or in another. */
  socket(family: NetlinkFamily, namespace?: Namespace): NetlinkSocket;
  /** Opens the network namespace at this path; a KernelError says why it cannot. */
  namespace(path: string): Namespace;
  /** The sysctls of a network namespace, the caller's own when none is given. */
  sysctl(namespace?: Namespace): Sysctl;
  /** Runs a program to its end. It resolves whatever the exit code; it rejects where the program cannot be started. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Names as paths below /proc/sys: `net/ipv6/conf/eth0/accept_ra` (an interface name may hold a dot). */
export interface Sysctl {
  get(name: string): string;
  set(name: string, value: string): void;
}

export interface RunOptions {
  readonly stdin?: string;
  /** All of its environment; the caller's own where none is given. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is killed, and the result says so. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** The exit code; 128 and the signal's number, as a shell has it, where a signal ended the program. */
  readonly code: number;
  /** SIGKILL and so on, where a signal ended it. */
  readonly signal?: string;
  /** Set where it was ended because `timeoutMs` had passed. */
  readonly timedOut?: true;
  readonly stdout: string;
  readonly stderr: string;
}
