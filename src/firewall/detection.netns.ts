import { test as base, describe, expect } from "vitest";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { silent } from "../log/log.ts";
import { readBackendFacts } from "./backend-facts.ts";
import { createFirewall } from "./backends.ts";
import { chooseBackend } from "./detection.ts";
import { sampleRuleset } from "./sample-ruleset.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

describe.concurrent("chooseBackend() on a real host", () => {
  test.for<[name: string, others: string, choice: object, reason: string]>([
    ["nobody else has rules", "true", { kind: "iptables" }, "nobody else has firewall rules"],
    [
      "others use legacy iptables",
      "iptables-legacy -A INPUT -s 192.0.2.1 -j DROP",
      { kind: "iptables", variant: "legacy" },
      "others have 1 rules in iptables",
    ],
    [
      "others use IPv6 alone in iptables-nft",
      "ip6tables-nft -N KUBE-FORWARD; ip6tables-nft -A FORWARD -j KUBE-FORWARD",
      { kind: "iptables", variant: "nft" },
      "others use it",
    ],
    ["others use nft", "nft add table inet theirs", { kind: "nftables" }, "table inet theirs"],
    [
      "FORWARD drops in legacy iptables, beside tables of nft",
      "nft add table inet theirs; iptables-legacy -P FORWARD DROP",
      { kind: "iptables", variant: "legacy" },
      "has the policy DROP",
    ],
  ])("%s: the backend and the reason, the same at the next start", async ([, others, choice, reason], { node }) => {
    node.run("sh", "-c", others);
    const kernel = inside(linux, node);
    const detect = async () => chooseBackend("auto", await readBackendFacts(kernel));
    const detection = await detect();
    expect(detection).toMatchObject({ choice, reason: expect.stringContaining(reason) });
    const firewall = createFirewall(kernel, detection.choice, silent);
    await firewall.apply(sampleRuleset(["v6", "v4"], "hextet-hp"));
    await createFirewall(kernel, detection.choice, silent).apply(sampleRuleset(["v6", "v4"]));
    expect(await detect()).toEqual(detection);
    expect(await firewall.verify()).toBe(false);
  });
});
