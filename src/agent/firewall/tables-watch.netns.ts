// What the kernel tells of changes and of dropped packets, as the agent hears it in a namespace of its own.
import { test as base, expect } from "vitest";
import { logGroup } from "../../firewall/dropped.ts";
import { FakeKernel } from "../../kernel/fake.ts";
import { inside } from "../../kernel/inside.ts";
import { linux } from "../../kernel/linux.ts";
import { fresh, type TestNamespace } from "../../kernel/test-namespace.ts";
import { createLog, silent } from "../../log/log.ts";
import { DeniedLog } from "./denied-log.ts";
import { TablesWatch } from "./tables-watch.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("changes by nft and iptables are told with their generation", async ({ node }) => {
  const told: (number | undefined)[] = [];
  using watch = new TablesWatch({ kernel: inside(linux, node), log: silent, onChange: (each) => told.push(each) });
  watch.listen();
  watch.listen();
  const before = watch.generation();
  node.run("nft", "add", "table", "ip6", "other");
  await until(() => told.length === 1);
  expect(told).toEqual([watch.generation()]);
  expect(watch.generation()).toBe((before ?? 0) + 1);
  node.run("ip6tables", "-A", "FORWARD", "-j", "ACCEPT");
  await until(() => told.length > 1);
  expect(told.at(-1)).toBe(watch.generation());
});

test("a kernel without nftables has no generation, which is said once", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  using watch = new TablesWatch({ kernel: new FakeKernel(), log, onChange: () => {} });
  watch.listen();
  watch.listen();
  expect(watch.generation()).toBeUndefined();
  expect(lines).toHaveLength(1);
});

test("a line is written for each dropped packet, so many in a second, and how many more there were", async ({
  node,
}) => {
  const lines: { message: string; packets?: number }[] = [];
  const log = createLog({ write: (line) => lines.push(JSON.parse(line)) });
  using denied = new DeniedLog({
    kernel: inside(linux, node.loopbackUp()),
    log,
    describe: ({ prefix }) => ({ prefix }),
    now: () => 0,
  });
  denied.listen();
  const rule = `add table ip6 t; add chain ip6 t c { type filter hook input priority 0; }; add rule ip6 t c udp dport 9 log prefix "hextet rogue " group ${logGroup} drop`;
  node.run("nft", rule);
  node.run("bash", "-c", "for i in {1..30}; do echo x > /dev/udp/::1/9; done");
  await until(() => lines.some(({ message }) => message === "more packets denied"));
  expect(lines.filter(({ message }) => message === "packet denied")).toHaveLength(20);
  expect(lines.at(-1)).toMatchObject({ message: "more packets denied", packets: 10 });
});

test("where another program has the group, packets are counted only, which is said once until it has gone", async ({
  node,
}) => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const kernel = inside(linux, node);
  const describe = () => ({});
  const other = new DeniedLog({ kernel, log: silent, describe });
  other.listen();
  using denied = new DeniedLog({ kernel, log, describe });
  denied.listen();
  denied.listen();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("Dropped packets are not logged: Cannot receive packets logged to group");
  other[Symbol.dispose]();
  await until(() => {
    denied.listen();
    return lines.length > 1;
  });
  expect(lines[1]).toContain("fault has gone");
});
