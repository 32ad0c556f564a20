import { test as base, describe, expect } from "vitest";
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { openSocket } from "./native.ts";
import { addRule, listRules, type Rule, removeRule } from "./rule.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const source = { v6: Prefix.parse("fd00::/64"), v4: Prefix.parse("10.0.0.0/24") };

function connect(namespace: TestNamespace): Connection {
  return new Connection(openSocket("route", { namespace }));
}

function shown(namespace: TestNamespace, family: Family): unknown[] {
  const all: { readonly protocol: string }[] = JSON.parse(
    namespace.run("ip", family === "v6" ? "-6" : "-4", "-d", "-j", "rule", "show"),
  );
  return all.filter(({ protocol }) => protocol === "72");
}

/** Each of them in both families. */
const rules: [what: string, rule: Omit<Rule, "family" | "from">, withSource: boolean, shown: object][] = [
  ["for a source", { priority: 100, action: { kind: "lookup", table: 1000 } }, true, { priority: 100, table: "1000" }],
  ["for a link", { priority: 100, inputLink: "hx1", action: { kind: "lookup", table: 77 } }, false, { iif: "hx1" }],
  ["for a link", { priority: 100, outputLink: "hx1", action: { kind: "lookup", table: 77 } }, false, { oif: "hx1" }],
  [
    "for a mark",
    { priority: 100, mark: { value: 0x10, mask: 0xff }, action: { kind: "lookup", table: 77 } },
    false,
    { fwmark: "0x10", fwmask: "0xff" },
  ],
  ["that refuses", { priority: 100, action: { kind: "blackhole" } }, true, { action: "blackhole" }],
  ["that refuses", { priority: 100, action: { kind: "unreachable" } }, true, { action: "unreachable" }],
  ["that refuses", { priority: 100, action: { kind: "prohibit" } }, true, { action: "prohibit" }],
  [
    "that passes over the default route",
    { priority: 100, suppressPrefixLength: 0, action: { kind: "lookup", table: 254 } },
    false,
    { suppress_prefixlen: 0 },
  ],
  ["for all others", { priority: 100, inverted: true, action: { kind: "lookup", table: 77 } }, true, { not: null }],
  ["that passes over others", { priority: 100, action: { kind: "goto", priority: 32766 } }, true, { goto: 32766 }],
];

describe.for<Family>(["v6", "v4"])("a rule of IP%s", (family) => {
  test.for(rules)("%s: %j is shown by ip, and read as it was added", ([, rest, withSource, expected], { node }) => {
    using connection = connect(node);
    const rule: Rule = { ...rest, family, protocol: 72, ...(withSource ? { from: source[family] } : {}) };
    connection.execute([addRule(rule)]);
    expect(shown(node, family)).toMatchObject([expected]);
    expect(connection.dump(listRules({ family, protocol: 72 }))).toEqual([rule]);
    expect(() => connection.execute([addRule(rule)])).toThrow(expect.toSatisfy(alreadyExists));
    connection.execute([removeRule(rule)]);
    expect(shown(node, family)).toEqual([]);
    expect(() => connection.execute([removeRule(rule)])).toThrow(expect.toSatisfy(isGone));
  });

  test("for a destination is shown by ip", ({ node }) => {
    using connection = connect(node);
    const action = { kind: "lookup", table: 1000 } as const;
    connection.execute([addRule({ family, priority: 5, to: source[family], action, protocol: 72 })]);
    expect(shown(node, family)).toMatchObject([
      { dst: source[family].address.toString(), dstlen: source[family].length },
    ]);
  });
});
