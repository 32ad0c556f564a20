import { test as base, describe, expect } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import { Address } from "../../src/ip/address.ts";
import { type BackendName, firewallOf, matrix } from "./backends.ts";
import {
  docker,
  firewalld,
  firewalldTrustsPods,
  type IptablesVariant,
  iptables,
  kubeProxyIptables,
  kubeProxyNftables,
  nft,
  ownRules,
  type Service,
} from "./neighbors.ts";
import { policyFor, rulesWith } from "./policies.ts";
import { ends, expectArrivals, expectConnection, icmp, tcp, udp } from "./probes.ts";
import { dial } from "./sockets.ts";
import { usualPods, World } from "./world.ts";

const variants: readonly IptablesVariant[] = ["nft", "legacy"];
const port = 8080;

describe.for(matrix)("$backend, $name, beside", ({ backend, families }) => {
  const test = base.extend<{ world: World; firewall: Firewall }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
    world: async ({}, use) => {
      using world = await World.create({ families, pods: usualPods(families, 3) });
      await use(world);
    },
    firewall: ({ world }, use) => use(firewallOf(world.node.kernel, backend)),
  });
  const start = (firewall: Firewall, world: World) => firewall.apply(baseRules(usualSettings, world.facts));
  const all = (world: World, expected: boolean) => {
    const pairs = [
      [world.pod(0), world.pod(1)],
      [world.pod(0), world.beyond],
      [world.beyond, world.pod(0)],
    ] as const;
    return families.flatMap((family) =>
      pairs.map(([from, at]) => udp({ from, at, ...ends(from, at, family), expected })),
    );
  };

  test("kube-proxy in iptables mode: services lead to pods, whose policies hold", async ({ world, firewall }) => {
    for (const family of families) {
      const { node } = world;
      kubeProxyIptables(node.namespace, variantOf(backend), serviceOf(world, family));
      // As it often is beside it; who drops there is heard with nftables as well (below).
      if (backend !== "nftables") iptables(node.namespace, variantOf(backend), family, ["-P FORWARD DROP"]);
    }
    await expectServices(world, firewall);
  });

  test("kube-proxy in nftables mode: services lead to pods, whose policies hold", async ({ world, firewall }) => {
    for (const family of families) kubeProxyNftables(world.node.namespace, serviceOf(world, family));
    await expectServices(world, firewall);
  });

  test.for(variants)(
    "Docker by iptables-%s, which drops what it does not know",
    async (variant, { world, firewall }) => {
      for (const family of families) docker(world.node.namespace, variant, family);
      await start(firewall, world);
      // An accept is the last word only among rules of the same table of the same kind.
      const passes = backend === `iptables-${variant}`;
      await expectArrivals(all(world, passes), { followedUp: passes });
      for (const family of families) {
        iptables(world.node.namespace, variant, family, [
          "-I DOCKER-USER -m devgroup --src-group 0x68780000/0xffff0000 -j ACCEPT",
          "-I DOCKER-USER -m devgroup --dst-group 0x68780000/0xffff0000 -j ACCEPT",
        ]);
      }
      await expectArrivals(all(world, true));
    },
  );

  test("firewalld, which rejects what it does not know until it trusts pods", async ({ world, firewall }) => {
    firewalld(world.node.namespace);
    await start(firewall, world);
    await expectArrivals(all(world, false), { followedUp: false });
    firewalldTrustsPods(world.node.namespace);
    await expectArrivals(all(world, true));
  });

  test("a person's own rules for the node, which stay in force", async ({ world, firewall }) => {
    await start(firewall, world);
    ownRules(world.node.namespace, 7777);
    const [from, at] = [world.pod(0), world.nodeHost];
    await expectArrivals(
      families.flatMap((family) => {
        const sent = { from, at, ...ends(from, at, family) };
        return [udp({ ...sent, expected: false }, { to: 7777 }), udp({ ...sent, expected: true }, { to: 7778 })];
      }),
    );
  });

  test("a person's INPUT that drops: what neighbor discovery needs passes ours", async ({ world, firewall }) => {
    const variant = variantOf(backend);
    for (const family of families) iptables(world.node.namespace, variant, family, ["-P INPUT DROP"]);
    await start(firewall, world);
    const [from, at] = [world.pod(0), world.nodeHost];
    await expectArrivals(
      families.flatMap((family) => {
        const sent = { from, at, ...ends(from, at, family) };
        const solicitation = family === "v6" ? [icmp({ ...sent, expected: backend !== "nftables" }, 135)] : [];
        return [udp({ ...sent, expected: false }), ...solicitation];
      }),
      { followedUp: backend !== "nftables" },
    );
  });

  test("those who flush: theirs leaves ours, and ours is made anew", async ({ world, firewall }) => {
    const { node } = world;
    const [family = "v6"] = families;
    kubeProxyIptables(node.namespace, variantOf(backend), serviceOf(world, family));
    await firewall.apply(rulesWith(world, [policyFor(0, { ingress: [], egress: [] })], [0, 1, 2]));
    const sent = { from: world.beyond, at: world.pod(0), ...ends(world.beyond, world.pod(0), family) };
    iptables(node.namespace, variantOf(backend), family, ["-F KUBE-FORWARD", "-t nat -F KUBE-SERVICES"]);
    expect(await firewall.verify()).toBe(false);
    await expectArrivals([udp({ ...sent, expected: false })]);
    if (backend === "nftables") nft(node.namespace, "flush ruleset");
    else iptables(node.namespace, variantOf(backend), family, ["-F", "-t raw -F"]);
    await expectArrivals([udp({ ...sent, expected: true })]);
    expect(await firewall.verify()).toBe(true);
    await expectArrivals([udp({ ...sent, expected: false })]);
    await expectConnection(world.pod(1), world.pod(2), family);
  });

  async function expectServices(world: World, firewall: Firewall): Promise<void> {
    await start(firewall, world);
    for (const family of families) {
      const { address } = serviceOf(world, family);
      const source = world.pod(0).address(family);
      const seen = await expectConnection(world.pod(0), world.pod(1), { source, destination: address }, port);
      expect(seen).toBe(source.toString());
      // What kube-proxy refuses stays refused: here a port without endpoints.
      const refused = await dial(world.pod(0).namespace, { to: address, port: port + 1 });
      expect(refused).toBe("ECONNREFUSED");
    }
    await firewall.apply(rulesWith(world, [policyFor(1, { ingress: [] })], [0, 1, 2]));
    for (const family of families) {
      const [from, at] = [world.pod(0), world.pod(1)];
      const destination = serviceOf(world, family).address;
      const sent = { from, at, source: from.address(family), destination, expected: false };
      // kube-proxy's rules drop ICMP errors that belong to no connection, such as those sent after a probe.
      await expectArrivals([tcp(sent, port)], { followedUp: false });
    }
  }
});

function serviceOf(world: World, family: "v4" | "v6"): Service {
  const address = Address.parse(family === "v6" ? "fd00:ffff::10" : "10.96.0.10");
  return { family, address, port, endpoint: world.pod(1).address(family) };
}

/** Of the programs that others use. */
function variantOf(backend: BackendName): IptablesVariant {
  return backend === "iptables-legacy" ? "legacy" : "nft";
}
