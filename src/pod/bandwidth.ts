// How fast a pod may receive and send, as values: what is asked for, whether it can be, and the token bucket that is made of it.
// tc-tbf(8) says how one works. bandwidth-limit.ts puts it to the pod's link.
import { ConfigError } from "../config/config-error.ts";
import type { TokenBucket } from "../netlink/tc.ts";

export interface Bandwidth {
  readonly toPod?: Rate;
  readonly fromPod?: Rate;
}

export interface Rate {
  readonly bitsPerSecond: number;
  /** Absent: what follows from the rate. */
  readonly burstBits?: number;
}

/** Kubernetes allows from 1k; whoever writes less has mistaken the unit. */
const leastRate = 1000;
/** The kernel counts a burst in 32 bits of bytes. */
const mostBytes = 0xffff_ffff;
const mostBurst = mostBytes * 8;
/** Of an Ethernet frame, with a VLAN's tag: counted by the bucket, and not by the MTU. */
const frameHeader = 18;
/** What the kernel gives a link that nobody gave an MTU. */
const usualMtu = 1500;
/** Seconds of the full rate that pass at once where no burst is given, and how long packets wait at most before they are dropped. */
const burstSeconds = 0.02;
const queueSeconds = 0.05;
/** Less makes a slow link slower than its rate: a sender hands over many packets as one. */
const leastBurstBytes = 32 * 1024;

/** The keys of `runtimeConfig.bandwidth`, for errors. */
const keys = { toPod: "ingress", fromPod: "egress" } as const;

/** Throws a ConfigError where the kernel could not do it, or nothing would pass. */
export function validateBandwidth(bandwidth: Bandwidth, mtu = usualMtu): void {
  for (const direction of ["toPod", "fromPod"] as const) {
    const { bitsPerSecond = leastRate, burstBits } = bandwidth[direction] ?? {};
    const key = `runtimeConfig.bandwidth.${keys[direction]}`;
    if (bitsPerSecond < leastRate) {
      const why = `${bitsPerSecond} bits per second are less than ${leastRate}; the unit is bits, not kilobits`;
      throw new ConfigError(`${key}Rate`, `${why}: raise it, or leave it out for no limit`);
    }
    if (burstBits === undefined) continue;
    const least = (mtu + frameHeader) * 8;
    if (burstBits < least) {
      const why = `${burstBits} bits are less than one packet of ${mtu} bytes, so none would pass`;
      throw new ConfigError(`${key}Burst`, `${why}: give at least ${least}, or leave it out`);
    }
    if (burstBits > mostBurst) {
      throw new ConfigError(`${key}Burst`, `${burstBits} bits are more than the ${mostBurst} the kernel can count`);
    }
  }
}

export function bucketOf({ bitsPerSecond, burstBits }: Rate, mtu: number): TokenBucket {
  const bytesPerSecond = Math.floor(bitsPerSecond / 8);
  const derived = Math.max(bytesPerSecond * burstSeconds, leastBurstBytes, 2 * (mtu + frameHeader));
  const burstBytes = atMost(burstBits === undefined ? derived : burstBits / 8);
  return { kind: "tbf", bytesPerSecond, burstBytes, limitBytes: atMost(burstBytes + bytesPerSecond * queueSeconds) };
}

function atMost(bytes: number): number {
  return Math.min(Math.floor(bytes), mostBytes);
}
