// A new pod is never open before its policy is in force: whoever tries to reach it, or to leave it, while it is attached, with an agent,
// without one, and with one that is killed in the middle.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { CopiedBuild } from "../agent/copied-build.ts";
import { columns, failureOf } from "../conformance/node.ts";
import { eventually } from "../runtimes/eventually.ts";
import { Escape, Flood, knock, senders } from "./flood.ts";
import { allowedPort, deniedPort, Shop, type ShopPod } from "./shop.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

/** The agent is killed at another moment of an ADD in each. */
const kinds = columns.flatMap((families, at) =>
  ["nftables", "iptables"].map((backend) => ({ families, backend, killedAfterMs: at * 4 })),
);

interface Others {
  readonly friend: ShopPod;
  readonly stranger: ShopPod;
}

async function othersOf(shop: Shop): Promise<Others> {
  await shop.network();
  return { friend: await shop.add("shop/friend-1", 10), stranger: await shop.add("shop/stranger-1", 11) };
}

/** Nothing that is denied came in or got out, ever. */
function expectClosed(pod: ShopPod, { friend, stranger }: Others): void {
  expect({
    fromStranger: pod.received(senders.stranger),
    toDeniedPort: pod.received(senders.friend, deniedPort),
    gotOut: [friend, stranger].map((other) => other.receivedOn(deniedPort)),
  }).toEqual({ fromStranger: 0, toDeniedPort: 0, gotOut: [0, 0] });
}

/** What is allowed comes through by every family and protocol, and the rest still does not. */
async function expectReached(pod: ShopPod, others: Others): Promise<void> {
  const before = pod.received(senders.friend, allowedPort);
  await eventually(`${pod.name} is reached by a friend`, () => {
    knock("friend", others.friend, pod);
    knock("stranger", others.stranger, pod);
    return pod.received(senders.friend, allowedPort) >= before + 2 * pod.addresses.length ? true : undefined;
  });
  expectClosed(pod, others);
}

describe.for(kinds)(
  "$families, $backend: nothing that a policy denies reaches a pod",
  ({ families, backend, killedAfterMs }) => {
    test("while it is attached, with the agent, without it, and with one that is killed", async () => {
      await using shop = new Shop({ families, build: build.path, firewall: `{ backend: ${backend} }` });
      let agent = await shop.start();
      const others = await othersOf(shop);
      const attach = async (pod: ShopPod, meanwhile: () => Promise<void> = async () => {}) => {
        await using _flood = new Flood(others, pod);
        await using _escape = new Escape(pod, [others.stranger, others.friend], deniedPort);
        await Promise.all([pod.attach(), meanwhile()]);
        await sleep(50);
        expectClosed(pod, others);
      };

      const byAgent = shop.prepare("shop/db-1", 20);
      await attach(byAgent);
      expect(agent.served(byAgent.container.containerId)).toEqual(["ADD"]);
      await expectReached(byAgent, others);

      // The filter knows the address as that of a pod under no policy.
      const former = await shop.add("blog/web-2", 24);
      await eventually("the filter knows it", () => (shop.knows(former) ? true : undefined));
      await former.detach();
      const successor = shop.prepare("shop/db-4", 24);
      await attach(successor);
      await expectReached(successor, others);

      const interrupted = shop.prepare("shop/db-3", 22);
      const before = agent;
      await attach(interrupted, async () => {
        await sleep(killedAfterMs);
        await before.kill();
      });

      const alone = shop.prepare("shop/db-2", 21);
      await attach(alone);
      expect(alone.received(senders.friend)).toBe(0);
      const open = await shop.add("blog/web-1", 23);
      knock("stranger", others.stranger, open);
      await eventually("a pod under no policy is reached", () =>
        open.received(senders.stranger) > 0 ? true : undefined,
      );

      agent = await shop.start();
      for (const pod of [alone, interrupted, byAgent]) await expectReached(pod, others);
      await using _escape = new Escape(open, [others.stranger], deniedPort);
      await eventually("a pod under no policy gets out", () =>
        others.stranger.receivedOn(deniedPort) > 0 ? true : undefined,
      );
    });
  },
);

test("after a restart of the node a pod that a policy may be meant for waits for the agent, with code 11", async () => {
  await using shop = new Shop({ families: "dual", build: build.path, firewall: "{ backend: nftables }" });
  const agent = await shop.start();
  const others = await othersOf(shop);
  await agent.kill();
  const path = join(shop.place.node.dataDirectory, "guard.json");
  writeFileSync(path, readFileSync(path, "utf8").replace(/"bootId":"[^"]*"/, '"bootId":"an earlier boot"'));
  const db = shop.prepare("shop/db-1", 20);
  expect((await failureOf(db.attach())).code).toBe(11);
  await shop.add("blog/web-1", 23);
  await shop.start();
  await eventually("it is attached", () =>
    db.attach().then(
      () => true,
      () => undefined,
    ),
  );
  await expectReached(db, others);
});

test.for(columns)("%s: a runtime finds no network before it could tell which pods to guard", async (families) => {
  await using shop = new Shop({ families, build: build.path, firewall: "{ backend: nftables }" });
  const path = join(shop.place.node.dataDirectory, "guard.json");
  mkdirSync(join(path, "in-the-way"), { recursive: true });
  const agent = await shop.start();
  await eventually("the agent says what is in the way", () =>
    shop.place.page("/readyz").text.includes("guard.json") ? true : undefined,
  );
  expect(() => shop.place.writtenNetwork()).toThrow("ENOENT");
  rmSync(path, { recursive: true });
  await shop.network();
  await agent.kill();
  await shop.add("blog/web-1", 23);
});
