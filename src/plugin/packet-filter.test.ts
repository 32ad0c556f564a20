import { expect, test } from "vitest";
import { FakeKernel } from "../kernel/fake.ts";
import { silent } from "../log/log.ts";
import { openPacketFilter } from "./packet-filter.ts";

const host = () => ({ kernel: new FakeKernel(), log: silent, ruleset: "hextet-hp" });

test.for<["auto" | "nftables" | "iptables", string | undefined, string]>([
  ["nftables", undefined, "nftables"],
  ["nftables", "iptables-legacy", "nftables"],
  ["auto", "nftables", "nftables"],
  ["auto", "iptables-legacy", "iptables-legacy"],
  ["iptables", "iptables", "iptables"],
])("where %s is set, and %s has the rules, it is %s without a look at the host", async ([setting, used, name]) => {
  expect((await openPacketFilter({ ...host(), setting, used })).name).toBe(name);
});

test.for<["auto" | "iptables", string | undefined, RegExp]>([
  ["auto", undefined, /^Cannot find a firewall backend: .*install the Debian package nftables.*package iptables/],
  ["iptables", "nftables", /install the Debian package iptables/],
])("where %s is set on a host without any, the error says what to install", async ([setting, used, message]) => {
  await expect(openPacketFilter({ ...host(), setting, used })).rejects.toThrow(message);
});
