import { join } from "node:path";
import { test as base, expect } from "vitest";
import { frameSender } from "../kernel/frames.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { Loop, systemClock } from "../reconcile/loop.ts";
import { cleanUpNode } from "./cleanup.ts";
import { type NodeState, nodePass } from "./pass.ts";
import { cluster } from "./sample-cluster.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { freshRacks, passOn, podIn, prefixesOf, type Racks, stacks, wire } from "./test-racks.ts";
import { configure, eventually, pings } from "./test-wires.ts";

const test = base.extend<{ racks: Racks }>({ racks: freshRacks });
const both = stacks["dual-stack"];

test("a part that fails is thrown once all others are done", async ({ racks }) => {
  wire(racks, both);
  configure(racks.alpha, "-6 route add fd00:2::/64 via 2001:db8:a::1 metric 2048");
  const podAddresses = [podIn("2001:db8:a::/64")];
  await expect(passOn(racks, "alpha", { ...both }, { ndpProxy: "on", podAddresses })).rejects.toThrow(
    /^Cannot add route fd00:2::\/64 via fe80::\S+ dev \d+ metric 2048: File already exists/,
  );
  expect(racks.alpha.run("ip", "route", "show", "proto", "72")).toContain("10.1.2.0/24 via 10.1.2.0 dev hextet.vxlan");
  expect(racks.alpha.run("ip", "-6", "neigh", "show", "proxy")).toContain("2001:db8:a::5 dev eth0");
});

test("in a loop: it waits for the cluster, and heals what a link that went down has lost", async ({ racks }) => {
  wire(racks, both);
  await passOn(racks, "beta", { ...both });
  const kernel = inside(linux, racks.alpha);
  const states: NodeState[] = [];
  const failures: unknown[] = [];
  let known = false;
  const pass = nodePass({
    kernel,
    record: SysctlRecord.open(racks.directory, kernel.sysctl()),
    settings: {
      nodeName: "alpha",
      uplink: "auto",
      routing: { mode: "auto", vxlan: { id: 18552, port: 4789 } },
      ndpProxy: "auto",
      mtu: "auto",
    },
    view: () => (known ? cluster({ ...both }) : undefined),
    podAddresses: () => [],
    sendFrames: frameSender(racks.alpha),
    onState: (state) => states.push(state),
  });
  const loop = new Loop({ pass, clock: systemClock, resyncMs: 100, onFailure: (error) => failures.push(error) });
  loop.start();
  const reaches = async () => {
    const answers = prefixesOf(both.beta).map((prefix) => pings(racks.alpha, `${podIn(prefix)}`));
    return (await Promise.all(answers)).every((answer) => answer);
  };
  expect(await reaches()).toBe(false);
  expect(states).toEqual([]);
  known = true;
  loop.lookAgain();
  await eventually(
    () => states.length,
    (count) => count > 0,
  );
  expect(await reaches()).toBe(true);
  configure(racks.alpha, "link set hextet.vxlan down", "link set hextet.vxlan up");
  loop.lookAgain();
  const seen = states.length;
  await eventually(
    () => states.length,
    (count) => count > seen + 1,
  );
  expect(await reaches()).toBe(true);
  await loop.stop();
  expect(failures).toEqual([]);
  expect(states.at(-1)).toMatchObject({ podMtu: 1430, changes: [], faults: [] });
});

test("all that a pass has made can be taken back, and nothing else goes with it", async ({ racks }) => {
  wire(racks, both);
  const { alpha } = racks;
  configure(alpha, "route add 10.1.1.77 dev eth0 proto 72", "-6 neigh add proxy 2001:db8:a::77 dev eth0");
  linux.sysctl(alpha).set("net/ipv6/conf/all/forwarding", "0");
  const look = () =>
    [
      ["ip", "link"],
      ["ip", "address"],
      ["ip", "route", "show", "table", "all"],
      ["ip", "-6", "route", "show", "table", "all"],
      ["ip", "-6", "neigh", "show", "proxy"],
      ["ip", "-4", "neigh", "show", "proxy"],
      ["sysctl", "-a", "-r", "forward|accept_ra|proxy"],
    ]
      .map(([program = "", ...args]) => alpha.run(program, ...args))
      .join("\n")
      .split("\n")
      .filter((line) => !line.includes("vxlan") && !line.includes("expires"));
  const before = look();
  const podAddresses = [podIn("2001:db8:a::/64"), podIn("192.0.2.0/24")];
  await passOn(racks, "alpha", { ...both }, { ndpProxy: "on", podAddresses });
  expect(look()).not.toEqual(before);
  const kernel = inside(linux, alpha);
  const record = () => SysctlRecord.open(join(racks.directory, "alpha"), kernel.sysctl());
  const { changes, sysctls } = await cleanUpNode(kernel, record());
  expect(changes).toHaveLength(7);
  expect(sysctls.every(({ outcome }) => outcome === "restored")).toBe(true);
  expect(look()).toEqual(before);
  expect(alpha.run("ip", "link")).not.toContain("hextet.vxlan");
  expect(await cleanUpNode(kernel, record())).toEqual({ changes: [], sysctls: [] });
});
