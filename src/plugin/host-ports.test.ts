import { test as base, describe, expect } from "vitest";
import type { Ruleset } from "../firewall/ruleset.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import type { PortRequest } from "../ipam/host-port.ts";
import { attachment, request, stacks, storeFixtures } from "../ipam/store/store-fixture.ts";
import { FakeKernel } from "../kernel/fake.ts";
import { silent } from "../log/log.ts";
import { healHostPorts, mapPorts, type PortPlace, portFaults, unmapPorts, unmapPortsAllBut } from "./host-ports.ts";

const test = base.extend(storeFixtures);

/** A packet filter that keeps what it was given last, and fails when told to. */
class Filter {
  applied: Ruleset | undefined;
  applications = 0;
  failure: Error | undefined;
  missing = false;
  faultsFound: readonly string[] = [];

  async open() {
    if (this.missing) throw new Error("no packet filter");
    return {
      name: "nftables",
      apply: async (ruleset: Ruleset) => {
        this.applications++;
        await Promise.resolve();
        if (this.failure !== undefined) throw this.failure;
        this.applied = ruleset;
      },
      faults: async () => this.faultsFound,
    };
  }

  /** Where packets are led, in both families. */
  get targets(): readonly string[] {
    const { v4, v6 } = this.applied?.families ?? {};
    const rules = [v6, v4].flatMap((family) => family?.chains.get("ports")?.rules ?? []);
    return rules.flatMap(({ then }) => (then.kind === "translate-destination" ? [`${then.to} ${then.port}`] : []));
  }
}

type Fixture = Parameters<Parameters<typeof storeFixtures.fixture>[1]>[0];

function placeOf(fixture: Fixture, filter: Filter): PortPlace {
  const kernel = new FakeKernel();
  return { kernel, log: silent, directory: fixture.directory, store: fixture.open(), filter: () => filter.open() };
}

const addresses = { v4: ["10.1.0.2/32"], v6: ["fd00::2/128"], dual: ["fd00::2/128", "10.1.0.2/32"] } as const;
type Column = keyof typeof addresses;

function portsFor(who: string, families: Column, port = 8080): PortRequest {
  const targets = addresses[families].map((text) => InterfaceAddress.parse(text));
  const ports = targets.map((target) => ({ protocol: "tcp" as const, port, target, targetPort: port }));
  return { attachment: attachment(who), ports };
}

const columns: readonly [Column, readonly string[]][] = [
  ["v4", ["10.1.0.2"]],
  ["v6", ["fd00::2"]],
  ["dual", ["fd00::2", "10.1.0.2"]],
];

describe.for(columns)("ports of a pod of %s", ([families, targets]) => {
  const toPort = (port: number) => targets.map((target) => `${target} ${port}`);

  test("are in the rules from when they are mapped until they are unmapped, and no longer", async ({ fixture }) => {
    const filter = new Filter();
    const place = placeOf(fixture, filter);
    await mapPorts(place, portsFor("a", families, 1), "lo");
    await mapPorts(place, portsFor("b", families, 2), "lo");
    expect(filter.targets.toSorted()).toEqual([...toPort(1), ...toPort(2)].toSorted());
    await unmapPorts(place, attachment("a"));
    expect(filter.targets).toEqual(toPort(2));
    await unmapPortsAllBut(place, "pods", []);
    expect(filter.targets).toEqual([]);
    expect(filter.applications).toBe(4);
  });

  test("are written by whoever comes after a process that died before it could", async ({ fixture }) => {
    const filter = new Filter();
    const place = placeOf(fixture, filter);
    await mapPorts(place, portsFor("a", families, 1), "lo");
    place.store.unmapPorts(attachment("a"));
    expect(filter.targets).toEqual(toPort(1));
    await unmapPorts(place, attachment("a"));
    expect(filter.targets).toEqual([]);
  });

  test("are compared with what is held, and then with what the kernel has", async ({ fixture }) => {
    const filter = new Filter();
    const place = placeOf(fixture, filter);
    const wanted = portsFor("a", families, 1);
    expect(await portFaults(place, wanted)).toEqual(
      toPort(1).map((target) => `Port 1/tcp to ${target.replace(" ", " port ")} is not mapped in ${fixture.directory}`),
    );
    await mapPorts(place, wanted, "lo");
    expect(await portFaults(place, wanted)).toEqual([]);
    filter.faultsFound = ["table ip hextet-hp is gone"];
    expect(await portFaults(place, wanted)).toEqual(filter.faultsFound);
  });
});

describe("the packet filter", () => {
  test("is not touched for a pod without ports, nor asked for", async ({ fixture }) => {
    const filter = new Filter();
    filter.missing = true;
    const place = placeOf(fixture, filter);
    place.store.lease(request("a", stacks.dual));
    await unmapPorts(place, attachment("a"));
    await unmapPortsAllBut(place, "pods", []);
    expect(await portFaults(place, { attachment: attachment("a"), ports: [] })).toEqual([]);
    expect(fixture.files).not.toContain("host-ports.lock");
  });

  test("that is missing lets nothing be held", async ({ fixture }) => {
    const filter = new Filter();
    filter.missing = true;
    const place = placeOf(fixture, filter);
    await expect(mapPorts(place, portsFor("a", "dual"), "lo")).rejects.toThrow("no packet filter");
    expect(place.store.ports().ports).toEqual([]);
  });

  test("that refuses is tried again by the next, and has the last word of many at once", async ({ fixture }) => {
    const filter = new Filter();
    const place = placeOf(fixture, filter);
    filter.failure = new Error("refused");
    await expect(mapPorts(place, portsFor("a", "v6", 1), "lo")).rejects.toThrow("refused");
    await expect(unmapPorts(place, attachment("a"))).rejects.toThrow("refused");
    filter.failure = undefined;
    await unmapPorts(place, attachment("a"));
    expect(place.store.portsAreBehind).toBe(false);
    const many = Array.from({ length: 8 }, (_, at) => at + 1);
    await Promise.all(many.map((port) => mapPorts(place, portsFor(`c${port}`, "v6", port), "lo")));
    expect(filter.targets).toEqual(many.map((port) => `fd00::2 ${port}`));
  });

  test("is told all again by who looks after the node, where somebody changed it and nowhere else", async ({
    fixture,
  }) => {
    const filter = new Filter();
    const place = placeOf(fixture, filter);
    await healHostPorts(place);
    expect(filter.applications).toBe(0);
    await mapPorts(place, portsFor("a", "dual", 1), "lo");
    await healHostPorts(place);
    expect(filter.applications).toBe(1);
    filter.faultsFound = ["table ip hextet-hp is gone"];
    await healHostPorts(place);
    expect(filter.applications).toBe(2);
    filter.faultsFound = [];
    place.store.unmapPorts(attachment("a"));
    await healHostPorts(place);
    expect(filter.applications).toBe(3);
    // What is left keeps pods from 127.0.0.0/8 of the node.
    expect([...(filter.applied?.families.v4?.chains.keys() ?? [])]).toEqual(["guard"]);
    expect(filter.applied?.families.v6).toBeUndefined();
  });
});

test("127.0.0.0/8 is routed to the pod's link where a port is mapped on it, and not for IPv6", async ({ fixture }) => {
  const place = placeOf(fixture, new Filter());
  const localnet = () => place.kernel.sysctl().get("net/ipv4/conf/lo/route_localnet");
  await mapPorts(place, portsFor("a", "v6", 1), "lo");
  expect(localnet()).toBe("0");
  await mapPorts(place, portsFor("b", "v4", 1), "lo");
  expect(localnet()).toBe("1");
});
