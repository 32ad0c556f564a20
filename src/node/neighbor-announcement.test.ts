import { expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { announcementFrame } from "./neighbor-announcement.ts";

const frame = (address: string) =>
  Buffer.from(
    announcementFrame({
      address: Address.parse(address),
      mac: Mac.parse("02:00:5e:10:00:01"),
      from: Address.parse("fe80::5eff:fe10:1"),
    }),
  ).toString("hex");

test("an IPv6 address is announced by a neighbor advertisement to all nodes, with override", () => {
  expect(frame("2001:db8::5")).toBe(
    [
      "333300000001", // destination: the MAC of ff02::1
      "02005e100001", // source
      "86dd", // IPv6
      "60000000", // version 6
      "0020", // payload length 32
      "3a", // ICMPv6
      "ff", // hop limit 255
      "fe8000000000000000005efffe100001", // from
      "ff020000000000000000000000000001", // to
      "88", // neighbor advertisement
      "00",
      "6d3e", // checksum
      "20000000", // override
      "20010db8000000000000000000000005", // target
      "0201", // its link-layer address, in 8 bytes
      "02005e100001",
    ].join(""),
  );
});

test("an IPv4 address is announced by an ARP request about itself", () => {
  expect(frame("192.0.2.5")).toBe(
    [
      "ffffffffffff", // destination: everybody
      "02005e100001", // source
      "0806", // ARP
      "0001", // Ethernet
      "0800", // IPv4
      "0604", // lengths of addresses
      "0001", // request
      "02005e100001", // sender
      "c0000205",
      "000000000000", // target
      "c0000205",
    ].join(""),
  );
});
