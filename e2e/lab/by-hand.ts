// What a test does to a node in place of the agent: forwarding, routes to the other nodes, neighbor proxies, and a network of the
// reference plugins. With it the lab itself is proven: where this works and the agent's way does not, the agent is at fault.
import type { Family } from "../../src/ip/address.ts";
import { eventually } from "../runtimes/eventually.ts";
import { paths } from "./files.ts";
import type { Lab } from "./lab.ts";
import type { RunningMachine } from "./machine.ts";
import { ipBatch } from "./namespaces.ts";
import type { Pod } from "./pod.ts";
import type { NodeMachine } from "./topology.ts";

/** Every node forwards and has a network. */
export async function prepareNodes(lab: Lab): Promise<void> {
  await Promise.all(
    lab.topology.nodes.map(async (plan) => {
      const node = lab.machine(plan.name);
      await forward(node);
      node.write(`${paths.networks}/10-reference.conflist`, JSON.stringify(referenceNetwork(plan)));
    }),
  );
}

/** The reference's plugins return while addresses at the node's end of a link are still being asked about. */
export async function settleAddresses(lab: Lab): Promise<void> {
  for (const place of [...lab.pods, ...lab.nodes]) {
    await eventually(`no address of ${place.name} is tentative`, async () => {
      return (await place.run("ip", "-6", "address", "show", "tentative")) === "" ? true : undefined;
    });
  }
}

/** Routes from every node to the others' prefixes by their addresses; only right where all are on one link. */
export async function routeBetweenNodes(lab: Lab): Promise<void> {
  await Promise.all(
    lab.topology.nodes.map(async ({ name }) => {
      const others = lab.topology.nodes.filter((each) => each.name !== name);
      await ipBatch(lab.machine(name).place, others.flatMap(routesTo));
    }),
  );
}

/** Has a node answer for a pod on its uplink. */
export async function answerFor(pod: Pod): Promise<void> {
  await pod.node.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/proxy_ndp");
  await ipBatch(
    pod.node.place,
    pod.addresses.map((address) => `neighbor add proxy ${address} dev eth0`),
  );
}

/** An advertised default route outlives forwarding only where accept_ra is 2. */
async function forward(node: RunningMachine): Promise<void> {
  const settings = [
    "echo 2 > /proc/sys/net/ipv6/conf/eth0/accept_ra",
    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
    "echo 1 > /proc/sys/net/ipv4/conf/all/forwarding",
  ];
  await node.run("sh", "-c", settings.join("; "));
}

/** IPv4 finds its way over IPv6 where the node has no IPv4 address (RFC 5549). */
function routesTo({ addresses, prefixes }: NodeMachine): string[] {
  return prefixes.map((prefix) => {
    const via = addresses.find(({ family }) => family === prefix.family) ?? addresses[0];
    return `route add ${prefix} via ${via?.family === prefix.family ? "" : "inet6 "}${via}`;
  });
}

function referenceNetwork({ prefixes }: NodeMachine): object {
  const everything: Readonly<Record<Family, string>> = { v6: "::/0", v4: "0.0.0.0/0" };
  const ipam = {
    type: "host-local",
    ranges: prefixes.map((prefix) => [{ subnet: prefix }]),
    routes: prefixes.map(({ family }) => ({ dst: everything[family] })),
  };
  return { cniVersion: "1.0.0", name: "reference", plugins: [{ type: "ptp", ipam }] };
}
