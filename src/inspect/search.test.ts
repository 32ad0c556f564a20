import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { isFound, parseSearch, type Searched } from "./search.ts";

const pod: Searched = {
  pod: { namespace: "default", name: "web-0" },
  addresses: ["2001:db8::1", "10.1.0.2"].map(Address.parse),
  names: ["pods", "hx0123"],
  containerId: "4f1e9a",
};
const node: Searched = {
  addresses: [Address.parse("2001:db8:ffff::2")],
  prefixes: ["2001:db8:0:1::/64", "10.1.0.0/24"].map(Prefix.parse),
  names: ["alpha"],
};

describe("isFound()", () => {
  test.for([
    ["2001:DB8:0::0:1", true],
    ["2001:db8:0000:0000:0000:0000:0000:0001", true],
    ["10.1.0.2", true],
    ["10.1.0.3", false],
    ["2001:db8::/64", true],
    ["10.0.0.0/8", true],
    ["2001:db8:1::/64", false],
    ["default/web-0", true],
    ["other/web-0", false],
    ["web-0", true],
    ["default", true],
    ["hx0123", true],
    ["4f1e", true],
    ["4f1", false],
    ["web", false],
  ] as const)("finds a pod by %s: %s", ([text, found]) => {
    expect(isFound(parseSearch(text), pod)).toBe(found);
  });

  test.for([
    ["alpha", true],
    ["2001:db8:ffff:0::2", true],
    ["2001:db8:0:1::abcd", true],
    ["10.1.0.77", true],
    ["10.1.0.128/25", true],
    ["10.2.0.1", false],
    ["beta", false],
  ] as const)("finds a node by %s: %s", ([text, found]) => {
    expect(isFound(parseSearch(text), node)).toBe(found);
  });
});

test.for([
  ["::ffff:10.1.0.2", "it is IPv4 mapped into IPv6; write 10.1.0.2"],
  ["fe80::1%eth0", "it has a zone id; leave out everything from the % on"],
  ["10.1.0.256", "write four decimal numbers, as in 192.0.2.1"],
  ["10.1.0.1/24", "has host bits set; write 10.1.0.0/24"],
  ["2001:db8::12345", "write it as in 2001:db8::1"],
] as const)("parseSearch() refuses %s, and says why", ([text, why]) => {
  expect(() => parseSearch(text)).toThrow(why);
});
