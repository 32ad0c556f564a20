import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "./address.ts";
import { anyAddress, anyFamily } from "./arbitraries.ts";
import { Prefix } from "./prefix.ts";
import { Range } from "./range.ts";

const address = (text: string) => Address.parse(text);
const range = (prefix: string, first?: string, last?: string) =>
  new Range(
    Prefix.parse(prefix),
    first === undefined ? undefined : address(first),
    last === undefined ? undefined : address(last),
  );

const everywhere = anyFamily().chain((family) => {
  const pair = fc.tuple(anyAddress(family), anyAddress(family));
  return pair.map((ends) => ends.toSorted((one, other) => one.compare(other)));
});
const anyRange = everywhere.map(([first, last]) => new Range(Prefix.everything(first?.family ?? "v6"), first, last));

describe("a range", () => {
  test.for([
    [range("2001:db8::/64"), "2001:db8::-2001:db8::ffff:ffff:ffff:ffff", 1n << 64n],
    [range("2001:db8::/64", "2001:db8::2"), "2001:db8::2-2001:db8::ffff:ffff:ffff:ffff", (1n << 64n) - 2n],
    [range("2001:db8::/64", "2001:db8::2", "2001:db8::2"), "2001:db8::2-2001:db8::2", 1n],
    [range("192.0.2.0/24"), "192.0.2.0-192.0.2.255", 256n],
    [range("192.0.2.0/24", undefined, "192.0.2.9"), "192.0.2.0-192.0.2.9", 10n],
  ] as const)("%s has the text %s and %d addresses", ([one, text, size]) => {
    expect([String(one), JSON.stringify(one), one.size]).toEqual([text, `"${text}"`, size]);
  });

  test.for([
    [() => range("2001:db8::/64", "2001:db8:0:1::"), "2001:db8:0:1:: lies outside 2001:db8::/64"],
    [() => range("2001:db8::/64", undefined, "2001:db7::"), "2001:db7:: lies outside 2001:db8::/64"],
    [() => range("2001:db8::/64", "192.0.2.1"), "192.0.2.1 lies outside 2001:db8::/64"],
    [() => range("192.0.2.0/24", "192.0.3.0"), "192.0.3.0 lies outside 192.0.2.0/24"],
    [() => range("192.0.2.0/24", "192.0.2.9", "192.0.2.8"), "The range 192.0.2.9 to 192.0.2.8 ends before it starts"],
    [() => range("fd00::/64", "fd00::9", "fd00::8"), "The range fd00::9 to fd00::8 ends before it starts"],
  ] as const)("%s is refused: %s", ([make, why]) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(why);
  });

  test("contains both of its ends and not their neighbors", () => {
    const one = range("fd00::/64", "fd00::10", "fd00::20");
    const texts = ["fd00::f", "fd00::10", "fd00::18", "fd00::20", "fd00::21", "192.0.2.1"];
    expect(texts.filter((text) => one.contains(address(text)))).toEqual(["fd00::10", "fd00::18", "fd00::20"]);
  });

  test.for([
    ["fd00::/64", "fd00::10", "fd00::20", -1n],
    ["fd00::/64", "fd00::10", "fd00::20", 17n],
    ["192.0.2.0/24", "192.0.2.1", "192.0.2.254", 254n],
  ] as const)("%s from %s to %s has no address number %d", ([prefix, first, last, offset]) => {
    expect(() => range(prefix, first, last).at(offset)).toThrow(`has no address number ${offset}`);
    expect(() => range(prefix, first, last).at(offset)).toThrow(RangeError);
  });

  test("offsetOf() refuses an address outside it", () => {
    expect(() => range("fd00::/64", "fd00::10").offsetOf(address("fd00::f"))).toThrow("fd00::f lies outside fd00::10-");
  });

  test("at() and offsetOf() are each other's inverse", () => {
    fc.assert(
      fc.property(anyRange, fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (one, number) => {
        const offset = number % one.size;
        expect(one.offsetOf(one.at(offset))).toBe(offset);
        expect(one.contains(one.at(offset))).toBe(true);
      }),
    );
  });

  test("overlaps another exactly when an end of one lies in the other", () => {
    fc.assert(
      fc.property(anyRange, anyRange, (one, other) => {
        const ends = [one.first, one.last].some((end) => other.contains(end));
        const otherEnds = [other.first, other.last].some((end) => one.contains(end));
        expect(one.overlaps(other)).toBe(ends || otherEnds);
        expect(other.overlaps(one)).toBe(one.overlaps(other));
      }),
    );
  });

  test("equals another of the same prefix and ends", () => {
    expect(range("fd00::/64").equals(range("fd00::/64", "fd00::"))).toBe(true);
    expect(range("fd00::/64").equals(range("fd00::/64", "fd00::1"))).toBe(false);
    expect(range("fd00::/64", undefined, "fd00::1").equals(range("fd00::/64"))).toBe(false);
    expect(range("fd00::/64", "fd00::1", "fd00::1").equals(range("fd00::/65", "fd00::1", "fd00::1"))).toBe(false);
  });
});
