import { describe, expect, test } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { LeaseError } from "../ipam/lease-error.ts";
import { silent } from "../log/log.ts";
import { readAgentConfig } from "./config-file.ts";
import { conflistOf } from "./conflist.ts";
import { type Leases, NodeReadiness } from "./node-readiness.ts";

const config = readAgentConfig("", { file: "agent.yaml", hostName: "alpha" });
const columns = { v4: ["10.1.0.0/24"], v6: ["fd00:1::/64"], dual: ["fd00:1::/64", "10.1.0.0/24"] } as const;
const usage = { size: 254n, held: 3, cooling: 2, conflicting: 1, free: 248n };

function conflistWith(prefixes: readonly string[]) {
  const all = prefixes.map((text) => ({ prefix: Prefix.parse(text), state: "active" as const }));
  return conflistOf(config, all, 1500);
}

function leasesWith(changed: Partial<Leases> = {}): Leases {
  return {
    faultOfWriting: () => undefined,
    capacity: (_, { rangeSets }) => rangeSets.map(() => true),
    usage: (_, { rangeSets }) => rangeSets.map(() => usage),
    ...changed,
  };
}

describe.for(Object.entries(columns))("NodeReadiness, %s", ([, prefixes]) => {
  test("has no fault once a pass wrote the network and every range has room", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    expect(readiness.faults()).toEqual([expect.stringContaining("has not been looked at yet")]);
    readiness.passed([], conflistWith(prefixes));
    expect(readiness.faults()).toEqual([]);
  });

  test("names every range that is full", () => {
    const full = leasesWith({ capacity: (_, { rangeSets }) => rangeSets.map(() => false) });
    const readiness = new NodeReadiness(silent, () => full);
    readiness.passed([], conflistWith(prefixes));
    const expected = prefixes.map((prefix) =>
      expect.stringMatching(new RegExp(`^No address is free in .* of ${prefix}: `)),
    );
    expect(readiness.faults()).toEqual(expected);
  });

  test("tells how full each range is", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    expect(readiness.usage()).toEqual([]);
    readiness.passed([], conflistWith(prefixes));
    expect(readiness.usage()).toEqual(prefixes.map((range) => ({ range, usage })));
  });
});

describe("NodeReadiness", () => {
  test("tells what the last pass found, until one does not find it", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    readiness.passed(["No uplink: name one"]);
    expect(readiness.faults()).toEqual(["No uplink: name one"]);
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.faults()).toEqual([]);
  });

  test("tells why the last pass failed, until one does not", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    readiness.failed(new Error("Cannot write /etc/cni/net.d/x: No space left"));
    expect(readiness.faults()).toEqual(["Cannot write /etc/cni/net.d/x: No space left"]);
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.faults()).toEqual([]);
  });

  test("tells why leases cannot be written, and what to do", () => {
    const fault = new LeaseError("full", "Cannot write leases: No space left", { details: "Free space on its disk" });
    const readiness = new NodeReadiness(silent, () => leasesWith({ faultOfWriting: () => fault }));
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.faults()).toEqual(["Cannot write leases: No space left: Free space on its disk"]);
  });

  test("tells of leases that cannot even be read", () => {
    const broken = leasesWith({
      capacity: () => {
        throw new LeaseError("store", "Cannot look for free addresses: disk I/O error");
      },
    });
    const readiness = new NodeReadiness(silent, () => broken);
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.faults()).toEqual(["Cannot look for free addresses: disk I/O error"]);
  });
});
