// The section `policies` of a cluster file: a list of NetworkPolicy objects as Kubernetes writes them. What the API would refuse or this
// version does not know refuses the file. docs/cluster-file.md is the reference.
import * as v from "valibot";
import type { FileFault } from "../../config/file-fault.ts";
import { closedObject } from "../../config/parse.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";
import { describeFindings, strictly } from "../../policy/findings.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import { readNetworkPolicy } from "../../policy/parse-network-policy.ts";
import type { FileEntry, SectionReading } from "./claims.ts";

const objectSchema = closedObject({
  apiVersion: v.optional(v.literal("networking.k8s.io/v1")),
  kind: v.optional(v.literal("NetworkPolicy")),
  metadata: v.optional(v.unknown()),
  spec: v.optional(v.unknown()),
  status: v.optional(v.unknown()),
});
const policySchema = strictly(readNetworkPolicy);

export function readPolicies(document: YamlDocument, part: unknown): SectionReading<NetworkPolicy> {
  if (!Array.isArray(part)) {
    const message = "write a list: below `policies:` a line `- metadata:` for each policy, as Kubernetes writes them";
    return { entries: [], faults: [document.fault(["policies"], message)], remarks: [] };
  }
  const entries: FileEntry<NetworkPolicy>[] = [];
  const faults: FileFault[] = [];
  const remarks: string[] = [];
  for (const [index, written] of part.entries()) {
    const path: Path = ["policies", index];
    const frame = document.read(objectSchema, written, path);
    const read = frame.value === undefined ? undefined : document.read(policySchema, written, path);
    faults.push(...frame.faults, ...(read?.faults ?? []));
    const value = read?.value?.value;
    if (read?.value === undefined || value === undefined) continue;
    const who = `policy ${value.namespace}/${value.name} of ${document.file}`;
    remarks.push(...describeFindings(read.value).map((remark) => `${who}: ${remark}`));
    entries.push({ value, document, path });
  }
  return { entries, faults, remarks };
}
