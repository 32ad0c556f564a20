// The bench of leasing: what one lease and one release cost when a thousand others are held, and when a million are. All in one
// process, so that it is the database that is measured.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Address } from "../../src/ip/address.ts";
import type { Attachment } from "../../src/ipam/attachment.ts";
import { type IpamConfig, parseIpam } from "../../src/ipam/config.ts";
import { LeaseStore } from "../../src/ipam/lease-store.ts";
import { figures, table } from "./statistics.ts";
import type { Families } from "./subjects.ts";

export interface IpamOptions {
  readonly families: readonly Families[];
  readonly samples: number;
  /** How many leases are held while the samples are taken; ratios are to the first. */
  readonly standing: readonly number[];
  readonly scratchDirectory: string;
}

export interface IpamRow {
  readonly families: Families;
  readonly standing: number;
  readonly operation: Operation;
  readonly p50Us: number;
  readonly p99Us: number;
  /** p50 as a share of that with the fewest leases. */
  readonly ratio: number;
}

/** "open to close" is all of them on a store opened for it, as an executable without an agent does. */
const operations = ["lease", "activate", "release", "lease again", "open to close"] as const;
type Operation = (typeof operations)[number];

export function benchIpam(options: IpamOptions): IpamRow[] {
  return options.families.flatMap((families) => {
    // The first leases of a process are slower, and would make all later ones look good.
    measure(families, 0, { ...options, samples: 500 });
    const runs = options.standing.map((standing) => measure(families, standing, options));
    return runs.flatMap((run, at) =>
      rowsOf(families, { run, first: runs[0] ?? run, standing: options.standing[at] ?? 0 }),
    );
  });
}

type Samples = Readonly<Record<Operation, number[]>>;

function measure(families: Families, standing: number, { samples, scratchDirectory }: IpamOptions): Samples {
  const directory = join(scratchDirectory, `${families}-${standing}`);
  mkdirSync(directory, { mode: 0o700 });
  const config = configFor(families, standing + samples);
  const taken: Samples = { lease: [], activate: [], release: [], "lease again": [], "open to close": [] };
  {
    using store = open(directory);
    for (let at = 0; at < standing; at++) store.lease({ attachment: attachmentOf(`standing-${at}`), ...config });
    for (let at = 0; at < samples; at++) {
      const attachment = attachmentOf(`sample-${at}`);
      taken.lease.push(timed(() => store.lease({ attachment, ...config })));
      taken.activate.push(timed(() => store.activate(attachment, { hostLink: "hx0123456789abc" })));
    }
    // The IPv4 range is full now, so that each lease takes what was released longest ago.
    for (let at = 0; at < samples; at++) {
      taken.release.push(timed(() => store.release(attachmentOf(`sample-${at}`))));
      taken["lease again"].push(timed(() => store.lease({ attachment: attachmentOf(`again-${at}`), ...config })));
    }
  }
  for (let at = 0; at < Math.min(samples, 100); at++) {
    const attachment = attachmentOf(`again-${at}`);
    taken["open to close"].push(
      timed(() => {
        using store = open(directory);
        store.release(attachment);
        store.lease({ attachment, ...config });
        store.activate(attachment, { hostLink: "hx0123456789abc" });
      }),
    );
  }
  return taken;
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

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) * 1000;
}

interface Measured {
  readonly run: Samples;
  readonly first: Samples;
  readonly standing: number;
}

function rowsOf(families: Families, { run, first, standing }: Measured): readonly IpamRow[] {
  return operations.map((operation) => {
    const { p50, p99 } = figures(run[operation]);
    return { families, standing, operation, p50Us: p50, p99Us: p99, ratio: p50 / figures(first[operation]).p50 };
  });
}

export function ipamTable(rows: readonly IpamRow[]): string {
  const head = ["families", "leases", "operation", "p50 us", "p99 us", "ratio"];
  const body = rows.map(({ families, standing, operation, p50Us, p99Us, ratio }) => {
    return [families, String(standing), operation, p50Us.toFixed(0), p99Us.toFixed(0), ratio.toFixed(2)];
  });
  return table([head, ...body]);
}
