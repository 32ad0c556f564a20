import { describe, expect, test } from "vitest";
import { parseOptions, usage } from "./options.ts";

describe("parseOptions()", () => {
  test("without arguments measures ADD and DEL of dual-stack pods, one at a time", () => {
    expect(parseOptions([])).toMatchObject({
      bench: "attach",
      families: ["dual"],
      samples: 100,
      pods: [0],
      parallel: 1,
      round: 10,
      only: [],
    });
  });

  test("reads lists", () => {
    const { families, pods, only } = parseOptions(["--family", "v6,v4", "--pods=0,100,500", "--only", "floor,agent"]);
    expect({ families, pods, only }).toEqual({
      families: ["v6", "v4"],
      pods: [0, 100, 500],
      only: ["floor", "agent"],
    });
  });

  test("a burst is 200 pods in one round, 16 at a time", () => {
    expect(parseOptions(["attach", "--burst"])).toMatchObject({ samples: 200, round: 200, parallel: 16 });
  });

  test("a burst can be another one", () => {
    expect(parseOptions(["--burst", "--samples", "20", "--parallel", "4"])).toMatchObject({ samples: 20, parallel: 4 });
  });

  test.for([
    ["routes", { nodes: [5000], samples: 5 }],
    ["agent", { nodes: [10, 5000], restSeconds: 10, churn: 20 }],
    ["ipam", { leases: [1000, 1_000_000], samples: 100 }],
    ["policy", { pods: [10_000], policies: 1000, here: 200, samples: 5, backends: ["nftables", "iptables"] }],
    ["datapath", { policies: 300, seconds: 1, samples: 5, backends: ["nftables", "iptables"] }],
  ] as const)("%s has its own defaults", ([bench, expected]) => {
    expect(parseOptions([bench])).toMatchObject({ bench, ...expected });
  });

  test.for([
    [["attch"], 'There is no bench "attch"; there are attach, ipam, routes, agent, policy, datapath'],
    [["attach", "ipam"], "One bench at a time: leave out ipam"],
    [["--family", "v5"], '--family: "v5" is not one of v4, v6, dual'],
    [["--samples", "0"], '--samples: "0" is not a number from 1 to 100000'],
    [["--pods", "1,"], '--pods: "" is not a number from 0 to 100000'],
    [["--parallel", "33"], '--parallel: "33" is not a number from 1 to 32'],
    [["--nodes", "1e3"], '--nodes: "1e3" is not a number from 1 to 20000'],
    [["policy", "--backend", "pf"], '--backend: "pf" is not one of nftables, iptables, iptables-nft, iptables-legacy'],
    [["--sample", "1"], "Unknown option '--sample'"],
  ] as const)("%j is refused", ([args, message]) => {
    expect(() => parseOptions(args)).toThrow(message);
    expect(() => parseOptions(args)).toThrow(TypeError);
  });
});

test("usage tells of every option", () => {
  const known = Object.keys(parseOptions([]));
  expect(known).not.toHaveLength(0);
  for (const name of [
    "family",
    "samples",
    "json",
    "against",
    "pods",
    "parallel",
    "burst",
    "only",
    "reference",
    "profile",
  ])
    expect(usage).toContain(`--${name}`);
  for (const name of ["leases", "nodes", "rest", "churn", "policies", "here", "backend", "seconds", "help"])
    expect(usage).toContain(`--${name}`);
});
