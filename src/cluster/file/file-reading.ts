// What one cluster file says, section by section, before it is compared with what others say. Each section has a reader of its own.
// docs/cluster-file.md is the reference.
import { FileFault } from "../../config/file-fault.ts";
import { describeUnknownKey } from "../../config/nearest.ts";
import type { YamlDocument } from "../../config/yaml-document.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { PolicyNamespace, PolicyPod } from "../../policy/policy-view.ts";
import type { ClusterNode } from "../view.ts";
import type { SectionReading } from "./claims.ts";
import { readNamespaces } from "./namespaces-section.ts";
import { readNodes } from "./nodes-section.ts";
import { readPods } from "./pods-section.ts";
import { readPolicies } from "./policies-section.ts";

/** Sections that the file does not have are absent. */
export interface FileReading {
  readonly file: string;
  /** Of the file as a whole; those of sections are in their readings. */
  readonly faults: readonly FileFault[];
  readonly nodes?: SectionReading<ClusterNode>;
  readonly namespaces?: SectionReading<PolicyNamespace>;
  readonly pods?: SectionReading<PolicyPod>;
  readonly policies?: SectionReading<NetworkPolicy>;
}

export type SectionName = "nodes" | "namespaces" | "pods" | "policies";

const sectionNames: ReadonlySet<string> = new Set<SectionName>(["nodes", "namespaces", "pods", "policies"]);

export function isSectionName(key: string): key is SectionName {
  return sectionNames.has(key);
}

export function readDocument(document: YamlDocument): FileReading {
  const faults = document.faults.length > 0 ? document.faults : faultsOfSections(document);
  const { file, value } = document;
  const part = <T>(name: SectionName, read: (document: YamlDocument, part: unknown) => T): T | undefined =>
    typeof value === "object" && value !== null && Object.hasOwn(value, name)
      ? read(document, Reflect.get(value, name))
      : undefined;
  const nodes = part("nodes", readNodes);
  const namespaces = part("namespaces", readNamespaces);
  const pods = part("pods", readPods);
  const policies = part("policies", readPolicies);
  return {
    file,
    faults,
    ...(nodes && { nodes }),
    ...(namespaces && { namespaces }),
    ...(pods && { pods }),
    ...(policies && { policies }),
  };
}

/** What stands at the top of a file: nothing, something without sections, sections nobody knows. */
function faultsOfSections(document: YamlDocument): FileFault[] {
  const { file, value } = document;
  if (value === undefined || value === null)
    return [new FileFault(file, { message: "The file is empty: write `nodes:`" })];
  if (typeof value !== "object" || Array.isArray(value)) {
    return [document.fault([], "This is not a map of sections: begin with `nodes:`")];
  }
  const strangers = Object.keys(value).filter((key) => !isSectionName(key));
  return strangers.map((key) => document.fault([key], describeUnknownKey(key, [...sectionNames])));
}
