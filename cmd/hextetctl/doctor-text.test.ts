import { expect, test } from "vitest";
import type { Diagnosis } from "../../src/doctor/diagnosis.ts";
import { type Check, command, problem, sysctl, warning } from "../../src/doctor/finding.ts";
import { describeDiagnosis, describeMended, valueOf } from "./doctor-text.ts";

const check = (id: string): Check => ({ id, why: "a node that does not forward drops every packet", look: () => [] });
const broken: Diagnosis = {
  findings: [
    {
      check: check("forwarding"),
      ...problem("net/ipv6/conf/all/forwarding is 0", sysctl("net/ipv6/conf/all/forwarding", 1)),
    },
    { check: check("gateway"), ...warning("fe80::1 is silent", command("ip -6 neigh"), command("ip -6 route")) },
  ],
  well: ["mtu", "clock"],
  unseen: [
    { id: "inotify", why: "run it as root" },
    { id: "database", why: "run it as root" },
  ],
};

test("people see problems first, each with what was seen, why it matters and what to do, and one line for what is well", () => {
  expect(describeDiagnosis(broken, { colored: false })).toBe(`PROBLEM  forwarding
  seen  net/ipv6/conf/all/forwarding is 0
  why   a node that does not forward drops every packet
  do    sysctl -w net/ipv6/conf/all/forwarding=1   (doctor --fix does it)

WARNING  gateway
  seen  fe80::1 is silent
  why   a node that does not forward drops every packet
  do    ip -6 neigh
        ip -6 route

not seen  inotify, database: run it as root

well  mtu, clock

1 problem, 1 warning, 2 checks found nothing, 2 could not look`);
});

test("colors are for terminals alone", () => {
  const escape = String.fromCodePoint(27);
  expect(describeDiagnosis(broken, { colored: true })).toContain(`${escape}[31mPROBLEM${escape}[39m`);
  expect(describeDiagnosis(broken, { colored: false })).not.toContain(escape);
});

test("programs see the same with commands, and which are safe", () => {
  expect(valueOf(broken)).toEqual({
    findings: [
      {
        id: "forwarding",
        severity: "problem",
        seen: "net/ipv6/conf/all/forwarding is 0",
        why: "a node that does not forward drops every packet",
        remedies: [{ command: "sysctl -w net/ipv6/conf/all/forwarding=1", safe: true }],
      },
      {
        id: "gateway",
        severity: "warning",
        seen: "fe80::1 is silent",
        why: "a node that does not forward drops every packet",
        remedies: [
          { command: "ip -6 neigh", safe: false },
          { command: "ip -6 route", safe: false },
        ],
      },
    ],
    well: ["mtu", "clock"],
    unseen: broken.unseen,
  });
});

test("what was mended is told with what was not", () => {
  const text = describeMended([{ command: "chmod 600 a" }, { command: "sysctl -w b=1", failure: "read-only" }], {
    colored: false,
  });
  expect(text).toBe("done    chmod 600 a\nfailed  sysctl -w b=1: read-only");
});
