import { expect, test } from "vitest";
import { readAgentConfig } from "../../src/agent/config-file.ts";
import { readClusterFiles } from "../../src/cluster/file/cluster-files.ts";
import { Address } from "../../src/ip/address.ts";
import { agentFile, clusterFile, hostsFile } from "./files.ts";
import { familySets, wirings } from "./topology.ts";
import { nodeNames, topologyOf } from "./wirings.ts";

const everyKind = wirings.flatMap((wiring) => familySets.map((families) => ({ wiring, families })));

test.for(everyKind)("the cluster file says to the agent what the topology says: %o", (kind) => {
  const { nodes } = topologyOf({ ...kind, nodes: nodeNames.length });
  const { view, faults } = readClusterFiles([{ file: "cluster.yaml", text: clusterFile({ nodes }) }]);
  expect(faults).toEqual([]);
  const wanted = nodes.map(({ name, addresses, prefixes }) => {
    return { name, addresses, prefixes: prefixes.map((prefix) => ({ prefix, state: "active" })) };
  });
  expect(view?.nodes).toEqual(wanted);
});

test.for([
  ["nodes", "auto"],
  ["fabric", "external"],
] as const)("the agent's file leaves all to the defaults; routed by %s the mode is %s", ([routedBy, mode]) => {
  const source = { file: "agent.yaml", hostName: "alpha", mayBeMissing: false };
  const defaults = readAgentConfig("", source);
  expect(readAgentConfig(agentFile(routedBy), source)).toEqual({ ...defaults, routing: { ...defaults.routing, mode } });
});

test("machines and pods have names, IPv6 first", () => {
  const pods = [{ name: "alpha-1", addresses: [Address.parse("2001:db8:0:1::2"), Address.parse("10.0.1.2")] }];
  const text = hostsFile(topologyOf({ wiring: "link", nodes: 1, families: "dual" }), pods);
  expect(text.split("\n").filter((line) => line.includes("alpha"))).toEqual([
    "2001:db8:ffff:1::11 alpha",
    "10.255.1.11 alpha",
    "2001:db8:0:1::2 alpha-1",
    "10.0.1.2 alpha-1",
  ]);
});
