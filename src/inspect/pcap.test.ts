import { expect, test } from "vitest";
import { pcapHeader, pcapPacket } from "./pcap.ts";

test("a file begins with what libpcap writes", () => {
  const parts = [
    "d4c3b2a1", // magic, little-endian
    "02000400", // version 2.4
    "00000000", // zone
    "00000000", // accuracy
    "00000400", // 262144 bytes at most
    "01000000", // Ethernet
  ];
  expect(Buffer.from(pcapHeader(262_144)).toString("hex")).toBe(parts.join(""));
});

test.for([
  [262_144, "04000000", "deadbeef"],
  [2, "02000000", "dead"],
] as const)("a packet has its time, what is kept of it and its whole length: %i", ([snapLength, length, kept]) => {
  const packet = pcapPacket(Uint8Array.of(0xde, 0xad, 0xbe, 0xef), 1_700_000_000_250.5, snapLength);
  const parts = [
    "00f15365", // 1,700,000,000 s
    "84d20300", // 250,500 us
    length,
    "04000000",
    kept,
  ];
  expect(Buffer.from(packet).toString("hex")).toBe(parts.join(""));
});
