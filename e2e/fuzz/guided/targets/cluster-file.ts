// Cluster files, as people write them: a view, or every fault with its place.
import { readClusterFiles } from "../../../../src/cluster/file/cluster-files.ts";
import { Address } from "../../../../src/ip/address.ts";
import { compile } from "../../../../src/policy/compile.ts";
import { changeValue } from "../json-mutation.ts";
import { changeLines } from "../line-mutation.ts";
import { Finding, type Target } from "../target.ts";

const whole = `nodes:
  alpha:
    addresses: [2001:db8:ffff::a, 192.0.2.10]
    prefixes: [2001:db8:0:1::/64, 10.1.0.0/24]
  beta:
    addresses: [2001:db8:ffff::b]
    prefixes:
      - 2001:db8:0:2::/64
      - prefix: 2001:db8:0:fff2::/64
        state: draining
namespaces:
  shop:
    labels: { team: sales }
pods:
  shop/web:
    labels: { app: web }
    addresses: [2001:db8:0:1::10, 10.1.0.10]
    ports: { http: 8080, dns: [53/udp, 53/tcp] }
policies:
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: { name: db, namespace: shop }
    spec:
      podSelector: { matchExpressions: [{ key: app, operator: In, values: [db, web] }] }
      policyTypes: [Ingress, Egress]
      ingress:
        - from: [{ podSelector: { matchLabels: { app: web } } }, { ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }]
          ports: [{ port: http }, { port: 1000, endPort: 2000, protocol: UDP }]
      egress:
        - to: [{ namespaceSelector: {}, podSelector: {} }]
`;
const flow = JSON.stringify({
  nodes: { a: { addresses: ["fd00::1"], prefixes: ["fd01::/64", { prefix: "10.0.0.0/24", state: "active" }] } },
  pods: { web: { labels: {}, addresses: ["fd01::2"], ports: { http: 80 } } },
  policies: [{ metadata: { name: "p" }, spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } }],
});

const dictionary =
  "nodes addresses prefixes prefix state draining active namespaces labels pods ports policies metadata name namespace spec podSelector namespaceSelector matchLabels matchExpressions key operator In NotIn Exists DoesNotExist values policyTypes Ingress Egress ingress egress from to ipBlock cidr except port endPort protocol TCP SCTP ::/0 0.0.0.0/0 fd00::/8 fe80::1 constructor __proto__ toString 2001:db8:: 99999 65535";

export async function open(): Promise<Target> {
  return {
    seeds: [whole, flow, "nodes: {}\n", "nodes:\n  a:\n"].map((text) => Buffer.from(text)),
    dictionary: dictionary.split(" "),
    mutators: [changeLines, changeValue],
    run: tryText,
    [Symbol.asyncDispose]: async () => {},
  };
}

const local = { namespace: "shop", name: "web", addresses: [Address.parse("2001:db8:0:1::10")] };

function tryText(input: Uint8Array): void {
  const { view, faults, remarks } = readClusterFiles([{ file: "a.yaml", text: Buffer.from(input).toString("utf8") }]);
  if ((view === undefined) !== faults.length > 0) throw new Finding("Neither a view nor a fault");
  for (const { message } of faults)
    if (!/^a\.yaml(?::[1-9]\d*:[1-9]\d*)?: ./.test(message)) throw new Finding(`It does not say where: ${message}`);
  for (const remark of remarks) if (remark.length < 10) throw new Finding(`A remark: ${remark}`);
  if (view?.policies !== undefined) compile({ view: view.policies, localPods: [local] });
}
