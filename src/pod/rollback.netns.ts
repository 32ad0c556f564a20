import { test as base, expect } from "vitest";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { detach } from "./detach.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { FailingKernel } from "./test-failing.ts";
import { connectUplink, freshNode, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; lan: TestNamespace; pod: TestNamespace }>({
  node: freshNode,
  lan: fresh,
  pod: fresh,
});

const cases = [routed, bridge, macvlan].flatMap((mode) => stacks.map((stack) => ({ mode, stack })));

test.for(cases)(
  "$mode.kind, $stack.name: whichever step fails, nothing is left",
  { timeout: 60_000 },
  async ({ mode, stack }, { node, lan, pod }) => {
    connectUplink(node, lan);
    using other = TestNamespace.create();
    // The bridge stays, and is made here; with it the ids by which namespaces know each other.
    await attach(node.kernel, sample(9, severalOfEach, { mode }), other.path);
    const network = sample(2, stack, { mode });
    const target = { attachment: network.attachment, namespacePath: pod.path };
    await attach(node.kernel, network, pod.path);
    await detach(node.kernel, target);
    const [before, within] = [node.dump(), pod.run("ip", "-j", "address")];
    let failures = 0;
    for (; ; failures++) {
      const kernel = new FailingKernel(inside(linux, node.namespace), failures);
      const outcome = await attach(kernel, network, pod.path).catch((error) => error);
      if (kernel.failedAt === undefined) break;
      expect(outcome, `step ${failures}, ${kernel.failedAt}`).toBeInstanceOf(Error);
      expect(pod.run("ip", "-j", "address"), kernel.failedAt).toBe(within);
      expect(node.dump(), kernel.failedAt).toBe(before);
    }
    expect(failures).toBeGreaterThanOrEqual(6);
    await detach(node.kernel, target);
    expect(node.dump()).toBe(before);
  },
);
