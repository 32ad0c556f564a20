import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { LeaseError } from "../ipam/lease-error.ts";
import { silent } from "../log/log.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { readAgentConfig } from "./config-file.ts";
import { conflistOf } from "./conflist.ts";
import { type Leases, NodeReadiness, type Trouble } from "./node-readiness.ts";

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
    expect(readiness.faults()).toEqual([expect.stringContaining("end of its first work")]);
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
    readiness.passed([{ message: "No uplink: name one", harm: "reach" }]);
    expect(readiness.faults()).toEqual(["No uplink: name one"]);
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.faults()).toEqual([]);
  });

  test("takes nothing that is another node's fault for an obstacle here", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    const ofBeta = "Node beta has no prefix; give it one";
    readiness.passed([{ message: ofBeta, harm: "nothing", elsewhere: true }], conflistWith(columns.dual));
    expect([readiness.faults(), readiness.obstacles()]).toEqual([[ofBeta], []]);
    readiness.failed(new Error("Cannot write /etc/cni/net.d/x: No space left"));
    expect(readiness.obstacles()).toEqual(["Cannot write /etc/cni/net.d/x: No space left"]);
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

describe("NodeReadiness.status()", () => {
  const trouble = (harm: Trouble["harm"]): Trouble => ({ message: `Something is wrong with ${harm}: mend it`, harm });
  const statusAfter = (...troubles: readonly Trouble[]) => {
    const readiness = new NodeReadiness(silent, leasesWith);
    readiness.passed(troubles, conflistWith(columns.dual));
    const { code, details } = readiness.status() ?? {};
    return { code, details };
  };

  test.for<[harms: readonly Trouble["harm"][], code: number | undefined, details: string | undefined]>([
    [[], undefined, undefined],
    [["nothing"], undefined, undefined],
    [["reach", "nothing"], 51, "Something is wrong with reach: mend it"],
    [["attaching"], 50, "Something is wrong with attaching: mend it"],
    [["reach", "attaching"], 50, "Something is wrong with attaching: mend it. Something is wrong with reach: mend it"],
  ])("faults that harm %j give code %s", ([harms, code, details]) => {
    expect(statusAfter(...harms.map(trouble))).toEqual({ code, details });
  });

  test("is good before the first pass, and 51 with the reason and what to do after one that failed", () => {
    const readiness = new NodeReadiness(silent, leasesWith);
    expect(readiness.status()).toBeUndefined();
    readiness.failed(new KernelError({ operation: "add route fd00:2::/64", errno: constants.errno.ENOBUFS }));
    expect(readiness.status()).toMatchObject({
      code: 51,
      details: expect.stringMatching(/^Cannot add route fd00:2::\/64: No buffer space available: .*raise /),
    });
    readiness.passed([], conflistWith(columns.dual));
    expect(readiness.status()).toBeUndefined();
  });
});
