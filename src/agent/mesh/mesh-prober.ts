// Keeps this node's row of the cluster's matrix: asks a sample of the other nodes from time to time, and sooner where somebody wants to know, and
// listens who asks here. Sockets are opened once there is somebody to ask. What is asked and how is in src/inspect/mesh.
import type { ClusterView } from "../../cluster/view.ts";
import { type Asking, askAll, type MeshAnswer } from "../../inspect/mesh/asking.ts";
import { nodeQuestions, sampleOf } from "../../inspect/mesh/questions.ts";
import { type MeshCell, type MeshRow, meshVersion } from "../../inspect/mesh/row.ts";
import { type Family, families } from "../../ip/address.ts";
import type { Log } from "../../log/log.ts";
import type { EchoHearer } from "../../netlink/echo-socket.ts";
import { Loop } from "../../reconcile/loop.ts";
import { Remarks } from "../remarks.ts";
import { Hearing } from "./hearing.ts";

export interface MeshSettings {
  readonly intervalSeconds: number;
  /** How many others are asked; 0: nobody is, and nothing is listened to. */
  readonly peers: number;
}

export interface MeshProberOptions extends Asking {
  readonly settings: MeshSettings;
  readonly node: string;
  readonly view: () => ClusterView | undefined;
  readonly hear: (family: Family) => EchoHearer;
  readonly log: Log;
}

/** Whoever reaches the port may want a row: it is not measured more often for that. */
const leastApartMs = 5_000;
/** What others sent waits in the kernel, which has room for hundreds. */
const hearEveryMs = 1_000;
/** Whom nobody asks is heard of no more: two rounds, and the time that one takes. */
const roundMs = 2_000;

export class MeshProber implements AsyncDisposable {
  readonly #options: MeshProberOptions;
  readonly #hearing = new Hearing();
  readonly #hearers: EchoHearer[] = [];
  readonly #asking: Loop;
  readonly #listening: Loop;
  readonly #remarks: Remarks;
  readonly #ending = new AbortController();
  #answers: readonly MeshAnswer[] = [];
  #askedAtMs: number | undefined;
  #round: Promise<void> | undefined;

  constructor(options: MeshProberOptions) {
    const { clock, settings, log } = options;
    this.#options = options;
    this.#remarks = new Remarks(log);
    const onFailure = (error: unknown) => this.#remarks.tell([faultOf(error)]);
    this.#asking = new Loop({ clock, resyncMs: settings.intervalSeconds * 1000, pass: () => this.#ask(), onFailure });
    this.#listening = new Loop({ clock, resyncMs: hearEveryMs, pass: async () => this.#listen(), onFailure });
  }

  get #isOff(): boolean {
    return this.#options.settings.peers === 0;
  }

  start(): void {
    if (this.#isOff) return;
    this.#asking.start();
    this.#listening.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    // A round that fails now has told so to whoever waits for it.
    await Promise.allSettled([this.#asking.stop(), this.#listening.stop(), this.#round]);
    for (const hearer of this.#hearers.splice(0)) hearer[Symbol.dispose]();
  }

  /** As it was measured last. */
  row(): MeshRow {
    const { node, clock, settings } = this.#options;
    const secondsAgo = this.#askedAtMs === undefined ? undefined : (clock.now() - this.#askedAtMs) / 1000;
    return {
      version: meshVersion,
      node,
      peers: settings.peers,
      ...(secondsAgo !== undefined && { secondsAgo: Math.round(secondsAgo * 10) / 10 }),
      cells: this.#answers.flatMap((answer) => this.#cellOf(answer) ?? []),
    };
  }

  /** Measured now, unless that was a moment ago. */
  async fresh(): Promise<MeshRow> {
    const { clock } = this.#options;
    const isOld = this.#askedAtMs === undefined || clock.now() - this.#askedAtMs >= leastApartMs;
    // The loop tells of a failure, and tries again; the row is then what it was.
    if (isOld && !this.#isOff) await this.#ask().catch(() => {});
    return this.row();
  }

  /** Whoever comes while a round is under way gets that. */
  #ask(): Promise<void> {
    this.#round ??= this.#measure().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #measure(): Promise<void> {
    const { view: viewOf, node, settings, clock } = this.#options;
    const view = viewOf();
    const names = view?.nodes.map(({ name }) => name) ?? [];
    const asked = sampleOf(names, node, settings.peers);
    const questions = view === undefined ? [] : nodeQuestions(view, node, asked);
    if (view !== undefined && questions.length > 0) {
      this.#hearing.expect(view, asked);
      this.#openHearers(new Set(questions.map(({ family }) => family)));
    }
    this.#answers = await askAll(questions, { ...this.#options, signal: this.#ending.signal });
    this.#askedAtMs = clock.now();
    this.#listen();
    this.#remarks.tell([]);
  }

  #openHearers(spoken: ReadonlySet<Family>): void {
    if (this.#hearers.length > 0) return;
    for (const family of families) if (spoken.has(family)) this.#hearers.push(this.#options.hear(family));
  }

  #listen(): void {
    for (const hearer of this.#hearers) this.#hearing.heard(hearer.heard(), this.#options.clock.now());
  }

  #cellOf({ kind, node, family, reached, roundTripMs, lostPercent, why }: MeshAnswer): MeshCell | undefined {
    if (kind === "pod") return undefined;
    const lately = this.#options.clock.now() - (2 * this.#options.settings.intervalSeconds * 1000 + roundMs);
    const heard = this.#hearing.hears({ node, kind, family }, lately);
    return {
      node,
      kind,
      family,
      reached,
      lostPercent,
      ...(roundTripMs !== undefined && { roundTripMs }),
      ...(why !== undefined && { why }),
      ...(heard !== undefined && { heard }),
    };
  }
}

function faultOf(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `Cannot measure which nodes are reached: ${why}: let the agent have CAP_NET_RAW, or set mesh.peers to 0`;
}
