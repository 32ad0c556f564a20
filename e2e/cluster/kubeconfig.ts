// The kubeconfig by which an API server of a test is found: the one that has the certificate of tests.
import { testCertificate } from "../../src/cluster/kubernetes/test-certificate.ts";

export function kubeconfigOf(server: string, token: string): object {
  const cluster = { server, "certificate-authority-data": Buffer.from(testCertificate).toString("base64") };
  return {
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster }],
    users: [{ name: "test", user: { token } }],
  };
}
