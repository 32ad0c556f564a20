import { describe, expect, test } from "vitest";
import type { NodePrefix } from "../cluster/view.ts";
import { readNetworkConfig } from "../cni/network-config.ts";
import { Prefix } from "../ip/prefix.ts";
import { parseIpam } from "../ipam/config/config.ts";
import { ipamWarnings } from "../ipam/config/config-warnings.ts";
import { parseSettings, settingsWarnings } from "../plugin/settings.ts";
import { readAgentConfig } from "./config-file.ts";
import { conflistOf, printConflist } from "./conflist.ts";

function config(text = "") {
  return readAgentConfig(text, { file: "agent.yaml", hostName: "alpha" });
}

function prefixes(...texts: readonly string[]): NodePrefix[] {
  return texts.map((text) => {
    const [prefix = "", state] = text.split(" ");
    return { prefix: Prefix.parse(prefix), state: state === "draining" ? state : "active" };
  });
}

function printed(text: string, ...nodePrefixes: readonly string[]): unknown {
  const conflist = conflistOf(config(text), prefixes(...nodePrefixes), 1450);
  return conflist === undefined ? undefined : JSON.parse(printConflist(conflist));
}

const network = (ranges: unknown) => ({
  cniVersion: "1.0.0",
  cniVersions: ["1.0.0", "1.1.0"],
  name: "hextet",
  plugins: [
    {
      type: "hextet",
      mode: "routed",
      mtu: 1450,
      ipam: { ranges, assign: "sequential", annotations: ["ips", "assign"], dataDir: "/var/lib/hextet" },
      guard: "/var/lib/hextet/guard.json",
      firewall: { backend: "auto" },
      capabilities: {
        ips: true,
        mac: true,
        bandwidth: true,
        "io.kubernetes.cri.pod-annotations": true,
        portMappings: true,
      },
    },
  ],
});

describe("conflistOf()", () => {
  test("without a firewall leads no port to a pod, and guards none", () => {
    const [plugin] = conflistOf(config("firewall: { backend: none }"), prefixes("fd00::/64"), 1450)?.plugins ?? [];
    expect(plugin).toMatchObject({ capabilities: { ips: true, mac: true, bandwidth: true } });
    expect(plugin).not.toHaveProperty("capabilities.portMappings");
    expect(plugin).not.toHaveProperty("firewall");
    expect(plugin).not.toHaveProperty("guard");
  });

  test.for([
    ["IPv4-only", ["10.1.0.0/24"], [[{ subnet: "10.1.0.0/24" }]]],
    ["IPv6-only", ["2001:db8:0:1::/64"], [[{ subnet: "2001:db8:0:1::/64" }]]],
    ["dual-stack", ["fd00::/64", "10.1.0.0/24"], [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/24" }]]],
    ["IPv4-first dual-stack", ["10.1.0.0/24", "fd00::/64"], [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]]],
    [
      "growing dual-stack",
      ["fd00::/64", "10.1.0.0/24", "fd01::/64", "10.9.0.0/24"],
      [
        [{ subnet: "fd00::/64" }, { subnet: "fd01::/64" }],
        [{ subnet: "10.1.0.0/24" }, { subnet: "10.9.0.0/24" }],
      ],
    ],
    [
      "renumbering",
      ["fd00::/64 draining", "fd01::/64", "10.1.0.0/24"],
      [[{ subnet: "fd01::/64" }], [{ subnet: "10.1.0.0/24" }]],
    ],
  ] as const)("gives an %s node one range set per family", ([, nodePrefixes, ranges]) => {
    expect(printed("", ...nodePrefixes)).toEqual(network(ranges));
  });

  test.for(["", "fd00::/64 draining", "10.1.0.0/24 draining", "fd00::/64 draining, 10.1.0.0/24 draining"])(
    "is absent for a node with the prefixes %j",
    (list) => {
      expect(printed("", ...list.split(", ").filter((text) => text !== ""))).toBeUndefined();
    },
  );

  test("takes name, assignment, data directory and further plugins from the configuration", () => {
    const text = `
dataDirectory: /data
cni:
  network: pods
  ipam: {assign: stable, annotations: []}
  plugins:
    - {type: portmap, capabilities: {portMappings: true}, snat: false}
    - {type: tuning, sysctl: {net.core.somaxconn: "512"}}
`;
    expect(printed(text, "fd00::/64")).toMatchObject({
      name: "pods",
      plugins: [
        { type: "hextet", ipam: { assign: "stable", annotations: [], dataDir: "/data" } },
        { type: "portmap", capabilities: { portMappings: true }, snat: false },
        { type: "tuning", sysctl: { "net.core.somaxconn": "512" } },
      ],
    });
  });

  test("holds nothing that the plugin would warn of or refuse", () => {
    const conflist = conflistOf(config(), prefixes("fd00::/64", "10.1.0.0/24"), 1280);
    const [plugin] = conflist?.plugins ?? [];
    const document = JSON.parse(JSON.stringify({ ...plugin, cniVersion: "1.1.0", name: conflist?.name }));
    const { config: read } = readNetworkConfig(document, "ADD");
    const settings = parseSettings(read.own);
    const section = read.own["ipam"];
    expect(ipamWarnings(Object(section), parseIpam(section))).toEqual([]);
    expect(settings).toMatchObject({ mode: "routed", mtu: 1280 });
    expect(settingsWarnings(read.own, settings)).toEqual([]);
  });
});
