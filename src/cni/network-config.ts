// The network configuration a plugin gets on standard input (specification, section 3, "Deriving request configuration"):
// the protocol's own keys checked and read, the plugin's keys left as they are for the plugin's own schema.
import * as v from "valibot";
import { ConfigError } from "../config/config-error.ts";
import { oneError, openObject, parse } from "../config/parse.ts";
import type { Mac } from "../ip/mac.ts";
import { CniError } from "./cni-error.ts";
import { isName } from "./environment.ts";
import { type AskedAddress, askedAddresses, askedMac } from "./requested.ts";
import type { Result } from "./result.ts";
import { readResult } from "./result-json.ts";
import { type RuntimeConfig, readRuntimeConfig, refuseUnknownCapabilities } from "./runtime-config.ts";
import { isVersion, readVersion, type Verb, type Version } from "./versions.ts";

export interface NetworkConfig {
  readonly cniVersion: Version;
  /** The network's name. */
  readonly name: string;
  /** The file name of the plugin the runtime called; that of the main plugin where this one is its delegate. */
  readonly type?: string;
  readonly runtimeConfig: RuntimeConfig;
  /** `args.cni`: what the caller may ask for and the plugin may leave aside. */
  readonly args: CallerArgs;
  /** The plugin's own keys as they came, those unknown to the protocol: `mode`, `ipam`, `mtu`, `dns` and so on. */
  readonly own: Readonly<Record<string, unknown>>;
}

/** What stands in the document beside the configuration itself. */
export interface ReadConfig {
  readonly config: NetworkConfig;
  /** `prevResult` */
  readonly previous?: Result;
  /** Faults that DEL goes on in spite of. */
  readonly ignored: readonly string[];
}

export interface CallerArgs {
  readonly ips?: readonly AskedAddress[];
  readonly mac?: Mac;
  readonly labels?: readonly Label[];
}

export interface Label {
  readonly key: string;
  readonly value: string;
}

/** Keys the protocol uses or reserves; `cni.dev/` keys are reserved too. */
const protocolKeys = [
  "cniVersion",
  "cniVersions",
  "name",
  "type",
  "capabilities",
  "disableCheck",
  "disableGC",
  "loadOnlyInlinedPlugins",
  "runtimeConfig",
  "args",
  "prevResult",
];

/** JSON objects nested deeper than this are refused, before anything walks them. */
const deepest = 64;

export type Document = Readonly<Record<string, unknown>>;

/** The JSON object on standard input, without the members that are null: Go writes them for what is absent. */
export function readDocument(stdin: string): Document {
  if (stdin.trim() === "") throw new CniError("undecodable", "The network configuration on standard input is empty");
  const document = withoutNulls(decode(stdin), 0);
  if (isObject(document)) return document;
  throw new CniError("undecodable", "The network configuration on standard input is not a JSON object");
}

/** Finds all faults of the protocol's keys; for DEL only those without which it cannot know what to free. */
export function readNetworkConfig(document: Document, verb: Verb): ReadConfig {
  const cniVersion = readVersion(document["cniVersion"]);
  const faults: ConfigError[] = [];
  const attempt = <T>(read: () => T) => attemptTo(read, faults);
  const head = attempt(() => parse(headSchema, document));
  const runtimeConfig = attempt(() => readRuntimeConfig(document["runtimeConfig"] ?? {})) ?? {};
  const { cni: args = {} } = attempt(() => parse(argsSchema, document["args"] ?? {}, "args")) ?? {};
  const previous = attempt(() => previousOf(document, cniVersion));
  if (head === undefined || (faults.length > 0 && verb !== "DEL")) throw oneError(faults);
  if (verb === "ADD") refuseUnknownCapabilities(document["runtimeConfig"] ?? {});
  const own = Object.fromEntries(Object.entries(document).filter(([key]) => isOwn(key)));
  const config = { cniVersion, ...head, runtimeConfig, args, own };
  return { config, ...(previous === undefined ? {} : { previous }), ignored: faults.map((fault) => fault.message) };
}

function attemptTo<T>(read: () => T, faults: ConfigError[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(error);
    return undefined;
  }
}

function decode(stdin: string): unknown {
  try {
    return JSON.parse(stdin);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const message = `The network configuration on standard input is not JSON: ${error.message}`;
    throw new CniError("undecodable", message, { cause: error });
  }
}

function withoutNulls(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth === deepest) {
    throw new CniError("undecodable", `The network configuration is nested deeper than ${deepest} levels`);
  }
  if (Array.isArray(value)) return value.map((member) => withoutNulls(member, depth + 1));
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member, depth + 1)]));
}

function isObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOwn(key: string): boolean {
  return !protocolKeys.includes(key) && !key.startsWith("cni.dev/");
}

const headSchema = openObject({
  name: v.pipe(
    v.string(),
    v.check(isName, ({ received }) => {
      return `${received} is not a network name: it starts with a letter or digit, followed by letters, digits, underscores, dots and hyphens`;
    }),
  ),
  type: v.exactOptional(v.string()),
});

const argsSchema = openObject({
  cni: v.exactOptional(
    openObject({
      ips: askedAddresses(),
      mac: askedMac(),
      labels: v.exactOptional(v.array(openObject({ key: v.string(), value: v.string() }))),
    }),
  ),
});

/** Runtimes convert a cached result to the configuration's version; where it says another one, that one holds. */
function previousOf(document: Document, cniVersion: Version): Result | undefined {
  const previous = document["prevResult"];
  if (previous === undefined) return undefined;
  const said = isObject(previous) ? previous["cniVersion"] : undefined;
  return readResult(previous, isVersion(said) ? said : cniVersion, "prevResult");
}
