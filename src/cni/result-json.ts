// A result as JSON: printed in any version of the specification (section 5, "ADD Success"), and read from any. What a
// version does not know of is left out when printing; what an entry holds beyond its version is kept in `others`.
import * as v from "valibot";
import { objectWithOthers, parse } from "../config/parse.ts";
import { address, integer, interfaceAddress } from "../config/values.ts";
import { Mac } from "../ip/mac.ts";
import type { Dns, Result, ResultAddress, ResultInterface, ResultRoute } from "./result.ts";
import { isAtLeast, type Version } from "./versions.ts";

type Json = Readonly<Record<string, unknown>>;

/** One line of JSON; empty lists are left out, as an IPAM plugin's answer must be without `interfaces`. */
export function printResult(result: Result, version: Version): string {
  return JSON.stringify(resultJson(result, version));
}

export function resultJson(result: Result, version: Version): Json {
  return {
    cniVersion: version,
    interfaces: unlessEmpty(result.interfaces.map((each) => interfaceJson(each, version))),
    ips: unlessEmpty(result.ips.map((each) => ipJson(each, version))),
    routes: unlessEmpty(result.routes.map((each) => routeJson(each, version))),
    dns: result.dns === undefined ? undefined : dnsJson(result.dns),
    ...result.others,
  };
}

function interfaceJson(each: ResultInterface, version: Version): Json {
  const { name, mac, mtu, sandbox, socketPath, pciId, others } = each;
  const newer = isAtLeast(version, "1.1.0") ? { mtu, socketPath, pciID: pciId } : {};
  return { name, mac, sandbox, ...newer, ...others };
}

function ipJson(each: ResultAddress, version: Version): Json {
  const { gateway, interface: index, others } = each;
  const family = isAtLeast(version, "1.0.0") ? {} : { version: each.address.family === "v4" ? "4" : "6" };
  return { ...family, address: each.address, gateway, interface: index, ...others };
}

function routeJson(each: ResultRoute, version: Version): Json {
  const { destination, gateway, mtu, advmss, priority, table, scope, others } = each;
  const newer = isAtLeast(version, "1.1.0") ? { mtu, advmss, priority, table, scope } : {};
  return { dst: destination, gw: gateway, ...newer, ...others };
}

function dnsJson(dns: Dns): Json | undefined {
  const { others, ...fields } = dns;
  const all = { ...fields, ...others };
  return Object.keys(all).length === 0 ? undefined : all;
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Reads the result of a plugin that spoke this version; a ConfigError names each fault from `at` on. */
export function readResult(input: unknown, version: Version, at: string): Result {
  return parse(resultSchema(version), input, at);
}

function resultSchema(version: Version) {
  const entries = {
    interfaces: v.optional(v.array(entry(interfaceSchema(version))), []),
    ips: v.optional(v.array(entry(ipSchema(version))), []),
    routes: v.optional(v.array(entry(routeSchema(version))), []),
    dns: v.exactOptional(entry(dnsSchema())),
  };
  return v.pipe(
    objectWithOthers(entries, ["cniVersion", ...Object.keys(entries)]),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { interfaces, ips } = dataset.value;
      const dangling = ips.findIndex((ip) => ip.interface !== undefined && ip.interface >= interfaces.length);
      if (dangling < 0) return;
      const message = `${ips[dangling]?.interface} is no index into the ${interfaces.length} interfaces`;
      addIssue({ message, path: pathTo("ips", dangling, "interface") });
    }),
  );
}

/** An entry in which an empty text of ours means what an absent key means, as in the reference library. */
function entry<T>(schema: v.GenericSchema<unknown, T>) {
  return v.pipe(v.unknown(), v.transform(withoutEmptyTexts), schema);
}

const mayBeEmpty = ["mac", "sandbox", "socketPath", "pciID", "gateway", "gw", "domain"];

function withoutEmptyTexts(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, member]) => member !== "" || !mayBeEmpty.includes(key)),
  );
}

function pathTo(...keys: readonly [string | number, ...(string | number)[]]): [v.IssuePathItem, ...v.IssuePathItem[]] {
  const item = (key: string | number): v.IssuePathItem => ({
    type: "unknown",
    origin: "value",
    input: undefined,
    key,
    value: undefined,
  });
  const [first, ...rest] = keys;
  return [item(first), ...rest.map(item)];
}

const number = () => v.exactOptional(integer(0, 2 ** 32 - 1));
const word = () => v.exactOptional(v.string());
const words = () => v.exactOptional(v.array(v.string()));

function interfaceSchema(version: Version) {
  const entries = { name: v.string(), mac: word(), mtu: number(), sandbox: word(), socketPath: word(), pciID: word() };
  const newer = isAtLeast(version, "1.1.0") ? ["mtu", "socketPath", "pciID"] : [];
  return v.pipe(
    objectWithOthers(entries, ["name", "mac", "sandbox", ...newer]),
    v.transform(({ mac, pciID, others, ...rest }): ResultInterface => {
      // InfiniBand and other hardware addresses are no MACs, and are handed on as they are.
      const known = mac === undefined ? undefined : macOf(mac);
      const strange = mac === undefined || known !== undefined ? others : { mac, ...others };
      return {
        ...rest,
        ...(known === undefined ? {} : { mac: known }),
        ...(pciID === undefined ? {} : { pciId: pciID }),
        ...(strange === undefined ? {} : { others: strange }),
      };
    }),
  );
}

function macOf(text: string): Mac | undefined {
  try {
    return Mac.parse(text);
  } catch {
    return undefined;
  }
}

/** `version`, which results before 1.0.0 have, follows from the address. */
function ipSchema(version: Version) {
  const entries = { address: interfaceAddress(), gateway: v.exactOptional(address()), interface: number() };
  return objectWithOthers(entries, [...Object.keys(entries), ...(isAtLeast(version, "1.0.0") ? [] : ["version"])]);
}

function routeSchema(version: Version) {
  const newer = { mtu: number(), advmss: number(), priority: number(), table: number(), scope: number() };
  const keys = ["dst", "gw", ...(isAtLeast(version, "1.1.0") ? Object.keys(newer) : [])];
  return v.pipe(
    // Some plugins leave host bits in the destination; the kernel's route is to the prefix.
    objectWithOthers({ dst: interfaceAddress(), gw: v.exactOptional(address()), ...newer }, keys),
    v.transform(({ dst, gw, ...rest }): ResultRoute => {
      return { destination: dst.prefix, ...(gw === undefined ? {} : { gateway: gw }), ...rest };
    }),
  );
}

export function dnsSchema() {
  return objectWithOthers({ nameservers: words(), domain: word(), search: words(), options: words() });
}
