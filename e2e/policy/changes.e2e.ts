// What becomes of connections: agents that come and go interrupt none, and open none that is denied; a policy that changes ends those that it
// no longer allows, and leaves the others.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { CopiedBuild } from "../agent/copied-build.ts";
import { columns } from "../conformance/node.ts";
import { eventually } from "../runtimes/eventually.ts";
import { Conversation } from "./conversation.ts";
import { Flood, knock, senders } from "./flood.ts";
import { allowedPort, deniedPort, policyOfDb, Shop, type ShopPod } from "./shop.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

const kinds = [
  ...columns.map((families) => ({ families, backend: "nftables" })),
  { families: "dual", backend: "iptables" } as const,
];

interface Pods {
  readonly db: ShopPod;
  readonly friend: ShopPod;
  readonly stranger: ShopPod;
  readonly open: ShopPod;
}

async function podsOf(shop: Shop): Promise<Pods> {
  await shop.network();
  const pods = {
    db: await shop.add("shop/db-1", 20),
    friend: await shop.add("shop/friend-1", 10),
    stranger: await shop.add("shop/stranger-1", 11),
    open: await shop.add("blog/web-1", 23),
  };
  for (const pod of Object.values(pods)) for (const port of [allowedPort, deniedPort]) await pod.listen(port);
  return pods;
}

/** From one to the other over each family. */
function talking(from: ShopPod, at: ShopPod, port: number): Promise<Conversation[]> {
  return Promise.all(at.addresses.map((to) => Conversation.open({ from: from.namespace, to, port })));
}

/** By a port that no policy allows, as a probe of the kubelet would. */
async function expectProbe(shop: Shop, { addresses }: ShopPod): Promise<void> {
  for (const to of addresses) {
    using probe = await Conversation.open({ from: shop.place.node.host, to, port: deniedPort });
    await probe.answered();
  }
}

describe.for(kinds)("$families, $backend", ({ families, backend }) => {
  test("agents that are killed and stopped again and again interrupt nothing that is allowed and open nothing else", async () => {
    await using shop = new Shop({ families, build: build.path, firewall: `{ backend: ${backend} }` });
    let agent = await shop.start();
    const { db, friend, stranger } = await podsOf(shop);
    using connections = new DisposableStack();
    const all = [...(await talking(friend, db, allowedPort)), ...(await talking(db, friend, allowedPort))];
    for (const each of all) connections.use(each);
    {
      await using _flood = new Flood({ friend, stranger }, db);
      let isOver = false;
      const talk = async () => {
        for (; !isOver; await sleep(5)) for (const each of all) each.say();
      };
      const restarts = async () => {
        for (const end of ["kill", "stop"] as const) {
          await agent[end]();
          await expectProbe(shop, db);
          agent = await shop.start();
          await eventually("its rules are in force", () => (shop.firewallPasses() > 0 ? true : undefined));
        }
        isOver = true;
      };
      await Promise.all([talk(), restarts()]);
    }
    await eventually("all that was said has come back", () => (all.every(({ isWhole }) => isWhole) ? true : undefined));
    await expectProbe(shop, db);
    expect([db.received(senders.stranger), db.received(senders.friend, deniedPort)]).toEqual([0, 0]);
    expect(db.received(senders.friend, allowedPort)).toBeGreaterThan(0);
  });

  test("a policy that changes ends the connections that it no longer allows, both ways, and leaves the others", async () => {
    await using shop = new Shop({ families, build: build.path, firewall: `{ backend: ${backend} }` });
    const agent = await shop.start();
    const { db, friend, open } = await podsOf(shop);
    using connections = new DisposableStack();
    const ended = [...(await talking(friend, db, allowedPort)), ...(await talking(db, friend, allowedPort))];
    const kept = [...(await talking(friend, open, allowedPort)), ...(await talking(open, friend, deniedPort))];
    for (const each of [...ended, ...kept]) await connections.use(each).answered();
    const datagrams = () => db.received(senders.friend, allowedPort);
    await eventually("datagrams arrive", () => {
      knock("friend", friend, db);
      return datagrams() > 0 ? true : undefined;
    });

    shop.writeCluster([policyOfDb({ ingress: [], egress: [] })]);
    await agent.says("connections ended that no policy allows any more");
    const before = datagrams();
    for (const each of ended) each.say();
    knock("friend", friend, db);
    for (const each of kept) await each.answered();
    await expectProbe(shop, db);
    expect(datagrams()).toBe(before);
    expect(ended.filter(({ isWhole }) => isWhole)).toEqual([]);
  });
});
