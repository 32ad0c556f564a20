// A Namespace of the Kubernetes API, of which policy looks at the labels only.
import { Findings, type Reading } from "./findings.ts";
import { readMetadata } from "./parse-metadata.ts";
import type { PolicyNamespace } from "./policy-view.ts";

/** The label by which every namespace has its own name; the API server writes it and lets nobody change it. */
const nameLabel = "kubernetes.io/metadata.name";

export function readNamespace(object: unknown): Reading<PolicyNamespace> {
  const findings = new Findings();
  const metadata = readMetadata(object, findings);
  if (metadata === undefined) return findings.reading<PolicyNamespace>(undefined);
  const { name, labels } = metadata;
  return findings.reading({ name, labels: { ...labels, [nameLabel]: name } });
}
