// Whether addresses and prefixes are each one node's own, are held where the cluster says so, and are large enough to be shared out.
import { familyName } from "../../ip/address.ts";
import { servedClaims } from "../../node/prefix-claims.ts";
import { type Check, command, problem, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { linkName, nodeOf, viewOf } from "../view.ts";
import { findingsOf } from "./faults.ts";

const duplicateAddress: Check = {
  id: "duplicate-address",
  why: "an address that duplicate address detection found elsewhere is never used, and stays so until it is removed",
  look(facts) {
    const failed = known(facts.host).addresses.filter(({ duplicate }) => duplicate);
    return failed.map(({ address, link }) => {
      const name = linkName(facts, link);
      const again = `ip -6 address delete ${address} dev ${name} && ip -6 address add ${address} dev ${name}`;
      const seen = `${address} on ${name} is held by another host on the link (DADFAILED)`;
      return problem(seen, command(`find it: ip -6 neigh show ${address.address}`), command(`afterwards: ${again}`));
    });
  },
};

const nodeAddress: Check = {
  id: "node-address",
  why: "other nodes send to the address that the cluster has of this one",
  look: (facts) => findingsOf(ownFaults(facts), ["address-not-held", "node-without-address"]),
};

const nodePrefix: Check = {
  id: "node-prefix",
  why: "pods get their addresses from the prefixes that the cluster gives this node",
  look: (facts) => findingsOf(ownFaults(facts), ["node-missing", "node-without-prefix"]),
};

const clusterNodes: Check = {
  id: "cluster-nodes",
  why: "a node without prefix, address or common ground is not reached from here",
  look(facts) {
    const { nodeName } = known(facts.config);
    const others = nodeOf(facts).routing.faults.filter(({ node }) => node !== undefined && node !== nodeName);
    const codes = ["node-without-address", "node-without-prefix", "not-on-link", "no-common-underlay"] as const;
    return findingsOf(others, codes).map((finding) => ({ ...finding, severity: "warning" }));
  },
};

function ownFaults(facts: Parameters<Check["look"]>[0]) {
  const { nodeName } = known(facts.config);
  return nodeOf(facts).routing.faults.filter(({ node }) => node === undefined || node === nodeName);
}

const sharedAddress: Check = {
  id: "shared-address",
  why: "of two nodes with one address one gets the packets of both",
  look(facts) {
    const { nodes } = viewOf(facts);
    const holders = Map.groupBy(
      nodes.flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address: `${address}` }))),
      ({ address }) => address,
    );
    return [...holders].flatMap(([address, all]) => {
      const names = [...new Set(all.map(({ name }) => name))];
      if (names.length < 2) return [];
      return [
        problem(
          `Nodes ${names.join(" and ")} have the same address ${address}`,
          command("give each node an address of its own"),
        ),
      ];
    });
  },
};

const prefixOverlap: Check = {
  id: "prefix-overlap",
  why: "of prefixes that overlap only one is routed, and pods of the other are not reached",
  look(facts) {
    const { view, uplinks } = nodeOf(facts);
    const { faults } = servedClaims(view, known(facts.config).nodeName, uplinks.links);
    return findingsOf(faults, ["prefix-overlap"]);
  },
};

/** Kubernetes keeps a bit for each prefix of a node, and no more than 2^16 of them (cidr_set.go, clusterSubnetMaxDiff). */
const mostBits = 16;

const prefixSize: Check = {
  id: "prefix-size",
  why: "the controller-manager of Kubernetes gives nodes no prefix where the cluster's is more than 16 bits shorter, and none when all are given",
  look(facts) {
    const manager = known(facts.controllerManager);
    if (manager === undefined) return [];
    const { nodes } = viewOf(facts);
    const file = command(`edit ${manager.file}`);
    return manager.clusterPrefixes.flatMap((prefix) => {
      const length = manager.nodeLengths[prefix.family] ?? (prefix.family === "v6" ? 64 : 24);
      const bits = length - prefix.length;
      const flags = `--cluster-cidr ${prefix} with a node mask of /${length}`;
      if (bits < 0) return [problem(`${flags}: the cluster's prefix is smaller than a node's`, file)];
      if (bits > mostBits && prefix.family === "v6") {
        return [problem(`${flags}: the difference is ${bits} bits, and Kubernetes takes at most ${mostBits}`, file)];
      }
      const room = 2 ** bits;
      if (nodes.length * 10 <= room * 9) return [];
      const seen = `${flags} has room for ${room} nodes, and there are ${nodes.length}`;
      return [nodes.length >= room ? problem(seen, file) : warning(seen, file)];
    });
  },
};

const familiesOfUplink: Check = {
  id: "uplink-family",
  why: "pods of a family that the uplink has no address of reach other nodes, but nothing beyond them",
  look(facts) {
    const { families, uplinks } = nodeOf(facts);
    if (uplinks.links.length === 0) return [];
    return families
      .filter((family) => !uplinks.links.some(({ addresses }) => addresses.some((each) => each.family === family)))
      .map((family) =>
        warning(
          `The node has a prefix of ${familyName(family)}, and none of its uplinks an address of it`,
          command(`ip address add ADDRESS/LENGTH dev ${uplinks.links[0]?.name ?? "LINK"}`),
        ),
      );
  },
};

export const addressChecks: readonly Check[] = [
  nodePrefix,
  nodeAddress,
  familiesOfUplink,
  duplicateAddress,
  sharedAddress,
  clusterNodes,
  prefixOverlap,
  prefixSize,
];
