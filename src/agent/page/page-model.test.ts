import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import type { NodeStatus } from "../../inspect/status.ts";
import { Address } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { pageModel, printedModel } from "./page-model.ts";

const prefixesOf = { v4: ["10.1.0.0/24"], v6: ["fd00:1::/64"], dual: ["fd00:1::/64", "10.1.0.0/24"] } as const;
type Families = keyof typeof prefixesOf;

function viewOf(families: Families, pods?: readonly string[]): ClusterView {
  const prefixes = prefixesOf[families].map((text) => ({ prefix: Prefix.parse(text), state: "active" as const }));
  const nodes = [{ name: "alpha", addresses: [], prefixes }];
  if (pods === undefined) return { nodes };
  const addresses = pods.map((text) => Address.parse(text));
  const pod = { namespace: "shop", name: "web", labels: {}, addresses, ports: [] };
  return { nodes, policies: { pods: new Map([["shop/web", pod]]), namespaces: new Map(), policies: new Map() } };
}

const status: NodeStatus = {
  version: 1,
  node: "beta",
  cluster: { source: "file", nodes: 1 },
  prefixes: [],
  ranges: [],
  uplinks: [],
  tunnels: [],
  attachments: 0,
  faults: [],
};

function sourcesOf(view: ClusterView | undefined, now: NodeStatus = status) {
  return { view: () => view, status: () => now, mesh: () => undefined, events: () => [] };
}

describe.for(["v4", "v6", "dual"] as const)("%s: pageModel()", (families) => {
  test("has the plan with the pods that are known, and names none of them", () => {
    const model = pageModel(sourcesOf(viewOf(families, ["10.1.0.2", "fd00:1::2"])));
    expect(model.knowsPods).toBe(true);
    const cells = model.plan.families.flatMap(({ roots }) =>
      roots.flatMap(({ blocks }) => blocks.flatMap((each) => each.cells)),
    );
    expect(cells.map(({ prefix, pods }) => [prefix, pods])).toEqual(prefixesOf[families].map((prefix) => [prefix, 1]));
    expect(JSON.stringify(model)).not.toMatch(/shop|web/);
  });

  test("knows how full this node is without any pods", () => {
    const ranges = prefixesOf[families].map((range) => ({
      range,
      size: "254",
      held: 7,
      cooling: 0,
      conflicting: 0,
      free: "247",
    }));
    const model = pageModel(sourcesOf(viewOf(families), { ...status, ranges }));
    expect(model.knowsPods).toBe(false);
    expect(JSON.stringify(model.plan).match(/"pods":7/g)).toHaveLength(ranges.length);
  });
});

describe("printedModel()", () => {
  test("of an unknown cluster is a document without families", () => {
    expect(JSON.parse(printedModel(sourcesOf(undefined))().text)).toEqual({
      status,
      knowsPods: false,
      plan: { families: [] },
      events: [],
    });
  });

  test("is made anew after two seconds, with another tag only where it says something else", () => {
    let [nowMs, made, faults] = [0, 0, ["no uplink"]];
    const now = () => {
      made++;
      return { ...status, faults };
    };
    const print = printedModel({ ...sourcesOf(undefined), status: now }, () => nowMs);
    const first = print();
    nowMs = 1999;
    expect([print(), made]).toEqual([first, 1]);
    nowMs = 2000;
    expect([print().tag, made]).toEqual([first.tag, 2]);
    faults = [];
    nowMs = 4000;
    expect(print().tag).not.toBe(first.tag);
  });
});
