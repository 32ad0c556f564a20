// The section `nodes` of a cluster file: a map of node names to addresses and prefixes. It looks at one node at a time; what two
// nodes may not share is in node-conflicts.ts. docs/cluster-file.md is the reference.
import * as v from "valibot";
import type { FileFault } from "../../config/file-fault.ts";
import { closedObject, text } from "../../config/parse.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";
import { Address } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { faultOfNodeName } from "../node-name.ts";
import type { ClusterNode, NodePrefix } from "../view.ts";

/** A node, and the document to point into when something about it is wrong. */
export interface FileNode extends ClusterNode {
  readonly document: YamlDocument;
}

export interface NodesReading {
  readonly nodes: readonly FileNode[];
  readonly faults: readonly FileFault[];
}

/** What cannot be the addresses of pods, whatever the length of the prefix. */
const reserved: readonly (readonly [Prefix, string])[] = [
  [Prefix.parse("::/127"), "the unspecified address and loopback"],
  [Prefix.parse("fe80::/10"), "link-local addresses"],
  [Prefix.parse("ff00::/8"), "multicast addresses"],
  [Prefix.parse("0.0.0.0/8"), "addresses of this host"],
  [Prefix.parse("127.0.0.0/8"), "loopback addresses"],
  [Prefix.parse("169.254.0.0/16"), "link-local addresses"],
  [Prefix.parse("224.0.0.0/3"), "multicast and reserved addresses"],
];

function podPrefix() {
  return text((written): Prefix => {
    const prefix = Prefix.parse(written);
    const [, what] = reserved.find(([other]) => other.overlaps(prefix)) ?? [];
    if (what === undefined) return prefix;
    throw new SyntaxError(`${prefix} holds ${what}; write a prefix for pods, as in 2001:db8:0:1::/64`);
  });
}

function nodeAddress() {
  return text((written): Address => {
    const address = Address.parse(written);
    const { isLinkLocal, isLoopback, isMulticast, isUnspecified } = address;
    if (!(isLinkLocal || isLoopback || isMulticast || isUnspecified)) return address;
    throw new SyntaxError(`${address} cannot be reached by other nodes; write an address that every node reaches`);
  });
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
