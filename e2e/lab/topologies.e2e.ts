// The lab itself, without Hextet: in every wiring and family machines reach each other, and pods that the reference's plugins attach
// by the lab's runtime code reach each other and the host outside once a test routes by hand.
import { describe, expect, test } from "vitest";
import { answerFor, prepareNodes, routeBetweenNodes, settleAddresses } from "./by-hand.ts";
import { Lab } from "./lab.ts";
import { type Endpoint, type Ping, pingAll } from "./matrix.ts";
import { endpointsOf } from "./report.ts";
import { addressesOf, familySets, type TopologyOptions, wirings } from "./topology.ts";

const everyKind = wirings.flatMap((wiring) => familySets.map((families) => ({ wiring, families })));

function bare(options: Omit<TopologyOptions, "nodes">): Promise<Lab> {
  return Lab.start({ nodes: 3, podsPerNode: 1, ...options });
}

function machinesIn(lab: Lab): Endpoint[] {
  return lab.machines.map(({ name, place, plan }) => ({ name, place, addresses: addressesOf(plan) }));
}

function failuresIn(pings: readonly Ping[]): string[] {
  return pings.filter(({ reached }) => !reached).map(({ from, to, address }) => `${from} to ${to} at ${address}`);
}

async function addOnePodEach(lab: Lab): Promise<void> {
  await prepareNodes(lab);
  await lab.addPods(1);
  await settleAddresses(lab);
}

describe("machines", () => {
  test.for(everyKind)("reach each other at all addresses: %o", async (kind) => {
    await using lab = await bare(kind);
    const pings = await pingAll(machinesIn(lab));
    const families = kind.families === "dual" ? 2 : 1;
    const routerAddresses = lab.topology.links.length * families;
    // Five machines: each asks the four others, and the router at each of its addresses.
    expect(pings).toHaveLength(4 * routerAddresses + 4 * 4 * families);
    expect(failuresIn(pings)).toEqual([]);
  });

  test.for(everyKind)("have the addresses of the topology and no others: %o", async (kind) => {
    await using lab = await bare(kind);
    for (const machine of lab.machines) {
      const text = await machine.run("ip", "-oneline", "address", "show", "scope", "global");
      const found = [...text.matchAll(/inet6? ([0-9a-f.:]+)\//g)].map(([, address]) => address);
      expect(new Set(found)).toEqual(new Set(addressesOf(machine.plan).map(String)));
      expect(text).not.toContain("tentative");
    }
  });

  test.for(["link", "ndp-proxy"] as const)("have a way out, %s", async (wiring) => {
    await using lab = await bare({ wiring, families: "v6" });
    const [alpha] = lab.nodes;
    const routes = await alpha?.run("ip", "-6", "route", "show", "default");
    const byAdvertisement = /^default via fe80::ff:fe00:101 dev eth0 proto ra /;
    expect(routes).toMatch(wiring === "link" ? /^default via 2001:db8:ffff:1::1 dev eth0 metric/ : byAdvertisement);
  });
});

describe.concurrent("pods of the reference's ptp", () => {
  test.for(familySets)("on one link reach all others, and the host outside, when nodes route: %s", async (families) => {
    await using lab = await bare({ wiring: "link", families });
    await addOnePodEach(lab);
    const without = failuresIn(await pingAll(lab.pods, lab.pods));
    expect(without).toHaveLength(3 * 2 * (families === "dual" ? 2 : 1));
    await routeBetweenNodes(lab);
    expect(failuresIn(await pingAll(endpointsOf(lab)))).toEqual([]);
  });

  test.for(familySets)("in racks reach all others when the router carries their routes: %s", async (families) => {
    await using lab = await bare({ wiring: "racks", families, routedBy: "fabric" });
    await addOnePodEach(lab);
    expect(failuresIn(await pingAll(endpointsOf(lab)))).toEqual([]);
  });

  test.for(familySets)("in racks do not when it leaves that to the nodes, but answer outside: %s", async (families) => {
    await using lab = await bare({ wiring: "racks", families });
    await addOnePodEach(lab);
    const [alphasPod, , gammasPod] = lab.pods;
    const outside = machinesIn(lab).filter(({ name }) => name === "outside");
    expect(failuresIn(await pingAll(outside, lab.pods))).toEqual([]);
    const across = await pingAll(lab.pods.filter((pod) => pod === alphasPod || pod === gammasPod));
    expect(failuresIn(across)).toHaveLength(across.length);
    expect(across).toHaveLength(families === "dual" ? 4 : 2);
  });

  test.for(familySets)(
    "behind NDP proxy answer outside only when their node answers for them: %s",
    async (families) => {
      await using lab = await bare({ wiring: "ndp-proxy", families });
      await addOnePodEach(lab);
      await routeBetweenNodes(lab);
      expect(failuresIn(await pingAll(lab.pods))).toEqual([]);
      const outside = machinesIn(lab).filter(({ name }) => name === "outside");
      const before = await pingAll(outside, lab.pods);
      expect(failuresIn(before)).toHaveLength(before.length);
      for (const pod of lab.pods) await answerFor(pod);
      expect(failuresIn(await pingAll(endpointsOf(lab)))).toEqual([]);
    },
  );

  test("of IPv4 alone reach each other over links that have only IPv6", async () => {
    await using lab = await bare({ wiring: "link", families: "v4", underlay: "v6" });
    await addOnePodEach(lab);
    await routeBetweenNodes(lab);
    const pings = await pingAll(lab.pods);
    expect(pings.map(({ address }) => address.family)).toEqual(Array.from({ length: 6 }, () => "v4"));
    expect(failuresIn(pings)).toEqual([]);
  });
});

test("the router tells a pod that a packet was too big, though it routes nothing between nodes", async () => {
  await using lab = await bare({ wiring: "link", families: "dual" });
  await addOnePodEach(lab);
  const router = lab.machine("router");
  await router.run("ip", "link", "set", "dev", "eth1", "mtu", "1300");
  const [pod] = lab.pods;
  for (const address of addressesOf(lab.topology.outside)) {
    const command = ["sh", "-c", 'ping -n -M do -s 1350 -c 2 -w 3 "$1" 2>&1; true', "sh", `${address}`];
    expect(await pod?.run(...command)).toMatch(/mtu ?= ?1300/i);
  }
});
