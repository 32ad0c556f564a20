// What stands in an `ipam` section and means nothing: keys nobody knows, and keys whose meaning depends on others
// that are missing. Warnings, not faults, because runtimes and other tools add keys of their own.
import { describeUnknownKey, unknownKeys } from "../../config/nearest.ts";
import type { Assign } from "../assign.ts";
import { familyOf, type RangeSet } from "../ranges.ts";
import { type IpamConfig, routeKeys, sectionKeys } from "./config.ts";
import { rangeKeys } from "./range-entry.ts";

export function ipamWarnings(input: object, config: IpamConfig, at = "ipam"): readonly string[] {
  const members: Readonly<Record<string, unknown>> = { ...input };
  return [
    ...unknown(input, sectionKeys, at),
    ...objectsIn(members["ranges"], `${at}.ranges`).flatMap(([value, path]) => unknown(value, rangeKeys, path)),
    ...objectsIn(members["routes"], `${at}.routes`).flatMap(([value, path]) => unknown(value, routeKeys, path)),
    ...withoutSubnet(members, at),
    ...meaningless(config, at),
  ];
}

function unknown(value: object, known: readonly string[], at: string): readonly string[] {
  return unknownKeys(value, known).map(({ path: key }) => `${at}.${key}: ${describeUnknownKey(key, known)}`);
}

/** The objects in lists and lists of lists, with their places. */
function objectsIn(value: unknown, at: string): readonly (readonly [value: object, at: string])[] {
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? [[value, at]] : [];
  return value.flatMap((member: unknown, index) => objectsIn(member, `${at}[${index}]`));
}

function withoutSubnet(members: Readonly<Record<string, unknown>>, at: string): readonly string[] {
  if (members["subnet"] !== undefined) return [];
  const orphans = rangeKeys.filter((key) => members[key] !== undefined && members[key] !== "");
  return orphans.map(
    (key) => `${at}.${key}: this key means nothing without subnet beside it; put both into a range of ranges`,
  );
}

/** Why a mode of assignment does nothing for these ranges; nothing where it does. */
export function meaninglessAssign(rangeSets: readonly RangeSet[], assign: Assign): string | undefined {
  const isOfIpv6 = assign === "random" || assign === "eui64" || assign === "embed-ipv4";
  if (!isOfIpv6 || rangeSets.some((set) => familyOf(set) === "v6")) return undefined;
  return `${assign} is for IPv6, and there are IPv4 ranges alone; they are assigned sequentially`;
}

function meaningless({ rangeSets, exclude, assign }: IpamConfig, at: string): readonly string[] {
  const ranges = rangeSets.flat().map(({ range }) => range);
  const outside = exclude.flatMap((prefix, index) => {
    const meets = ranges.some((range) => prefix.contains(range.first) || range.contains(prefix.first));
    return meets ? [] : [`${at}.exclude[${index}]: ${prefix} is in none of the ranges`];
  });
  const idle = meaninglessAssign(rangeSets, assign);
  return idle === undefined ? outside : [...outside, `${at}.assign: ${idle}`];
}
