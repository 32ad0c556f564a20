import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import { applyRules, backends } from "./backends.ts";
import { arrivals, type Host, newMark, type Probe } from "./host.ts";
import { protocols, udpPacket } from "./packets.ts";
import { columns, World } from "./world.ts";

const matrix = backends.flatMap((backend) => columns.map((column) => ({ backend, ...column })));

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(families, 4);
    await applyRules(world.node.kernel, backend, baseRules(usualSettings, world.facts));
  });
  afterAll(() => world[Symbol.dispose]());

  test.for(families)("%s: pods reach pods, the node and outside", async (family) => {
    const mark = newMark();
    const probe = (from: Host, at: Host): Probe => {
      const ends = { source: from.address(family), destination: at.address(family) };
      return {
        from,
        at,
        packets: [udpPacket(ends, { from: 1000, to: 2000 }, mark)],
        protocol: protocols.udp,
        mark,
        expected: true,
      };
    };
    const hosts = [world.pod(0), world.pod(1), world.guarded, world.nodeHost, world.beyond];
    const probes = [world.pod(0), world.guarded].flatMap((from) =>
      hosts.filter((at) => at !== from).map((at) => probe(from, at)),
    );
    expect(await arrivals(probes)).toEqual(probes.map(() => true));
  });
});
