// The `ipam` section of a network configuration: host-local's keys as host-local reads them, and ours beside them
// (`assign`, `exclude`, `cooldownSeconds`, `annotations`). All faults of the section are found in one go. docs/configuration.md is
// the reference.
import * as v from "valibot";
import { ConfigError } from "../../config/config-error.ts";
import { faultsOf, freeze, oneError, openObject, text } from "../../config/parse.ts";
import { integer, interfaceAddress } from "../../config/values.ts";
import { Address } from "../../ip/address.ts";
import type { ConfiguredRoute } from "../../ip/configured-route.ts";
import { Prefix } from "../../ip/prefix.ts";
import { type Assign, assigns } from "../assign.ts";
import type { RangeSet } from "../ranges.ts";
import { asSet, assignFaults, overlapFaults, type PlacedSet, setFaults, usableFaults } from "./config-checks.ts";
import { optionalAddress, rangeEntry, rangeKeys } from "./range-entry.ts";

/** What pods may ask for by annotations of their own. */
export const askable = ["ips", "assign"] as const;
export type Askable = (typeof askable)[number];

export interface IpamConfig {
  /** An attachment gets one address of each. */
  readonly rangeSets: readonly RangeSet[];
  readonly assign: Assign;
  readonly exclude: readonly Prefix[];
  readonly cooldownSeconds: number;
  readonly annotations: readonly Askable[];
  /** Absent: a default route for each family that has a gateway. */
  readonly routes?: readonly ConfiguredRoute[];
  /** A file whose name servers the result names. */
  readonly resolvConf?: string;
  readonly dataDir: string;
}

export const defaultDataDir = "/var/lib/hextet";

/**
 * Somebody may have looked an address up half a minute before it was released (CoreDNS lets an answer live so long),
 * and a connection tracker takes two minutes more to forget a half-open connection to it
 * (nf_conntrack_tcp_timeout_syn_sent).
 */
export const defaultCooldownSeconds = 150;

const routeEntries = {
  // Some write host bits here; the kernel's route is to the prefix.
  dst: interfaceAddress(),
  gw: optionalAddress(),
  mtu: v.exactOptional(integer(0, 65_535)),
  advmss: v.exactOptional(integer(0, 65_535)),
  priority: v.exactOptional(integer(0, 2 ** 32 - 1)),
  table: v.exactOptional(integer(0, 2 ** 32 - 1)),
  scope: v.exactOptional(integer(0, 255)),
};

const route = v.pipe(
  openObject(routeEntries),
  v.check(
    ({ dst, gw }) => !(dst.family === "v6" && gw?.family === "v4"),
    "an IPv6 destination cannot have an IPv4 gateway; write an IPv6 address as gw",
  ),
  v.transform(({ dst, gw, ...rest }): ConfiguredRoute => {
    return { destination: dst.prefix, ...(gw === undefined ? {} : { gateway: gw }), ...rest };
  }),
);

const entries = {
  routes: v.exactOptional(v.array(route)),
  resolvConf: v.optional(text(absolutePath)),
  dataDir: v.optional(text(absolutePath)),
  assign: v.optional(v.picklist(assigns), "sequential"),
  exclude: v.optional(v.array(text(addressOrPrefix)), []),
  cooldownSeconds: v.optional(integer(0, 86_400), defaultCooldownSeconds),
  // They come only where the network declares the capability, which is the operator's word for it.
  annotations: v.optional(v.array(v.picklist(askable)), [...askable]),
};

const section = openObject(entries);

export const sectionKeys: readonly string[] = ["type", ...rangeKeys, "ranges", ...Object.keys(entries)];
export const routeKeys: readonly string[] = Object.keys(routeEntries);

export interface IpamInput {
  /** Where the section stands. */
  readonly at?: string;
  /** Range sets a runtime adds through the capability `ipRanges`; they come first. */
  readonly ipRanges?: readonly (readonly unknown[])[];
}

/** Reads the section; a ConfigError names every fault. */
export function parseIpam(input: unknown, { at = "ipam", ipRanges = [] }: IpamInput = {}): IpamConfig {
  if (!isObject(input)) throw new ConfigError(at, "this is not an object; write one with a subnet or with ranges");
  const faults: ConfigError[] = [];
  const own = read(section, { at, value: input }, faults);
  const lists = [
    ...ipRanges.map((value, index) => ({ at: `runtimeConfig.ipRanges[${index}]`, value })),
    ...membersOf({ at: `${at}.ranges`, value: input["ranges"] ?? [] }, faults),
  ];
  const single = read(rangeEntry, { at, value: input }, input["subnet"] === undefined ? [] : faults);
  const sets = lists.map((list) => readSet(list, faults));
  if (single !== undefined) sets.splice(ipRanges.length, 0, { at, ranges: [{ at, value: single }] });
  if (sets.length === 0 && faults.length === 0) faults.push(noRange(at));
  faults.push(...setFaults(sets), ...overlapFaults(sets));
  faults.push(...usableFaults(sets, own?.exclude ?? []), ...assignFaults(sets, own?.assign, `${at}.assign`));
  if (own === undefined || faults.length > 0) throw oneError(faults);
  const { routes, resolvConf, dataDir = defaultDataDir, ...rest } = own;
  return freeze({
    rangeSets: sets.flatMap(asSet),
    ...rest,
    ...(routes === undefined ? {} : { routes }),
    ...(resolvConf === undefined ? {} : { resolvConf }),
    dataDir,
  });
}

interface Written {
  readonly at: string;
  readonly value: unknown;
}

function read<T>(schema: v.GenericSchema<unknown, T>, { at, value }: Written, faults: ConfigError[]): T | undefined {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  faults.push(...faultsOf(parsed.issues, at));
  return undefined;
}

function membersOf({ at, value }: Written, faults: ConfigError[]): readonly Written[] {
  if (Array.isArray(value)) return value.map((member: unknown, index) => ({ at: `${at}[${index}]`, value: member }));
  faults.push(new ConfigError(at, 'this is not a list; write it as in [[{ "subnet": "fd00::/64" }]]'));
  return [];
}

/** What can be read of a set; what cannot is among the faults. */
function readSet(list: Written, faults: ConfigError[]): PlacedSet {
  const members = membersOf(list, faults);
  if (Array.isArray(list.value) && members.length === 0) {
    faults.push(new ConfigError(list.at, "this range set is empty; give it a range or leave it out"));
  }
  const ranges = members.flatMap((member) => {
    const value = read(rangeEntry, member, faults);
    return value === undefined ? [] : [{ at: member.at, value }];
  });
  return { at: list.at, ranges };
}

function noRange(at: string): ConfigError {
  const example = '"ranges": [[{ "subnet": "fd00::/64" }], [{ "subnet": "10.1.0.0/24" }]]';
  return new ConfigError(at, `there is no range to lease from; set subnet, or ranges, as in ${example}`);
}

/** An empty text stands for what is absent, as in Go. */
function absolutePath(path: string): string | undefined {
  if (path === "" || path.startsWith("/")) return path || undefined;
  throw new SyntaxError(`${JSON.stringify(path)} is not an absolute path; begin it with /`);
}

function addressOrPrefix(written: string): Prefix {
  return written.includes("/") ? Prefix.parse(written) : Prefix.host(Address.parse(written));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
