import { test as base, describe, expect } from "vitest";
import { removeEverywhere } from "../firewall/removal.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { silent } from "../log/log.ts";
import { hostPortRuleset, hostPortRulesetName } from "./host-port-rules.ts";
import { openPacketFilter } from "./packet-filter.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

const targets = { v4: ["10.1.0.2/32"], v6: ["fd00::2/128"], dual: ["fd00::2/128", "10.1.0.2/32"] };
const settings = ["nftables", "iptables"] as const;
const cases = settings.flatMap((setting) =>
  Object.entries(targets).map(([families, texts]) => ({ setting, families, texts })),
);

describe.for(cases)("with $setting, the rules for ports of $families", ({ setting, texts }) => {
  test("are found as they were written, missed when they are gone, and taken away", async ({ node }) => {
    const kernel = inside(linux, node);
    const ports = texts.map((text) => {
      const target = InterfaceAddress.parse(text);
      return { protocol: "tcp", port: 8080, target, targetPort: 80 } as const;
    });
    const wanted = { kernel, log: silent, setting, ruleset: "hextet-hp" };
    const filter = await openPacketFilter({ ...wanted, used: undefined });
    const ruleset = hostPortRuleset("hextet-hp", ports);
    expect(await filter.faults(ruleset)).not.toEqual([]);
    await filter.apply(ruleset);
    const again = await openPacketFilter({ ...wanted, used: filter.name });
    await again.apply(ruleset);
    expect(await again.faults(ruleset)).toEqual([]);
    const listed = () => node.run("nft", "list", "ruleset").toLowerCase();
    expect(listed()).toMatch(/hextet[-_]hp/);
    await removeEverywhere(kernel, hostPortRulesetName("/var/lib/hextet"));
    expect(listed()).not.toMatch(/hextet[-_]hp/);
    expect((await again.faults(ruleset)).length).toBeGreaterThan(0);
  });
});
