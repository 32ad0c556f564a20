import { describe, expect, test } from "vitest";
import { savedFacts } from "./backend-facts.ts";
import { type BackendFacts, type BackendSetting, chooseBackend, type VariantFacts } from "./detection.ts";

const unused: VariantFacts = { rules: 0, hint: false };
const missing = (program: string) => ({ fault: `Cannot run ${program}: it is not installed` });

/** A host on which everything works and nobody has rules. */
function facts(more: Partial<BackendFacts> = {}): BackendFacts {
  const variants = { nft: unused, legacy: unused };
  return { nft: {}, ipset: {}, iptables: { is: "nft" }, variants, tables: [], ...more };
}

const dropping = "iptables' FORWARD chain has the policy DROP";
const named = (detection: ReturnType<typeof chooseBackend>) =>
  detection.choice.kind === "nftables" ? "nftables" : `iptables ${detection.choice.variant}`;

describe("chooseBackend()", () => {
  test.for<[name: string, facts: BackendFacts, choice: string, reason: string]>([
    ["nobody has rules", facts(), "iptables nft", "nobody else has firewall rules"],
    [
      "others use nft alone",
      facts({ tables: ["inet firewalld"] }),
      "nftables",
      "others use nft (table inet firewalld)",
    ],
    [
      "kube-proxy uses legacy iptables",
      facts({ variants: { nft: unused, legacy: { rules: 90, hint: true } } }),
      "iptables legacy",
      "others have 90 rules in iptables; legacy iptables, because others use it",
    ],
    [
      "both are used",
      facts({ tables: ["ip kube-proxy"], variants: { nft: { rules: 3, hint: false }, legacy: unused } }),
      "iptables nft",
      "others have 3 rules",
    ],
    [
      "FORWARD drops in legacy iptables, beside rules in the other",
      facts({
        tables: ["ip x"],
        variants: { nft: { rules: 9, hint: false }, legacy: { ...unused, dropsForwarded: dropping } },
      }),
      "iptables legacy",
      `${dropping}, and nothing but a rule of iptables makes an exception`,
    ],
    [
      "only the kubelet's hint is there",
      facts({ variants: { nft: unused, legacy: { rules: 0, hint: true } } }),
      "iptables legacy",
      "because the kubelet uses it",
    ],
    ["nft is missing", facts({ nft: missing("nft") }), "iptables nft", "nft cannot be used: Cannot run nft"],
    ["ipset is missing", facts({ ipset: missing("ipset") }), "nftables", "iptables cannot be used: Cannot run ipset"],
    [
      "the variants have no programs of their own",
      facts({
        variants: { nft: { ...unused, ...missing("iptables-nft-save") }, legacy: { ...unused, ...missing("x") } },
      }),
      "iptables default",
      "nft iptables, because it is what iptables is here",
    ],
  ])("%s", ([, given, choice, reason]) => {
    const detection = chooseBackend("auto", given);
    expect(named(detection)).toBe(choice);
    expect(detection.reason).toContain(reason);
    expect(detection.caution).toBeUndefined();
  });

  test.for<[setting: BackendSetting, given: BackendFacts, caution: string]>([
    [
      "nftables",
      facts({ variants: { nft: { ...unused, dropsForwarded: dropping }, legacy: unused } }),
      `${dropping}, which drops pods' packets whatever nft accepts; set firewall.backend: iptables`,
    ],
    [
      "auto",
      facts({
        variants: { nft: unused, legacy: { rules: 5, hint: false, fault: "Cannot run iptables-legacy-save: gone" } },
      }),
      "rules of legacy iptables cannot be reached: Cannot run iptables-legacy-save: gone",
    ],
  ])("%s: what will not work is told", ([setting, given, caution]) => {
    expect(chooseBackend(setting, given).caution).toBe(caution);
  });

  test.for<[setting: BackendSetting, given: BackendFacts, message: string]>([
    ["nftables", facts({ nft: missing("nft") }), "Cannot run nft: it is not installed"],
    ["iptables", facts({ ipset: missing("ipset") }), "Cannot run ipset: it is not installed"],
    [
      "auto",
      facts({ nft: missing("nft"), ipset: missing("ipset") }),
      "Cannot find a firewall backend: Cannot run nft: it is not installed; Cannot run ipset: it is not installed",
    ],
  ])("%s: what is missing is named", ([setting, given, message]) => {
    expect(() => chooseBackend(setting, given)).toThrow(message);
  });
});

describe("savedFacts()", () => {
  const saved = (lines: string) => savedFacts([`*filter\n:FORWARD ACCEPT [0:0]\n${lines}\nCOMMIT\n`]);

  test("ours and the kubelet's are nobody's use of iptables", () => {
    const lines =
      ":HEXTET-FORWARD - [0:0]\n:HEXTET_HP-PORTS - [0:0]\n:KUBE-FIREWALL - [0:0]\n-A FORWARD -j HEXTET-FORWARD\n-A HEXTET_HP-PORTS -j RETURN\n-A INPUT -j KUBE-FIREWALL";
    expect(saved(lines)).toEqual({ rules: 0, hint: false });
  });

  test("rules of others are counted", () => {
    expect(saved(":KUBE-FORWARD - [0:0]\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -j ACCEPT").rules).toBe(2);
  });

  test("Docker closes FORWARD, whatever its policy", () => {
    expect(saved(":DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER").dropsForwarded).toContain("Docker");
    expect(savedFacts(["*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", ""]).dropsForwarded).toBe(dropping);
  });
});
