import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { ConfigError } from "./config-error.ts";
import { closedObject, objectWithOthers, oneError, openObject, parse } from "./parse.ts";
import { address, integer, interfaceName, mac, prefix } from "./values.ts";

const schema = closedObject({
  gateway: v.exactOptional(address()),
  mac: v.exactOptional(mac()),
  mode: v.optional(v.picklist(["routed", "bridge"]), "routed"),
  ranges: v.array(v.array(closedObject({ subnet: prefix() }))),
  mtu: v.exactOptional(integer(1280, 65535)),
  uplink: v.exactOptional(interfaceName()),
});

function faultOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parse()", () => {
  test("gives values, defaults and nothing for what is absent", () => {
    expect(parse(schema, { gateway: "fe80::1", ranges: [] })).toEqual({
      gateway: Address.parse("fe80::1"),
      mode: "routed",
      ranges: [],
    });
  });

  test("freezes what it gives, down to the last list", () => {
    const value = parse(schema, { ranges: [[{ subnet: "fd00::/64" }]] });
    expect([value, value.ranges, value.ranges[0], value.ranges[0]?.[0]].every(Object.isFrozen)).toBe(true);
  });

  test.for([
    [{ ranges: [[], [{ subnet: "fd00::1/64" }]] }, "ranges[1][0].subnet", "host bits set; write fd00::/64"],
    [{ ranges: [[{ subnet: "10.0.0.1/24" }]] }, "ranges[0][0].subnet", "host bits set; write 10.0.0.0/24"],
    [{ ranges: [[{}]] }, "ranges[0][0].subnet", "it is missing"],
    [{ ranges: [[{ subnett: 1, subnet: "::/0" }]] }, "ranges[0][0].subnett", "did you mean subnet"],
    [{ ranges: {} }, "ranges", "an object is not a list"],
    [{ ranges: [[], 5] }, "ranges[1]", "5 is not a list"],
    [{ ranges: [], mode: "rooted" }, "mode", '"rooted" is not "routed" or "bridge"; did you mean routed'],
    [{ ranges: [], mode: true }, "mode", 'true is not "routed" or "bridge"'],
    [{ ranges: [], mtu: 1279 }, "mtu", "1279 is not a whole number from 1280 to 65535"],
    [{ ranges: [], mtu: 1500.5 }, "mtu", "1500.5 is not a whole number from 1280 to 65535"],
    [{ ranges: [], mtu: "1500" }, "mtu", '"1500" is not a number'],
    [{ ranges: [], gateway: "fe80::1%eth0" }, "gateway", "it has a zone id"],
    [{ ranges: [], gateway: 6 }, "gateway", "6 is not a string"],
    [{ ranges: [], mac: "02:00" }, "mac", "write six bytes"],
    [{ ranges: [], colour: 1 }, "colour", "known are gateway, mac, mode, mtu, ranges, uplink"],
    [[], "", "a list is not an object"],
    [null, "", "null is not an object"],
    ["text", "", '"text" is not an object'],
    [undefined, "", "nothing is not an object"],
  ] as const)("refuses %j and names %s", ([input, path, words]) => {
    const fault = faultOf(() => parse(schema, input));
    expect(fault.path).toBe(path);
    expect(fault.message).toContain(words);
    expect(fault.message.startsWith(path)).toBe(true);
  });

  test("names the path of the part it was given: ipam.ranges[0][0].subnet", () => {
    const fault = faultOf(() => parse(schema, { ranges: [[{ subnet: "x/1" }]] }, "ipam"));
    expect(fault.path).toBe("ipam.ranges[0][0].subnet");
  });

  test('quotes a key that is no plain word: args["a.b"]', () => {
    const labels = v.object({ args: v.record(v.string(), v.string()) });
    expect(faultOf(() => parse(labels, { args: { "a.b": 1 } })).path).toBe('args["a.b"]');
  });

  test("reports all faults in one error, in the order of the schema after unknown keys", () => {
    const fault = faultOf(() => parse(schema, { modes: 1, mode: "x", mtu: 1, ranges: [[{ subnet: 1 }, {}]] }));
    expect(fault.path).toBe("");
    expect(fault.message).toMatch(/^5 faults: modes: .*; mode: .*; ranges\[0\]\[0\].subnet: .*subnet: .*; mtu: /);
    const { cause } = fault;
    expect(cause instanceof AggregateError ? cause.errors.length : 0).toBe(5);
  });

  test("shortens a value of a million letters", () => {
    expect(faultOf(() => parse(schema, { ranges: [], mode: "x".repeat(1e6) })).message.length).toBeLessThan(200);
  });
});

describe("openObject()", () => {
  const open = openObject({ mode: v.string() });

  test("leaves unknown keys out", () => {
    expect(parse(open, { mode: "routed", colour: "red" })).toEqual({ mode: "routed" });
  });

  test("takes no list for an object", () => {
    expect(faultOf(() => parse(open, [])).message).toBe("a list is not an object");
  });
});

describe("objectWithOthers()", () => {
  const handedOn = objectWithOthers({ name: v.string(), mtu: v.exactOptional(integer(1280, 65535)) });

  test("keeps what it does not know in `others`, as it came", () => {
    expect(parse(handedOn, { name: "eth0", vlan: [7] })).toEqual({ name: "eth0", others: { vlan: [7] } });
  });

  test("has no `others` where it knows all", () => {
    expect(parse(handedOn, { name: "eth0" })).toEqual({ name: "eth0" });
  });

  test("knows only the keys it is told to know", () => {
    const older = objectWithOthers({ name: v.string(), mtu: v.exactOptional(integer(1280, 65535)) }, ["name"]);
    expect(parse(older, { name: "eth0", mtu: "any" })).toEqual({ name: "eth0", others: { mtu: "any" } });
  });

  test.for([
    [{ mtu: 1 }, "2 faults: name: it is missing; mtu: 1 is not a whole number from 1280 to 65535"],
    [[], "a list is not an object"],
  ] as const)("finds the faults of %j", ([input, message]) => {
    expect(faultOf(() => parse(handedOn, input)).message).toBe(message);
  });
});

describe("oneError()", () => {
  test("gives the only fault itself", () => {
    const fault = new ConfigError("a", "wrong");
    expect(oneError([fault])).toBe(fault);
  });

  test("lists the faults of an error that lists faults, not a list in a list", () => {
    const two = oneError([new ConfigError("a", "wrong"), new ConfigError("b", "wrong")]);
    expect(oneError([two, new ConfigError("c", "wrong")]).message).toBe("3 faults: a: wrong; b: wrong; c: wrong");
  });

  test("refuses to report no fault at all", () => {
    expect(() => oneError([])).toThrow(RangeError);
  });
});
