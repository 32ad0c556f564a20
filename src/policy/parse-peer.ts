// One peer of a rule of a NetworkPolicy, as Kubernetes writes it. A peer that is not understood to the last word is nobody.
// https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/#NetworkPolicyPeer
import * as v from "valibot";
import { closedObject, text } from "../config/parse.ts";
import { InterfaceAddress, type Prefix } from "../ip/prefix.ts";
import type { Findings } from "./findings.ts";
import type { Peer, Selector } from "./network-policy.ts";
import { everything, readSelector } from "./parse-selector.ts";

type Path = readonly (string | number)[];

const peerSchema = closedObject({
  podSelector: v.optional(v.unknown()),
  namespaceSelector: v.optional(v.unknown()),
  ipBlock: v.optional(v.unknown()),
});
type PeerParts = v.InferOutput<typeof peerSchema>;

const writtenPrefix = text((word) => InterfaceAddress.parse(word));
const blockSchema = closedObject({
  cidr: writtenPrefix,
  except: v.nullish(v.array(writtenPrefix), []),
});

export function readPeer(part: unknown, at: Path, findings: Findings): Peer | undefined {
  const parts = findings.read(peerSchema, part, at);
  if (parts === undefined) return undefined;
  const hasSelector = isThere(parts.podSelector) || isThere(parts.namespaceSelector);
  if (isThere(parts.ipBlock) && !hasSelector) return blockOf(parts.ipBlock, [...at, "ipBlock"], findings);
  if (hasSelector && !isThere(parts.ipBlock)) return podsOf(parts, at, findings);
  const message = hasSelector
    ? "ipBlock stands beside a selector; make them two peers"
    : "it names nobody; write podSelector, namespaceSelector or ipBlock, or leave out the whole list for everybody";
  findings.fault(at, message);
  return undefined;
}

function podsOf({ podSelector, namespaceSelector }: PeerParts, at: Path, findings: Findings): Peer | undefined {
  const pods = readSelector(podSelector, [...at, "podSelector"], findings);
  const namespaces = isThere(namespaceSelector)
    ? readSelector(namespaceSelector, [...at, "namespaceSelector"], findings)
    : ({ selector: "own", isWhole: true } satisfies { selector: "own" | Selector; isWhole: boolean });
  if (!pods.isWhole || !namespaces.isWhole) return undefined;
  return { kind: "pods", namespaces: namespaces.selector, pods: isThere(podSelector) ? pods.selector : everything };
}

function blockOf(part: unknown, at: Path, findings: Findings): Peer | undefined {
  const written = findings.read(blockSchema, part, at);
  if (written === undefined) return undefined;
  const block = masked(written.cidr, [...at, "cidr"], findings);
  const except = written.except.map((each, index) => masked(each, [...at, "except", index], findings));
  except.forEach((each, index) => {
    if (block.contains(each) && each.length > block.length) return;
    findings.fault(
      [...at, "except", index],
      `${each} is not a part of ${block}; leave it out, or write a prefix inside it`,
    );
  });
  return { kind: "block", block, except };
}

/** The API takes host bits and looks at the prefix around them. */
function masked({ address, prefix }: InterfaceAddress, at: Path, findings: Findings): Prefix {
  if (!prefix.address.equals(address))
    findings.remark(at, `${address}/${prefix.length} has host bits set and means ${prefix}`);
  return prefix;
}

function isThere(part: unknown): boolean {
  return part !== undefined && part !== null;
}
