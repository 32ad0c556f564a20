// What a person is shown of a lab: pure, but for asking what runs.

import { table } from "../table.ts";
import type { Lab } from "./lab.ts";
import type { Endpoint } from "./matrix.ts";
import { addressesOf } from "./topology.ts";

export function describeLab(lab: Lab): string {
  const { topology } = lab;
  const nodes = topology.nodes.map(({ name, ports, addresses, prefixes }) => {
    const links = ports.map(({ link }) => link).join(" ");
    return [name, links, addresses.join(" "), prefixes.join(" "), runningOn(lab, name)];
  });
  const pods = lab.pods.map(({ name, node, addresses }) => [name, node.name, addresses.join(" ")]);
  const others = [topology.router, topology.outside].map((each) => {
    return [each.name, each.ports.map(({ link }) => link).join(" "), addressesOf(each).join(" ")];
  });
  const tables = [
    [["node", "link", "addresses", "prefixes of pods", "agent"], ...nodes],
    [["pod", "node", "addresses"], ...pods],
    [["beside", "links", "addresses"], ...others],
  ];
  return tables
    .filter(({ length }) => length > 1)
    .map(table)
    .join("\n\n");
}

function runningOn(lab: Lab, name: string): string {
  const node = lab.machine(name);
  const program = lab.programOf(node);
  if (program === undefined) return "none";
  return node.hasProgram(program) ? "runs" : "has ended";
}

/** Who is to reach whom: pods, nodes, and the host outside. */
export function endpointsOf(lab: Lab): readonly Endpoint[] {
  const machines = [...lab.nodes, lab.outside];
  return [...lab.pods, ...machines.map(({ name, place, plan }) => ({ name, place, addresses: addressesOf(plan) }))];
}
