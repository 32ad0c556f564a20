// The text of one or several cluster files as one view, or everything that is wrong with them. A file has sections, each with a
// reader of its own; files of a directory are read as one. Pure: where the text comes from is origin.ts, when it is read is
// file-source.ts. docs/cluster-file.md is the reference.
import { compareFaults, FileFault } from "../../config/file-fault.ts";
import { describeUnknownKey } from "../../config/nearest.ts";
import { YamlDocument } from "../../config/yaml-document.ts";
import type { ClusterView } from "../view.ts";
import { nodeConflicts } from "./node-conflicts.ts";
import { type FileNode, readNodes } from "./nodes-section.ts";

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

/** Each section by its key; pods, namespaces and policies will be further rows. */
const sections = { nodes: readNodes } as const;
type SectionName = keyof typeof sections;

export function readClusterFiles(texts: readonly ClusterText[]): ClusterReading {
  const documents = texts.map(({ file, text }) => new YamlDocument(file, text));
  const faults = documents.flatMap((document) => [...document.faults, ...faultsOfSections(document)]);
  const readings = partsOf(documents, "nodes").map(({ document, part }) => sections.nodes(document, part));
  const nodes = readings.flatMap((reading) => reading.nodes);
  faults.push(...readings.flatMap((reading) => reading.faults), ...nodeConflicts(nodes));
  const [first] = documents;
  if (faults.length === 0 && readings.length === 0 && first !== undefined) {
    faults.push(new FileFault(first.file, { message: noNodes }));
  }
  if (faults.length > 0) return { faults: faults.toSorted(compareFaults), remarks: [] };
  return { view: { nodes: nodes.map(withoutDocument) }, faults, remarks: remarksOn(nodes) };
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

function withoutDocument({ name, addresses, prefixes }: FileNode): ClusterView["nodes"][number] {
  return { name, addresses, prefixes };
}
