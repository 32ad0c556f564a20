// The section `nodes` of a cluster file: a map of node names to addresses and prefixes. It looks at one node at a time; what two
// nodes may not share is in node-conflicts.ts. docs/cluster-file.md is the reference.
import * as v from "valibot";
import type { FileFault } from "../../config/file-fault.ts";
import { closedObject, text } from "../../config/parse.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";
import { Address } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { faultOfNodeName } from "../node-name.ts";
import { faultOfNodeAddress, faultOfPodPrefix } from "../usable-addresses.ts";
import type { ClusterNode, NodePrefix } from "../view.ts";

/** A node, and the document to point into when something about it is wrong. */
export interface FileNode extends ClusterNode {
  readonly document: YamlDocument;
}

export interface NodesReading {
  readonly nodes: readonly FileNode[];
  readonly faults: readonly FileFault[];
}

function podPrefix() {
  return text((written): Prefix => usable(Prefix.parse(written), faultOfPodPrefix));
}

function nodeAddress() {
  return text((written): Address => usable(Address.parse(written), faultOfNodeAddress));
}

function usable<T>(value: T, faultOf: (value: T) => string | undefined): T {
  const why = faultOf(value);
  if (why === undefined) return value;
  throw new SyntaxError(why);
}

const active = v.pipe(
  podPrefix(),
  v.transform((prefix): NodePrefix => ({ prefix, state: "active" })),
);
const withState = closedObject({
  prefix: podPrefix(),
  state: v.optional(v.picklist(["active", "draining"]), "active"),
});

const nodeSchema = closedObject({
  addresses: v.nullish(v.array(nodeAddress()), []),
  prefixes: v.nullish(v.array(v.lazy((input) => (typeof input === "object" ? withState : active))), []),
});

export function readNodes(document: YamlDocument, part: unknown): NodesReading {
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    const message =
      "write a map: below `nodes:` one line `<name>:` for each node, and its addresses and prefixes below that";
    return { nodes: [], faults: [document.fault(["nodes"], message)] };
  }
  const nodes: FileNode[] = [];
  const faults: FileFault[] = [];
  for (const [name, value] of Object.entries(part)) {
    const at: Path = ["nodes", name];
    const why = faultOfNodeName(name);
    if (why !== undefined) faults.push(document.fault(at, why));
    const read = document.read(nodeSchema, value ?? {}, at);
    faults.push(...read.faults);
    if (read.value !== undefined) nodes.push({ name, ...read.value, document });
  }
  return { nodes, faults };
}
