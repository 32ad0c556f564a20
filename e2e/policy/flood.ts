// Attempts to reach a pod without end: from others all the time, by UDP and TCP to an allowed and to a denied port, whether the pod is there
// already or not; and from inside the pod as soon as it has a way out.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { tcpPacket, udpPacket } from "../firewall/packets.ts";
import { allowedPort, deniedPort, type ShopPod } from "./shop.ts";

/** From which ports packets come: they tell who sent them. */
export const senders = { friend: 6000, stranger: 6001 } as const;
export type Sender = keyof typeof senders;

const pauseMs = 1;

export class Flood implements AsyncDisposable {
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(from: Readonly<Record<Sender, ShopPod>>, to: ShopPod) {
    this.#running = this.#run(from, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(from: Readonly<Record<Sender, ShopPod>>, to: ShopPod): Promise<void> {
    while (!this.#isOver) {
      knock("friend", from.friend, to);
      knock("stranger", from.stranger, to);
      // What arrives is taken out before the kernel has no room for more.
      to.received(0);
      await sleep(pauseMs);
    }
  }
}

/** One attempt on each port, by each protocol and family. */
export function knock(as: Sender, from: ShopPod, to: ShopPod): void {
  for (const { family } of to.addresses) {
    const ends = { source: from.address(family), destination: to.address(family) };
    for (const port of [allowedPort, deniedPort]) {
      from.host.send(udpPacket(ends, { from: senders[as], to: port }, new Uint8Array(4)));
      from.host.send(tcpPacket(ends, { from: senders[as], to: port }));
    }
  }
}

/** A shell that says, as fast as it can, a word by UDP to this port of these pods. */
const script = 'while :; do for address; do echo x > "/dev/udp/$address"; done; sleep 0.002; done 2>/dev/null';

export class Escape implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(from: ShopPod, to: readonly ShopPod[], port: number) {
    const targets = to.flatMap(({ addresses }) => addresses.map((address) => `${address}/${port}`));
    const args = [`--net=${from.namespace.path}`, "bash", "-c", script, "bash", ...targets];
    this.#child = spawn("nsenter", args, { stdio: "ignore" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
