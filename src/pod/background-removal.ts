// Deleting links in the agent: the kernel takes some 15 ms over a pair, and hardly more over fifty. DEL takes the pair out of use,
// which is a matter of microseconds, and the pair is deleted with all that gather meanwhile. If the agent dies first, what is left
// is marked by its group, and deleted by the next agent.
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { alreadyExists, isGone } from "../netlink/kernel-error.ts";
import { changeLink, deleteLink, type Link } from "../netlink/link.ts";
import { PodError } from "./pod-error.ts";
import { type PairRemoval, removalGroup, removePair, type Target } from "./removal.ts";
import { findLink, openNamespace } from "./site.ts";

export class BackgroundRemoval implements AsyncDisposable {
  readonly #kernel: Kernel;
  readonly #host: Connection;
  readonly #onError: (error: unknown) => void;
  #waiting = false;
  #running: Promise<void> | undefined;

  /** Failures are told to `onError`; the links stay marked, and are tried again with the next. */
  constructor(kernel: Kernel, onError: (error: unknown) => void) {
    this.#kernel = kernel;
    this.#host = new Connection(kernel.socket("route"));
    this.#onError = onError;
    this.#start();
  }

  /** To be given to detach. */
  readonly remove: PairRemoval = async (host, link, target) => {
    try {
      this.#freeName(link, target);
      host.execute([
        changeLink({ index: link.index }, { up: false }),
        changeLink({ index: link.index }, { name: retiredName(link), group: removalGroup }),
      ]);
    } catch (error) {
      // Whoever may make links there, a pod in its own namespace too, can have taken that name.
      if (alreadyExists(error)) return removePair(host, link, target);
      // The pod's namespace ended in between, and took the pair with it.
      if (!isGone(error)) throw error;
    }
    this.#start();
  };

  /** Resolves when nothing is left to delete. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    this.#host[Symbol.dispose]();
  }

  /** The container may be attached again at once: the pod's end must not stand in the way. */
  #freeName({ index, link }: Link, { attachment, namespacePath }: Target): void {
    if (namespacePath === undefined || namespacePath === "") return;
    try {
      using namespace = openNamespace(this.#kernel, namespacePath);
      using pod = new Connection(this.#kernel.socket("route", namespace));
      const end = findLink(pod, { name: attachment.interfaceName });
      if (end === undefined || end.index !== link || end.link !== index) return;
      pod.execute([
        changeLink({ index: end.index }, { up: false }),
        changeLink({ index: end.index }, { name: retiredName(end) }),
      ]);
    } catch (error) {
      if (!isGone(error) && !(error instanceof PodError)) throw error;
    }
  }

  #start(): void {
    this.#waiting = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting) {
      this.#waiting = false;
      try {
        await this.#host.executeLater(deleteLink({ group: removalGroup }));
      } catch (error) {
        if (!isGone(error)) this.#onError(error);
      }
    }
  }
}

/** Unlike any name a link in use has; in one namespace no two links have one index. */
function retiredName({ index }: Link): string {
  return `hxgone${index.toString(16)}`;
}
