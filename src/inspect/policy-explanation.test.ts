import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { readNetworkPolicy } from "../policy/parse-network-policy.ts";
import type { PolicyPod } from "../policy/policy-view.ts";
import { findSide, type Known } from "./flow-ends.ts";
import { explainPolicy } from "./policy-explanation.ts";

const columns = { v4: ["v4"], v6: ["v6"], dual: ["v6", "v4"] } as const;
const prefixes = { v6: "fd00:1::/64", v4: "10.1.0.0/24" } as const;
const prefixesOfBeta = { v6: "fd00:2::/64", v4: "10.2.0.0/24" } as const;

function policyOf(name: string, spec: unknown) {
  const { value } = readNetworkPolicy({ metadata: { namespace: "shop", name }, spec });
  if (value === undefined) throw new Error(`The policy ${name} cannot be read`);
  return value;
}

const policies = [
  policyOf("db", {
    podSelector: { matchLabels: { app: "db" } },
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: "cron" } } }], ports: [{ port: 5432 }] },
      { from: [{ podSelector: { matchLabels: { app: "web" } } }], ports: [{ port: 5432 }] },
      { from: [{ ipBlock: { cidr: "192.0.2.0/24" } }, { ipBlock: { cidr: "2001:db8::/32" } }] },
    ],
  }),
  policyOf("closed", { podSelector: { matchLabels: { app: "cron" } }, policyTypes: ["Egress"] }),
];

describe.for(Object.entries(columns))("%s", ([, families]) => {
  const pod = (name: string, last: number, node: string): PolicyPod => ({
    namespace: "shop",
    name,
    node,
    labels: { app: name },
    addresses: families.map((family) =>
      Prefix.parse((node === "alpha" ? prefixes : prefixesOfBeta)[family]).at(BigInt(last)),
    ),
    ports: [],
  });
  const pods = [pod("web", 2, "alpha"), pod("db", 3, "alpha"), pod("cron", 2, "beta")];
  const node = (name: string, texts: Readonly<Record<"v4" | "v6", string>>, last: string) => ({
    name,
    addresses: families.map((family) => Address.parse(family === "v6" ? `fd00:f::${last}` : `198.51.100.${last}`)),
    prefixes: families.map((family) => ({ prefix: Prefix.parse(texts[family]), state: "active" as const })),
  });
  const view = {
    namespaces: new Map([["shop", { name: "shop", labels: {} }]]),
    pods: new Map(pods.map((each) => [`shop/${each.name}`, each])),
    policies: new Map(policies.map((each) => [`shop/${each.name}`, each])),
  };
  const known: Known = {
    view: { nodes: [node("alpha", prefixes, "1"), node("beta", prefixesOfBeta, "2")], policies: view },
    node: "alpha",
    attachments: [],
  };
  const outside = families[0] === "v4" ? "192.0.2.7" : "2001:db8::7";

  function explain(from: string, to: string, port?: number) {
    const [source, destination] = [findSide(from, known), findSide(to, known)];
    return explainPolicy({ view, source, destination, ...(port && { port: { protocol: "tcp", number: port } }) });
  }

  test.for([
    ["shop/web", "shop/db", 5432, true, ["open", "rule"]],
    ["web", "db", 80, false, ["open", "no-rule"]],
    ["shop/cron", "shop/web", 80, false, ["no-rule", "open"]],
    ["shop/web", "shop/web", 80, true, ["self", "self"]],
    ["node", "shop/db", 80, true, ["node"]],
    ["beta", "shop/db", 80, false, ["no-rule"]],
    [outside, "shop/db", 80, true, ["rule"]],
    [outside, "shop/db", undefined, true, ["rule"]],
    ["shop/web", outside, undefined, true, ["open"]],
  ] as const)("%s to %s port %s: %s", ([from, to, port, allowed, because]) => {
    const flows = explain(from, to, port);
    expect(flows).toHaveLength(from === outside || to === outside ? 1 : families.length);
    for (const flow of flows) {
      expect(flow.allowed).toBe(allowed);
      expect(flow.directions.map((each) => each.because)).toEqual(because);
    }
  });

  test("says of each rule what of it does not match", () => {
    const [flow] = explain("shop/web", "shop/db", 80);
    const rules = flow?.directions[1]?.policies[0]?.rules.map(({ text, peerMatches, portMatches }) => {
      return { text, peerMatches, portMatches };
    });
    expect(rules).toEqual([
      { text: "from pods with app=cron, ports 5432/tcp", peerMatches: false, portMatches: false },
      { text: "from pods with app=web, ports 5432/tcp", peerMatches: true, portMatches: false },
      { text: "from 192.0.2.0/24 or 2001:db8::/32", peerMatches: false, portMatches: true },
    ]);
  });

  test.for([
    ["shop/nobody", "Nothing is known of shop/nobody: write namespace/pod"],
    ["fd00:1::/64", "fd00:1::/64 is a prefix: name one of its addresses"],
    ["::ffff:10.1.0.2", "write 10.1.0.2"],
  ] as const)("knows no %s", ([text, why]) => {
    expect(() => findSide(text, known)).toThrow(why);
  });
});
