import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import type { Request } from "./request.ts";
import { addRule, decodeRule, listRules, type Rule, type RuleAction, removeRule } from "./rule.ts";

describe("requests are those of ip", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip rule add from 10.1.0.0/24 lookup 1000 priority 100 protocol 72",
      addRule({
        family: "v4",
        priority: 100,
        from: Prefix.parse("10.1.0.0/24"),
        action: { kind: "lookup", table: 1000 },
        protocol: 72,
      }),
      `
      20 00 05 06  # RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 00 18 00  00 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 02 00  0a 01 00 00  # FRA_SRC 10.1.0.0
      08 00 0f 00  e8 03 00 00  # FRA_TABLE 1000
      08 00 06 00  64 00 00 00  # FRA_PRIORITY 100
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72`,
    ],
    [
      "ip -6 rule add to fd00::/64 iif hx1 fwmark 0x10/0xff lookup 1000 priority 101 protocol 72",
      addRule({
        family: "v6",
        priority: 101,
        to: Prefix.parse("fd00::/64"),
        inputLink: "hx1",
        mark: { value: 0x10, mask: 0xff },
        action: { kind: "lookup", table: 1000 },
        protocol: 72,
      }),
      `
      20 00 05 06  # RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  00 00 00 01  00 00 00 00  # struct fib_rule_hdr
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # FRA_DST fd00::
      08 00 03 00  68 78 31 00  # FRA_IIFNAME hx1
      08 00 0a 00  10 00 00 00  # FRA_FWMARK 16
      08 00 10 00  ff 00 00 00  # FRA_FWMASK 255
      08 00 0f 00  e8 03 00 00  # FRA_TABLE 1000
      08 00 06 00  65 00 00 00  # FRA_PRIORITY 101
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72`,
    ],
    [
      "ip -6 rule add not from fd77::/64 oif hx1 suppress_prefixlength 0 lookup main priority 102 protocol 72",
      addRule({
        family: "v6",
        priority: 102,
        inverted: true,
        from: Prefix.parse("fd77::/64"),
        outputLink: "hx1",
        suppressPrefixLength: 0,
        action: { kind: "lookup", table: 254 },
        protocol: 72,
      }),
      `
      20 00 05 06  # RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 00 40 00  fe 00 00 01  02 00 00 00  # struct fib_rule_hdr
      14 00 02 00  fd 77 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # FRA_SRC fd77::
      08 00 11 00  68 78 31 00  # FRA_OIFNAME hx1
      08 00 0e 00  00 00 00 00  # FRA_SUPPRESS_PREFIXLEN 0
      08 00 06 00  66 00 00 00  # FRA_PRIORITY 102
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72`,
    ],
    [
      "ip rule add from 10.77.0.0/24 priority 99 protocol 72 blackhole",
      addRule({
        family: "v4",
        priority: 99,
        from: Prefix.parse("10.77.0.0/24"),
        action: { kind: "blackhole" },
        protocol: 72,
      }),
      `
      20 00 05 06  # RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 00 18 00  00 00 00 06  00 00 00 00  # struct fib_rule_hdr
      08 00 02 00  0a 4d 00 00  # FRA_SRC 10.77.0.0
      08 00 06 00  63 00 00 00  # FRA_PRIORITY 99
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72`,
    ],
    [
      "ip rule del from 10.1.0.0/24 lookup 1000 priority 100 protocol 72",
      removeRule({
        family: "v4",
        priority: 100,
        from: Prefix.parse("10.1.0.0/24"),
        action: { kind: "lookup", table: 1000 },
        protocol: 72,
      }),
      `
      21 00 05 00  # RTM_DELRULE, NLM_F_REQUEST | NLM_F_ACK
      02 00 18 00  00 00 00 01  00 00 00 00  # struct fib_rule_hdr; ip leaves the action open
      08 00 02 00  0a 01 00 00  # FRA_SRC 10.1.0.0
      08 00 0f 00  e8 03 00 00  # FRA_TABLE 1000
      08 00 06 00  64 00 00 00  # FRA_PRIORITY 100
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test("a list filters by family", () => {
    expect(sent(listRules({ family: "v6" }), "dump")).toEqual(
      hex("22 00 01 03  0a 00 00 00  00 00 00 00  00 00 00 00"),
    );
  });
});

describe("decodeRule", () => {
  test.for<[what: string, body: string, rule: Rule]>([
    [
      "the kernel's first rule",
      `
      02 00 00 00  ff 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 0f 00  ff 00 00 00  # FRA_TABLE 255
      08 00 0e 00  ff ff ff ff  # FRA_SUPPRESS_PREFIXLEN 4294967295
      05 00 15 00  02 00 00 00  # FRA_PROTOCOL 2`,
      { family: "v4", priority: 0, action: { kind: "lookup", table: 255 }, protocol: 2 },
    ],
    [
      "a rule for a source",
      `
      02 00 18 00  fc 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 0f 00  e8 03 00 00  # FRA_TABLE 1000
      08 00 0e 00  ff ff ff ff  # FRA_SUPPRESS_PREFIXLEN 4294967295
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72
      08 00 06 00  64 00 00 00  # FRA_PRIORITY 100
      08 00 02 00  0a 01 00 00  # FRA_SRC 10.1.0.0`,
      {
        family: "v4",
        priority: 100,
        action: { kind: "lookup", table: 1000 },
        from: Prefix.parse("10.1.0.0/24"),
        protocol: 72,
      },
    ],
    [
      "a rule that refuses",
      `
      02 00 18 00  00 00 00 06  00 00 00 00  # struct fib_rule_hdr
      08 00 0f 00  00 00 00 00  # FRA_TABLE 0
      08 00 0e 00  ff ff ff ff  # FRA_SUPPRESS_PREFIXLEN 4294967295
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72
      08 00 06 00  63 00 00 00  # FRA_PRIORITY 99
      08 00 02 00  0a 4d 00 00  # FRA_SRC 10.77.0.0`,
      { family: "v4", priority: 99, action: { kind: "blackhole" }, from: Prefix.parse("10.77.0.0/24"), protocol: 72 },
    ],
    [
      "a rule for a link, a destination and a mark",
      `
      0a 40 00 00  fc 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 0f 00  e8 03 00 00  # FRA_TABLE 1000
      08 00 0e 00  ff ff ff ff  # FRA_SUPPRESS_PREFIXLEN 4294967295
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72
      08 00 03 00  68 78 31 00  # FRA_IIFNAME hx1
      08 00 06 00  65 00 00 00  # FRA_PRIORITY 101
      08 00 0a 00  10 00 00 00  # FRA_FWMARK 16
      08 00 10 00  ff 00 00 00  # FRA_FWMASK 255
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # FRA_DST fd00::`,
      {
        family: "v6",
        priority: 101,
        action: { kind: "lookup", table: 1000 },
        to: Prefix.parse("fd00::/64"),
        inputLink: "hx1",
        mark: { value: 0x10, mask: 0xff },
        protocol: 72,
      },
    ],
    [
      "a rule that passes over the default route",
      `
      0a 00 40 00  fe 00 00 01  02 00 00 00  # struct fib_rule_hdr
      08 00 0f 00  fe 00 00 00  # FRA_TABLE 254
      08 00 0e 00  00 00 00 00  # FRA_SUPPRESS_PREFIXLEN 0
      05 00 15 00  48 00 00 00  # FRA_PROTOCOL 72
      08 00 11 00  68 78 31 00  # FRA_OIFNAME hx1
      08 00 06 00  66 00 00 00  # FRA_PRIORITY 102
      14 00 02 00  fd 77 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # FRA_SRC fd77::`,
      {
        family: "v6",
        priority: 102,
        action: { kind: "lookup", table: 254 },
        from: Prefix.parse("fd77::/64"),
        outputLink: "hx1",
        inverted: true,
        suppressPrefixLength: 0,
        protocol: 72,
      },
    ],
    [
      "IPv4's `ip rule add from 10.77.0.7/24 to 10.78.0.7/24 lookup 100`, whose host bits the kernel keeps,",
      `
      02 18 18 00  64 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 06 00  63 00 00 00  # FRA_PRIORITY 99
      08 00 01 00  0a 4e 00 07  # FRA_DST 10.78.0.7
      08 00 02 00  0a 4d 00 07  # FRA_SRC 10.77.0.7`,
      {
        family: "v4",
        priority: 99,
        action: { kind: "lookup", table: 100 },
        from: Prefix.parse("10.77.0.0/24"),
        to: Prefix.parse("10.78.0.0/24"),
        protocol: 0,
      },
    ],
    [
      "IPv6's `ip rule add from fd77::7/64 lookup 100`, whose host bits the kernel keeps,",
      `
      0a 00 40 00  64 00 00 01  00 00 00 00  # struct fib_rule_hdr
      08 00 06 00  63 00 00 00  # FRA_PRIORITY 99
      14 00 02 00  fd 77 00 00  00 00 00 00  00 00 00 00  00 00 00 07  # FRA_SRC fd77::7`,
      {
        family: "v6",
        priority: 99,
        action: { kind: "lookup", table: 100 },
        from: Prefix.parse("fd77::/64"),
        protocol: 0,
      },
    ],
  ])("%s is read", ([, body, rule]) => {
    expect(decodeRule(hex(body))).toEqual(rule);
  });
});

test("a list by protocol passes over the kernel's own rules", () => {
  const rule: Rule = { family: "v6", priority: 7, action: { kind: "prohibit" }, protocol: 72 };
  const { body } = addRule(rule);
  expect(listRules({ protocol: 72 }).decode(body)).toEqual(rule);
  expect(listRules({ protocol: 2 }).decode(body)).toBeUndefined();
});

describe("what it says after Cannot", () => {
  test.for<[operation: string, request: Request]>([
    [
      "add IPv6 rule 100: not from fd00::/64 iif hx1 fwmark 0x10/0xff lookup 1000 suppress_prefixlength 0",
      addRule({
        family: "v6",
        priority: 100,
        inverted: true,
        from: Prefix.parse("fd00::/64"),
        inputLink: "hx1",
        mark: { value: 16, mask: 255 },
        action: { kind: "lookup", table: 1000 },
        suppressPrefixLength: 0,
      }),
    ],
    [
      "remove IPv4 rule 5: to 10.0.0.0/8 oif eth0 goto 100",
      removeRule({
        family: "v4",
        priority: 5,
        to: Prefix.parse("10.0.0.0/8"),
        outputLink: "eth0",
        action: { kind: "goto", priority: 100 },
      }),
    ],
    ["list rules", listRules()],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});

test("any rule comes back as it was", () => {
  const u32 = fc.nat(0xffffffff);
  const action: fc.Arbitrary<RuleAction> = fc.oneof(
    u32.map((table) => ({ kind: "lookup" as const, table })),
    u32.map((priority) => ({ kind: "goto" as const, priority })),
    fc.constantFrom("nothing", "blackhole", "unreachable", "prohibit").map((kind) => ({ kind })),
  );
  const rule = fc.constantFrom("v4" as const, "v6" as const).chain((family) => {
    const bits = bitsOf(family);
    const prefix = fc
      .tuple(fc.bigInt(0n, (1n << BigInt(bits)) - 1n), fc.integer({ min: 1, max: bits }))
      .map(([value, length]) => Prefix.around(Address.of(family, value), length));
    const link = fc.stringMatching(/^[a-z0-9]{1,15}$/);
    return fc.record(
      {
        family: fc.constant(family),
        priority: u32,
        action,
        from: prefix,
        to: prefix,
        inputLink: link,
        outputLink: link,
        mark: fc.record({ value: u32, mask: u32 }, { noNullPrototype: true }),
        inverted: fc.constant(true),
        suppressPrefixLength: fc.nat(128),
        protocol: fc.nat(255),
      },
      { requiredKeys: ["family", "priority", "action", "protocol"], noNullPrototype: true },
    );
  });
  fc.assert(
    fc.property(rule, (rule) => {
      expect(decodeRule(addRule(rule).body)).toEqual(rule);
    }),
  );
});
