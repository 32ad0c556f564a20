// Where an attachment is made: the two namespaces with a connection into each, and what has been done so far. It is opened for one
// attachment and closed with it.
import { setImmediate as nextTurn, setTimeout as timeout } from "node:timers/promises";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { isGone, KernelError } from "../netlink/kernel-error.ts";
import { deleteLink, getLink, type Link, type LinkReference } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import type { Namespace } from "../netlink/socket.ts";
import { PodError } from "./pod-error.ts";

export interface Site {
  readonly kernel: Kernel;
  readonly namespace: Namespace;
  readonly host: Connection;
  readonly pod: Connection;
  /** What undoes the steps taken, newest first. */
  readonly undo: AsyncDisposableStack;
  readonly wait: Wait;
}

/** Lets time pass, or with 0 only whatever else the process has to do; tests have their own. */
export type Wait = (ms: number) => Promise<void>;

export const wait: Wait = (ms) => (ms === 0 ? nextTurn() : timeout(ms));

/** Opens the pod's network namespace, and says what to do where there is none. */
export function openNamespace(kernel: Kernel, path: string): Namespace {
  try {
    return kernel.namespace(path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const fix = isGone(error)
      ? "the container is gone, or its runtime's mount is not visible here; start the container anew"
      : "give the path of a network namespace, as in /run/netns/pod1 or /proc/42/ns/net";
    throw new PodError("badNamespace", `${error.message}; ${fix}`, { cause: error });
  }
}

export function findLink(connection: Connection, link: LinkReference): Link | undefined {
  try {
    return connection.get(getLink(link));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Deletes a link off the main thread, where the kernel waits for its readers. One that is gone is as good. */
export async function removeLink(connection: Connection, link: LinkReference): Promise<void> {
  try {
    await connection.executeLater(deleteLink(link));
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Carries out removals one by one; what is gone already is as good. */
export function executeRemovals(connection: Connection, requests: readonly Request[]): void {
  for (const request of requests) {
    try {
      connection.execute([request]);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}
