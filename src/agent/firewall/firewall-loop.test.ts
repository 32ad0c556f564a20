import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import { policySets } from "../../firewall/policy-part.ts";
import type { Ruleset } from "../../firewall/ruleset.ts";
import { usualSettings } from "../../firewall/sample-node.ts";
import type { Family } from "../../ip/address.ts";
import type { Lease } from "../../ipam/lease.ts";
import { FakeKernel } from "../../kernel/fake.ts";
import { createLog } from "../../log/log.ts";
import { Connection } from "../../netlink/connection.ts";
import { connections } from "../../netlink/conntrack.ts";
import { createConnection, sampleConnection } from "../../netlink/sample-connections.ts";
import { systemClock } from "../../reconcile/loop.ts";
import { FirewallLoop } from "./firewall-loop.ts";
import { leasesOf, policyOf, shopView, stacks } from "./sample-shop.ts";

/** A loop whose inputs a test changes, and what it hands on. */
class Setting implements AsyncDisposable {
  readonly kernel = new FakeKernel();
  readonly applied: Ruleset[] = [];
  readonly guard: string[] = [];
  readonly troubles: string[] = [];
  readonly lines: string[] = [];
  view: ClusterView | undefined;
  leases: readonly Lease[];
  isFailing = false;
  readonly loop: FirewallLoop;

  constructor(view: ClusterView | undefined, leases: readonly Lease[]) {
    this.view = view;
    this.leases = leases;
    this.loop = this.#loop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loop.stop();
  }

  /** The addresses of a set in what was applied last. */
  elements(set: string, families: readonly Family[]): readonly string[] {
    return families.flatMap((family) => [
      ...(this.applied.at(-1)?.families[family]?.sets.get(set)?.elements.keys() ?? []),
    ]);
  }

  #loop(): FirewallLoop {
    return new FirewallLoop({
      config: { nodeName: "alpha", firewall: { ...usualSettings, backend: "auto", policies: true } },
      kernel: this.kernel,
      source: this,
      leases: { leases: () => this.leases },
      bootId: "this boot",
      log: createLog({ write: (line) => this.lines.push(line) }),
      readiness: { firewall: (troubles) => void this.troubles.push(...troubles.map(({ message }) => message)) },
      metrics: { counted: (_, pass) => pass },
      clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal) },
      filter: {
        apply: async (ruleset) => {
          if (this.isFailing) throw new Error("Cannot run nft: no");
          this.applied.push(ruleset);
        },
        look: async () => {},
      },
      guard: {
        widen: async (namespaces) => void this.guard.push(`widen ${namespaces}`),
        inForce: async ({ bootId, namespaces }) => void this.guard.push(`${bootId} ${namespaces}`),
        broken: async (namespaces) => void this.guard.push(`broken ${namespaces}`),
      },
    });
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe.for(stacks)("%s: the packet filter", ([, families]) => {
  test("knows a pod when its ADD may end", async () => {
    await using setting = new Setting(shopView(families, policyOf.friendly), leasesOf(families, ["web"]));
    setting.loop.start();
    await setting.loop.inForce();
    const before = setting.elements(policySets.known, families);
    setting.leases = leasesOf(families);
    await setting.loop.inForce();
    expect(setting.elements(policySets.known, families)).toHaveLength(before.length + families.length);
    expect(setting.elements(policySets.ingress, families)).toHaveLength(families.length);
  });

  test("knows that a pod has gone whose address it still has", async () => {
    await using setting = new Setting(shopView(families, policyOf.friendly), leasesOf(families));
    expect(setting.loop.knowsNobodyGone).toBe(false);
    setting.loop.start();
    await setting.loop.inForce();
    expect(setting.loop.knowsNobodyGone).toBe(true);
    setting.leases = leasesOf(families, ["db"]);
    expect(setting.loop.knowsNobodyGone).toBe(false);
    await setting.loop.inForce();
    expect(setting.loop.knowsNobodyGone).toBe(true);
  });

  test("is given the very same ruleset while nothing changes, however often somebody calls", async () => {
    await using setting = new Setting(shopView(families, policyOf.friendly), leasesOf(families));
    setting.loop.start();
    for (let turn = 0; turn < 5; turn++) {
      setting.leases = leasesOf(families);
      await setting.loop.inForce();
    }
    expect(setting.applied.length).toBeGreaterThanOrEqual(5);
    expect(new Set(setting.applied).size).toBe(1);
  });

  test("is looked at a few times for a burst of calls", async () => {
    await using setting = new Setting(shopView(families), leasesOf(families));
    setting.loop.start();
    await setting.loop.inForce();
    const before = setting.applied.length;
    for (let call = 0; call < 200; call++) setting.loop.podsChanged();
    await setting.loop.inForce();
    expect(setting.applied.length - before).toBeLessThan(5);
  });

  test("ends the connections that a changed policy denies, after its rules are in force", async () => {
    await using setting = new Setting(shopView(families, policyOf.friendly), leasesOf(families));
    using netfilter = new Connection(setting.kernel.socket("netfilter"));
    netfilter.execute(families.map((family) => createConnection(sampleConnection(family, "tcp"))));
    setting.loop.start();
    await setting.loop.inForce();
    expect(connections(netfilter)).toHaveLength(families.length);
    setting.view = shopView(families, policyOf.closed);
    await setting.loop.inForce();
    // Whoever waited for the rules has not waited for this.
    expect(connections(netfilter)).toHaveLength(families.length);
    await until(() => connections(netfilter).length === 0);
    expect(setting.lines.join("")).toContain(`"connections":${families.length}`);
  });

  test("an agent that starts ends what was denied while there was none", async () => {
    await using setting = new Setting(shopView(families, policyOf.closed), leasesOf(families));
    using netfilter = new Connection(setting.kernel.socket("netfilter"));
    netfilter.execute(families.map((family) => createConnection(sampleConnection(family, "udp"))));
    setting.loop.start();
    await until(() => connections(netfilter).length === 0);
    expect(setting.applied).not.toEqual([]);
  });
});

describe("the packet filter", () => {
  test("stays as an earlier agent left it until the cluster is known", async () => {
    await using setting = new Setting(undefined, []);
    setting.loop.start();
    const passed = setting.loop.inForce();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(setting.applied).toEqual([]);
    setting.view = shopView(["v6"]);
    setting.loop.lookAgain();
    await passed;
    expect(setting.applied.length).toBeGreaterThan(0);
  });

  test("widens the guard before its rules are written, and says afterwards that they are in force", async () => {
    await using setting = new Setting(shopView(["v6"], policyOf.closed), []);
    setting.loop.start();
    await setting.loop.inForce();
    expect(setting.guard.slice(0, 2)).toEqual(["widen shop", "this boot shop"]);
  });

  test("that cannot be written is a fault, closes the guard, and keeps those waiting who asked", async () => {
    await using setting = new Setting(shopView(["v6"], policyOf.closed), []);
    setting.isFailing = true;
    setting.loop.start();
    let isOver = false;
    const passed = setting.loop.inForce().then(() => (isOver = true));
    await until(() => setting.troubles.length > 1);
    expect(setting.troubles[0]).toBe("Cannot run nft: no");
    expect(setting.guard.at(-1)).toBe("broken shop");
    expect(isOver).toBe(false);
    setting.isFailing = false;
    await passed;
    expect(setting.guard.at(-1)).toBe("this boot shop");
  });

  test("goes on where the kernel does not list connections, says so once, and ends them as soon as it does", async () => {
    await using setting = new Setting(shopView(["v6"], policyOf.closed), leasesOf(["v6"]));
    using netfilter = new Connection(setting.kernel.socket("netfilter"));
    netfilter.execute([createConnection(sampleConnection("v6", "tcp"))]);
    const takeBack = [1, 2].map((nth) => setting.kernel.fail("IPCTNL_MSG_CT_GET", "EOPNOTSUPP", { nth }));
    setting.loop.start();
    await until(() => setting.lines.some((line) => line.includes("fault has gone")));
    expect(setting.lines.filter((line) => line.includes('"level":"warning"'))).toHaveLength(1);
    expect(setting.lines.join("")).toContain("connections that no policy allows any more go on");
    expect(takeBack.map((each) => each())).toEqual([false, false]);
    expect(connections(netfilter)).toEqual([]);
  });
});
