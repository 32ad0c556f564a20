// The ports of a rule put in order: for each protocol the fewest ranges, and the names. Thousands of single ports in a row are one range.
import type { PortRange } from "../firewall/ruleset.ts";
import type { PolicyPort, Protocol } from "./network-policy.ts";

export interface ProtocolPorts {
  readonly protocol: Protocol;
  /** Absent: every port, whatever its name. */
  readonly ranges?: readonly PortRange[];
  readonly names: readonly string[];
}

const protocols: readonly Protocol[] = ["tcp", "udp", "sctp"];

/** Protocols of which the rule says nothing are left out. */
export function portsByProtocol(ports: readonly PolicyPort[]): ProtocolPorts[] {
  return protocols.flatMap((protocol): ProtocolPorts[] => {
    const own = ports.filter((each) => each.protocol === protocol).map(({ port }) => port);
    if (own.length === 0) return [];
    if (own.includes(undefined)) return [{ protocol, names: [] }];
    const names = own.filter((port) => typeof port === "string");
    const ranges = own.filter((port) => port !== undefined && typeof port !== "string");
    return [{ protocol, ranges: merged(ranges), names: [...new Set(names)].toSorted() }];
  });
}

function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.first - other.first)) {
    const before = result.at(-1);
    if (before === undefined || range.first > before.last + 1) result.push(range);
    else if (range.last > before.last) result[result.length - 1] = { first: before.first, last: range.last };
  }
  return result;
}
