// Hextet on the lab: real agents route, answer and attach by themselves, and nobody helps by hand.
import { describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";
import { Lab } from "./lab.ts";
import { pingAll } from "./matrix.ts";
import { endpointsOf } from "./report.ts";
import { familySets, type TopologyOptions, wirings } from "./topology.ts";

const dist = build();
const everyKind = wirings.flatMap((wiring) => familySets.map((families) => ({ wiring, families })));

function start(options: Omit<TopologyOptions, "nodes">): Promise<Lab> {
  return Lab.start({ nodes: 3, podsPerNode: 1, build: dist, program: [`${dist}/bin/hextet-agent`], ...options });
}

/** Those who do not reach each other, of everybody or of these. */
async function failuresIn(lab: Lab, endpoints = endpointsOf(lab)): Promise<string[]> {
  const pings = await pingAll(endpoints);
  expect(pings.length).toBeGreaterThanOrEqual(endpoints.length * (endpoints.length - 1));
  return pings.filter(({ reached }) => !reached).map(({ from, to, address }) => `${from} to ${to} at ${address}`);
}

describe("pods, nodes and the host outside reach each other", () => {
  test.for(everyKind)("where nodes route: %o", async (kind) => {
    await using lab = await start(kind);
    expect(await failuresIn(lab)).toEqual([]);
  });

  test.for(familySets)("in racks whose router carries the routes: %s", async (families) => {
    await using lab = await start({ wiring: "racks", families, routedBy: "fabric" });
    expect(await failuresIn(lab)).toEqual([]);
  });
});

test.for(["link", "racks"] as const)("IPv4 pods reach each other over IPv6 alone, %s", async (wiring) => {
  await using lab = await start({ wiring, families: "v4", underlay: "v6" });
  expect(await failuresIn(lab, lab.pods)).toEqual([]);
});

test.for(wirings)("a node that lost its power comes back, and its pods with other addresses: %s", async (wiring) => {
  await using lab = await start({ wiring, families: "dual" });
  const before = lab.pods.find(({ name }) => name === "beta-1");
  const beta = await lab.restart(lab.machine("beta"));
  const after = await lab.addPod(beta, "beta-1");
  expect(after.addresses.map(String)).not.toEqual(before?.addresses.map(String));
  // Its network was on the disk, so that pods are attached before the agent has put the routes back.
  await eventually("everybody reaches everybody again", async () => {
    return (await failuresIn(lab)).length === 0 ? true : undefined;
  });
});
