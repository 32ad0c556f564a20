// Statement A7: executing another plugin, and being executed by one.
import { isIPv6 } from "node:net";
import { test as base, describe, expect } from "vitest";
import { versions } from "../../src/cni/versions.ts";
import { addressesOf, chosen, columns, expectSound, freshNode, kernelAddresses, type Node, resultOf } from "./node.ts";

const test = base.extend<{ node: Node }>({ node: freshNode });
const count = { v4: 1, v6: 1, dual: 2 } as const;

describe.for(columns)("A7 (%s)", (families) => {
  const asks = chosen[families];
  const ips = asks.map((address) => ({ address: `${address}/${isIPv6(address) ? 64 : 24}` }));

  test("a delegate gets the same environment and the whole configuration, and its stderr comes through", async ({
    node,
  }) => {
    const ipam = node
      .recorder("some-ipam")
      .answer("ADD", { stdout: { cniVersion: "1.1.0", ips }, stderr: "from below\n" });
    const list = node.network({
      families,
      ipam: { type: "some-ipam", key: ["value"] },
      plugin: { other: { deep: 1 } },
    });
    const { container } = node.pod({ args: { IgnoreUnknown: "1", FOO: "BAR" } });
    const environment = node.runtime.environmentOf("ADD", container);
    const document = { ...list.plugins[0], name: list.name, cniVersion: list.cniVersion };
    const execution = await node.runtime.execute("hextet", environment, JSON.stringify(document));
    expect(execution).toMatchObject({ code: 0, stderr: expect.stringContaining("from below\n") });
    expect(addressesOf(JSON.parse(execution.stdout))).toEqual(asks);
    expect(ipam.calls()[0]?.environment).toMatchObject(environment);
    expect(ipam.calls()[0]?.document).toEqual(document);
  });

  test.for(versions)("the reference host-local serves as delegate in version %s", async (version, { node }) => {
    const ranges = { v4: ["10.20.0.0/24"], v6: ["fd00:20::/64"], dual: ["fd00:20::/64", "10.20.0.0/24"] }[families];
    const ipam = { type: "host-local", dataDir: node.dataDirectory, ranges: ranges.map((subnet) => [{ subnet }]) };
    const list = node.network({ families, version, ipam });
    const { namespace, container } = node.pod();
    const addresses = addressesOf(await node.runtime.add(list, container));
    expect(addresses).toEqual({ v4: ["10.20.0.2"], v6: ["fd00:20::2"], dual: ["fd00:20::2", "10.20.0.2"] }[families]);
    expect(kernelAddresses(namespace, "eth0").map((each) => each.split("/")[0])).toEqual(
      expect.arrayContaining([...addresses]),
    );
    if (!["0.3.0", "0.3.1"].includes(version)) await expectSound(node, list, container);
    await node.runtime.del(list, container);
  });

  test.for(versions)(
    "as a delegate hextet-ipam answers with addresses alone, in version %s",
    async (version, { node }) => {
      const list = node.network({ families, version });
      const [plugin] = list.plugins;
      const ipam = { ...Object(plugin?.["ipam"]), type: "hextet-ipam" };
      const document = { type: "bridge", name: "pods", cniVersion: version, ipam };
      const environment = node.runtime.environmentOf("ADD", node.pod().container);
      const execution = await node.runtime.execute("hextet-ipam", environment, JSON.stringify(document));
      expect(execution.code).toBe(0);
      const answer = JSON.parse(execution.stdout);
      expect(answer).not.toHaveProperty("interfaces");
      expect(answer.cniVersion).toBe(version);
      expect(resultOf(answer).ips).toHaveLength(count[families]);
      expect(resultOf(answer).ips.some((ip) => "interface" in ip)).toBe(false);
    },
  );

  test("hextet-ipam serves the reference bridge", async ({ node }) => {
    const list = node.network({ families, version: "1.0.0" });
    const ipam = { ...Object(list.plugins[0]?.["ipam"]), type: "hextet-ipam" };
    const bridge = { ...list, plugins: [{ type: "bridge", bridge: "reference0", isGateway: true, ipam }] };
    const { namespace, container } = node.pod();
    const addresses = addressesOf(await node.runtime.add(bridge, container));
    expect(kernelAddresses(namespace, "eth0").map((each) => each.split("/")[0])).toEqual(
      expect.arrayContaining([...addresses]),
    );
    await expectSound(node, bridge, container);
    await node.runtime.del(bridge, container);
  });
});
