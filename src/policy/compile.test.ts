import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, type Packet } from "../firewall/evaluate.ts";
import { podGroup } from "../firewall/pod-group.ts";
import { type PolicyPart, policySets } from "../firewall/policy-part.ts";
import type { FamilyRules, Match, Rule } from "../firewall/ruleset.ts";
import { Address, families as allFamilies, type Family } from "../ip/address.ts";
import {
  anyNetworkPolicy,
  anyPod,
  anyPolicyView,
  localPodsOf,
  protocols,
  somePorts,
  stacks,
  strangers,
} from "./arbitraries.ts";
import { compile, PolicyCompiler, type PolicyParts } from "./compile.ts";
import { describeFindings } from "./findings.ts";
import { counterOf, Names } from "./names.ts";
import type { NetworkPolicy } from "./network-policy.ts";
import { readNetworkPolicy } from "./parse-network-policy.ts";
import type { PolicyPod, PolicyView } from "./policy-view.ts";
import { type Flow, type FlowEnd, verdict } from "./verdict.ts";

/** The steps of the filter that are about policy, in the order of docs/decisions/network-policy.md. */
function embedded(part: PolicyPart): FamilyRules {
  const fromGuarded: Match = { kind: "group", link: "in", group: podGroup.guarded, mask: 0xffff_ffff };
  const toGuarded: Match = { kind: "group", link: "out", group: podGroup.guarded, mask: 0xffff_ffff };
  const rules: Rule[] = [
    { when: [], then: { kind: "dispatch", end: "source", set: policySets.egress } },
    { when: [fromGuarded, { kind: "set", end: "source", set: policySets.known, not: true }], then: { kind: "drop" } },
    { when: [], then: { kind: "dispatch", end: "destination", set: policySets.ingress } },
    {
      when: [toGuarded, { kind: "set", end: "destination", set: policySets.known, not: true }],
      then: { kind: "drop" },
    },
  ];
  const input = rules.slice(0, 2);
  return {
    chains: new Map([
      ...part.chains,
      ["forward", { hook: "forward", rules }],
      ["input", { hook: "input", rules: input }],
    ]),
    sets: part.sets,
  };
}

function isHere(end: FlowEnd): boolean {
  return end.kind === "pod" && end.pod.node === "node-0";
}

function packetOf({ source, destination, port }: Flow): Packet {
  const link = { name: "hx1", group: podGroup.guarded };
  return {
    source: source.address,
    destination: destination.address,
    ...(port && { protocol: port.protocol, destinationPort: port.number }),
    ...(isHere(source) && { in: link }),
    ...(isHere(destination) && { out: link }),
    ...(destination.kind === "node" && { isLocal: true }),
  };
}

/** The model's answer as far as this node has a say: what other nodes' pods send and receive is decided there. */
function meant(view: PolicyView, flow: Flow): boolean {
  const { egress, ingress } = verdict(view, flow);
  const { source, destination } = flow;
  return (!isHere(source) || egress?.allowed === true) && (!isHere(destination) || ingress?.allowed === true);
}

function endsOf(view: PolicyView, family: Family): FlowEnd[] {
  const pods = [...view.pods.values()].flatMap((pod) => {
    return pod.addresses
      .filter((each) => each.family === family)
      .map((address): FlowEnd => ({ kind: "pod", pod, address }));
  });
  return [...pods, ...strangers([family]).map((address): FlowEnd => ({ kind: "outside", address }))];
}

const ports = [undefined, ...protocols.flatMap((protocol) => somePorts.map((number) => ({ protocol, number })))];

function* flowsOf(view: PolicyView, family: Family): Generator<Flow> {
  const ends = endsOf(view, family);
  for (const source of ends) {
    for (const destination of ends) {
      if (!isHere(source) && !isHere(destination)) continue;
      for (const port of ports) yield { source, destination, ...(port && { port }) };
    }
    const [address] = strangers([family]);
    if (source.kind !== "pod" || source.pod.node !== "node-0" || address === undefined) continue;
    for (const port of ports) yield { source, destination: { kind: "node", address }, ...(port && { port }) };
  }
}

function disagreements(view: PolicyView, parts: PolicyParts, family: Family): string[] {
  const rules = embedded(parts[family]);
  return [...flowsOf(view, family)].flatMap((flow) => {
    const hook = flow.destination.kind === "node" ? "input" : "forward";
    const passes = evaluate(rules, hook, packetOf(flow)).verdict === "accept";
    if (passes === meant(view, flow)) return [];
    return [`${flow.source.address} to ${flow.destination.address} ${JSON.stringify(flow.port)} passes: ${passes}`];
  });
}

describe("compile()", () => {
  test.for(stacks)("lets pass what the model allows, and nothing else, %s", ([, families]) => {
    fc.assert(
      fc.property(anyPolicyView(families), (view) => {
        const parts = compile({ view, localPods: localPodsOf(view) });
        for (const family of families) expect(disagreements(view, parts, family)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test.for(stacks)("says nothing of a family that no pod of this node has, %s", ([, families]) => {
    fc.assert(
      fc.property(anyPolicyView(families), (view) => {
        const parts = compile({ view, localPods: localPodsOf(view) });
        for (const family of allFamilies.filter((each) => !families.some((other) => other === each))) {
          expect(parts[family].chains.size).toBe(0);
          expect([...parts[family].sets.values()].every(({ elements }) => elements.size === 0)).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("has nothing in its chains that is not there, and nothing there that no chain asks", () => {
    fc.assert(
      fc.property(anyPolicyView(["v6", "v4"]), (view) => {
        for (const part of Object.values(compile({ view, localPods: localPodsOf(view) }))) {
          const asked = [...part.chains.values()].flatMap(({ rules }) =>
            rules.flatMap(({ when }) => when.flatMap((match) => ("set" in match ? [match.set] : []))),
          );
          const always = [...Object.values(policySets), "self"];
          expect(new Set([...asked, ...always])).toEqual(new Set(part.sets.keys()));
        }
      }),
    );
  });
});

/** A change of a view: one thing comes, goes or becomes another. */
type Edit = (view: PolicyView) => PolicyView;

function edited<T>(map: ReadonlyMap<string, T>, key: string, value: T | undefined): ReadonlyMap<string, T> {
  const copy = new Map(map);
  if (value === undefined) copy.delete(key);
  else copy.set(key, value);
  return copy;
}

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  fc.integer({ min: 0, max: 5 }).chain((number) =>
    fc.option(anyPod(number, ["v6", "v4"]), { nil: undefined }).map(
      (pod): Edit =>
        (view) => {
          const before = [...view.pods.values()].find(({ name }) => name === `pod-${number}`);
          const without =
            before === undefined ? view.pods : edited(view.pods, `${before.namespace}/${before.name}`, undefined);
          return { ...view, pods: pod === undefined ? without : edited(without, `${pod.namespace}/${pod.name}`, pod) };
        },
    ),
  ),
  fc.constantFrom("p", "q", "r").chain((name) =>
    fc.tuple(anyNetworkPolicy(name), fc.boolean()).map(
      ([policy, stays]): Edit =>
        (view) => {
          return {
            ...view,
            policies: edited(view.policies, `${policy.namespace}/${name}`, stays ? policy : undefined),
          };
        },
    ),
  ),
  fc.tuple(fc.constantFrom("shop", "bank", "dark"), fc.constantFrom("a", "b", undefined)).map(
    ([name, app]): Edit =>
      (view) => {
        const namespace = app === undefined ? undefined : { name, labels: { app } };
        return { ...view, namespaces: edited(view.namespaces, name, namespace) };
      },
  ),
);

describe("PolicyCompiler", () => {
  test("gives after any changes what it gives from nothing, and changes nothing it gave before", () => {
    fc.assert(
      fc.property(anyPolicyView(["v6", "v4"]), fc.array(anyEdit, { maxLength: 8 }), (first, edits) => {
        const compiler = new PolicyCompiler();
        let view = first;
        let before = compiler.compile({ view, localPods: localPodsOf(view) });
        for (const edit of edits) {
          const copy = structuredClone(before.v6.sets);
          view = edit(view);
          const input = { view, localPods: localPodsOf(view) };
          const after = compiler.compile(input);
          expect(after).toEqual(compile(input));
          expect(before.v6.sets).toEqual(copy);
          before = after;
        }
      }),
      { numRuns: 100 },
    );
  });

  test("gives the same objects for what did not change", () => {
    fc.assert(
      fc.property(anyPolicyView(["v6", "v4"]), anyEdit, (view, edit) => {
        const compiler = new PolicyCompiler();
        const before = compiler.compile({ view, localPods: localPodsOf(view) });
        // Other maps and lists with the same values in them.
        const again = {
          namespaces: new Map(view.namespaces),
          pods: new Map(view.pods),
          policies: new Map(view.policies),
        };
        const same = compiler.compile({ view: again, localPods: localPodsOf(view) });
        expect(same).toBe(before);
        const next = edit(view);
        const after = compiler.compile({ view: next, localPods: localPodsOf(next) });
        for (const [name, content] of after.v6.sets) {
          const known = before.v6.sets.get(name);
          if (JSON.stringify([...(known?.elements ?? [])]) === JSON.stringify([...content.elements])) {
            expect(known === undefined || known === content).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

const addressesOf = { v4: ["10.1.0.1", "10.1.0.2", "10.1.1.1"], v6: ["fd00::1", "fd00::2", "fd00:1::1"] } as const;

/** Three pods of one namespace; the first two are on this node. */
function clusterOf(families: readonly Family[], ...policies: readonly NetworkPolicy[]): PolicyView {
  const pods = [0, 1, 2].map(
    (number): PolicyPod => ({
      namespace: "shop",
      name: `web-${number}`,
      uid: `uid-${number}`,
      node: `node-${number === 2 ? 1 : 0}`,
      labels: { app: "web" },
      addresses: families.map((family) => Address.parse(addressesOf[family][number] ?? "")),
      ports: [{ name: "http", protocol: "tcp", port: 8080 }],
    }),
  );
  return {
    namespaces: new Map([["shop", { name: "shop", labels: {} }]]),
    pods: new Map(pods.map((pod) => [`shop/${pod.name}`, pod])),
    policies: new Map(policies.map((policy) => [`shop/${policy.name}`, policy])),
  };
}

function policyOf(spec: unknown): { policy: NetworkPolicy; found: readonly string[] } {
  const reading = readNetworkPolicy({ metadata: { namespace: "shop", name: "p" }, spec });
  if (reading.value === undefined) throw new Error(describeFindings(reading).join());
  return { policy: reading.value, found: describeFindings(reading) };
}

/** Which of the other ends reach the first pod at TCP port 8080, by the compiled rules; the model must agree on everything. */
function whoReaches(view: PolicyView, families: readonly Family[]): string[] {
  const parts = compile({ view, localPods: localPodsOf(view) });
  return families.flatMap((family) => {
    expect(disagreements(view, parts, family)).toEqual([]);
    const [target, ...others] = endsOf(view, family);
    if (target === undefined) throw new Error("There is no pod");
    const port = { protocol: "tcp", number: 8080 } as const;
    const reaching = others.filter(
      (source) =>
        evaluate(embedded(parts[family]), "forward", packetOf({ source, destination: target, port })).verdict ===
        "accept",
    );
    return reaching.map((end) => (end.kind === "pod" ? end.pod.name : "outside"));
  });
}

describe.for(stacks)("policies that are not what somebody thought, %s", ([, families]) => {
  const twice = (...names: string[]) => families.flatMap(() => names);
  const others = ["web-1", "web-2", "outside", "outside"];

  test("an empty selector selects all pods of the namespace", () => {
    expect(whoReaches(clusterOf(families, policyOf({ podSelector: {} }).policy), families)).toEqual([]);
    expect(whoReaches(clusterOf(families, policyOf({ ingress: [{}] }).policy), families)).toEqual(twice(...others));
    const peers = policyOf({ ingress: [{ from: [{ podSelector: {} }] }] });
    expect(whoReaches(clusterOf(families, peers.policy), families)).toEqual(twice("web-1", "web-2"));
  });

  test("an unknown protocol lets nothing pass", () => {
    const { policy, found } = policyOf({ ingress: [{ ports: [{ protocol: "QUIC", port: 8080 }] }] });
    expect(found.join()).toContain("QUIC");
    expect(whoReaches(clusterOf(families, policy), families)).toEqual([]);
  });

  test("a block of a family that the cluster does not have never matches", () => {
    const block = families.some((family) => family === "v6") ? "192.0.2.0/24" : "2001:db8::/64";
    const { policy, found } = policyOf({ ingress: [{ from: [{ ipBlock: { cidr: block } }] }] });
    expect(found).toEqual([]);
    const inFamily = families.length === 2 ? ["outside"] : [];
    expect(whoReaches(clusterOf(families, policy), families)).toEqual(inFamily);
  });

  test("a named port that no pod has lets nothing pass, one that they have does", () => {
    const none = policyOf({ ingress: [{ ports: [{ port: "https" }] }] });
    expect(whoReaches(clusterOf(families, none.policy), families)).toEqual([]);
    const known = policyOf({ ingress: [{ ports: [{ port: "http" }] }] });
    expect(whoReaches(clusterOf(families, known.policy), families)).toEqual(twice(...others));
  });

  test("an exception outside of its block changes nothing, one around it leaves nothing", () => {
    const everybody = families.map((family) => (family === "v6" ? "::/0" : "0.0.0.0/0"));
    const outside = everybody.map((cidr) => ({
      ipBlock: { cidr, except: cidr === "::/0" ? ["10.0.0.0/8"] : ["fd00::/8"] },
    }));
    const { policy, found } = policyOf({ ingress: [{ from: outside }] });
    expect(found.join()).toContain("is not a part of");
    expect(whoReaches(clusterOf(families, policy), families)).toEqual(twice(...others));
    const around = everybody.map((cidr) => ({ ipBlock: { cidr, except: [cidr] } }));
    expect(whoReaches(clusterOf(families, policyOf({ ingress: [{ from: around }] }).policy), families)).toEqual([]);
  });

  test("65,535 ports one by one are one range, and every second one is 32,767", () => {
    const all = Array.from({ length: 65_535 }, (_, at) => ({ port: at + 1 }));
    const view = clusterOf(families, policyOf({ ingress: [{ ports: all }] }).policy);
    const every = (step: number) => all.filter((_, at) => at % step === 1);
    const rangesOf = (of: PolicyView) =>
      families.map((family) => {
        const chains = [...compile({ view: of, localPods: localPodsOf(of) })[family].chains.values()];
        return chains
          .flatMap(({ rules }) => rules.flatMap(({ when }) => when))
          .flatMap((match) => (match.kind === "ports" ? match.ports : []));
      });
    expect(rangesOf(view)).toEqual(families.map(() => [{ first: 1, last: 65_535 }]));
    const odd = clusterOf(families, policyOf({ ingress: [{ ports: every(2) }] }).policy);
    expect(rangesOf(odd).map(({ length }) => length)).toEqual(families.map(() => 32_767));
  });

  test("a pod that the view does not know, or knows as another, stays closed", () => {
    const view = clusterOf(families);
    const [first] = [...view.pods.values()];
    if (first === undefined) throw new Error("There is no pod");
    const strange = [
      { ...first, name: "new" },
      { ...first, uid: "an earlier one" },
    ];
    for (const localPods of [[], ...strange.map((pod) => [pod])]) {
      for (const family of families) {
        const known = compile({ view, localPods })[family].sets.get(policySets.known);
        expect(known?.elements.size).toBe(0);
        const [source, destination] = endsOf(view, family);
        if (source === undefined || destination === undefined) throw new Error("There are no pods");
        const rules = embedded(compile({ view, localPods })[family]);
        expect(evaluate(rules, "forward", packetOf({ source, destination })).verdict).toBe("drop");
      }
    }
  });

  test("a pod of this node has the addresses of its leases, whatever the view says of it still", () => {
    const view = clusterOf(
      families,
      policyOf({ ingress: [{ from: [{ podSelector: {} }], ports: [{ port: "http" }] }] }).policy,
    );
    const moved = [...view.pods.values()].slice(0, 2).map((pod) => ({
      ...pod,
      addresses: pod.addresses.map((address) => address.plus(100n)),
    }));
    const parts = compile({ view, localPods: moved });
    for (const family of families) {
      const here = moved.map(({ addresses }) => addresses.find((each) => each.family === family));
      const [, , elsewhere] = endsOf(view, family);
      const elementsOf = (letter: string) =>
        [...parts[family].sets]
          .filter(([name]) => name.startsWith(`${letter}-`))
          .flatMap(([, { elements }]) => [...elements]);
      expect([...(parts[family].sets.get(policySets.known)?.elements ?? [])]).toEqual(here.map(String));
      expect(elementsOf("p")).toEqual([...here, elsewhere?.address].map(String));
      // What a name means is asked of pods of this node only.
      expect(elementsOf("n")).toEqual(here.map((address) => `${address},tcp:8080`));
    }
  });

  test("a policy that changes changes its chains under their names, and the dispatch not at all", () => {
    const compiler = new PolicyCompiler();
    const closed = clusterOf(families, policyOf({ policyTypes: ["Ingress", "Egress"] }).policy);
    const before = compiler.compile({ view: closed, localPods: localPodsOf(closed) });
    const { policy } = policyOf({ policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] });
    const open = { ...closed, policies: new Map([["shop/p", policy]]) };
    const after = compiler.compile({ view: open, localPods: localPodsOf(open) });
    for (const family of families) {
      expect(disagreements(open, after, family)).toEqual([]);
      expect([...after[family].chains.keys()]).toEqual([...before[family].chains.keys()]);
      expect(after[family].sets).toBe(before[family].sets);
    }
  });

  test("a packet counts for the policy that allowed it, or for every policy that did not", () => {
    const denying = { ...policyOf({}).policy, name: "quiet" };
    const { policy } = policyOf({ ingress: [{ from: [{ podSelector: {} }] }] });
    const view = clusterOf(families, policy, denying);
    for (const family of families) {
      const rules = embedded(compile({ view, localPods: localPodsOf(view) })[family]);
      const [target, sibling, , stranger] = endsOf(view, family);
      if (target === undefined || sibling === undefined || stranger === undefined) throw new Error("There are no ends");
      const countersOf = (source: FlowEnd) =>
        evaluate(rules, "forward", packetOf({ source, destination: target })).counters;
      expect(countersOf(sibling)).toEqual([counterOf(policy, "ingress", "allowed")]);
      expect(countersOf(stranger)).toEqual([
        counterOf(policy, "ingress", "denied"),
        counterOf(denying, "ingress", "denied"),
      ]);
    }
  });

  test("what is denied is logged with the direction, where that is wanted, right before it is dropped", () => {
    const view = clusterOf(families, policyOf({ policyTypes: ["Ingress", "Egress"] }).policy);
    const input = { view, localPods: localPodsOf(view) };
    for (const family of families) {
      const lastOf = (parts: PolicyParts) =>
        [...parts[family].chains].flatMap(([name, { rules }]) => rules.slice(-2).map(({ then }) => [name[0], then]));
      const logOf = (direction: string) => expect.objectContaining({ kind: "log", prefix: `hextet ${direction} ` });
      const drop = { kind: "drop" };
      const last = lastOf(new PolicyCompiler({ logDenied: true }).compile(input));
      expect(last).toEqual([
        ["e", logOf("egress")],
        ["e", drop],
        ["i", logOf("ingress")],
        ["i", drop],
      ]);
      expect(JSON.stringify(lastOf(compile(input)))).not.toContain('"log"');
    }
  });
});

describe("Names", () => {
  test("have at most 16 characters and depend on nothing but the text", () => {
    const name = new Names().of("p", "x".repeat(10_000));
    expect(name).toMatch(/^p-[a-z0-9]{14}$/);
    expect(new Names().of("p", "x".repeat(10_000))).toBe(name);
    expect(counterOf({ namespace: "shop", name: "p" }, "ingress", "allowed")).toMatch(/^[a-z0-9-]{1,40}$/);
  });

  test("are never shared, even where digests are", () => {
    const names = new Names((text) => String(text.length % 3));
    const given = ["a", "b", "cc"].map((text) => names.of("p", text));
    expect(new Set(given).size).toBe(3);
    expect(["a", "b", "cc"].map((text) => names.of("p", text))).toEqual(given);
  });
});
