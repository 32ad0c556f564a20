import { describe, expect, test } from "vitest";
import { bucketOf, type Rate, validateBandwidth } from "./bandwidth.ts";

describe("bucketOf", () => {
  test.for<[Rate, { readonly bytesPerSecond: number; readonly burstBytes: number; readonly limitBytes: number }]>([
    [{ bitsPerSecond: 1_000_000 }, { bytesPerSecond: 125_000, burstBytes: 32_768, limitBytes: 39_018 }],
    [{ bitsPerSecond: 1_000_000_000 }, { bytesPerSecond: 125e6, burstBytes: 2_500_000, limitBytes: 8_750_000 }],
    [
      { bitsPerSecond: 8_000_000, burstBits: 800_000 },
      { bytesPerSecond: 1_000_000, burstBytes: 100_000, limitBytes: 150_000 },
    ],
    [{ bitsPerSecond: 1e15 }, { bytesPerSecond: 125e12, burstBytes: 2 ** 32 - 1, limitBytes: 2 ** 32 - 1 }],
  ])("%j becomes %j", ([rate, bucket]) => {
    expect(bucketOf(rate, 1500)).toEqual({ kind: "tbf", ...bucket });
  });

  test("lets two packets of the largest MTU through at once", () => {
    expect(bucketOf({ bitsPerSecond: 1000 }, 65_535).burstBytes).toBe(131_106);
  });
});

describe("validateBandwidth", () => {
  test.for<[string, Parameters<typeof validateBandwidth>, string]>([
    [
      "a rate of 999",
      [{ toPod: { bitsPerSecond: 999 } }],
      "runtimeConfig.bandwidth.ingressRate: 999 bits per second are less than 1000; the unit is bits, not kilobits: raise it, or leave it out for no limit",
    ],
    [
      "a burst of 1000 for an MTU of 9000",
      [{ fromPod: { bitsPerSecond: 1e6, burstBits: 1000 } }, 9000],
      "runtimeConfig.bandwidth.egressBurst: 1000 bits are less than one packet of 9000 bytes, so none would pass: give at least 72144, or leave it out",
    ],
    [
      "a burst of 2^36",
      [{ toPod: { bitsPerSecond: 1e6, burstBits: 2 ** 36 } }],
      "runtimeConfig.bandwidth.ingressBurst: 68719476736 bits are more than the 34359738360 the kernel can count",
    ],
  ])("refuses %s", ([, input, message]) => {
    expect(() => validateBandwidth(...input)).toThrow(message);
  });

  test.for([{}, { toPod: { bitsPerSecond: 1000 } }, { fromPod: { bitsPerSecond: 1e15, burstBits: 12_144 } }])(
    "takes %j",
    (bandwidth) => {
      expect(() => validateBandwidth(bandwidth)).not.toThrow();
    },
  );
});
