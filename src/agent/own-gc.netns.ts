// Real links and a real database, out of step with each other: what two looks put right, and what they leave alone.
import { test as base, describe, expect } from "vitest";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import { stacks as ranges, request, StoreFixture } from "../ipam/store/store-fixture.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { createLog } from "../log/log.ts";
import { attach } from "../pod/attach.ts";
import { removePair } from "../pod/removal.ts";
import { bridge, routed, sample, stacks } from "../pod/sample-networks.ts";
import { freshNode, type TestNode } from "../pod/test-node.ts";
import { OwnGc } from "./own-gc.ts";

// oxlint-disable-next-line no-empty-pattern
async function freshStore({}: object, use: (store: StoreFixture) => Promise<void>): Promise<void> {
  using store = new StoreFixture();
  await use(store);
}

const test = base.extend<{ node: TestNode; pod: TestNamespace; fixture: StoreFixture }>({
  node: freshNode,
  pod: fresh,
  fixture: freshStore,
});

const cases = [routed, bridge].flatMap((mode) => stacks.map((stack) => ({ mode, stack })));
const columns = Object.entries(ranges);
const pods = { network: "pods", containerId: "c2", interfaceName: "eth0" };

function lease(store: LeaseStore, ipam: (typeof ranges)["dual"], hostLink?: string): void {
  store.lease(request("c2", ipam, { attachment: pods }));
  store.activate(pods, hostLink === undefined ? {} : { hostLink });
}

interface Observed {
  readonly gc: OwnGc;
  readonly lines: readonly string[];
}

function gcOf(node: TestNode, leases: LeaseStore, network = "pods"): Observed {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  return { gc: new OwnGc({ kernel: node.kernel, leases, network, remove: removePair, log }), lines };
}

function podLinks(node: TestNode): readonly string[] {
  return node.ip("-br", "link").match(/^hx[0-9a-f]+/gm) ?? [];
}

describe.for(cases)("$mode.kind, $stack.name", ({ mode, stack }) => {
  test("leaves an attachment alone that has both", async ({ node, pod, fixture }) => {
    const store = fixture.open();
    const attached = await attach(node.kernel, sample(2, stack, { mode }), pod.path);
    lease(store, ranges.dual, attached.host?.name);
    const before = [node.dump(), store.find(pods)];
    const { gc, lines } = gcOf(node, store);
    for (let look = 0; look < 3; look++) await gc.pass();
    expect([node.dump(), store.find(pods)]).toEqual(before);
    expect(lines).toEqual([]);
  });

  test("deletes a link at the second look whose lease was released", async ({ node, pod, fixture }) => {
    const store = fixture.open();
    const attached = await attach(node.kernel, sample(2, stack, { mode }), pod.path);
    lease(store, ranges.dual, attached.host?.name);
    store.release(pods);
    const { gc, lines } = gcOf(node, store);
    await gc.pass();
    expect(podLinks(node)).toHaveLength(1);
    await gc.pass();
    expect(podLinks(node)).toEqual([]);
    expect(lines.join("")).toContain("link without a lease removed");
  });

  test("tells of a link nobody remembers a lease of, and leaves it", async ({ node, pod, fixture }) => {
    const store = fixture.open();
    await attach(node.kernel, sample(2, stack, { mode }), pod.path);
    const { gc, lines } = gcOf(node, store);
    for (let look = 0; look < 3; look++) await gc.pass();
    expect(podLinks(node)).toHaveLength(1);
    expect(lines.filter((line) => line.includes("of container c2, has no lease"))).toHaveLength(1);
  });
});

describe.for(columns)("leases, %s", ([, ipam]) => {
  test("are released at the second look after their link is gone", async ({ node, fixture }) => {
    const store = fixture.open();
    lease(store, ipam, "hx0123456789ab");
    const { gc, lines } = gcOf(node, store);
    await gc.pass();
    expect(store.find(pods)).toHaveLength(ipam.rangeSets.length);
    await gc.pass();
    expect(store.find(pods)).toEqual([]);
    expect(lines.join("")).toContain("leases without a link released");
  });

  test("stay where they never had a link of ours", async ({ node, fixture }) => {
    const store = fixture.open();
    lease(store, ipam);
    const { gc } = gcOf(node, store);
    for (let look = 0; look < 3; look++) await gc.pass();
    expect(store.find(pods)).toHaveLength(ipam.rangeSets.length);
  });

  test("stay where somebody gave their link another name", async ({ node, pod, fixture }) => {
    const store = fixture.open();
    const attached = await attach(
      node.kernel,
      sample(2, stacks[0] ?? { addresses: () => [] }, { mode: routed }),
      pod.path,
    );
    const name = attached.host?.name ?? "";
    lease(store, ipam, name);
    node.ip("link", "set", name, "down");
    node.ip("link", "set", name, "name", "renamed");
    const { gc } = gcOf(node, store);
    for (let look = 0; look < 3; look++) await gc.pass();
    expect(store.find(pods)).toHaveLength(ipam.rangeSets.length);
  });

  test("and links of another network are not looked at", async ({ node, fixture }) => {
    const store = fixture.open();
    lease(store, ipam, "hx0123456789ab");
    const { gc } = gcOf(node, store, "others");
    for (let look = 0; look < 3; look++) await gc.pass();
    expect(store.find(pods)).toHaveLength(ipam.rangeSets.length);
  });

  test("that were made anew between two looks stay", async ({ node, fixture }) => {
    const store = fixture.open();
    lease(store, ipam, "hx0123456789ab");
    const { gc } = gcOf(node, store);
    await gc.pass();
    store.release(pods);
    fixture.pass(1);
    lease(store, ipam, "hx0123456789ab");
    await gc.pass();
    expect(store.find(pods)).toHaveLength(ipam.rangeSets.length);
  });
});
