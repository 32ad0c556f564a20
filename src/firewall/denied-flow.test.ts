import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { hex } from "../netlink/hex.ts";
import { type DeniedFlow, decodeFlow } from "./denied-flow.ts";

const v6 = { family: "v6", source: Address.parse("fd00::2"), destination: Address.parse("fd00::1") } as const;
const v4 = { family: "v4", source: Address.parse("10.0.0.2"), destination: Address.parse("10.0.0.1") } as const;

const ends6 = `
  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # source fd00::2
  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # destination fd00::1`;
const ends4 = `
  0a 00 00 02  0a 00 00 01  # source 10.0.0.2, destination 10.0.0.1`;
const ports = "13 88 00 35  # ports 5000 and 53";
const portsRead = { sourcePort: 5000, destinationPort: 53 };

/** An IPv6 header whose next header is this, and what is behind it. */
const packet6 = (next: string, rest: string) =>
  hex(`60 0b df ee  00 40 ${next} 40 # version, length, next, hops ${ends6}\n${rest}`);
/** An IPv4 header of so many words with this fragment field and protocol. */
const packet4 = (words: string, fragment: string, protocol: string, rest: string) =>
  hex(
    `4${words} 00 00 54  11 df ${fragment}  40 ${protocol} 2a c8 # version, id, fragment, TTL, protocol, checksum ${ends4}\n${rest}`,
  );

describe("a packet of IPv6", () => {
  test.for<[what: string, packet: Uint8Array, read: Omit<DeniedFlow, "family" | "source" | "destination">]>([
    ["TCP", packet6("06", ports), { protocol: "tcp", ...portsRead }],
    ["UDP", packet6("11", ports), { protocol: "udp", ...portsRead }],
    ["SCTP", packet6("84", ports), { protocol: "sctp", ...portsRead }],
    ["an echo", packet6("3a", "80 00 39 75"), { protocol: "icmp", icmpType: 128, icmpCode: 0 }],
    ["ICMP of the other family", packet6("01", "08 00 39 75"), { protocol: 1 }],
    ["GRE", packet6("2f", "00 00 08 00"), { protocol: 47 }],
    ["no next header", packet6("3b", ""), { protocol: 59 }],
    [
      "TCP behind options, routing, authentication and the first fragment",
      packet6(
        "00",
        `3c 00 05 02  00 00 00 00  # hop-by-hop: router alert
         2b 01 01 0c  00 00 00 00  00 00 00 00  00 00 00 00  # destination options of 16 bytes
         33 00 04 00  00 00 00 00  # routing
         2c 04 00 00  00 00 00 01  00 00 00 01  00 00 00 00  00 00 00 00  00 00 00 00  # authentication of 24 bytes
         06 00 00 01  12 34 56 78  # fragment 0, more to come
         ${ports}`,
      ),
      { protocol: "tcp", ...portsRead },
    ],
    [
      "the second fragment of UDP",
      packet6("2c", `11 00 05 b0  12 34 56 78\n${ports}`),
      { protocol: "udp", laterFragment: true },
    ],
    [
      "the second fragment whose first header was an option",
      packet6("2c", `3c 00 05 b0  12 34 56 78\n${ports}`),
      { protocol: 60, laterFragment: true },
    ],
    ["encrypted", packet6("32", "00 00 00 01  00 00 00 01"), { protocol: 50 }],
    ["TCP cut off before its ports", packet6("06", "13 88 00"), { protocol: "tcp" }],
    ["cut off within an option", packet6("00", "06 00 05 02"), { protocol: 0 }],
    ["options longer than the packet", packet6("3c", "06 ff 00 00  00 00 00 00"), { protocol: "tcp" }],
    ["ICMP cut off before its code", packet6("3a", "80"), { protocol: "icmp" }],
  ])("%s", ([, packet, read]) => {
    expect(decodeFlow(packet)).toEqual({ ...v6, ...read });
  });
});

describe("a packet of IPv4", () => {
  test.for<[what: string, packet: Uint8Array, read: Omit<DeniedFlow, "family" | "source" | "destination">]>([
    ["TCP", packet4("5", "40 00", "06", ports), { protocol: "tcp", ...portsRead }],
    ["UDP", packet4("5", "40 00", "11", ports), { protocol: "udp", ...portsRead }],
    ["SCTP", packet4("5", "40 00", "84", ports), { protocol: "sctp", ...portsRead }],
    ["an echo", packet4("5", "40 00", "01", "08 00 77 e1"), { protocol: "icmp", icmpType: 8, icmpCode: 0 }],
    ["ICMP of the other family", packet4("5", "40 00", "3a", "80 00 39 75"), { protocol: 58 }],
    [
      "UDP behind options",
      packet4("6", "40 00", "11", `94 04 00 00 # router alert\n${ports}`),
      { protocol: "udp", ...portsRead },
    ],
    ["the first fragment of UDP", packet4("5", "20 00", "11", ports), { protocol: "udp", ...portsRead }],
    ["the second fragment of UDP", packet4("5", "20 b9", "11", ports), { protocol: "udp", laterFragment: true }],
    ["the last fragment of UDP", packet4("5", "00 b9", "11", ports), { protocol: "udp", laterFragment: true }],
    ["options longer than the packet", packet4("f", "40 00", "11", ports), { protocol: "udp" }],
    ["a header shorter than itself", packet4("4", "40 00", "11", ports), { protocol: "udp" }],
    ["TCP cut off before its ports", packet4("5", "40 00", "06", "13 88 00"), { protocol: "tcp" }],
  ])("%s", ([, packet, read]) => {
    expect(decodeFlow(packet)).toEqual({ ...v4, ...read });
  });
});

describe("nothing is made of", () => {
  test.for<[what: string, packet: Uint8Array]>([
    ["no bytes", new Uint8Array()],
    ["half an IPv6 header", packet6("06", "").subarray(0, 39)],
    ["half an IPv4 header", packet4("5", "40 00", "06", "").subarray(0, 19)],
    ["another version", hex(`50${" 00".repeat(60)}`)],
  ])("%s", ([, packet]) => {
    expect(decodeFlow(packet)).toBeUndefined();
  });
});

test("whatever the bytes are, and wherever they end, they are read or not, and nothing is thrown", () => {
  const next = fc.constantFrom(0, 1, 6, 17, 43, 44, 50, 51, 58, 60, 132, 135, 139, 140);
  const chain = fc.array(fc.tuple(next, fc.nat(3), fc.uint8Array({ minLength: 6, maxLength: 30 })), { maxLength: 8 });
  const made = fc
    .tuple(next, chain)
    .map(([first, headers]) => [
      ...packet6(first.toString(16).padStart(2, "0"), ""),
      ...headers.flatMap(([protocol, length, rest]) => [protocol, length, ...rest]),
    ]);
  const packet = fc.oneof(
    made.map((bytes) => Uint8Array.from(bytes)),
    fc
      .tuple(fc.constantFrom(0x45, 0x4f, 0x60), fc.uint8Array({ maxLength: 80 }))
      .map(([first, rest]) => Uint8Array.from([first, ...rest])),
  );
  fc.assert(
    fc.property(packet, fc.nat(400), (bytes, end) => {
      const flow = decodeFlow(bytes.subarray(0, end));
      if (flow === undefined) return;
      expect(flow.source.family).toBe(flow.family);
      expect(flow.sourcePort === undefined).toBe(flow.destinationPort === undefined);
      expect(flow.icmpType === undefined).toBe(flow.icmpCode === undefined);
    }),
  );
});
