// What a ruleset does to one packet, read off the value itself: for tests, which compare it with what was meant, and with what the kernel
// does. It knows nothing of connections, routes and links but what the packet says of them.
import type { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { Chain, ConnectionState, Content, End, FamilyRules, Hook, Match, Protocol, Verdict } from "./ruleset.ts";

export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol?: Protocol | "icmp";
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly in?: Link;
  readonly out?: Link;
  /** `new` unless it says otherwise. */
  readonly connection?: ConnectionState;
  /** The destination is the node itself. */
  readonly isLocal?: true;
  readonly isTranslated?: End;
  readonly isMidstream?: true;
  readonly isSpoofed?: true;
}

export interface Link {
  readonly name: string;
  readonly group: number;
}

export interface Outcome {
  /** `accept` also where no rule says anything. */
  readonly verdict: "accept" | "drop";
  /** What translates the packet, where a rule does. */
  readonly translation?: Verdict;
  /** Names of the counters that counted it, each as often as it did. */
  readonly counters: readonly string[];
}

/** The packet at a hook, through the one chain there may be. */
export function evaluate(rules: FamilyRules, hook: Hook, packet: Packet): Outcome {
  const evaluation = new Evaluation(rules, packet);
  const chain = [...rules.chains.values()].find((each) => each.hook === hook);
  const end = chain && evaluation.walk(chain);
  const { counters } = evaluation;
  if (end === undefined || end.kind === "accept") return { verdict: "accept", counters };
  return end.kind === "drop" ? { verdict: "drop", counters } : { verdict: "accept", translation: end, counters };
}

/** Thousands of packets meet the same set. */
const parsed = new WeakMap<Content, readonly Prefix[]>();

class Evaluation {
  readonly counters: string[] = [];
  readonly #rules: FamilyRules;
  readonly #packet: Packet;

  constructor(rules: FamilyRules, packet: Packet) {
    this.#rules = rules;
    this.#packet = packet;
  }

  /** The verdict that ended it; nothing where the packet comes back to the caller. */
  walk(chain: Chain): Verdict | undefined {
    for (const rule of chain.rules) {
      if (!rule.when.every((match) => this.#fits(match))) continue;
      if (rule.counter !== undefined) this.counters.push(rule.counter);
      const { then } = rule;
      switch (then.kind) {
        case "return":
          return undefined;
        case "goto":
          return this.walk(this.#chain(then.chain));
        case "continue":
        case "log":
          continue;
        case "jump":
        case "dispatch": {
          const next = then.kind === "dispatch" ? this.#dispatched(then.set, then.end) : then.chain;
          const end = next === undefined ? undefined : this.walk(this.#chain(next));
          if (end !== undefined) return end;
          continue;
        }
        default:
          return then;
      }
    }
    return undefined;
  }

  #chain(name: string): Chain {
    const chain = this.#rules.chains.get(name);
    if (chain === undefined) throw new RangeError(`There is no chain ${name}`);
    return chain;
  }

  #set<Kind extends Content["kind"]>(name: string, ...kinds: readonly Kind[]): Content & { readonly kind: Kind } {
    const content = this.#rules.sets.get(name);
    if (!isOf(content, kinds)) throw new RangeError(`There is no set ${name} of kind ${kinds.join(" or ")}`);
    return content;
  }

  #dispatched(set: string, end: End): string | undefined {
    return this.#set(set, "chains").elements.get(String(this.#packet[end]));
  }

  #fits(match: Match): boolean {
    const isTrue = this.#isTrue(match);
    return "not" in match && match.not === true ? !isTrue : isTrue;
  }

  #isTrue(match: Match): boolean {
    const packet = this.#packet;
    switch (match.kind) {
      case "group":
        return packet[match.link] !== undefined && inGroup(packet[match.link], match);
      case "link":
        return isNamed(packet[match.link]?.name, match.name);
      case "set":
        return this.#holds(match.set, packet[match.end]);
      case "prefix":
        return match.prefix.contains(packet[match.end]);
      case "endpoint":
        return this.#set(match.set, "endpoints").elements.has(endpointOf(packet));
      case "pair":
        return this.#set(match.set, "pairs").elements.has(`${packet.source},${packet.destination}`);
      case "local":
        return packet.isLocal === true;
      case "translated":
        return packet.isTranslated === match.end;
      case "midstream":
        return packet.isMidstream === true;
      case "spoofed":
        return packet.isSpoofed === true;
      case "connection":
        return match.states.includes(packet.connection ?? "new");
      default:
        return fitsProtocol(match, packet);
    }
  }

  #holds(name: string, address: Address): boolean {
    const set = this.#set(name, "addresses", "prefixes");
    if (set.kind === "addresses") return set.elements.has(String(address));
    const known = parsed.get(set) ?? [...set.elements].map((text) => Prefix.parse(text));
    parsed.set(set, known);
    return known.some((prefix) => prefix.contains(address));
  }
}

function isOf<Kind extends Content["kind"]>(
  content: Content | undefined,
  kinds: readonly Kind[],
): content is Content & { readonly kind: Kind } {
  return content !== undefined && kinds.some((kind) => kind === content.kind);
}

/** Bit operations of JavaScript have a sign; groups have none. */
function inGroup(link: Link | undefined, { group, mask }: { readonly group: number; readonly mask: number }): boolean {
  return ((link?.group ?? 0) & mask) >>> 0 === group >>> 0;
}

function isNamed(name: string | undefined, pattern: string): boolean {
  if (name === undefined) return false;
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function endpointOf({ destination, protocol, destinationPort }: Packet): string {
  return `${destination},${protocol}:${destinationPort}`;
}

function fitsProtocol(match: Match & { readonly kind: "protocol" | "ports" | "icmp" }, packet: Packet): boolean {
  if (match.kind === "icmp") return packet.protocol === "icmp" && match.types.includes(packet.icmpType ?? -1);
  if (packet.protocol !== match.protocol) return false;
  if (match.kind === "protocol") return true;
  const port = (match.end === "source" ? packet.sourcePort : packet.destinationPort) ?? -1;
  return match.ports.some(({ first, last }) => first <= port && port <= last);
}
