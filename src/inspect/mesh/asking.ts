// Asks many at the same time, each up to three times, and tells who answered and how fast. The sockets are handed in (src/netlink/echo-socket.ts).
import { randomBytes } from "node:crypto";
import type { Address, Family } from "../../ip/address.ts";
import type { Answered, EchoAsker } from "../../netlink/echo-socket.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import type { Question } from "./questions.ts";

export interface MeshAnswer extends Omit<Question, "refusers"> {
  readonly reached: boolean;
  /** Of the fastest that came back. */
  readonly roundTripMs?: number;
  readonly lostPercent: number;
  /** What was said instead, where anybody said something. */
  readonly why?: string;
}

export interface Asking {
  readonly open: (family: Family, onAnswer: (answer: Answered) => void) => EchoAsker;
  readonly clock: LoopClock;
  /** Ends the waiting: what was not answered by then counts as lost. */
  readonly signal?: AbortSignal;
}

/** Three tell a lossy way from a lossless one often enough. */
const packets = 3;
/** Answers within a data center take less than a millisecond, around the world a third of a second. */
const apartMs = 150;
const lastWaitMs = 1_000;
/** A burst of so many small packets is lost in no queue. */
const atOnce = 256;

export async function askAll(questions: readonly Question[], asking: Asking): Promise<readonly MeshAnswer[]> {
  const answers: MeshAnswer[] = [];
  for (let at = 0; at < questions.length; at += atOnce) {
    answers.push(...(await new Volley(questions.slice(at, at + atOnce), asking).run()));
  }
  return answers;
}

interface Asked {
  readonly question: Question;
  /** By packet; taken away when it was answered. */
  readonly sentAtMs: Map<number, number>;
  sent: number;
  readonly tripsMs: number[];
  why?: string;
}

class Volley {
  readonly #asking: Asking;
  readonly #token = randomBytes(8);
  readonly #asked: readonly Asked[];
  readonly #complete = new AbortController();

  constructor(questions: readonly Question[], asking: Asking) {
    this.#asking = asking;
    this.#asked = questions.map((question) => ({ question, sentAtMs: new Map(), sent: 0, tripsMs: [] }));
  }

  async run(): Promise<readonly MeshAnswer[]> {
    const { clock, signal: ended = this.#complete.signal } = this.#asking;
    const enough = AbortSignal.any([ended, this.#complete.signal]);
    using askers = this.#open();
    for (let packet = 0; packet < packets; packet++) {
      if (packet > 0) await clock.sleep(apartMs, enough);
      for (const [at, asked] of this.#asked.entries()) this.#ask(askers.of(asked.question.family), at, packet);
    }
    this.#endIfComplete();
    await clock.sleep(lastWaitMs, enough);
    return this.#asked.map(answerOf);
  }

  #open(): { of(family: Family): EchoAsker } & Disposable {
    const used = new Set(this.#asked.map(({ question }) => question.family));
    using opening = new DisposableStack();
    const open = new Map<Family, EchoAsker>();
    for (const family of used) open.set(family, opening.use(this.#asking.open(family, (answer) => this.#take(answer))));
    const opened = opening.move();
    return {
      of(family) {
        const asker = open.get(family);
        if (asker === undefined) throw new Error(`No socket was opened for ${family}`);
        return asker;
      },
      [Symbol.dispose]: () => opened.dispose(),
    };
  }

  #ask(asker: EchoAsker, at: number, packet: number): void {
    const asked = this.#asked[at];
    if (asked === undefined || isSettled(asked)) return;
    asked.sent++;
    asked.sentAtMs.set(packet, this.#asking.clock.now());
    try {
      asker.ask(asked.question.address, { token: this.#token, number: at * packets + packet });
    } catch (error) {
      // "Network is unreachable" is an answer, too: none was sent.
      if (!(error instanceof KernelError)) throw error;
      asked.why = error.message;
    }
  }

  #take({ mark: { token, number }, from, kind }: Answered): void {
    if (!this.#token.equals(token)) return;
    const asked = this.#asked[Math.floor(number / packets)];
    const packet = number % packets;
    const sentAtMs = asked?.sentAtMs.get(packet);
    if (asked === undefined || sentAtMs === undefined) return;
    asked.sentAtMs.delete(packet);
    if (isAnswer(asked.question, { kind, from })) asked.tripsMs.push(this.#asking.clock.now() - sentAtMs);
    else asked.why = `${from} says that nothing is there`;
    this.#endIfComplete();
  }

  #endIfComplete(): void {
    if (this.#asked.every(isSettled)) this.#complete.abort();
  }
}

/** A kernel refuses the same host once a second, after a few that come at once (icmp_ratelimit, error_cost): one refusal is enough. */
function isSettled({ question, tripsMs }: Asked): boolean {
  return tripsMs.length >= (question.refusers.length > 0 ? 1 : packets);
}

function isAnswer(question: Question, { kind, from }: { readonly kind: Answered["kind"]; readonly from: Address }) {
  return kind === "reply" || question.refusers.some((address) => address.equals(from));
}

function answerOf({ question: { refusers, ...question }, sent, tripsMs, why }: Asked): MeshAnswer {
  const reached = tripsMs.length > 0;
  // Where one answer is enough, others may be under way when it comes.
  const lost = reached && refusers.length > 0 ? 0 : sent - tripsMs.length;
  return {
    ...question,
    reached,
    ...(reached && { roundTripMs: Math.round(Math.min(...tripsMs) * 1000) / 1000 }),
    lostPercent: Math.round((100 * lost) / sent),
    ...(!reached && why !== undefined && { why }),
  };
}
