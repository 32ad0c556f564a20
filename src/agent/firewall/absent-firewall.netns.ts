// A node whose operator wants no firewall: what earlier agents wrote by whichever backend goes, and nothing else.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { createFirewall } from "../../firewall/backends.ts";
import { baseRules } from "../../firewall/base-rules.ts";
import { removeEverywhere } from "../../firewall/removal.ts";
import { sampleNode, usualSettings } from "../../firewall/sample-node.ts";
import { inside } from "../../kernel/inside.ts";
import { linux } from "../../kernel/linux.ts";
import { fresh, type TestNamespace } from "../../kernel/test-namespace.ts";
import { createLog, silent } from "../../log/log.ts";
import { compile } from "../../policy/compile.ts";
import { systemClock } from "../../reconcile/loop.ts";
import { AbsentFirewall } from "./absent-firewall.ts";
import { KeptGuard } from "./kept-guard.ts";
import { localPods, pod, policyOf, policyView, stacks } from "./sample-shop.ts";

const test = base.extend<{ node: TestNamespace; directory: string }>({
  node: fresh,
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "absent-firewall-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const choices = [
  { kind: "nftables" },
  { kind: "iptables", variant: "nft" },
  { kind: "iptables", variant: "legacy" },
] as const;
const cases = choices.flatMap((choice) => stacks.map(([stack, families]) => ({ choice, stack, families })));

function rulesOf(node: TestNamespace): string {
  const programs = ["iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy"].map(
    (each) => `${each}-save`,
  );
  const saved = programs.map((program) => node.run(program));
  return [node.run("nft", "list", "ruleset"), ...saved, node.run("ipset", "save")].join("\n");
}

test.for(cases)(
  "$choice, $stack: goes, and what others have stays",
  async ({ choice, families }, { node, directory }) => {
    const kernel = inside(linux, node);
    node.run("ip6tables", "-A", "FORWARD", "-s", "2001:db8:77::/64", "-j", "ACCEPT");
    const view = policyView([pod("web", families), pod("db", families)], policyOf.friendly);
    const rules = baseRules(
      usualSettings,
      { ...sampleNode, families },
      compile({ view, localPods: localPods(families) }),
    );
    await createFirewall(kernel, choice, silent).apply(rules);
    expect(rulesOf(node).toLowerCase()).toContain("hextet");

    const lines: string[] = [];
    const firewall = new AbsentFirewall({
      config: {
        dataDirectory: directory,
        cni: {
          directory,
          fileName: "a.conflist",
          network: "pods",
          ipam: { assign: "sequential", annotations: [] },
          plugins: [],
        },
      },
      kernel,
      leases: { unmapPortsAllBut: () => [], ports: () => ({ change: 0, ports: [] }), portsApplied: () => {} },
      bootId: "this boot",
      guard: new KeptGuard(directory),
      log: createLog({ write: (line) => lines.push(line) }),
      readiness: { firewall: (troubles) => expect(troubles).toEqual([]) },
      metrics: { counted: (_, pass) => pass },
      clock: systemClock,
    });
    firewall.start();
    await expect
      .poll(() => lines.join(""), { timeout: 15_000 })
      .toContain("firewall rules of an earlier agent taken away");
    await firewall.stop();
    expect(rulesOf(node).toLowerCase()).not.toContain("hextet");
    expect(rulesOf(node)).toContain("2001:db8:77::/64");
    expect(lines.filter((line) => line.includes("NetworkPolicy is not enforced"))).toHaveLength(1);
    expect(await removeEverywhere(kernel, "hextet")).toEqual([]);
  },
);
