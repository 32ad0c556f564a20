// The chain of a class: the pods that the same policies isolate in one direction. A packet that one of them allows returns to where it
// came from, the rest is counted for each and dropped, and logged where the operator wants to see it.
import { logged } from "../firewall/dropped.ts";
import type { Chain, Content, Match, Rule } from "../firewall/ruleset.ts";
import type { Family } from "../ip/address.ts";
import { type GatheringRequest, keyOfRequest } from "./gathering.ts";
import { counterOf, type Names } from "./names.ts";
import type { NetworkPolicy } from "./network-policy.ts";
import { type Condition, type Template, templatesOf } from "./rule-templates.ts";
import type { Direction } from "./verdict.ts";

/** The set of pairs by which a pod reaches itself: through a service it comes back over its own link. */
export const selfSet = "self";

export interface PodClass {
  readonly direction: Direction;
  readonly logDenied: boolean;
  /** In the order of their names. */
  readonly policies: readonly NetworkPolicy[];
}

/** A chain and the sets it asks, by name. */
export interface BuiltChain {
  readonly chain: Chain;
  readonly gathered: ReadonlyMap<string, GatheringRequest>;
  readonly prefixes: ReadonlyMap<string, Content>;
}

export function buildChain({ direction, logDenied, policies }: PodClass, family: Family, names: Names): BuiltChain {
  const builder = new ChainBuilder(direction, names);
  const rules: Rule[] = [{ when: [{ kind: "pair", set: selfSet }], then: { kind: "return" } }];
  for (const policy of policies) {
    const counter = counterOf(policy, direction, "allowed");
    for (const template of sortedOut(templatesOf(policy, { direction, family }))) {
      rules.push({ when: template.map((each) => builder.match(each)), then: { kind: "return" }, counter });
    }
  }
  for (const policy of policies) {
    rules.push({ when: [], then: { kind: "continue" }, counter: counterOf(policy, direction, "denied") });
  }
  if (logDenied) rules.push({ when: [], then: logged(direction) });
  rules.push({ when: [], then: { kind: "drop" } });
  return { chain: { rules }, gathered: builder.gathered, prefixes: builder.prefixes };
}

/** Beside a rule that allows everything the others say nothing. */
function sortedOut(templates: readonly Template[]): readonly Template[] {
  return templates.some((template) => template.length === 0) ? [[]] : templates;
}

class ChainBuilder {
  readonly gathered = new Map<string, GatheringRequest>();
  readonly prefixes = new Map<string, Content>();
  readonly #direction: Direction;
  readonly #names: Names;

  constructor(direction: Direction, names: Names) {
    this.#direction = direction;
    this.#names = names;
  }

  match(condition: Condition): Match {
    const end = this.#direction === "egress" ? "destination" : "source";
    switch (condition.kind) {
      case "match":
        return condition.match;
      case "prefixes": {
        const set = this.#names.of("b", condition.prefixes.join());
        this.prefixes.set(set, { kind: "prefixes", elements: new Set(condition.prefixes) });
        return { kind: "set", end, set };
      }
      case "gathered": {
        const { request } = condition;
        const set = this.#names.of(request.port === undefined ? "p" : "n", keyOfRequest(request));
        this.gathered.set(set, request);
        return request.port === undefined ? { kind: "set", end, set } : { kind: "endpoint", set };
      }
    }
  }
}
