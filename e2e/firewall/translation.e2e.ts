import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { FirewallSettings } from "../../src/firewall/base-settings.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { prefixes, usualSettings } from "../../src/firewall/sample-node.ts";
import { Address } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import { firewallOf, matrix } from "./backends.ts";
import { expectConnection } from "./probes.ts";
import { beyond, uplink, usualPods, World } from "./world.ts";

const address = (text: string) => Address.parse(text);

describe.for(matrix)("$backend, $name: what is seen outside of", ({ backend, families }) => {
  let world: World;
  let firewall: Firewall;
  beforeAll(async () => {
    world = await World.create({ families, pods: usualPods(families, 2) });
    firewall = firewallOf(world.node.kernel, backend);
  });
  afterAll(() => world[Symbol.dispose]());

  const masquerade = (how: Partial<FirewallSettings["masquerade"]>): FirewallSettings => ({
    ...usualSettings,
    masquerade: { ...usualSettings.masquerade, ...how },
  });
  const only = <T extends readonly [source: string, ...unknown[]]>(...rows: readonly T[]) =>
    rows.filter(([source]) => families.includes(address(source).family));
  const seenAs = (source: string, destination: string) =>
    expectConnection(world.pod(0), world.beyond, { source: address(source), destination: address(destination) });
  const outside = (source: string) => beyond.host[address(source).family];

  test.for(
    only(
      ["2001:db8:1::2", masquerade({}), "2001:db8:1::2"],
      ["2001:db8:1::2", masquerade({ ipv6: true }), uplink.v6],
      ["fd00:1::2", masquerade({}), uplink.v6],
      ["fd00:1::2", masquerade({ ipv6: false }), "fd00:1::2"],
      ["fd00:1::2", masquerade({ except: prefixes("2001:db8:99::/64") }), "fd00:1::2"],
      ["10.1.0.2", masquerade({}), uplink.v4],
      ["10.1.0.2", masquerade({ ipv4: false }), "10.1.0.2"],
      ["10.1.0.2", masquerade({ except: prefixes("198.51.100.0/24") }), "10.1.0.2"],
    ),
  )("a pod's %s, with $1.masquerade, is %3$s", async ([source, settings, expected]) => {
    await firewall.apply(baseRules(settings, world.facts));
    expect(await seenAs(source, outside(source))).toBe(expected);
  });

  test.for(only(["2001:db8:1::2"], ["fd00:1::2"], ["10.1.0.2"]))(
    "a pod's %s is itself at pods and nodes of the cluster",
    async ([source]) => {
      await firewall.apply(baseRules(masquerade({ ipv6: true }), world.facts));
      const { family } = address(source);
      for (const destination of [beyond.pod[family], beyond.node[family]])
        expect(await seenAs(source, destination)).toBe(source);
      const toPod = { source: address(source), destination: world.pod(1).address(family) };
      expect(await expectConnection(world.pod(0), world.pod(1), toPod)).toBe(source);
    },
  );

  test.for(families)("%s: the node itself is the node", async (family) => {
    await firewall.apply(baseRules(masquerade({ ipv6: true }), world.facts));
    expect(await expectConnection(world.nodeHost, world.beyond, family)).toBe(world.node.addresses[family]);
  });

  test.for(only(["fd00:1::2"]))(
    "a pod's %s is what its prefix is translated to, and reached by it",
    async ([source]) => {
      const nptv6 = [{ inside: Prefix.parse("fd00:1::/48"), outside: Prefix.parse("2001:db8:5::/48") }];
      await firewall.apply(baseRules({ ...usualSettings, nptv6 }, world.facts));
      expect(await seenAs(source, outside(source))).toBe("2001:db8:5::2");
      expect(await seenAs("2001:db8:1::2", outside(source))).toBe("2001:db8:1::2");
      expect(await seenAs(source, beyond.pod.v6)).toBe(source);
      const [destination, pod] = [address("2001:db8:5::3"), world.pod(1)];
      for (const from of [world.beyond, world.nodeHost]) {
        const seen = await expectConnection(from, pod, { source: from.address("v6"), destination });
        expect(seen).toBe(from.address("v6").toString());
      }
    },
  );
});
