import { describe, expect, test } from "vitest";
import { describeFindings } from "./findings.ts";
import { readNetworkPolicy } from "./parse-network-policy.ts";

function read(spec: unknown) {
  return readNetworkPolicy({ apiVersion: "networking.k8s.io/v1", metadata: { name: "p", namespace: "shop" }, spec });
}

/** The policy as JSON prints it, without what is the same in all; and what was found. */
function readIngress(rule: unknown) {
  const reading = read({ podSelector: {}, policyTypes: ["Ingress"], ingress: [rule] });
  return { rules: JSON.parse(JSON.stringify(reading.value?.ingress)), found: describeFindings(reading) };
}

const all = { labels: {}, expressions: [] };

describe("readNetworkPolicy()", () => {
  test("reads the policy of the documentation of Kubernetes", () => {
    const { value, faults, remarks } = readNetworkPolicy({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "db", namespace: "shop", uid: "u1", managedFields: [] },
      spec: {
        podSelector: { matchLabels: { role: "db" } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            from: [
              { ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } },
              { namespaceSelector: { matchLabels: { project: "x" } } },
              { podSelector: { matchLabels: { role: "frontend" } } },
            ],
            ports: [{ protocol: "TCP", port: 6379 }],
          },
        ],
        egress: [{ to: [{ ipBlock: { cidr: "fd00::/24" } }], ports: [{ protocol: "TCP", port: 5978, endPort: 5980 }] }],
      },
    });
    expect([...faults, ...remarks]).toEqual([]);
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      namespace: "shop",
      name: "db",
      uid: "u1",
      pods: { labels: { role: "db" }, expressions: [] },
      ingress: [
        {
          peers: [
            { kind: "block", block: "172.17.0.0/16", except: ["172.17.1.0/24"] },
            { kind: "pods", namespaces: { labels: { project: "x" }, expressions: [] }, pods: all },
            { kind: "pods", namespaces: "own", pods: { labels: { role: "frontend" }, expressions: [] } },
          ],
          ports: [{ protocol: "tcp", port: { first: 6379, last: 6379 } }],
        },
      ],
      egress: [
        {
          peers: [{ kind: "block", block: "fd00::/24", except: [] }],
          ports: [{ protocol: "tcp", port: { first: 5978, last: 5980 } }],
        },
      ],
    });
  });

  test.for([
    ["no types, no rules", {}, [], undefined],
    ["no types and an egress rule", { egress: [{}] }, [], [{}]],
    ["no types and no egress rule", { egress: [] }, [], undefined],
    ["an empty list of types", { policyTypes: [], ingress: [{}] }, [{}], undefined],
    ["Ingress", { policyTypes: ["Ingress"], ingress: null }, [], undefined],
    ["Egress without rules", { policyTypes: ["Egress"], ingress: [{}] }, undefined, []],
    ["both", { policyTypes: ["Ingress", "Egress"] }, [], []],
    ["empty lists in a rule", { ingress: [{ from: [], ports: [] }] }, [{}], undefined],
    ["null in a rule", { ingress: [{ from: null, ports: null }] }, [{}], undefined],
  ] as const)("takes the API's defaults: %s", ([, spec, ingress, egress]) => {
    const { value, faults } = read({ podSelector: {}, ...spec });
    expect(faults).toEqual([]);
    expect([value?.ingress, value?.egress]).toEqual([ingress, egress]);
  });

  test.for([[{}], [{ podSelector: null }], [{ podSelector: {} }], [{ podSelector: { matchLabels: null } }]])(
    "selects all pods of the namespace by %j",
    ([spec]) => {
      expect(read(spec)).toMatchObject({ value: { pods: all, namespace: "shop" }, faults: [] });
    },
  );

  test("remarks on egress rules that the types leave out", () => {
    const reading = read({ policyTypes: ["Ingress"], egress: [{}] });
    expect(reading.value?.egress).toBeUndefined();
    expect(describeFindings(reading)).toEqual([
      "spec.policyTypes: Egress is not in the list, so the rules under egress say nothing",
    ]);
  });

  test.for([
    [{ port: 80 }, { protocol: "tcp", port: { first: 80, last: 80 } }],
    [{ protocol: "UDP" }, { protocol: "udp" }],
    [
      { protocol: "SCTP", port: "signal" },
      { protocol: "sctp", port: "signal" },
    ],
    [
      { port: 1, endPort: 65535 },
      { protocol: "tcp", port: { first: 1, last: 65535 } },
    ],
    [
      { protocol: null, port: 7, endPort: 7 },
      { protocol: "tcp", port: { first: 7, last: 7 } },
    ],
  ] as const)("reads the port %j", ([written, port]) => {
    expect(readIngress({ ports: [written] })).toEqual({ rules: [{ ports: [port] }], found: [] });
  });

  test.for([
    [{ protocol: "QUIC", port: 443 }, /ports\[0\]\.protocol: "QUIC" is not "TCP" or "UDP" or "SCTP"/],
    [{ protocol: "tcp" }, /did you mean TCP/],
    [{ port: 0 }, /ports\[0\]\.port: 0 is not a whole number from 1 to 65535/],
    [{ port: "80" }, /"80" is no name of a port; write it without quotes/],
    [{ port: "HTTP" }, /"HTTP" is no name of a port/],
    [{ port: 90, endPort: 80 }, /endPort: 80 comes before port 90/],
    [{ port: "http", endPort: 80 }, /endPort: it needs a number as port/],
    [{ endPort: 80 }, /endPort: it needs a number as port/],
    [{ port: 80, probability: 0.5 }, /ports\[0\]\.probability: this key is unknown/],
    [null, /ports\[0\]: null is not an object/],
  ] as const)("lets nothing pass by the port %j", ([written, message]) => {
    const { rules, found } = readIngress({ ports: [written] });
    expect(rules).toEqual([{ ports: [] }]);
    expect(found.join()).toMatch(message);
    expect(readIngress({ ports: [written, { port: 53 }] }).rules).toEqual([
      { ports: [{ protocol: "tcp", port: { first: 53, last: 53 } }] },
    ]);
  });

  test.for([
    [{}, /from\[0\]: it names nobody/],
    [{ ipBlock: { cidr: "fd00::/8" }, podSelector: {} }, /ipBlock stands beside a selector/],
    [{ ipBlock: {} }, /ipBlock\.cidr: it is missing/],
    [{ ipBlock: { cidr: "everything" } }, /has no prefix length/],
    [{ ipBlock: { cidr: "::ffff:192.0.2.0/120" } }, /it is IPv4 mapped into IPv6/],
    [{ ipBlock: { cidr: "fd00::/8", except: ["nothing"] } }, /except\[0\]/],
    [{ ipBlock: { cidr: "fd00::/8", interface: "eth0" } }, /interface: this key is unknown/],
    [{ podSelector: { matchLabels: { app: 1 } } }, /matchLabels\.app: 1 is not a string; put it in quotes/],
    [{ podSelector: { matchFields: {} } }, /matchFields: this key is unknown/],
    [{ namespaceSelector: { matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] } }, /"Gt" is not/],
    [{ namespaceSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }, /In needs values/],
    [{ podSelector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } }, /takes no values/],
    [{ serviceSelector: {}, podSelector: {} }, /serviceSelector: this key is unknown/],
    [null, /from\[0\]: null is not an object/],
  ] as const)("lets nobody pass by the peer %j", ([written, message]) => {
    const { rules, found } = readIngress({ from: [written] });
    expect(rules).toEqual([{ peers: [] }]);
    expect(found.join()).toMatch(message);
  });

  test.for([[{ from: [{ podSelector: {} }], schedule: "night" }], [{ from: {} }], [{ ports: "all" }], [null], ["all"]])(
    "leaves out the rule %j, which it does not understand",
    ([rule]) => {
      const { rules, found } = readIngress(rule);
      expect(rules).toEqual([]);
      expect(found).not.toEqual([]);
    },
  );

  test.for([
    ["an unknown key", { podSelector: { matchLabels: { a: "b" } }, ingress: [{}], priority: 1 }, [], undefined],
    ["an unknown operator", { podSelector: { matchExpressions: [{ key: "a", operator: "Gt" }] }, ingress: [{}] }, []],
    ["unreadable types", { policyTypes: "Egress", ingress: [{}], egress: [{}] }, [{}], [{}]],
    ["an unreadable list of rules", { policyTypes: ["Egress"], egress: "all" }, undefined, []],
    ["no map at all", "everything", [], []],
  ] as const)("isolates and opens nothing by a spec with %s", ([, spec, ingress, egress]) => {
    const reading = read(spec);
    expect(reading.value?.ingress).toEqual(ingress);
    expect(reading.value?.egress).toEqual(egress);
    expect(reading.faults).not.toEqual([]);
  });

  test("selects more pods, not fewer, where an expression is not understood", () => {
    const expressions = [
      { key: "tier", operator: "Exists" },
      { key: "tier", operator: "Gt", values: ["1"] },
    ];
    const { value } = read({ podSelector: { matchLabels: { a: "b" }, matchExpressions: expressions }, ingress: [{}] });
    expect(value).toMatchObject({
      pods: { labels: { a: "b" }, expressions: [{ key: "tier", operator: "Exists" }] },
      ingress: [],
    });
  });

  test("keeps labels whose names objects inherit", () => {
    const { rules, found } = readIngress({ from: [{ podSelector: { matchLabels: { constructor: "a" } } }] });
    expect(found).toEqual([]);
    expect(rules).toEqual([
      { peers: [{ kind: "pods", namespaces: "own", pods: { labels: { constructor: "a" }, expressions: [] } }] },
    ]);
  });

  test.for([
    ["IPv4-only", "10.0.0.7/8", "10.0.0.0/8", "192.0.2.0/24"],
    ["IPv6-only", "fd00::7/8", "fd00::/8", "2001:db8::/32"],
    ["dual-stack", "fd00::7/8", "fd00::/8", "192.0.2.0/24"],
  ] as const)(
    "takes blocks with host bits, and tells of exceptions outside of them, %s",
    ([, cidr, block, outside]) => {
      const { rules, found } = readIngress({ from: [{ ipBlock: { cidr, except: [outside] } }] });
      expect(rules).toEqual([{ peers: [{ kind: "block", block, except: [outside] }] }]);
      expect(found).toEqual([
        `spec.ingress[0].from[0].ipBlock.except[0]: ${outside} is not a part of ${block}; leave it out, or write a prefix inside it`,
        `spec.ingress[0].from[0].ipBlock.cidr: ${cidr} has host bits set and means ${block}`,
      ]);
    },
  );

  test("has no value where nobody knows what the object is called", () => {
    const reading = readNetworkPolicy({ metadata: { name: "a/b" }, spec: {} });
    expect(reading.value).toBeUndefined();
    expect(describeFindings(reading).join()).toMatch(/^metadata\.name: "a\/b" is no name/);
    expect(readNetworkPolicy(null).value).toBeUndefined();
  });
});
