import { test as base, describe, expect } from "vitest";
import { type Family, families } from "../ip/address.ts";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { openSocket } from "./native.ts";
import { type LoggedPacket, type PacketListener, watchPackets } from "./packet-log.ts";
import type { NetlinkSocket } from "./socket.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const stacks: [name: string, families: readonly Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", families],
];
const loopback = { v6: "::1", v4: "127.0.0.1" } as const;

function logging(node: TestNamespace, ...rules: readonly string[]): void {
  const hooks = ["input", "output"].map((hook) => `add chain inet t ${hook} { type filter hook ${hook} priority 0; }`);
  node.loopbackUp().run("nft", ["add table inet t", ...hooks, ...rules].join("; "));
}

/** One packet that nobody answers, as the node has no port open. */
function send(node: TestNamespace, family: Family, text = "x"): void {
  node.run("bash", "-c", `printf '${text}' > /dev/udp/${loopback[family]}/9`);
}

/** Collects what is told, and fails the test where the log ends. */
function collecting() {
  const packets: LoggedPacket[] = [];
  const lost: number[] = [];
  const listener: PacketListener = {
    onPacket: (packet) => packets.push(packet),
    onLost: (count) => lost.push(count),
    onError: (error) => expect.fail(error.message),
  };
  return { packets, lost, listener };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.for(stacks)("the log of packets, %s:", ([, stack]) => {
  test("a rule's packets are told with its prefix, their links and their first bytes", async ({ node }) => {
    logging(
      node,
      'add rule inet t output meta mark set 5 udp dport 9 log group 7 prefix "out: "',
      'add rule inet t input meta mark set 0 udp dport 9 log group 7 prefix "in: "',
    );
    const { packets, lost, listener } = collecting();
    using socket = openSocket("netfilter", { namespace: node });
    watchPackets(socket, { group: 7, delayMs: 10 }, listener);
    for (const family of stack) send(node, family);
    await until(() => packets.length === 2 * stack.length);
    expect(lost).toEqual([]);
    expect(packets.map(({ payload, ...rest }) => ({ ...rest, version: (payload[0] ?? 0) >> 4 }))).toEqual(
      stack.flatMap((family) => [
        { family, prefix: "out: ", outLink: 1, mark: 5, version: family === "v6" ? 6 : 4 },
        { family, prefix: "in: ", inLink: 1, version: family === "v6" ? 6 : 4 },
      ]),
    );
  });

  test("so many bytes are copied as were asked for, or as the rule says", async ({ node }) => {
    const marker = "a".repeat(200);
    logging(
      node,
      "add rule inet t output udp dport 9 log group 7",
      "add rule inet t output udp dport 9 log group 7 snaplen 48",
    );
    const { packets, listener } = collecting();
    using socket = openSocket("netfilter", { namespace: node });
    watchPackets(socket, { group: 7, copyBytes: 100, delayMs: 10 }, listener);
    for (const family of stack) send(node, family, marker);
    await until(() => packets.length === 2 * stack.length);
    expect(packets.map(({ payload }) => payload.length)).toEqual(stack.flatMap(() => [100, 48]));
  });

  test("iptables' rules log to it too", async ({ node }) => {
    const programs = { v6: "ip6tables", v4: "iptables" } as const;
    node.loopbackUp();
    for (const family of stack) {
      const rule = ["-p", "udp", "-j", "NFLOG", "--nflog-group", "7", "--nflog-prefix", "denied: "];
      node.run(programs[family], "-A", "OUTPUT", ...rule);
    }
    const { packets, listener } = collecting();
    using socket = openSocket("netfilter", { namespace: node });
    watchPackets(socket, { group: 7, delayMs: 10 }, listener);
    for (const family of stack) send(node, family);
    await until(() => packets.length === stack.length);
    expect(packets).toMatchObject(stack.map((family) => ({ family, prefix: "denied: ", outLink: 1 })));
  });

  test("packets that did not fit are counted, and the log goes on", async ({ node }) => {
    logging(node, "add rule inet t output udp dport 9 counter log group 7");
    const { packets, lost, listener } = collecting();
    using socket = openSocket("netfilter", { namespace: node, receiveBufferBytes: 4096 });
    watchPackets(socket, { group: 7, delayMs: 10 }, listener);
    // Until this returns nothing is received. Every other one is refused, as the port was told to be closed.
    for (const family of stack) {
      const file = `/dev/udp/${loopback[family]}/9`;
      node.run("bash", "-c", `exec 3>${file}; for i in {1..2000}; do printf x >&3 || :; done`);
    }
    await until(() => packets.length > 0);
    send(node, stack[0] ?? "v6");
    const sent = Number(/packets (\d+)/.exec(node.run("nft", "list ruleset"))?.[1]);
    await until(() => packets.length + lost.reduce((sum, one) => sum + one, 0) === sent);
    expect(sent).toBeGreaterThan(1000);
    expect(lost.length).toBeGreaterThan(0);
  });
});

describe("a group", () => {
  function open(node: TestNamespace): NetlinkSocket {
    return openSocket("netfilter", { namespace: node });
  }

  test("belongs to one socket until that is closed", async ({ node }) => {
    const { listener } = collecting();
    const first = open(node);
    using second = open(node);
    watchPackets(first, { group: 7 }, listener);
    const bind = () => watchPackets(second, { group: 7 }, listener);
    expect(bind).toThrow("another socket has this group");
    first[Symbol.dispose]();
    const bound = () => node.run("cat", "/proc/self/net/netfilter/nfnetlink_log").trim() !== "";
    await until(() => !bound());
    bind();
    expect(bound()).toBe(true);
  });

  test("is that of one namespace, and its packets are for no other group", async ({ node }) => {
    logging(node, "add rule inet t output udp dport 9 log group 8", "add rule inet t output udp dport 9 log group 7");
    using elsewhere = TestNamespace.create();
    const here = collecting();
    const other = collecting();
    using socket = open(node);
    using away = open(elsewhere);
    watchPackets(socket, { group: 7, delayMs: 10 }, here.listener);
    watchPackets(away, { group: 7, delayMs: 10 }, other.listener);
    send(node, "v6");
    await until(() => here.packets.length > 0);
    expect([here.packets.length, other.packets.length]).toEqual([1, 0]);
  });
});
