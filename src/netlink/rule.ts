// Policy rules: which table is looked at for a packet. rtnetlink(7), include/uapi/linux/fib_rules.h, ip-rule(8).
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { attributes, headed } from "./attributes.ts";
import { cstring, struct, u8, u32 } from "./codec.ts";
import { messageFlag } from "./message.ts";
import type { Query, Request } from "./request.ts";
import { address, anyFamily, familyNumber, familyOf, present } from "./values.ts";

export interface Rule {
  readonly family: Family;
  /** The lower is asked first. */
  readonly priority: number;
  readonly action: RuleAction;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly inputLink?: string;
  readonly outputLink?: string;
  readonly mark?: Mark;
  /** It is for everything that does not match. */
  readonly inverted?: boolean;
  /** Passes over routes with prefixes of this length or a shorter one: 0 means the default route. */
  readonly suppressPrefixLength?: number;
  /** Who made it, as with routes; 0 where nobody said. */
  readonly protocol?: number;
}

export interface Mark {
  readonly value: number;
  readonly mask: number;
}

/** What becomes of a packet: a table is looked at, or it is refused (in one of three ways), or rules are passed over. */
export type RuleAction =
  | { readonly kind: "lookup"; readonly table: number }
  | { readonly kind: "goto"; readonly priority: number }
  | { readonly kind: "nothing" | "blackhole" | "unreachable" | "prohibit" };

export interface RuleFilter {
  readonly family?: Family;
  readonly protocol?: number;
}

/** struct fib_rule_hdr and FRA_* */
export const ruleMessage = headed(
  struct({
    family: u8,
    toLength: u8,
    fromLength: u8,
    trafficClass: u8,
    table: u8,
    reserved1: u8,
    reserved2: u8,
    action: u8,
    flags: u32,
  }),
  attributes({
    to: [1, address], // FRA_DST
    from: [2, address], // FRA_SRC
    inputLink: [3, cstring], // FRA_IIFNAME
    goto: [4, u32], // FRA_GOTO
    priority: [6, u32], // FRA_PRIORITY
    mark: [10, u32], // FRA_FWMARK
    suppressPrefixLength: [14, u32], // FRA_SUPPRESS_PREFIXLEN
    table: [15, u32], // FRA_TABLE
    mask: [16, u32], // FRA_FWMASK
    outputLink: [17, cstring], // FRA_OIFNAME
    protocol: [21, u8], // FRA_PROTOCOL
  }),
);

/** RTM_NEWRULE and its like */
export const ruleType = { new: 32, delete: 33, get: 34 } as const;

/** FR_ACT_* */
const actions = { lookup: 1, goto: 2, nothing: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const plainActions = ["nothing", "blackhole", "unreachable", "prohibit"] as const;
/** FIB_RULE_INVERT */
const INVERT = 2;
/** No suppression, as the kernel says it. */
const NO_LENGTH = 0xffff_ffff;
/** A mark without a mask is compared in all its bits. */
const ALL_BITS = 0xffff_ffff;

/** A rule that is there is EEXIST. Two may share a priority. */
export function addRule(rule: Rule): Request {
  return {
    operation: `add ${describeRule(rule)}`,
    type: ruleType.new,
    flags: messageFlag.create | messageFlag.exclusive,
    body: encodeRule(rule),
  };
}

/** Removes the first rule that has all of this, and says ENOENT where there is none. */
export function removeRule(rule: Rule): Request {
  return { operation: `remove ${describeRule(rule)}`, type: ruleType.delete, flags: 0, body: encodeRule(rule) };
}

/** The kernel filters by family alone. */
export function listRules({ family, protocol }: RuleFilter = {}): Query<Rule> {
  return {
    operation: "list rules",
    type: ruleType.get,
    flags: 0,
    body: ruleMessage.encode({ header: { family: family === undefined ? anyFamily : familyNumber[family] } }),
    decode(body) {
      const rule = decodeRule(body);
      return rule !== undefined && (protocol ?? rule.protocol) === rule.protocol ? rule : undefined;
    },
  };
}

/** Reads the body of an RTM_NEWRULE or RTM_DELRULE; undefined for a family that is not IP. */
export function decodeRule(body: Uint8Array): Rule | undefined {
  const { header, attributes } = ruleMessage.decode(body);
  const family = familyOf(header.family);
  if (family === undefined) return undefined;
  const { priority = 0, from, to, inputLink, outputLink, mark, mask = ALL_BITS, protocol = 0 } = attributes;
  const { suppressPrefixLength = NO_LENGTH, table = header.table } = attributes;
  return {
    family,
    priority,
    action: decodeAction(header.action, table, attributes.goto ?? 0),
    // The kernel keeps host bits of a rule as they were given, and heeds them as little.
    ...present("from", from && Prefix.around(from, header.fromLength)),
    ...present("to", to && Prefix.around(to, header.toLength)),
    ...present("inputLink", inputLink),
    ...present("outputLink", outputLink),
    ...present("mark", mark === undefined ? undefined : { value: mark, mask }),
    ...present("inverted", (header.flags & INVERT) !== 0 || undefined),
    ...present("suppressPrefixLength", suppressPrefixLength === NO_LENGTH ? undefined : suppressPrefixLength),
    protocol,
  };
}

/** `IPv6 rule 100: from fd00::/64 lookup 1000`, with everything that tells it from others. */
export function describeRule(rule: Rule): string {
  const { from, to, inputLink, outputLink, mark, suppressPrefixLength, action } = rule;
  const parts = [
    rule.inverted && "not",
    from && `from ${from}`,
    to && `to ${to}`,
    inputLink && `iif ${inputLink}`,
    outputLink && `oif ${outputLink}`,
    mark && `fwmark ${hex(mark.value)}/${hex(mark.mask)}`,
    describeAction(action),
    suppressPrefixLength !== undefined && `suppress_prefixlength ${suppressPrefixLength}`,
  ];
  return `${rule.family === "v6" ? "IPv6" : "IPv4"} rule ${rule.priority}: ${parts.filter((part) => part).join(" ")}`;
}

function encodeRule(rule: Rule): Uint8Array {
  const { family, priority, action, from, to, inputLink, outputLink, mark, suppressPrefixLength, protocol } = rule;
  const table = action.kind === "lookup" ? action.table : 0;
  return ruleMessage.encode({
    header: {
      family: familyNumber[family],
      toLength: to?.length,
      fromLength: from?.length,
      table: table > 0xff ? 0 : table,
      action: actions[action.kind],
      flags: rule.inverted ? INVERT : 0,
    },
    attributes: {
      from: from?.address,
      to: to?.address,
      inputLink,
      outputLink,
      mark: mark?.value,
      mask: mark?.mask,
      goto: action.kind === "goto" ? action.priority : undefined,
      table: table > 0xff ? table : undefined,
      suppressPrefixLength,
      priority,
      protocol,
    },
  });
}

function decodeAction(number: number, table: number, priority: number): RuleAction {
  if (number === actions.lookup) return { kind: "lookup", table };
  if (number === actions.goto) return { kind: "goto", priority };
  return { kind: plainActions.find((kind) => actions[kind] === number) ?? "nothing" };
}

function describeAction(action: RuleAction): string {
  if (action.kind === "lookup") return `lookup ${action.table}`;
  return action.kind === "goto" ? `goto ${action.priority}` : action.kind;
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
