import { describe, expect, test } from "vitest";
import { Prefix } from "../../ip/prefix.ts";
import { blocksWithin, rootBlocks, sortedByPrefix } from "./prefix-blocks.ts";

function sorted(...texts: readonly string[]) {
  return sortedByPrefix(texts.map((text) => ({ prefix: Prefix.parse(text) })));
}

function roots(...texts: readonly string[]): readonly string[] {
  return rootBlocks(sorted(...texts)).map(({ prefix, members }) => `${prefix}: ${members.length}`);
}

function blocks(texts: readonly string[]): readonly string[] {
  const found = rootBlocks(sorted(...texts)).flatMap((root) => blocksWithin(root));
  return found.map(({ prefix, members }) => `${prefix}: ${members.length}`);
}

/** `count` prefixes one after the other from this one on. */
function from(text: string, count: number): readonly string[] {
  const first = Prefix.parse(text);
  return Array.from(
    { length: count },
    (_, at) => `${Prefix.of(first.address.plus(first.size * BigInt(at)), first.length)}`,
  );
}

describe("rootBlocks()", () => {
  test.for([
    { title: "nothing", of: [], are: [] },
    { title: "one prefix", of: ["fd00:1::/64"], are: ["fd00:1::/64: 1"] },
    { title: "neighbors", of: ["fd00:1:0:1::/64", "fd00:1:0:2::/64"], are: ["fd00:1::/62: 2"] },
    { title: "IPv4", of: ["10.1.0.0/24", "10.2.0.0/24"], are: ["10.0.0.0/14: 2"] },
    {
      title: "unique local and global ones",
      of: ["fd00:1:0:1::/64", "2001:db8:0:1::/64", "2001:db8:0:2::/64"],
      are: ["2001:db8::/62: 2", "fd00:1:0:1::/64: 1"],
    },
    {
      title: "two private ones of IPv4",
      of: ["192.168.1.0/24", "10.1.0.0/24"],
      are: ["10.1.0.0/24: 1", "192.168.1.0/24: 1"],
    },
    { title: "one that is shorter than a root", of: ["fc00::/7", "fd00:1::/64"], are: ["fc00::/7: 2"] },
    { title: "the same twice", of: ["10.1.0.0/24", "10.1.0.0/24"], are: ["10.1.0.0/24: 2"] },
  ])("of $title: $are", ({ of, are }) => {
    expect(roots(...of)).toEqual(are);
  });
});

describe("blocksWithin()", () => {
  const racks6 = [
    ...from("2001:db8:0:100::/64", 4),
    ...from("2001:db8:0:800::/64", 5),
    ...from("2001:db8:0:c00::/64", 8),
  ];
  const racks4 = [...from("10.1.0.0/24", 4), ...from("10.32.0.0/24", 8)];

  test.for([
    {
      title: "racks of IPv6",
      of: racks6,
      are: ["2001:db8:0:100::/62: 4", "2001:db8:0:800::/61: 5", "2001:db8:0:c00::/61: 8"],
    },
    { title: "racks of IPv4", of: racks4, are: ["10.1.0.0/22: 4", "10.32.0.0/21: 8"] },
    { title: "a few in a row", of: from("fd00:1::/64", 5), are: ["fd00:1::/61: 5"] },
    { title: "256 in a row", of: from("10.0.0.0/24", 256), are: ["10.0.0.0/16: 256"] },
    { title: "512 of IPv4 in a row", of: from("10.0.0.0/24", 512), are: ["10.0.0.0/16: 256", "10.1.0.0/16: 256"] },
    { title: "512 of IPv6 in a row", of: from("fd00::/64", 512), are: ["fd00::/56: 256", "fd00:0:0:100::/56: 256"] },
    { title: "two far apart", of: ["fd00::/64", "fd00:0:ffff::/64"], are: ["fd00::/32: 2"] },
    { title: "one around the others", of: ["fd00::/48", ...from("fd00::/64", 3)], are: ["fd00::/48: 4"] },
  ])("of $title: $are", ({ of, are }) => {
    expect(blocks(of)).toEqual(are);
  });

  test("loses none of 5,000 and groups them by 256 at most", () => {
    const root = rootBlocks(sorted(...from("2001:db8::/64", 5000)))[0];
    const found = root === undefined ? [] : blocksWithin(root);
    expect(found).toHaveLength(20);
    expect(found.flatMap(({ members }) => members)).toEqual(root?.members);
  });
});
