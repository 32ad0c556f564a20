import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import type { Request } from "./request.ts";
import {
  addQueue,
  addRedirect,
  listQueues,
  listRedirects,
  type Queue,
  removeQueue,
  removeRedirect,
  replaceQueue,
} from "./tc.ts";

describe("requests are those of tc", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "tc qdisc add dev hx1 root tbf rate 10mbit burst 32k limit 157768",
      addQueue({ link: 100, kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 32_768, limitBytes: 157_768 }),
      `
      24 00 05 06  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  ff ff ff ff  00 00 00 00  # struct tcmsg
      08 00 01 00  74 62 66 00  # TCA_KIND tbf
      34 00 02 00  # TCA_OPTIONS (nested)
        28 00 01 00  # TCA_TBF_PARMS
          00 01 00 00  # rate: Ethernet, 1250000; tc has 3 and -1 for its table, which is left out
            00 00 00 00  d0 12 13 00
          00 00 00 00  00 00 00 00  00 00 00 00  # peakrate
          48 68 02 00  # limit 157768; tc has the buffer in ticks, which the burst stands for
            00 00 00 00  00 00 00 00
        08 00 06 00  00 80 00 00  # TCA_TBF_BURST 32768; behind it tc has the table of transmission times`,
    ],
    [
      "tc qdisc replace dev hx1 root tbf rate 100gbit burst 32m limit 100000000",
      replaceQueue({
        link: 100,
        kind: "tbf",
        bytesPerSecond: 12_500_000_000,
        burstBytes: 0x2000000,
        limitBytes: 100_000_000,
      }),
      `
      24 00 05 05  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  ff ff ff ff  00 00 00 00  # struct tcmsg
      08 00 01 00  74 62 66 00  # TCA_KIND tbf
      40 00 02 00  # TCA_OPTIONS (nested)
        28 00 01 00  # TCA_TBF_PARMS
          00 01 00 00  00 00 00 00  ff ff ff ff  # rate: more than fits
          00 00 00 00  00 00 00 00  00 00 00 00  # peakrate
          00 e1 f5 05  00 00 00 00  00 00 00 00  # limit 100000000
        08 00 06 00  00 00 00 02  # TCA_TBF_BURST 33554432
        0c 00 04 00  00 dd 0e e9  02 00 00 00  # TCA_TBF_RATE64 12500000000`,
    ],
    [
      "tc qdisc add dev hx1 root fq_codel limit 1000 flows 512",
      addQueue({ link: 100, kind: "fq_codel", packetLimit: 1000, flows: 512 }),
      `
      24 00 05 06  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  ff ff ff ff  00 00 00 00  # struct tcmsg
      0d 00 01 00  66 71 5f 63  6f 64 65 6c  00 00 00 00  # TCA_KIND fq_codel
      14 00 02 00  # TCA_OPTIONS (nested)
        08 00 02 00  e8 03 00 00  # TCA_FQ_CODEL_LIMIT 1000
        08 00 05 00  00 02 00 00  # TCA_FQ_CODEL_FLOWS 512`,
    ],
    [
      "tc qdisc add dev hx1 ingress",
      addQueue({ link: 100, kind: "ingress" }),
      `
      24 00 05 06  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 ff ff  f1 ff ff ff  00 00 00 00  # struct tcmsg
      0c 00 01 00  69 6e 67 72  65 73 73 00  # TCA_KIND ingress`,
    ],
    [
      "tc qdisc add dev hx1 clsact",
      addQueue({ link: 100, kind: "clsact" }),
      `
      24 00 05 06  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 ff ff  f1 ff ff ff  00 00 00 00  # struct tcmsg
      0b 00 01 00  63 6c 73 61  63 74 00 00  # TCA_KIND clsact`,
    ],
    [
      "tc qdisc add dev hx1 root noqueue",
      addQueue({ link: 100, kind: "noqueue" }),
      `
      24 00 05 06  # RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  ff ff ff ff  00 00 00 00  # struct tcmsg
      0c 00 01 00  6e 6f 71 75  65 75 65 00  # TCA_KIND noqueue`,
    ],
    [
      "tc qdisc del dev hx1 root",
      removeQueue({ link: 100, at: "root" }),
      `
      25 00 05 00  # RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  ff ff ff ff  00 00 00 00  # struct tcmsg`,
    ],
    [
      "tc qdisc del dev hx1 ingress, without the kind and the handle",
      removeQueue({ link: 100, at: "ingress" }),
      `
      25 00 05 00  # RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  f1 ff ff ff  00 00 00 00  # struct tcmsg`,
    ],
    [
      "tc filter add dev hx1 parent ffff: protocol all prio 1 handle 800::800 u32 match u32 0 0 action mirred egress redirect dev ifb0",
      addRedirect({ link: 100, to: 7 }),
      `
      2c 00 05 06  # RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 08 00 80  00 00 ff ff  00 03 01 00  # struct tcmsg
      08 00 01 00  75 33 32 00  # TCA_KIND u32
      60 00 02 00  # TCA_OPTIONS (nested)
        38 00 07 00  # TCA_U32_ACT (nested)
          34 00 01 00  # the first action (nested)
            0b 00 01 00  6d 69 72 72  65 64 00 00  # TCA_ACT_KIND mirred
            24 00 02 80  # TCA_ACT_OPTIONS (nested)
              20 00 02 00  # TCA_MIRRED_PARMS
                00 00 00 00  00 00 00 00  04 00 00 00  00 00 00 00
                00 00 00 00  01 00 00 00  07 00 00 00
        24 00 05 00  # TCA_U32_SEL
          01 00 01 00  00 00 00 00  00 00 00 00  00 00 00 00
          00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00`,
    ],
    [
      "tc filter del dev hx1 parent ffff: protocol all prio 1",
      removeRedirect({ link: 100 }),
      `
      2d 00 05 00  # RTM_DELTFILTER, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  00 00 ff ff  00 03 01 00  # struct tcmsg`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test.for<[command: string, request: Request, bytes: string]>([
    [
      "tc qdisc show",
      listQueues({ link: 100 }),
      "26 00 01 03  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 00 00 00 00",
    ],
    [
      "tc filter show dev hx1 parent ffff:",
      listRedirects({ link: 100 }),
      "2e 00 01 03  00 00 00 00 64 00 00 00  00 00 00 00 00 00 ff ff 00 00 00 00",
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request, "dump")).toEqual(hex(bytes));
  });
});

// What the kernel answered to `tc qdisc show`, less what is not read.
const shownQueues: readonly [what: string, body: string, queue: Queue][] = [
  [
    "no queue at all",
    `
      00 00 00 00  01 00 00 00  00 00 00 00  ff ff ff ff  02 00 00 00  # struct tcmsg
      0c 00 01 00  6e 6f 71 75  65 75 65 00  # TCA_KIND noqueue`,
    { link: 1, kind: "noqueue" },
  ],
  [
    "the queue that hardware gets by itself",
    `
      00 00 00 00  07 00 00 00  00 00 00 00  ff ff ff ff  02 00 00 00  # struct tcmsg
      0f 00 01 00  70 66 69 66  6f 5f 66 61  73 74 00 00  # TCA_KIND pfifo_fast
      18 00 02 00  # TCA_OPTIONS, a struct tc_prio_qopt
        03 00 00 00  01 02 02 02  01 02 00 00  01 01 01 01  01 01 01 01`,
    { link: 7, kind: "other", name: "pfifo_fast" },
  ],
  [
    "a token bucket, its burst made of ticks",
    `
      00 00 00 00  64 00 00 00  00 00 0f 80  ff ff ff ff  03 00 00 00  # struct tcmsg
      08 00 01 00  74 62 66 00  # TCA_KIND tbf
      2c 00 02 00  # TCA_OPTIONS
        28 00 01 00  # TCA_TBF_PARMS
          00 01 00 00  00 00 00 00  d0 12 13 00  00 00 00 00
          00 00 00 00  00 00 00 00  48 68 02 00  00 40 06 00
          00 00 00 00`,
    { link: 100, kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 32_768, limitBytes: 157_768 },
  ],
  [
    "the place for filters",
    `
      00 00 00 00  64 00 00 00  00 00 ff ff  f1 ff ff ff  01 00 00 00  # struct tcmsg
      0c 00 01 00  69 6e 67 72  65 73 73 00  # TCA_KIND ingress
      04 00 02 00  # TCA_OPTIONS`,
    { link: 100, kind: "ingress" },
  ],
];

describe("listQueues", () => {
  test.for(shownQueues)("%s is read", ([, body, queue]) => {
    expect(listQueues().decode(hex(body))).toEqual(queue);
  });

  test("the kernel lists all links, so the others are passed over here", () => {
    const bodies = shownQueues.map(([, body]) => hex(body));
    expect(bodies.map((body) => listQueues({ link: 100 }).decode(body)?.kind)).toEqual([
      undefined,
      undefined,
      "tbf",
      "ingress",
    ]);
  });
});

describe("listRedirects", () => {
  // A u32 filter is shown as three entries: the filter, its table, and the entry of the table.
  test.for<[what: string, body: string]>([
    [
      "filter",
      `
      00 00 00 00  64 00 00 00  00 00 00 00  00 00 ff ff  00 03 01 00  # struct tcmsg
      08 00 01 00  75 33 32 00  # TCA_KIND u32`,
    ],
    [
      "filter's table",
      `
      00 00 00 00  64 00 00 00  00 00 00 80  00 00 ff ff  00 03 01 00  # struct tcmsg
      08 00 01 00  75 33 32 00  # TCA_KIND u32
      0c 00 02 00  # TCA_OPTIONS
        08 00 04 00  01 00 00 00  # TCA_U32_DIVISOR 1`,
    ],
  ])("the %s says nothing of where to", ([, body]) => {
    expect(listRedirects({ link: 100 }).decode(hex(body))).toBeUndefined();
  });

  test("the table's entry names the link that packets leave by", () => {
    const entry = hex(`
      00 00 00 00  64 00 00 00  00 08 00 80  00 00 ff ff  00 03 01 00  # struct tcmsg
      08 00 01 00  75 33 32 00  # TCA_KIND u32
      e0 00 02 00  # TCA_OPTIONS
        24 00 05 00  # TCA_U32_SEL
          01 00 01 00  00 00 00 00  00 00 00 00  00 00 00 00
          00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        08 00 02 00  00 00 00 80  # TCA_U32_HASH
        08 00 0b 00  08 00 00 00  # TCA_U32_FLAGS
        a8 00 07 00  # TCA_U32_ACT
          a4 00 01 00  # the first action
            0b 00 01 00  6d 69 72 72  65 64 00 00  # TCA_ACT_KIND mirred
            44 00 04 00  # TCA_ACT_STATS
              14 00 01 00  00 00 00 00  00 00 00 00  00 00 00 00
              00 00 00 00  14 00 07 00  00 00 00 00  00 00 00 00
              00 00 00 00  00 00 00 00  18 00 03 00  00 00 00 00
              00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
            08 00 0a 00  00 00 00 00  # TCA_ACT_IN_HW_COUNT
            48 00 02 00  # TCA_ACT_OPTIONS
              20 00 02 00  # TCA_MIRRED_PARMS
                01 00 00 00  00 00 00 00  04 00 00 00  01 00 00 00
                01 00 00 00  01 00 00 00  07 00 00 00
              24 00 01 00  # TCA_MIRRED_TM
                1a 00 00 00  00 00 00 00  1a 00 00 00  00 00 00 00
                00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00`);
    expect(listRedirects({ link: 100 }).decode(entry)).toEqual({ link: 100, to: 7 });
  });

  test("a filter of another kind is passed over, whatever is in it", () => {
    const other = hex(`
      00 00 00 00  64 00 00 00  01 00 00 00  00 00 ff ff  00 03 01 00  # struct tcmsg
      08 00 01 00  62 70 66 00                                       # TCA_KIND bpf
      0c 00 02 00  08 00 05 00  ff ff ff ff                          # TCA_OPTIONS: TCA_BPF_OPS`);
    expect(listRedirects({ link: 100 }).decode(other)).toBeUndefined();
  });
});

describe("what it says after Cannot", () => {
  test.for<[operation: string, request: Request]>([
    [
      "add queue tbf of 1250000 bytes per second on link 5",
      addQueue({ link: 5, kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 1, limitBytes: 1 }),
    ],
    ["replace queue fq_codel on link 5", replaceQueue({ link: 5, kind: "fq_codel" })],
    ["remove the ingress queue of link 5", removeQueue({ link: 5, at: "ingress" })],
    ["redirect what link 5 receives to link 7", addRedirect({ link: 5, to: 7 })],
    ["remove the redirection of what link 5 receives", removeRedirect({ link: 5 })],
    ["list redirections of what link 5 receives", listRedirects({ link: 5 })],
    ["list queues", listQueues()],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});

test("any queue comes back as it was, but for the burst, which only the kernel makes a buffer of", () => {
  const link = fc.integer({ min: 1, max: 0x7fffffff });
  const size = fc.nat(0xffffffff);
  const queue: fc.Arbitrary<Queue> = fc.oneof(
    fc.record(
      {
        link,
        kind: fc.constant("tbf" as const),
        bytesPerSecond: fc.maxSafeNat(),
        burstBytes: fc.constant(0),
        limitBytes: size,
      },
      { noNullPrototype: true },
    ),
    fc.record(
      { link, kind: fc.constant("fq_codel" as const), packetLimit: size, flows: size },
      { requiredKeys: ["link", "kind"], noNullPrototype: true },
    ),
    fc.record({ link, kind: fc.constantFrom("ingress", "clsact", "noqueue") }, { noNullPrototype: true }),
  );
  fc.assert(
    fc.property(queue, (queue) => {
      expect(listQueues().decode(addQueue(queue).body)).toEqual(queue);
    }),
  );
});
