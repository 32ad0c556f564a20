import { describe, expect, test } from "vitest";
import { Address } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { addressPlan, type PlanInput } from "./address-plan.ts";

type Written = Readonly<Record<string, readonly string[]>>;

/** Nodes with their prefixes, those that are draining with a minus before them. */
function nodesOf(written: Written): PlanInput["nodes"] {
  return Object.entries(written).map(([name, texts]) => ({
    name,
    prefixes: texts.map((text) => ({
      prefix: Prefix.parse(text.replace(/^-/, "")),
      state: text.startsWith("-") ? ("draining" as const) : ("active" as const),
    })),
  }));
}

function planOf(written: Written, pods?: readonly string[], held: Readonly<Record<string, number>> = {}) {
  const podAddresses = pods?.map((text) => Address.parse(text));
  return addressPlan({ nodes: nodesOf(written), podAddresses, held: new Map(Object.entries(held)) });
}

function cellsOf(...given: Parameters<typeof planOf>) {
  return planOf(...given).families.flatMap(({ roots }) =>
    roots.flatMap(({ blocks }) => blocks.flatMap(({ cells }) => cells)),
  );
}

describe("addressPlan()", () => {
  test.for([
    { title: "IPv4-only", prefixes: ["10.1.0.0/24"], are: ["v4 addresses 10.1.0.0/24"] },
    { title: "IPv6-only", prefixes: ["fd00:1::/64"], are: ["v6 fullest fd00:1::/64"] },
    {
      title: "dual-stack",
      prefixes: ["10.1.0.0/24", "fd00:1::/64"],
      are: ["v6 fullest fd00:1::/64", "v4 addresses 10.1.0.0/24"],
    },
  ])("has a column for each family of a cluster that is $title, IPv6 first", ({ prefixes, are }) => {
    const { families } = planOf({ alpha: prefixes });
    expect(
      families.map(({ family, measure, roots }) => `${family} ${measure} ${roots.map(({ prefix }) => prefix)}`),
    ).toEqual(are);
  });

  test("of no nodes is empty", () => {
    expect(planOf({})).toEqual({ families: [] });
    expect(planOf({ alpha: [] })).toEqual({ families: [] });
  });

  test("counts pods where their addresses lie, and not those outside", () => {
    const pods = ["10.1.0.2", "10.1.0.3", "10.2.0.9", "10.3.0.1", "fd00:1::2", "fd00:9::1"];
    const cells = cellsOf({ alpha: ["10.1.0.0/24", "fd00:1::/64"], beta: ["10.2.0.0/24", "fd00:2::/64"] }, pods);
    expect(cells.map(({ prefix, pods: count, full }) => [prefix, count, full])).toEqual([
      ["fd00:1::/64", 1, 1],
      ["fd00:2::/64", 0, 0],
      ["10.1.0.0/24", 2, 0.008],
      ["10.2.0.0/24", 1, 0.004],
    ]);
  });

  test("says nothing of pods where none are known", () => {
    expect(cellsOf({ alpha: ["10.1.0.0/24"] })).toEqual([{ prefix: "10.1.0.0/24", node: "alpha" }]);
  });

  test("takes this node's own leases before the cluster's word", () => {
    const [own, other] = cellsOf({ alpha: ["10.1.0.0/24"], beta: ["10.2.0.0/24"] }, ["10.1.0.2"], {
      "10.1.0.0/24": 64,
    });
    expect([own?.pods, own?.full, other?.pods]).toEqual([64, 0.25, 0]);
  });

  test.for([
    { family: "IPv4", prefixes: ["10.1.0.0/24", "-10.9.0.0/24"] },
    { family: "IPv6", prefixes: ["2001:db8:0:1::/64", "-fd00:1::/64"] },
    { family: "both families", prefixes: ["fd00:1::/64", "-fd00:9::/64", "10.1.0.0/24", "-10.9.0.0/24"] },
  ])("has each of a node's prefixes of $family, and says which are draining", ({ prefixes }) => {
    const cells = cellsOf({ alpha: prefixes });
    expect(cells.map(({ prefix, state }) => (state === undefined ? prefix : `-${prefix}`)).toSorted()).toEqual(
      prefixes.toSorted(),
    );
    expect(cells.every(({ overlaps }) => overlaps === undefined)).toBe(true);
  });

  test.for([
    { family: "IPv4", outer: "10.1.0.0/16", inner: "10.1.7.0/24", pod: "10.1.7.9" },
    { family: "IPv6", outer: "fd00:1::/48", inner: "fd00:1:0:7::/64", pod: "fd00:1:0:7::9" },
  ])("tells of overlaps of $family on both sides, and counts a pod once", ({ outer, inner, pod }) => {
    const cells = cellsOf({ alpha: [outer], beta: [inner] }, [pod]);
    expect(cells).toMatchObject([
      { node: "alpha", pods: 0, overlaps: [`${inner} of beta`] },
      { node: "beta", pods: 1, overlaps: [`${outer} of alpha`] },
    ]);
  });

  test("tells of a prefix that two nodes have, of a few of many, and not of a node's own", () => {
    expect(cellsOf({ alpha: ["10.1.0.0/24"], beta: ["10.1.0.0/24"] }).map(({ overlaps }) => overlaps)).toEqual([
      ["10.1.0.0/24 of beta"],
      ["10.1.0.0/24 of alpha"],
    ]);
    expect(cellsOf({ alpha: ["fd00::/48", "fd00::/64"] }).map(({ overlaps }) => overlaps)).toEqual([
      undefined,
      undefined,
    ]);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`node${at}`, [`10.1.${at}.0/24`]]));
    expect(cellsOf({ alpha: ["10.1.0.0/16"], ...many })[0]?.overlaps).toHaveLength(3);
  });
});
