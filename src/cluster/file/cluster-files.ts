// The text of one or several cluster files as one view, or everything that is wrong with them; files of a directory are read as one.
// Pure: where the text comes from is origin.ts, when it is read is file-source.ts, and cluster-reader.ts spares what has not changed.
// docs/cluster-file.md is the reference.
import { compareFaults, FileFault } from "../../config/file-fault.ts";
import { YamlDocument } from "../../config/yaml-document.ts";
import type { ClusterNode, ClusterView } from "../view.ts";
import type { FileEntry, SectionReading } from "./claims.ts";
import { type FileReading, readDocument } from "./file-reading.ts";
import { areFreshApart } from "./fresh-entries.ts";
import { nodeConflicts } from "./node-conflicts.ts";
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

export function readClusterFiles(texts: readonly ClusterText[]): ClusterReading {
  return readingOf(texts.map(({ file, text }) => readDocument(new YamlDocument(file, text))));
}

/** What files said, in which nothing was wrong. */
export interface SoundReading {
  readonly files: readonly FileReading[];
  readonly view: ClusterView;
}

/** What the files say together. What is not new in them they said last. */
export function readingOf(files: readonly FileReading[], before?: SoundReading): ClusterReading {
  const nodes = joined(files.flatMap((file) => file.nodes ?? []));
  const policy = {
    namespaces: joined(files.flatMap((file) => file.namespaces ?? [])),
    pods: joined(files.flatMap((file) => file.pods ?? [])),
    policies: joined(files.flatMap((file) => file.policies ?? [])),
  };
  const faults = [
    ...files.flatMap((file) => file.faults),
    ...[nodes, policy.namespaces, policy.pods, policy.policies].flatMap((section) => section?.faults ?? []),
  ];
  const entries = policyEntries(policy);
  const isSound = before !== undefined && areFreshApart({ nodes, ...policy });
  if (!isSound) faults.push(...nodeConflicts(nodes?.entries ?? []), ...(entries ? policyConflicts(entries) : []));
  const [first] = files;
  if (faults.length === 0 && nodes === undefined && first !== undefined) {
    faults.push(new FileFault(first.file, { message: noNodes }));
  }
  if (faults.length > 0) return { faults: faults.toSorted(compareFaults), remarks: [] };
  const known = nodes?.entries ?? [];
  const isSame = before !== undefined && haveSamePolicies(before.files, files);
  const policies = isSame ? before.view.policies : entries && policyView(entries, before?.view.policies);
  const remarks = [...remarksOn(known), ...(policy.policies?.remarks ?? []), ...remarksOnPods(known, entries)];
  return { view: { nodes: known.map(({ value }) => value), ...(policies && { policies }) }, faults, remarks };
}

function haveSamePolicies(before: readonly FileReading[], now: readonly FileReading[]): boolean {
  const [one, other] = [before, now].map((files) =>
    files.flatMap(({ namespaces, pods, policies }) => [namespaces, pods, policies].map((section) => section?.entries)),
  );
  return one?.length === other?.length && one?.every((entries, at) => entries === other?.[at]) === true;
}

/** What several files say in sections of one name; absent where none has it. */
function joined<T>(readings: readonly SectionReading<T>[]): SectionReading<T> | undefined {
  const [first] = readings;
  if (first === undefined || readings.length === 1) return first;
  return {
    entries: readings.flatMap(({ entries }) => entries),
    fresh: readings.flatMap(({ entries, fresh }) => fresh ?? entries),
    faults: readings.flatMap(({ faults }) => faults),
    remarks: readings.flatMap(({ remarks }) => remarks),
  };
}

type PolicyReadings = { readonly [K in keyof PolicyEntries]: { readonly entries: PolicyEntries[K] } | undefined };

/** Absent where no file has one of these sections. */
function policyEntries({ namespaces, pods, policies }: PolicyReadings): PolicyEntries | undefined {
  if (namespaces === undefined && pods === undefined && policies === undefined) return undefined;
  return {
    namespaces: namespaces?.entries ?? [],
    pods: pods?.entries ?? [],
    policies: policies?.entries ?? [],
  };
}

const noNodes = "There is no section nodes: write `nodes:` and below it each node, or `nodes: {}` for none";

/** Without line and column: a remark is told once, wherever the node moves to. */
function remarksOn(nodes: readonly FileEntry<ClusterNode>[]): string[] {
  return nodes.flatMap(({ value: { name, addresses, prefixes }, document }) => {
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
function remarksOnPods(nodes: readonly FileEntry<ClusterNode>[], entries: PolicyEntries | undefined): string[] {
  const unknown = (entries?.pods ?? []).filter(({ value }) => value.addresses.length === 0);
  if (nodes.length < 2) return [];
  return unknown.map(({ value: { namespace, name }, document }) => {
    const why = "has no address, so that only its own node can know its packets";
    return `pod ${namespace}/${name} of ${document.file} ${why}: add those it asks for`;
  });
}
