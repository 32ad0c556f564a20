// Whether the lease database is sound, and whether leases and links are of the same pods.
import type { Found } from "../../pod/inventory.ts";
import { type Check, command, problem } from "../finding.ts";
import { known } from "../reading.ts";
import { few } from "./few.ts";
import { restartAgent, startAgent } from "./runtime.ts";

const database: Check = {
  id: "database",
  why: "which addresses are given is known by the lease database; without it a pod is attached only after it was rebuilt",
  look(facts) {
    const { path, state, why = "" } = known(facts.store);
    switch (state) {
      case "sound":
        return [];
      case "missing": {
        const pods = known(facts.podLinks).length;
        return pods === 0 ? [] : [problem(`${path} is missing, and ${pods} pods are attached`, restartAgent)];
      }
      case "unsafe":
        return [problem(why)];
      case "damaged":
        return [problem(`${path} is damaged: ${why}`, command("look at the disk: dmesg | tail"), restartAgent)];
    }
  },
};

const leasesWithoutLinks: Check = {
  id: "leases-without-links",
  why: "their pods are gone, and their addresses cannot be given to others",
  look(facts) {
    const { leases } = known(facts.strays);
    if (leases.length === 0) return [];
    const held = few(
      leases.map(({ address, attachment }) => `${address} of container ${attachment.containerId.slice(0, 12)}`),
    );
    return [
      problem(
        `Leases have no link any more: ${held}`,
        startAgent,
        command("and wait: an agent that runs releases them within two minutes"),
      ),
    ];
  },
};

const linksWithoutLeases: Check = {
  id: "links-without-leases",
  why: "their addresses may be given to another pod while this one still uses them",
  look(facts) {
    const { links, unknown } = known(facts.strays);
    return [...links, ...unknown].map((found) => {
      const seen = `${nameOf(found)}, the link of container ${found.attachment.containerId.slice(0, 12)}, has no lease`;
      return problem(seen, restartAgent, command(`where the container is gone: ip link delete ${nameOf(found)}`));
    });
  },
};

function nameOf({ hostLink, link }: Found): string {
  return hostLink ?? `link ${link}`;
}

export const leaseChecks: readonly Check[] = [database, leasesWithoutLinks, linksWithoutLeases];
