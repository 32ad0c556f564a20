// Policy rules in the fake kernel. net/core/fib_rules.c
import { type Family, families } from "../../ip/address.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import {
  decodeRule,
  describeRule,
  addRule as encodeRule,
  type Rule,
  ruleMessage,
  ruleType,
} from "../../netlink/rule.ts";
import { familyOf } from "../../netlink/values.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import type { NamespaceState } from "./state.ts";

export function addRule(namespace: NamespaceState, { body, flags }: Message): void {
  const rule = read(namespace, body);
  const there = namespace.rules.some((one) => isSame(one, rule));
  if (there && (flags & messageFlag.exclusive) !== 0) refuse("EEXIST");
  namespace.rules.push(rule);
  notify(namespace, notifyGroup.rule[rule.family], { type: ruleType.new, body: encodeRule(rule).body });
}

export function removeRule(namespace: NamespaceState, { body }: Message): void {
  const rule = read(namespace, body);
  const there = namespace.rules.find((one) => isSame(one, rule));
  if (there === undefined) refuse("ENOENT");
  namespace.rules = namespace.rules.filter((one) => one !== there);
  notify(namespace, notifyGroup.rule[rule.family], { type: ruleType.delete, body: encodeRule(there).body });
}

/** In the order in which they are asked, IPv4 first. */
export function listRules({ rules }: NamespaceState, { body }: Message): Uint8Array[] {
  const only = familyOf(ruleMessage.decode(body).header.family);
  const asked = (family: Family) => rules.filter((rule) => rule.family === family);
  return families
    .toReversed()
    .filter((family) => (only ?? family) === family)
    .flatMap((family) => asked(family).toSorted((one, other) => one.priority - other.priority))
    .map((rule) => encodeRule(rule).body);
}

function read({ machine }: NamespaceState, body: Uint8Array): Rule {
  const rule = decodeRule(body) ?? refuse("EOPNOTSUPP");
  return rule.family === "v6" && !machine.ipv6 ? refuse("EOPNOTSUPP") : rule;
}

/** A protocol that was not named is not compared. */
function isSame(one: Rule, other: Rule): boolean {
  return describeRule(one) === describeRule(other) && (other.protocol || one.protocol) === one.protocol;
}
