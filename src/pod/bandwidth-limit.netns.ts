import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { removeIdleLimits } from "./bandwidth-limit.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { limitLinkOf } from "./identity.ts";
import { removeOrphans } from "./orphans.ts";
import { bridge, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { freshNode, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; pod: TestNamespace; other: TestNamespace }>({
  node: freshNode,
  pod: fresh,
  other: fresh,
});

const modes = [routed, bridge];
const cases = modes.flatMap((mode) => stacks.map((stack) => ({ mode, stack })));
const dual = severalOfEach;

/** A megabyte a second. */
const rate = { bitsPerSecond: 8_000_000 };
const sentBytes = 300_000;
/** What the bucket holds at first, and some for what waits in it, passes at once. */
const leastMs = ((sentBytes - 150_000) / 1_000_000) * 1000;
/** On a busy machine what nothing holds back may take long as well, but not every time. */
const patience = { timeout: 20_000 };

const receive =
  "require('net').createServer(s => s.on('data', () => {}).on('end', () => s.end('done'))).listen(9000, () => console.log('up'))";
const send =
  "const [h] = process.argv.slice(1), n = require('net'), t = Date.now();" +
  `const s = n.connect(9000, h, () => s.end(Buffer.alloc(${sentBytes})));` +
  "s.on('data', () => console.log(Date.now() - t))";

async function receiverIn(namespace: TestNamespace): Promise<ChildProcess & AsyncDisposable> {
  const child = spawn("nsenter", [`--net=${namespace.path}`, process.execPath, "-e", receive], { stdio: "pipe" });
  await once(child.stdout, "data");
  const end = async () => {
    child.kill("SIGKILL");
    await once(child, "close");
  };
  return Object.assign(child, { [Symbol.asyncDispose]: end });
}

function millisecondsTo(address: string, from: TestNamespace): number {
  return Number(from.run(process.execPath, "-e", send, address));
}

describe("a limit", () => {
  test.for(cases)(
    "$mode.kind, $stack.name: on what the pod receives holds back that, and not what it sends",
    { timeout: 30_000 },
    async ({ mode, stack }, { node, pod }) => {
      const network = sample(2, stack, { mode, bandwidth: { toPod: rate } });
      await attach(node.kernel, network, pod.path);
      await using _inPod = await receiverIn(pod);
      await using _onNode = await receiverIn(node.namespace);
      for (const family of stack.families) {
        const address = network.addresses.find((one) => one.address.family === family)?.address.address;
        expect(millisecondsTo(String(address), node.namespace)).toBeGreaterThan(leastMs);
        await expect.poll(() => millisecondsTo(node.addresses[family], pod), patience).toBeLessThan(leastMs);
      }
    },
  );

  test.for(cases)(
    "$mode.kind, $stack.name: on what the pod sends holds back that, and not what it receives",
    { timeout: 30_000 },
    async ({ mode, stack }, { node, pod }) => {
      const network = sample(2, stack, { mode, bandwidth: { fromPod: rate } });
      await attach(node.kernel, network, pod.path);
      await using _inPod = await receiverIn(pod);
      await using _onNode = await receiverIn(node.namespace);
      for (const family of stack.families) {
        const address = network.addresses.find((one) => one.address.family === family)?.address.address;
        expect(millisecondsTo(node.addresses[family], pod)).toBeGreaterThan(leastMs);
        await expect.poll(() => millisecondsTo(String(address), node.namespace), patience).toBeLessThan(leastMs);
      }
    },
  );
});

const both = { toPod: rate, fromPod: { bitsPerSecond: 4_000_000, burstBits: 400_000 } };

describe("what limits a pod", () => {
  test.for(modes)(
    "$kind: is shown by tc with the rates that were asked for, and goes with the pod",
    async (mode, { node, pod, other }) => {
      await attach(node.kernel, sample(9, dual, { mode }), other.path);
      const before = node.dump();
      const network = sample(2, dual, { mode, bandwidth: both });
      await attach(node.kernel, network, pod.path);
      const shown = node.namespace.run("tc", "qdisc", "show");
      expect(shown).toContain(`dev ${network.hostLink} root refcnt 2 rate 8Mbit burst 32Kb`);
      expect(shown).toContain(`dev ${limitLinkOf(network.attachment)} root refcnt 2 rate 4Mbit burst 50000b`);
      await detach(node.kernel, { attachment: network.attachment });
      expect(node.dump()).toBe(before);
    },
  );

  const damages = [
    ["tc qdisc del dev HOST root", "Link HOST is not limited to 8000000 bits per second (tc qdisc show dev HOST)"],
    ["tc qdisc replace dev LIMIT root tbf rate 1mbit burst 50kb latency 10ms", "Link LIMIT is not limited to 4000000"],
    ["tc qdisc del dev HOST ingress", "What link HOST receives does not go through LIMIT (tc filter show dev HOST ing"],
    ["ip link set LIMIT down", "Link LIMIT is down on the host (ip link show LIMIT)"],
    ["ip link del LIMIT", "Link LIMIT, which limits what the pod sends, is missing (ip link show LIMIT)"],
  ] as const;

  test.for(modes)("$kind: is looked at by check", async (mode, { node, pod }) => {
    const network = sample(2, dual, { mode, bandwidth: both });
    const named = (text: string) =>
      text.replaceAll("HOST", network.hostLink).replaceAll("LIMIT", limitLinkOf(network.attachment));
    for (const [command, fault] of damages) {
      await attach(node.kernel, network, pod.path);
      expect(() => check(node.kernel, network, pod.path)).not.toThrow();
      node.namespace.run("sh", "-c", named(command));
      expect(() => check(node.kernel, network, pod.path)).toThrow(named(fault));
      await detach(node.kernel, { attachment: network.attachment });
    }
  });

  test("outlives a container that ends, and is found by detach, by GC and by who looks for it", async ({
    node,
    pod,
  }) => {
    const before = node.ip("-br", "link");
    const network = sample(2, dual, { mode: routed, bandwidth: both });
    const ways = [
      () => detach(node.kernel, { attachment: network.attachment }),
      () => removeOrphans(node.kernel, { network: "pods", keep: [] }),
      () => removeIdleLimits(node.kernel, "pods"),
      // The same container once more.
      async () => {
        await attach(node.kernel, network, pod.path);
        await detach(node.kernel, { attachment: network.attachment });
      },
    ];
    for (const way of ways) {
      await attach(node.kernel, network, pod.path);
      node.ip("link", "del", network.hostLink);
      await removeIdleLimits(node.kernel, "other");
      expect(node.ip("-br", "link")).toContain(limitLinkOf(network.attachment));
      await way();
      expect(node.ip("-br", "link")).toBe(before);
    }
  });

  test("is not taken from a pod that is there", async ({ node, pod }) => {
    const network = sample(2, dual, { mode: routed, bandwidth: both });
    await attach(node.kernel, network, pod.path);
    await removeIdleLimits(node.kernel, "pods");
    await removeOrphans(node.kernel, { network: "pods", keep: [network.attachment] });
    expect(() => check(node.kernel, network, pod.path)).not.toThrow();
  });
});
