// The section `namespaces` of a cluster file: a map of names to labels. A namespace need stand here only if it has labels; the others
// follow from pods and policies. docs/cluster-file.md is the reference.
import * as v from "valibot";
import type { FileFault } from "../../config/file-fault.ts";
import { closedObject } from "../../config/parse.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";
import { readNamespace } from "../../policy/parse-namespace.ts";
import { labels } from "../../policy/parse-selector.ts";
import type { PolicyNamespace } from "../../policy/policy-view.ts";
import type { FileEntry, SectionReading } from "./claims.ts";
import { faultOfNamespace } from "./pod-name.ts";

const namespaceSchema = closedObject({ labels: v.nullish(labels(), {}) });

export function readNamespaces(document: YamlDocument, part: unknown): SectionReading<PolicyNamespace> {
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    const message = "write a map: below `namespaces:` one line `<name>:` for each namespace, and its labels below that";
    return { entries: [], faults: [document.fault(["namespaces"], message)], remarks: [] };
  }
  const entries: FileEntry<PolicyNamespace>[] = [];
  const faults: FileFault[] = [];
  for (const [name, written] of Object.entries(part)) {
    const path: Path = ["namespaces", name];
    const why = faultOfNamespace(name);
    if (why !== undefined) faults.push(document.fault(path, why));
    const read = document.read(namespaceSchema, written ?? {}, path);
    faults.push(...read.faults);
    if (read.value !== undefined && why === undefined) {
      entries.push({ value: namespaceOf(name, read.value.labels), document, path });
    }
  }
  return { entries, faults, remarks: [] };
}

/** With the label that Kubernetes gives every namespace. */
export function namespaceOf(name: string, written: PolicyNamespace["labels"] = {}): PolicyNamespace {
  return readNamespace({ metadata: { name, labels: written } }).value ?? { name, labels: written };
}
