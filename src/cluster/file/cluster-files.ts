// The text of one or several cluster files as one view, or everything that is wrong with them. A file has sections, each with a
// reader of its own; files of a directory are read as one. Pure: where the text comes from is origin.ts, when it is read is
// file-source.ts. docs/cluster-file.md is the reference.
import { compareFaults, FileFault } from "../../config/file-fault.ts";
import { describeUnknownKey } from "../../config/nearest.ts";
import { YamlDocument } from "../../config/yaml-document.ts";
import type { ClusterView } from "../view.ts";
import { readNamespaces } from "./namespaces-section.ts";
import { nodeConflicts } from "./node-conflicts.ts";
import { type FileNode, readNodes } from "./nodes-section.ts";
import { readPods } from "./pods-section.ts";
import { readPolicies } from "./policies-section.ts";
import { type PolicyEntries, policyConflicts, policyView } from "./policy-sections.ts";

export interface ClusterText {
  /** The name by which faults call the file. */
  readonly file: string;
  readonly text: string;
}

export interface ClusterReading {
  /** Absent where there is any fault. */
  readonly view?: ClusterView;
  /** All that must be put right before the files can be used. */
  readonly faults: readonly FileFault[];
  /** What is allowed and rarely meant. */
  readonly remarks: readonly string[];
}

/** Each section by its key. */
const sections = { nodes: readNodes, namespaces: readNamespaces, pods: readPods, policies: readPolicies } as const;
type SectionName = keyof typeof sections;

export function readClusterFiles(texts: readonly ClusterText[]): ClusterReading {
  const documents = texts.map(({ file, text }) => new YamlDocument(file, text));
  const faults = documents.flatMap((document) => [...document.faults, ...faultsOfSections(document)]);
  const readings = partsOf(documents, "nodes").map(({ document, part }) => sections.nodes(document, part));
  const nodes = readings.flatMap((reading) => reading.nodes);
  faults.push(...readings.flatMap((reading) => reading.faults), ...nodeConflicts(nodes));
  const policy = readPolicySections(documents);
  faults.push(...policy.faults);
  const [first] = documents;
  if (faults.length === 0 && readings.length === 0 && first !== undefined) {
    faults.push(new FileFault(first.file, { message: noNodes }));
  }
  if (faults.length > 0) return { faults: faults.toSorted(compareFaults), remarks: [] };
  const policies = policy.entries && policyView(policy.entries);
  const remarks = [...remarksOn(nodes), ...policy.remarks, ...remarksOnPods(nodes, policy.entries)];
  return { view: { nodes: nodes.map(withoutDocument), ...(policies && { policies }) }, faults, remarks };
}

interface PolicySections {
  /** Absent where no file has one of these sections. */
  readonly entries?: PolicyEntries;
  readonly faults: readonly FileFault[];
  readonly remarks: readonly string[];
}

function readPolicySections(documents: readonly YamlDocument[]): PolicySections {
  const namespaces = partsOf(documents, "namespaces").map(({ document, part }) => sections.namespaces(document, part));
  const pods = partsOf(documents, "pods").map(({ document, part }) => sections.pods(document, part));
  const policies = partsOf(documents, "policies").map(({ document, part }) => sections.policies(document, part));
  const all = [...namespaces, ...pods, ...policies];
  if (all.length === 0) return { faults: [], remarks: [] };
  const entries: PolicyEntries = {
    namespaces: namespaces.flatMap((reading) => reading.entries),
    pods: pods.flatMap((reading) => reading.entries),
    policies: policies.flatMap((reading) => reading.entries),
  };
  const faults = [...all.flatMap((reading) => reading.faults), ...policyConflicts(entries)];
  return { entries, faults, remarks: all.flatMap((reading) => reading.remarks) };
}

const noNodes = "There is no section nodes: write `nodes:` and below it each node, or `nodes: {}` for none";

/** Faults of what stands at the top of a file: nothing, something without sections, sections nobody knows. */
function faultsOfSections(document: YamlDocument): FileFault[] {
  const { file, value, faults } = document;
  if (faults.length > 0) return [];
  if (value === undefined || value === null)
    return [new FileFault(file, { message: "The file is empty: write `nodes:`" })];
  if (typeof value !== "object" || Array.isArray(value)) {
    return [document.fault([], "This is not a map of sections: begin with `nodes:`")];
  }
  const known = Object.keys(sections);
  const strangers = Object.keys(value).filter((key) => !known.includes(key));
  return strangers.map((key) => document.fault([key], describeUnknownKey(key, known)));
}

function partsOf(
  documents: readonly YamlDocument[],
  section: SectionName,
): { document: YamlDocument; part: unknown }[] {
  return documents.flatMap((document) => {
    const { value } = document;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, section)) return [];
    return [{ document, part: Reflect.get(value, section) }];
  });
}

/** Without line and column: a remark is told once, wherever the node moves to. */
function remarksOn(nodes: readonly FileNode[]): string[] {
  return nodes.flatMap(({ name, addresses, prefixes, document }) => {
    const who = `node ${name} of ${document.file}`;
    return [
      ...(prefixes.length > 0
        ? []
        : [`${who} has no prefix, so no pod can get an address there: add one to its prefixes`]),
      ...(addresses.length > 0
        ? []
        : [`${who} has no address, so no route leads to its pods: add one to its addresses`]),
    ];
  });
}

/** On one node alone, leases tell everything about addresses. */
function remarksOnPods(nodes: readonly FileNode[], entries: PolicyEntries | undefined): string[] {
  const unknown = (entries?.pods ?? []).filter(({ value }) => value.addresses.length === 0);
  if (nodes.length < 2) return [];
  return unknown.map(({ value: { namespace, name }, document }) => {
    const why = "has no address, so that only its own node can know its packets";
    return `pod ${namespace}/${name} of ${document.file} ${why}: add those it asks for`;
  });
}

function withoutDocument({ name, addresses, prefixes }: FileNode): ClusterView["nodes"][number] {
  return { name, addresses, prefixes };
}
