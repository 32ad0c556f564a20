import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import type { Address, Family } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import { anyPod, anyPolicyView, localPodsOf, protocols, somePorts } from "../../src/policy/arbitraries.ts";
import { compile } from "../../src/policy/compile.ts";
import type { PolicyView } from "../../src/policy/policy-view.ts";
import { type FlowEnd, verdict } from "../../src/policy/verdict.ts";
import { firewallOf, matrix } from "./backends.ts";
import { Host, type Probe } from "./host.ts";
import { expectArrivals, sctp, tcp, udp } from "./probes.ts";
import { World } from "./world.ts";

/** Another one each time would find more, and make the one who is told of it doubt the change at hand. */
const seed = 20_748;
const clusters = 6;
const flowsOfEach = 150;

/** TCP and SCTP are known by their ports where they arrive, and a masqueraded one has another. */
const settings = { ...usualSettings, masquerade: { ipv4: false, ipv6: false, except: [] } };

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let places: Places;
  let firewall: Firewall;
  beforeAll(async () => {
    places = await Places.create(families);
    firewall = firewallOf(places.world.node.kernel, backend);
  });
  afterAll(() => places[Symbol.dispose]());

  test(`packets pass as the model says: ${clusters} clusters of seed ${seed}, ${flowsOfEach} flows in each`, async () => {
    const views = fc.sample(anyPolicyView(families), { seed, numRuns: 400 }).filter((view) => isTelling(view, places));
    expect(views.length).toBeGreaterThanOrEqual(clusters);
    for (const view of views.slice(-clusters)) {
      const parts = compile({ view, localPods: localPodsOf(view) });
      await firewall.apply(baseRules(settings, places.facts, parts));
      await expectArrivals(someFlows(view, places));
    }
  });
});

function someFlows(view: PolicyView, places: Places): readonly Probe[] {
  const flow = places.anyFlow(view).map((one) => probeOf(view, one));
  return fc.sample(flow, { seed, numRuns: flowsOfEach });
}

/** Its policies let a part of the packets pass: mostly they let all pass, or none. */
function isTelling(view: PolicyView, places: Places): boolean {
  if (view.policies.size < 2 || localPodsOf(view).length < 2) return false;
  const passing = someFlows(view, places).filter(({ expected }) => expected).length;
  return passing > flowsOfEach / 4 && passing < (flowsOfEach * 3) / 4;
}

interface Place {
  readonly host: Host;
  readonly end: FlowEnd;
}

interface Sending {
  readonly from: Place;
  readonly to: Place;
  readonly protocol: (typeof protocols)[number];
  readonly port: number;
}

/** Hosts for the pods that the arbitraries make: those of even numbers are on the node, the others beyond its uplink. */
class Places implements Disposable {
  readonly world: World;
  readonly #families: readonly Family[];
  readonly #hosts: ReadonlyMap<number, Host>;

  private constructor(world: World, hosts: ReadonlyMap<number, Host>) {
    this.world = world;
    this.#families = world.families;
    this.#hosts = hosts;
  }

  static async create(families: readonly Family[]): Promise<Places> {
    const [here, there] = [
      [0, 2, 4],
      [1, 3, 5],
    ].map((numbers) => numbers.map((number) => ({ number, addresses: addressesOf(number, families) })));
    const texts = (addresses: readonly Address[]) => addresses.map(String);
    const world = await World.create({
      families,
      pods: (here ?? []).map(({ addresses }) => texts(addresses)),
      beyond: (there ?? []).flatMap(({ addresses }) => texts(addresses)),
    });
    const { namespace, wire } = world.beyond;
    const hosts = new Map([
      ...(here ?? []).map(({ number }, at): [number, Host] => [number, world.pod(at)]),
      ...(there ?? []).map(({ number, addresses }): [number, Host] => [
        number,
        new Host(`pod ${number} of the other node`, namespace, { addresses, wire }),
      ]),
    ]);
    return new Places(world, hosts);
  }

  get facts() {
    const own = this.#families.map((family) => Prefix.parse(family === "v6" ? "fd00:0:0:1::/64" : "10.1.0.0/24"));
    const others = this.#families.map((family) => Prefix.parse(family === "v6" ? "fd00:0:0:2::/64" : "10.1.1.0/24"));
    const { families, cluster } = this.world.facts;
    return { families, own, cluster: { prefixes: [...own, ...others], nodes: cluster.nodes } };
  }

  /** At least one end is a pod of this node: nothing else comes by its filter. */
  anyFlow(view: PolicyView): fc.Arbitrary<Sending> {
    const pods = [...view.pods.values()].flatMap((pod) => {
      const host = this.#hosts.get(Number(pod.name.slice("pod-".length)));
      return host === undefined ? [] : [{ pod, host, isHere: pod.node === "node-0" }];
    });
    const flows = this.#families.flatMap((family) => {
      const places = pods.map(({ pod, host, isHere }) => {
        return { host, isHere, end: { kind: "pod", pod, address: host.address(family) } satisfies FlowEnd };
      });
      const { nodeHost, beyond } = this.world;
      const node = { host: nodeHost, end: { kind: "node", address: nodeHost.address(family) } } satisfies Place;
      const outside = { host: beyond, end: { kind: "outside", address: beyond.address(family) } } satisfies Place;
      return places
        .filter(({ isHere }) => isHere)
        .flatMap((pod) => [
          ...places
            .filter(({ host }) => host !== pod.host)
            .flatMap((other) => [
              { from: pod, to: other },
              { from: other, to: pod },
            ]),
          { from: pod, to: node },
          { from: pod, to: outside },
          { from: outside, to: pod },
        ]);
    });
    return fc
      .tuple(fc.constantFrom(...flows), fc.constantFrom(...protocols), fc.constantFrom(...somePorts))
      .map(([ends, protocol, port]) => ({ ...ends, protocol, port }));
  }

  [Symbol.dispose](): void {
    for (const [number, host] of this.#hosts) if (number % 2 === 1) host[Symbol.dispose]();
    this.world[Symbol.dispose]();
  }
}

function addressesOf(number: number, families: readonly Family[]): readonly Address[] {
  const [pod] = fc.sample(anyPod(number, families), 1);
  return pod?.addresses ?? [];
}

/** What the other node does about its own pods is not seen here. */
function probeOf(view: PolicyView, { from, to, protocol, port }: Sending): Probe {
  const { egress, ingress } = verdict(view, {
    source: from.end,
    destination: to.end,
    port: { protocol, number: port },
  });
  const allowed = [isHere(from) ? egress?.allowed : true, isHere(to) ? ingress?.allowed : true];
  const expected = allowed.every((each) => each !== false);
  const sent = { from: from.host, at: to.host, source: from.end.address, destination: to.end.address, expected };
  switch (protocol) {
    case "tcp":
      return tcp(sent, port);
    case "udp":
      return udp(sent, { to: port });
    case "sctp":
      return sctp(sent, port);
  }
}

function isHere({ end }: Place): boolean {
  return end.kind === "pod" && end.pod.node === "node-0";
}
