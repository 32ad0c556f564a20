import { describe, expect, test } from "vitest";
import type { ClusterView } from "../view.ts";
import { readClusterFiles } from "./cluster-files.ts";
import { keptView } from "./kept-view.ts";

const addresses = {
  "IPv4-only": ["10.1.0.10", "10.2.0.20"],
  "IPv6-only": ["2001:db8:0:1::10", "2001:db8:0:2::20"],
  "dual-stack": ["2001:db8:0:1::10, 10.1.0.10", "2001:db8:0:2::20, 10.2.0.20"],
} as const;

function clusterText([web, db]: readonly [string, string]): string {
  return `
nodes: {}
namespaces:
  shop:
    labels: { team: sales }
pods:
  shop/web:
    labels: { app: web }
    addresses: [${web}]
    ports: { http: 8080, dns: [53/udp, 53/tcp] }
  db_1: { labels: { app: db }, addresses: [${db}] }
policies:
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: db
    spec:
      podSelector: {}
      ingress:
        - from: [{ namespaceSelector: { matchLabels: { team: sales } } }]
          ports: [{ port: 5432 }]
`;
}

function read(...texts: readonly string[]) {
  return readClusterFiles(texts.map((text, at) => ({ file: `${"abcd"[at]}.yaml`, text })));
}

function viewOf(...texts: readonly string[]): ClusterView {
  const { view, faults } = read(...texts);
  expect(faults).toEqual([]);
  if (view === undefined) throw new Error("There is no view");
  return view;
}

function messages(...texts: readonly string[]): string[] {
  return read(...texts).faults.map((fault) => fault.message);
}

describe("namespaces, pods and policies of cluster files", () => {
  test.for(["IPv4-only", "IPv6-only", "dual-stack"] as const)("are read, %s", (kind) => {
    const { policies } = viewOf(clusterText(addresses[kind]));
    const nameLabel = "kubernetes.io/metadata.name";
    expect(JSON.parse(JSON.stringify([...(policies?.namespaces ?? [])]))).toEqual([
      ["shop", { name: "shop", labels: { team: "sales", [nameLabel]: "shop" } }],
      ["default", { name: "default", labels: { [nameLabel]: "default" } }],
    ]);
    expect(JSON.parse(JSON.stringify([...(policies?.pods ?? [])]))).toEqual([
      [
        "shop/web",
        {
          namespace: "shop",
          name: "web",
          labels: { app: "web" },
          addresses: addresses[kind][0].split(", "),
          ports: [
            { name: "http", protocol: "tcp", port: 8080 },
            { name: "dns", protocol: "udp", port: 53 },
            { name: "dns", protocol: "tcp", port: 53 },
          ],
        },
      ],
      [
        "default/db_1",
        {
          namespace: "default",
          name: "db_1",
          labels: { app: "db" },
          addresses: addresses[kind][1].split(", "),
          ports: [],
        },
      ],
    ]);
    expect([...(policies?.policies.keys() ?? [])]).toEqual(["default/db"]);
  });

  test("may stand in several files, and are no policy view where none has any", () => {
    expect(viewOf("nodes: {}").policies).toBeUndefined();
    expect(viewOf("nodes: {}\npods: {}").policies).toEqual({
      namespaces: new Map(),
      pods: new Map(),
      policies: new Map(),
    });
    const { policies } = viewOf(
      "nodes: {}",
      "pods: {a: , b: }",
      "pods: {c: }\npolicies: [{metadata: {name: p}, spec: {}}]",
    );
    expect([...(policies?.pods.keys() ?? []), ...(policies?.policies.keys() ?? [])]).toEqual([
      "default/a",
      "default/b",
      "default/c",
      "default/p",
    ]);
  });

  test.for([
    ["pods: [a]", "a.yaml:2:1: pods: write a map: below `pods:` one line `<namespace>/<name>:` for each pod"],
    ["namespaces: 1", "a.yaml:2:13: namespaces: write a map"],
    ["policies: {}", "a.yaml:2:1: policies: write a list"],
    [
      "pods: {a/b/c: }",
      'a.yaml:2:8: pods["a/b/c"]: "a/b/c" is no pod\'s name: it has more than one slash; write <namespace>/<name>',
    ],
    ["pods: {Shop/a: }", "cannot be a namespace; write at most 63 small letters"],
    ["namespaces: {Shop: }", "cannot be a namespace"],
    ["pods: {a: {label: {}}}", "a.yaml:2:12: pods.a.label: this key is unknown; did you mean labels"],
    ["pods: {a: {labels: {version: 2}}}", "a.yaml:2:30: pods.a.labels.version: 2 is not a string; put it in quotes"],
    ["pods: {a: {addresses: [fe80::1]}}", "fe80::1 cannot be a pod's address"],
    ["pods: {a: {ports: {http: 0}}}", "a.yaml:2:26: pods.a.ports.http: 0 is not a whole number from 1 to 65535"],
    ["pods: {a: {ports: {http: 80/quic}}}", '"80/quic" is no port; write 8080, or 53/udp'],
    ["pods: {a: {ports: {HTTP: 80}}}", '"HTTP" is no name of a port'],
    ["pods: {a: {ports: [80]}}", "write a map of names to ports"],
    ["policies: [{kind: Pod, metadata: {name: a}}]", "a.yaml:2:19: policies[0].kind"],
    ["policies: [{metadata: {name: a}, spce: {}}]", "policies[0].spce: this key is unknown; did you mean spec"],
    ["policies: [{spec: {}}]", "a.yaml:2:12: policies[0].metadata: it is missing"],
    [
      "policies:\n- metadata: {name: a}\n  spec:\n    ingress:\n    - from: [{podSelector: {}}]\n      ports: [{protocol: QUIC}]",
      "a.yaml:7:26: policies[0].spec.ingress[0].ports[0].protocol",
    ],
    [
      "policies:\n- metadata: {name: a}\n  spec:\n    igress: []",
      "a.yaml:5:5: policies[0].spec.igress: this key is unknown; did you mean ingress",
    ],
    [
      "policies: [{metadata: {name: a}, spec: {ingress: [{from: [{ipBlock: {cidr: fd00::/8, except: [fd00::/8]}}]}]}}]",
      "fd00::/8 is not a part of fd00::/8",
    ],
  ] as const)("refuses %j with its place", ([text, message]) => {
    expect(messages(`nodes: {}\n${text}`).join("; ")).toContain(message);
  });

  test("refuses a name or an address that two of them have, also over several files", () => {
    expect(
      messages(
        "nodes: {}\nnamespaces: {shop: }\npods: {a: {addresses: [fd00::1]}, default/a: {addresses: [fd00:0::1]}}",
        "namespaces: {shop: }\npolicies:\n- {metadata: {name: p}, spec: {}}\n- {metadata: {name: p, namespace: default}, spec: {}}",
      ),
    ).toEqual([
      'a.yaml:3:35: pods["default/a"]: a.yaml:3:8 is the pod default/a already: leave out one of the two',
      'a.yaml:3:59: pods["default/a"].addresses[0]: fd00::1 is written at a.yaml:3:24 already: give each pod its own',
      "b.yaml:1:14: namespaces.shop: a.yaml:2:14 has a namespace of this name: leave out one of the two",
      "b.yaml:4:3: policies[1]: b.yaml:3:3 is a policy default/p already: rename one of the two",
    ]);
  });

  test("remarks on what is allowed and rarely meant", () => {
    const { remarks } = read(
      "nodes:\n  a: {addresses: [fd00::a], prefixes: [fd00:a::/64]}\n  b: {addresses: [fd00::b], prefixes: [fd00:b::/64]}\n" +
        "pods: {web: }\npolicies: [{metadata: {name: p}, spec: {ingress: [{from: [{ipBlock: {cidr: fd00::1/8}}]}]}}]",
    );
    expect(remarks).toEqual([
      "policy default/p of a.yaml: spec.ingress[0].from[0].ipBlock.cidr: fd00::1/8 has host bits set and means fd00::/8",
      "pod default/web of a.yaml has no address, so that only its own node can know its packets: add those it asks for",
    ]);
  });
});

describe("keptView()", () => {
  const text = clusterText(addresses["dual-stack"]);

  test("gives the last view itself where nothing differs", () => {
    const before = viewOf(text);
    expect(keptView(before, viewOf(`# a comment\n${text}`))).toBe(before);
    expect(keptView(undefined, before)).toBe(before);
  });

  test("keeps every value but the one that changed", () => {
    const before = viewOf(text);
    const after = keptView(before, viewOf(text.replace("app: web", "app: shop")));
    expect(after).not.toBe(before);
    expect(after.nodes).toBe(before.nodes);
    expect(after.policies?.namespaces).toBe(before.policies?.namespaces);
    expect(after.policies?.policies).toBe(before.policies?.policies);
    expect(after.policies?.pods.get("default/db_1")).toBe(before.policies?.pods.get("default/db_1"));
    expect(after.policies?.pods.get("shop/web")?.labels).toEqual({ app: "shop" });
  });

  test("sees what is gone, and that there are no policies any more", () => {
    const before = viewOf(text);
    const without = keptView(before, viewOf(text.slice(0, text.indexOf("policies:"))));
    expect(without.policies?.policies.size).toBe(0);
    expect(without.policies?.pods).toBe(before.policies?.pods);
    expect(keptView(before, viewOf("nodes: {}"))).toEqual({ nodes: [] });
  });
});
