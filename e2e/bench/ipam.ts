// The bench of leasing: what one lease and one release cost when a thousand others are held, and when a million are.
// All in one process, so that it is the database that is measured.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Address } from "../../src/ip/address.ts";
import type { Attachment } from "../../src/ipam/attachment.ts";
import { type IpamConfig, parseIpam } from "../../src/ipam/config/config.ts";
import { LeaseStore } from "../../src/ipam/store/lease-store.ts";
import { table } from "../table.ts";
import type { Measurement, Outcome } from "./outcome.ts";
import { type Figures, figures } from "./statistics.ts";
import type { Families } from "./subjects.ts";

export interface IpamOptions {
  readonly families: readonly Families[];
  readonly samples: number;
  /** How many leases are held while the samples are taken; ratios are to the first. */
  readonly standing: readonly number[];
  readonly scratchDirectory: string;
}

interface Row {
  readonly families: Families;
  readonly standing: number;
  readonly operation: Operation;
  readonly us: Figures;
  /** p50 as a share of that with the fewest leases. */
  readonly ratio: number;
}

/**
 * "open to close" is a release, a lease and its activation in a store opened for them, beside the one that stays
 * open.
 */
const operations = ["lease", "activate", "release", "lease again", "open to close"] as const;
type Operation = (typeof operations)[number];

/**
 * Stores are measured in rounds this long, one after the other, so that a machine that slows down slows all of them.
 */
const roundLength = 10;

export function benchIpam(options: IpamOptions): Outcome {
  const rows = options.families.flatMap((families) => benchFamilies(families, options));
  return { text: ipamTable(rows), measurements: measurementsOf(rows) };
}

function benchFamilies(families: Families, options: IpamOptions): Row[] {
  // The first leases of a process are slower; this is for none of the stores to bear.
  const contestants = [0, ...options.standing].map((standing) => new Contestant(families, standing, options));
  const rounds = Array.from({ length: Math.ceil(options.samples / roundLength) }, (_, at) => {
    const from = at * roundLength;
    return { from, count: Math.min(roundLength, options.samples - from) };
  });
  for (const round of rounds) for (const contestant of contestants) contestant.attach(round);
  for (const round of rounds) for (const contestant of contestants) contestant.reattach(round);
  const [_warm, ...counted] = contestants;
  for (const contestant of contestants) contestant.close();
  return counted.flatMap((contestant) => contestant.rows(counted[0] ?? contestant));
}

interface Round {
  readonly from: number;
  readonly count: number;
}

function namesIn({ from, count }: Round): readonly string[] {
  return Array.from({ length: count }, (_, at) => `sample-${from + at}`);
}

/** A store with so many leases. */
class Contestant {
  readonly #families: Families;
  readonly #standing: number;
  readonly #directory: string;
  readonly #config: IpamConfig;
  readonly #store: LeaseStore;
  readonly #samples = new Map<Operation, number[]>(operations.map((operation) => [operation, []]));

  constructor(families: Families, standing: number, { samples, scratchDirectory }: IpamOptions) {
    this.#families = families;
    this.#standing = standing;
    this.#directory = join(scratchDirectory, `${families}-${standing}`);
    mkdirSync(this.#directory, { mode: 0o700 });
    this.#config = configFor(families, standing + samples);
    this.#store = open(this.#directory);
    for (let at = 0; at < standing; at++) this.#lease(this.#store, `standing-${at}`);
  }

  attach(round: Round): void {
    for (const name of namesIn(round)) {
      this.#time("lease", () => this.#lease(this.#store, name));
      this.#time("activate", () => this.#store.activate(attachmentOf(name)));
    }
  }

  /** The IPv4 range is full now, so that each lease takes what was released longest ago. */
  reattach(round: Round): void {
    const names = namesIn(round);
    for (const name of names) this.#time("release", () => this.#store.release(attachmentOf(name)));
    for (const name of names) this.#time("lease again", () => this.#lease(this.#store, name));
    for (const name of names.slice(0, 1)) this.#time("open to close", () => this.#oneCall(name));
  }

  close(): void {
    this.#store[Symbol.dispose]();
  }

  rows(first: Contestant): readonly Row[] {
    return operations.map((operation) => {
      const us = this.#figures(operation);
      const ratio = us.p50 / first.#figures(operation).p50;
      return { families: this.#families, standing: this.#standing, operation, us, ratio };
    });
  }

  #oneCall(name: string): void {
    using store = open(this.#directory);
    store.release(attachmentOf(name));
    this.#lease(store, name);
    store.activate(attachmentOf(name));
  }

  #lease(store: LeaseStore, name: string): void {
    store.lease({ attachment: attachmentOf(name), ...this.#config });
  }

  #time(operation: Operation, work: () => void): void {
    const start = performance.now();
    work();
    this.#samples.get(operation)?.push((performance.now() - start) * 1000);
  }

  #figures(operation: Operation): Figures {
    return figures(this.#samples.get(operation) ?? []);
  }
}

/** An IPv4 range with room for so many attachments and no more. */
function configFor(families: Families, room: number): IpamConfig {
  const v6 = [{ subnet: "fd00::/64" }];
  const gateway = Address.parse("10.0.0.1");
  const v4 = [{ subnet: "10.0.0.0/8", gateway: String(gateway), rangeEnd: String(gateway.plus(BigInt(room))) }];
  const ranges = { v6: [v6], v4: [v4], dual: [v6, v4] };
  return parseIpam({ ranges: ranges[families] });
}

function open(directory: string): LeaseStore {
  const report = () => {};
  return LeaseStore.open({ directory, bootId: "bench", inventory: () => [], report });
}

function attachmentOf(containerId: string): Attachment {
  return { network: "bench", containerId, interfaceName: "eth0" };
}

function ipamTable(rows: readonly Row[]): string {
  const head = ["families", "leases", "operation", "p50 us", "p99 us", "ratio"];
  const body = rows.map(({ families, standing, operation, us, ratio }) => {
    return [families, String(standing), operation, us.p50.toFixed(0), us.p99.toFixed(0), ratio.toFixed(2)];
  });
  return table([head, ...body]);
}

/** The peer is the same with the fewest leases. */
function measurementsOf(rows: readonly Row[]): Measurement[] {
  const nameOf = ({ families, standing, operation }: Row) => `ipam ${families}, ${standing} leases held: ${operation}`;
  return rows.map((row) => {
    const first = rows.find(({ families, operation }) => families === row.families && operation === row.operation);
    const peer = first === undefined || first === row ? {} : { peer: nameOf(first) };
    return { name: nameOf(row), unit: "us", ...row.us, ...peer };
  });
}
