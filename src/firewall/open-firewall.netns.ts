import { test as base, describe, expect } from "vitest";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { createLog } from "../log/log.ts";
import { openFirewall } from "./open-firewall.ts";
import { sampleRuleset } from "./sample-ruleset.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

describe.concurrent("openFirewall()", () => {
  test.for<[name: string, others: string, choice: object, log: string]>([
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
  ])("%s: the backend, and the reason in the log", async ([, others, choice, reason], { node }) => {
    node.run("sh", "-c", others);
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const options = { setting: "auto", name: "hextet", log } as const;
    const opened = await openFirewall(inside(linux, node), options);
    expect(opened.detection.choice).toMatchObject(choice);
    expect(lines.join("")).toContain(reason);
    // Our own rules are nobody's use of a backend: the choice is the same at the next start.
    await opened.firewall.apply(sampleRuleset(["v6", "v4"]));
    expect((await openFirewall(inside(linux, node), options)).detection).toEqual(opened.detection);
  });
});
