import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { applyForwarding } from "./forwarding.ts";
import type { Host } from "./host.ts";
import { ipv6On, link, route } from "./sample-host.ts";
import { SampleSysctl } from "./sample-sysctl.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { findUplinks } from "./uplink.ts";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-forwarding-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const host: Host = {
  links: [link(1, "lo"), link(2, "eth0"), link(3, "eth1")],
  addresses: [],
  routes: [
    route("::/0", { via: "fe80::1", link: 2, protocol: 9, priority: 1024 }),
    route("0.0.0.0/0", { via: "192.0.2.1", link: 2 }),
  ],
};
const uplinks = findUplinks(host, { uplink: "auto", prefixes: [Prefix.parse("fd00:1::/64")] }, () => ipv6On());

/** A host that does not forward and hears router advertisements on all links. */
function node(more: Readonly<Record<string, string>> = {}): SampleSysctl {
  const values = ["all", "default", "lo", "eth0", "eth1"].flatMap((name) => [
    [`net/ipv6/conf/${name}/forwarding`, "0"],
    [`net/ipv4/conf/${name}/forwarding`, "0"],
    [`net/ipv6/conf/${name}/accept_ra`, "1"],
  ]);
  return new SampleSysctl({ ...Object.fromEntries(values), ...more });
}

function apply(sysctl: SampleSysctl, directory: string, families: readonly Family[] = ["v4", "v6"]) {
  return applyForwarding(sysctl, SysctlRecord.open(directory, sysctl), { families, host, uplinks, heard: new Set() });
}

const ipv6Writes = [
  "net/ipv6/conf/eth0/accept_ra=2",
  "net/ipv6/conf/all/forwarding=1",
  "net/ipv6/conf/default/forwarding=1",
  "net/ipv6/conf/eth0/forwarding=1",
];
const ipv4Writes = [
  "net/ipv4/conf/all/forwarding=1",
  "net/ipv4/conf/default/forwarding=1",
  "net/ipv4/conf/eth0/forwarding=1",
];

describe("applyForwarding()", () => {
  test.for<[name: string, families: Family[], writes: string[]]>([
    ["IPv4-only", ["v4"], ipv4Writes],
    ["IPv6-only", ["v6"], ipv6Writes],
    ["dual-stack", ["v4", "v6"], [...ipv6Writes, ...ipv4Writes]],
    ["no prefix yet", [], []],
  ])(
    "%s: accept_ra comes first, other links keep theirs, a second time nothing is written",
    ([, families, writes], { directory }) => {
      const sysctl = node();
      const report = apply(sysctl, directory, families);
      expect(sysctl.writes).toEqual(writes);
      expect(report.faults).toEqual([]);
      expect(report.changes).toHaveLength(writes.length);
      expect(apply(sysctl, directory, families).changes).toEqual([]);
      expect(sysctl.writes).toEqual(writes);
    },
  );

  test.for([
    ["net/ipv6/conf/eth0/accept_ra", "1"],
    ["net/ipv6/conf/eth0/accept_ra", "0"],
    ["net/ipv6/conf/eth0/forwarding", "0"],
    ["net/ipv6/conf/default/forwarding", "0"],
    ["net/ipv4/conf/all/forwarding", "0"],
    ["net/ipv4/conf/eth0/forwarding", "0"],
  ] as const)("heals %s that was reset to %s", ([name, value], { directory }) => {
    const sysctl = node();
    apply(sysctl, directory);
    const right = sysctl.get(name);
    sysctl.values.set(name, value);
    expect(apply(sysctl, directory).changes).toEqual([`sysctl ${name} ${value} -> ${right}`]);
    expect(sysctl.get(name)).toBe(right);
  });

  test("forwarding of 2, which some write for a host that also solicits routers, is forwarding", ({ directory }) => {
    const sysctl = node();
    apply(sysctl, directory);
    sysctl.values.set("net/ipv6/conf/all/forwarding", "2");
    expect(apply(sysctl, directory).changes).toEqual([]);
  });

  test("IPv6 does not forward where accept_ra cannot be set; IPv4 does", ({ directory }) => {
    const sysctl = node();
    sysctl.refused.set("net/ipv6/conf/eth0/accept_ra", "EACCES");
    expect(apply(sysctl, directory).faults).toEqual([
      {
        code: "sysctl-refused",
        message:
          "Cannot set sysctl net/ipv6/conf/eth0/accept_ra to 2: Permission denied; " +
          "run the agent as root with CAP_NET_ADMIN on the host's network, " +
          "or set it on the host: sysctl -w net/ipv6/conf/eth0/accept_ra=2",
      },
    ]);
    expect(sysctl.writes).toEqual(ipv4Writes);
  });

  test("a /proc/sys that is read-only is named with the fix, for each family", ({ directory }) => {
    const sysctl = node({ "net/ipv6/conf/eth0/accept_ra": "2" });
    sysctl.refused.set("net/ipv6/conf/all/forwarding", "EROFS").set("net/ipv4/conf/all/forwarding", "EROFS");
    expect(apply(sysctl, directory).faults.map(({ message }) => message)).toEqual(
      ["ipv6", "ipv4"].map(
        (family) =>
          `Cannot set sysctl net/${family}/conf/all/forwarding to 1: Read-only file system; ` +
          "give the agent a writable /proc/sys, as a privileged container on the host's network has, " +
          `or set it on the host: sysctl -w net/${family}/conf/all/forwarding=1`,
      ),
    );
  });

  test("records what was there, also of a link that forwarded before all did", ({ directory }) => {
    const sysctl = node({ "net/ipv4/conf/eth1/forwarding": "1" });
    apply(sysctl, directory);
    SysctlRecord.open(directory, sysctl).restore(sysctl);
    expect(Object.fromEntries(sysctl.values)).toEqual(
      Object.fromEntries(node({ "net/ipv4/conf/eth1/forwarding": "1" }).values),
    );
  });
});
