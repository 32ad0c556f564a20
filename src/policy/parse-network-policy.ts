// A NetworkPolicy of networking.k8s.io/v1 as the API serves it, or as YAML in a file. Nothing that is not understood opens anything: a
// rule, peer or port with an unknown word allows nothing, and a policy whose pods are not understood selects more pods rather than fewer
// and allows nothing. Defaults are those of the API server.
import * as v from "valibot";
import { closedObject } from "../config/parse.ts";
import { Findings, type Reading } from "./findings.ts";
import type { NetworkPolicy, Peer, PolicyPort, PolicyRule } from "./network-policy.ts";
import { readMetadata } from "./parse-metadata.ts";
import { readPeer } from "./parse-peer.ts";
import { readPort } from "./parse-port.ts";
import { readSelector } from "./parse-selector.ts";

type Path = readonly (string | number)[];

const specSchema = closedObject({
  podSelector: v.optional(v.unknown()),
  policyTypes: v.optional(v.unknown()),
  ingress: v.optional(v.unknown()),
  egress: v.optional(v.unknown()),
});
const list = v.nullish(v.array(v.unknown()), []);
const ruleSchemas = {
  ingress: closedObject({ from: list, ports: list }),
  egress: closedObject({ to: list, ports: list }),
} as const;
type Direction = keyof typeof ruleSchemas;

export function readNetworkPolicy(object: unknown): Reading<NetworkPolicy> {
  const findings = new Findings();
  const metadata = readMetadata(object, findings);
  if (metadata === undefined) return findings.reading<NetworkPolicy>(undefined);
  const { name, namespace = "default", uid, spec } = metadata;
  const identity = { namespace, name, ...(uid === undefined ? {} : { uid }) };
  return findings.reading({ ...identity, ...readSpec(spec, findings) });
}

function readSpec(spec: unknown, findings: Findings): Omit<NetworkPolicy, "namespace" | "name" | "uid"> {
  const at: Path = ["spec"];
  const known = findings.read(specSchema, spec, at);
  const parts = known ?? membersOf(spec);
  const { selector, isWhole } = readSelector(parts.podSelector, [...at, "podSelector"], findings);
  const egress = readRules("egress", parts.egress, findings);
  const ingress = readRules("ingress", parts.ingress, findings);
  const types = typesOf(parts.policyTypes, egress.length > 0, findings);
  const isUnderstood = known !== undefined && isWhole;
  return {
    pods: selector,
    ...(types.ingress ? { ingress: isUnderstood ? ingress : [] } : {}),
    ...(types.egress ? { egress: isUnderstood ? egress : [] } : {}),
  };
}

/** What can be used of a spec with an unknown key, or of none. */
function membersOf(spec: unknown): v.InferOutput<typeof specSchema> {
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) {
    return { podSelector: undefined, policyTypes: ["Ingress", "Egress"], ingress: undefined, egress: undefined };
  }
  const members: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(spec));
  const { podSelector, policyTypes, ingress, egress } = members;
  return { podSelector, policyTypes, ingress, egress };
}

interface Types {
  readonly ingress: boolean;
  readonly egress: boolean;
}

function typesOf(part: unknown, hasEgressRules: boolean, findings: Findings): Types {
  const at: Path = ["spec", "policyTypes"];
  const types = findings.read(list, part, at);
  if (types === undefined) return { ingress: true, egress: true };
  if (types.length === 0) return { ingress: true, egress: hasEgressRules };
  const known = types.map((type, index) => findings.read(v.picklist(["Ingress", "Egress"]), type, [...at, index]));
  const egress = known.includes("Egress");
  if (hasEgressRules && !egress)
    findings.remark(at, "Egress is not in the list, so the rules under egress say nothing");
  return { ingress: known.includes("Ingress"), egress };
}

function readRules(direction: Direction, part: unknown, findings: Findings): PolicyRule[] {
  const at: Path = ["spec", direction];
  const rules = findings.read(list, part, at) ?? [];
  return rules
    .map((rule, index) => readRule(direction, rule, { at: [...at, index], findings }))
    .filter((rule) => rule !== undefined);
}

interface Place {
  readonly at: Path;
  readonly findings: Findings;
}

function readRule(direction: Direction, part: unknown, { at, findings }: Place): PolicyRule | undefined {
  const rule = findings.read<{ from?: unknown[]; to?: unknown[]; ports: unknown[] }>(ruleSchemas[direction], part, at);
  if (rule === undefined) return undefined;
  const key = direction === "ingress" ? "from" : "to";
  const peers = all<Peer>(rule[key] ?? [], (each, index) => readPeer(each, [...at, key, index], findings));
  const ports = all<PolicyPort>(rule.ports, (each, index) => readPort(each, [...at, "ports", index], findings));
  return { ...(peers === undefined ? {} : { peers }), ...(ports === undefined ? {} : { ports }) };
}

/** Nothing for an empty list, which stands for everything; an empty list where nothing of a list is understood. */
function all<T>(parts: readonly unknown[], read: (part: unknown, index: number) => T | undefined): T[] | undefined {
  return parts.length === 0 ? undefined : parts.map(read).filter((each) => each !== undefined);
}
