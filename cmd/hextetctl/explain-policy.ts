// `hextetctl explain policy`: which policy decides whether a connection may be opened, rule by rule, for both families.

import { enforcesPolicies } from "../../src/agent/config.ts";
import { findSide } from "../../src/inspect/flow-ends.ts";
import {
  type DirectionExplanation,
  explainPolicy,
  type FlowExplanation,
  type RuleExplanation,
} from "../../src/inspect/policy-explanation.ts";
import type { Protocol } from "../../src/policy/network-policy.ts";
import type { Flow } from "../../src/policy/verdict.ts";
import { type Command, UsageError } from "./command.ts";
import { readKnown } from "./known.ts";
import { configOption, loadConfig, nodeNameOption } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { paint, type Style } from "./table.ts";

const protocols: readonly Protocol[] = ["tcp", "udp", "sctp"];

export const explainPolicyCommand: Command = {
  name: "explain policy",
  summary: "say which policy decides about a connection, rule by rule",
  operands: "SOURCE DESTINATION [PORT[/PROTOCOL]]",
  options: { config: configOption, "node-name": nodeNameOption, output: outputOption },
  examples: [
    ["explain policy shop/web shop/db 5432", "exit code 0 where both families are allowed, 1 where one is not"],
    ["explain policy node shop/db 8080/tcp", "from the node, as the kubelet's probes come"],
    ["explain policy shop/web 2001:db8::1 53/udp", "to an address outside"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const [from, to, word, ...more] = call.operands;
    if (from === undefined || to === undefined || more.length > 0) {
      throw new UsageError("explain policy needs a source and a destination, and may be given a port");
    }
    const port = word === undefined ? undefined : readPort(word);
    const config = await loadConfig(call);
    const known = await readKnown(config);
    const [source, destination] = [findSide(from, known), findSide(to, known)];
    if (known.view === undefined) throw new Error(`Cannot tell which policies there are: ${known.fault}`);
    const view = known.view.policies ?? { namespaces: new Map(), pods: new Map(), policies: new Map() };
    const hasPolicies = known.view.policies !== undefined && enforcesPolicies(config.firewall);
    const flows = hasPolicies ? explainPolicy({ view, source, destination, port }) : [];
    if (hasPolicies && flows.length === 0)
      throw new Error(`${source.name} and ${destination.name} have no family in common`);
    present(call, {
      value: { enforced: hasPolicies, flows },
      text: (style) => (hasPolicies ? flows.map((flow) => describeFlow(flow, style)).join("\n\n") : unenforced),
    });
    return flows.every(({ allowed }) => allowed) ? 0 : 1;
  },
};

const unenforced =
  "No policy is enforced here: firewall.policies is false, firewall.backend is none, or the cluster's source knows of no pods.";

function readPort(word: string): Flow["port"] {
  const [, digits, name = "tcp"] = /^(\d+)(?:\/(\w+))?$/.exec(word) ?? [];
  const protocol = protocols.find((each) => each === name.toLowerCase());
  const number = Number(digits);
  if (digits === undefined || protocol === undefined || number < 1 || number > 65_535) {
    throw new UsageError(
      `${JSON.stringify(word)} is not a port; write a number from 1 to 65535, as in 80 or 53/udp; protocols are ${protocols.join(", ")}`,
    );
  }
  return { protocol, number };
}

function describeFlow(
  { source, destination, from, to, port, allowed, directions }: FlowExplanation,
  style: Style,
): string {
  const word = allowed ? paint(style, "green", "allowed") : paint(style, "red", "denied");
  const what = port === undefined ? "" : `, port ${port}`;
  return [
    `${source} (${from}) to ${destination} (${to})${what}: ${word}`,
    ...directions.flatMap(describeDirection),
  ].join("\n");
}

const reasons: Readonly<Record<DirectionExplanation["because"], string>> = {
  self: "allowed, a pod always reaches itself",
  node: "allowed, a node always reaches its own pods",
  open: "allowed, no policy isolates it",
  rule: "allowed by a rule",
  "no-rule": "denied, policies isolate it and no rule allows this",
};

function describeDirection({ direction, pod, because, policies }: DirectionExplanation): readonly string[] {
  return [
    `  ${direction} of ${pod}: ${reasons[because]}`,
    ...policies.flatMap(({ policy, rules }) => [
      `    policy ${policy}${rules.length === 0 ? ` has no rule for ${direction}` : ""}`,
      ...rules.map((rule) => `      rule ${rule.number}, ${rule.text}: ${outcomeOf(rule)}`),
    ]),
  ];
}

function outcomeOf({ allows, peerMatches, portMatches }: RuleExplanation): string {
  if (allows) return "allows it";
  if (peerMatches) return "the port does not match";
  return portMatches ? "the peer does not match" : "neither peer nor port match";
}
