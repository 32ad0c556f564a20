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
import type { FileEntry, SectionReading } from "./claims.ts";

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

export function readNodes(document: YamlDocument, part: unknown): SectionReading<ClusterNode> {
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    const message =
      "write a map: below `nodes:` one line `<name>:` for each node, and its addresses and prefixes below that";
    return { entries: [], faults: [document.fault(["nodes"], message)], remarks: [] };
  }
  const entries: FileEntry<ClusterNode>[] = [];
  const faults: FileFault[] = [];
  for (const [name, value] of Object.entries(part)) {
    const path: Path = ["nodes", name];
    const why = faultOfNodeName(name);
    if (why !== undefined) faults.push(document.fault(path, why));
    const read = document.read(nodeSchema, value ?? {}, path);
    faults.push(...read.faults);
    if (read.value !== undefined) entries.push({ value: { name, ...read.value }, document, path });
  }
  return { entries, faults, remarks: [] };
}
