// The packet filter as an operator meets it: what it tells of dropped packets, that it heals, and that one backend follows the other without
// leaving anything, or none at all.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { Address } from "../../src/ip/address.ts";
import type { Agent } from "../agent/agent.ts";
import { CopiedBuild } from "../agent/copied-build.ts";
import { eventually } from "../runtimes/eventually.ts";
import { Conversation } from "./conversation.ts";
import { knock, senders } from "./flood.ts";
import { allowedPort, deniedPort, Shop, type ShopPod } from "./shop.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

/** Ours, by the words in which each of the programs prints them. */
function traces({ place }: Shop): Readonly<Record<string, boolean>> {
  const has = (words: RegExp, program: string, ...args: readonly string[]) =>
    words.test(place.node.host.run(program, ...args));
  return {
    nftables: has(/^table ip6? hextet/m, "nft", "list", "tables"),
    iptables: ["iptables-save", "ip6tables-save"].some((program) => has(/HEXTET/, program)),
    ipset: has(/^hextet/m, "ipset", "list", "-n"),
  };
}

const expected = {
  nftables: { nftables: true, iptables: false, ipset: false },
  iptables: { nftables: false, iptables: true, ipset: true },
  none: { nftables: false, iptables: false, ipset: false },
} as const;

async function expectTraces(shop: Shop, backend: keyof typeof expected): Promise<void> {
  const wanted = JSON.stringify(expected[backend]);
  await eventually(`only rules of ${backend} are there`, () =>
    JSON.stringify(traces(shop)) === wanted ? true : undefined,
  );
}

function setBackend({ place: { configFile } }: Shop, backend: string): void {
  const text = readFileSync(configFile, "utf8");
  writeFileSync(configFile, text.replace(/^firewall: .*$/m, `firewall: { backend: ${backend}, logDenied: true }`));
}

function pluginOf(shop: Shop): unknown {
  return shop.place.writtenNetwork().plugins[0];
}

function deniedLine(agent: Agent) {
  return agent.lines.find(({ message, reason }) => message === "packet denied" && reason === "policy");
}

/** A port of the node leads to the pod. */
async function expectPort(shop: Shop): Promise<void> {
  for (const address of ["192.0.2.2", "2001:db8:ffff::2"]) {
    const path = { from: shop.place.node.fabric, to: Address.parse(address), port: 8080 };
    using connection = await Conversation.open(path);
    await connection.answered();
  }
}

/** As `nft flush ruleset` and `iptables -F` do, of all that there is. */
function flush({ place: { node } }: Shop): void {
  node.host.run("nft", "flush", "ruleset");
}

describe.for(["nftables", "iptables"] as const)("%s", (backend) => {
  const other = backend === "nftables" ? "iptables" : "nftables";

  test("tells of what it drops, heals, and leaves nothing for its successors", async () => {
    await using shop = new Shop({ families: "dual", build: build.path, firewall: "{}" });
    setBackend(shop, backend);
    const agent = await shop.start();
    await shop.network();
    expect(pluginOf(shop)).toMatchObject({ firewall: { backend }, capabilities: { portMappings: true } });
    const [db, stranger] = [await shop.add("shop/db-1", 20), await shop.add("shop/stranger-1", 11)];
    const web = await shop.add("blog/web-1", 23, { portMappings: [{ hostPort: 8080, containerPort: allowedPort }] });
    await web.listen(allowedPort);
    await expectPort(shop);
    await expectTraces(shop, backend);
    await expectTold(shop, agent, { db, stranger });

    flush(shop);
    await expectTraces(shop, backend);
    await expectPort(shop);
    knock("stranger", stranger, db);

    await agent.stop();
    setBackend(shop, other);
    await shop.start();
    await expectTraces(shop, other);
    await eventually("the network says so", () =>
      JSON.stringify(pluginOf(shop)).includes(`"backend":"${other}"`) ? true : undefined,
    );
    await expectPort(shop);
    expect(db.received(senders.stranger)).toBe(0);
  });
});

async function expectTold(shop: Shop, agent: Agent, { db, stranger }: Record<"db" | "stranger", ShopPod>) {
  await eventually("a denied packet is logged", () => {
    knock("stranger", stranger, db);
    return deniedLine(agent);
  });
  expect(deniedLine(agent)).toMatchObject({
    direction: "ingress",
    policies: ["shop/db"],
    sourcePod: "shop/stranger-1",
    destinationPod: "shop/db-1",
    destinationPort: expect.toBeOneOf([allowedPort, deniedPort]),
  });
  const labels = 'namespace="shop",policy="db",direction="ingress",outcome="denied"';
  await eventually("it is counted for the policy", () => {
    const { text } = shop.place.page("/metrics");
    return new RegExp(`^hextet_policy_packets_total\\{${labels}\\} [1-9]`, "m").test(text) ? true : undefined;
  });
}

test("none: what an earlier agent made is taken away, and pods and executables do without", async () => {
  await using shop = new Shop({ families: "dual", build: build.path, firewall: "{ backend: iptables }" });
  const before = await shop.start();
  await shop.network();
  await expectTraces(shop, "iptables");
  await before.stop();
  setBackend(shop, "none");
  const agent = await shop.start();
  await agent.says("no firewall is kept, because firewall.backend is none");
  await expectTraces(shop, "none");
  await eventually("the network says so", () => ("guard" in Object(pluginOf(shop)) ? undefined : true));
  expect(pluginOf(shop)).not.toHaveProperty("firewall");
  expect(pluginOf(shop)).not.toHaveProperty("capabilities.portMappings");
  const [db, stranger] = [await shop.add("shop/db-1", 20), await shop.add("shop/stranger-1", 11)];
  await eventually("nothing is denied", () => {
    knock("stranger", stranger, db);
    return db.received(senders.stranger, deniedPort) > 0 ? true : undefined;
  });
});
