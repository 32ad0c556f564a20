// The process of served-cluster.ts. Its first line of output says where it listens; each line it is told it answers by the same, once the
// cluster is so.
import { createInterface } from "node:readline";
import { TestApiServer } from "../../src/cluster/kubernetes/test-api-server.ts";
import { testCertificate, testKey } from "../../src/cluster/kubernetes/test-certificate.ts";
import { largePod, putAll } from "../cluster-memory/large-cluster.ts";
import { nodeOf, ownPod, type ServedSize, token } from "./served-cluster.ts";

const size: ServedSize = JSON.parse(process.argv[2] ?? "");
const { families, nodes, pods, ownPods, own } = size;
const tls = { key: testKey, cert: testCertificate };
await using server = await TestApiServer.start({ host: "::1", tls, token });
putAll(server, { nodes, pods }, (at) => nodeOf(at, families));
server.put("nodes", {
  metadata: { name: "alpha" },
  spec: { podCIDRs: own },
  status: { addresses: ["2001:db8:ffff::2", "192.0.2.2"].map((address) => ({ type: "InternalIP", address })) },
});
for (let at = 0; at < ownPods; at++) {
  const { namespace, name, uid } = ownPod(at);
  const metadata = { namespace, name, uid, labels: { tier: "backend" } };
  server.put("pods", { metadata, spec: { nodeName: "alpha" }, status: { phase: "Running" } });
}
process.stdout.write(`${server.url.origin}\n`);

let replaced = 0;
for await (const line of createInterface(process.stdin)) {
  if (line === "gone") server.remove("nodes", nodeOf(0, families).metadata.name);
  if (line === "back") server.put("nodes", nodeOf(0, families));
  if (line === "pods") for (let count = 0; count < 10; count++) replacePod((replaced * 37) % pods);
  process.stdout.write(`${line}\n`);
}

function replacePod(at: number): void {
  replaced++;
  server.put("pods", largePod(at, nodes, { uid: `again-${replaced}` }));
}
