// What the readers make of what programs print and files hold, where no node can be broken to show it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { remediesIn } from "../checks/faults.ts";
import { droppingChains } from "./filter-facts.ts";
import { readControllerManager, readDisk, readMachine, readModules } from "./machine-facts.ts";
import { errorIn, isTooBig } from "./pings.ts";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-doctor-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

describe("ping", () => {
  test.for([
    ["From 2001:db8::1 icmp_seq=1 Time exceeded: Hop limit", "2001:db8::1", "Time exceeded: Hop limit"],
    [
      "From 192.0.2.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)",
      "192.0.2.1",
      "Frag needed and DF set (mtu = 1400)",
    ],
    [
      "From fe80::1%eth0: icmp_seq=2 Destination unreachable: No route",
      "fe80::1%eth0",
      "Destination unreachable: No route",
    ],
    ["ping: local error: message too long, mtu=1400", "", "message too long, mtu=1400"],
  ])("%s", ([output, from, words]) => expect(errorIn(`PING x\n${output}\n`)).toEqual({ from, words }));

  test("nothing is made of silence", () => expect(errorIn("2 packets transmitted, 0 received")).toBeUndefined());

  test.for([
    ["Packet too big: mtu=1400", true],
    ["Frag needed and DF set (mtu = 1400)", true],
    ["message too long, mtu: 1400", true],
    ["Destination unreachable: No route", false],
  ] as const)("too big: %s", ([words, told]) => {
    expect(isTooBig({ answered: false, error: { from: "", words } })).toBe(told);
  });
});

describe("chains that drop what is forwarded", () => {
  const chain = (head: string, ...rules: readonly string[]) =>
    `table inet firewalld {\n\tchain filter_FORWARD {\n\t\t${head}\n${rules.map((rule) => `\t\t${rule}\n`).join("")}\t}\n}\n`;
  const forward = "type filter hook forward priority filter + 10; policy accept;";

  test.for([
    ["a policy", chain("type filter hook forward priority 0; policy drop;"), true],
    [
      "firewalld's last rule",
      chain(forward, "ct state established accept", "reject with icmpx admin-prohibited"),
      true,
    ],
    ["a drop on a condition", chain(forward, "ct state invalid drop"), false],
    ["an exception for pods", chain(forward, 'iifname "hx*" accept', "drop"), false],
    ["another hook", chain("type filter hook input priority 0; policy drop;"), false],
  ] as const)("%s", ([, listed, drops]) => {
    expect(droppingChains("inet firewalld", listed)).toEqual(drops ? ["inet firewalld filter_FORWARD"] : []);
  });
});

describe("the control plane's manifest", () => {
  test("gives the cluster's prefixes and the length of a node's", ({ directory }) => {
    const file = join(directory, "manager.yaml");
    const flags = [
      "--cluster-cidr=2001:db8::/48,10.0.0.0/16",
      "--node-cidr-mask-size-ipv6=64",
      "--node-cidr-mask-size-ipv4=24",
    ];
    writeFileSync(file, flags.map((flag) => `    - ${flag}\n`).join(""));
    const read = readControllerManager(file);
    expect(read?.clusterPrefixes.map(String)).toEqual(["2001:db8::/48", "10.0.0.0/16"]);
    expect(read?.nodeLengths).toEqual({ v6: 64, v4: 24 });
  });

  test("is not there on other nodes", ({ directory }) => {
    expect(readControllerManager(join(directory, "manager.yaml"))).toBeUndefined();
  });
});

describe("modules", () => {
  test("are loaded, built in, or could be loaded", ({ directory }) => {
    for (const path of ["proc", "sys/module/ipv6", "lib/modules/6.12.0"])
      mkdirSync(join(directory, path), { recursive: true });
    writeFileSync(join(directory, "proc/modules"), "veth 40960 0 - Live 0x0000000000000000\n");
    writeFileSync(join(directory, "lib/modules/6.12.0/modules.builtin"), "kernel/net/netfilter/nf_tables.ko\n");
    writeFileSync(
      join(directory, "lib/modules/6.12.0/modules.dep"),
      "kernel/drivers/net/vxlan/vxlan.ko.xz: kernel/net/udp_tunnel.ko.xz\nkernel/net/nft-compat.ko:\n",
    );
    const { present, loadable } = readModules("6.12.0", directory);
    expect([...present]).toEqual(expect.arrayContaining(["veth", "ipv6", "nf_tables"]));
    expect(loadable?.has("vxlan")).toBe(true);
    expect(loadable?.has("nft_compat")).toBe(true);
    expect(readModules("6.13.0", directory).loadable).toBeUndefined();
  });
});

test("the machine's clock and kernel, and the latest of its files", ({ directory }) => {
  const machine = readMachine([directory, join(directory, "none")]);
  expect(machine.release).toMatch(/^\d+\.\d+/);
  expect(machine.bootedAtMs).toBeGreaterThan(0);
  expect(machine.bootedAtMs).toBeLessThanOrEqual(machine.nowMs);
  expect(machine.newestFile?.path).toBe(directory);
});

test("the disk of a directory that is not made yet is that of the next one above", ({ directory }) => {
  const disk = readDisk(join(directory, "a/b"));
  expect(disk).toMatchObject({ directory: join(directory, "a/b"), readOnly: false });
  expect(disk.freeBytes).toBeGreaterThan(0);
});

test.for([
  [
    "no default route; look for it (rdisc6 eth0), or add one by hand: ip -6 route add default via ROUTER dev eth0",
    "ip -6 route add default via ROUTER dev eth0",
  ],
  ["Uplink eth0 is switched off; switch it on: ip link set eth0 up", "ip link set eth0 up"],
] as const)("a fault's own command is its remedy: %s", ([sentence, text]) => {
  expect(remediesIn(sentence)).toEqual([{ kind: "command", text }]);
});

test("a sysctl in a fault is one that --fix can set", () => {
  const sentence = "IPv6 is switched off on uplink eth0.7; switch it on: sysctl -w net/ipv6/conf/eth0.7/disable_ipv6=0";
  expect(remediesIn(sentence)).toEqual([{ kind: "sysctl", name: "net/ipv6/conf/eth0.7/disable_ipv6", value: "0" }]);
});
