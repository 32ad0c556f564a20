// CNI_ARGS: `K=V;K=V` in the environment. It is the old way to hand arguments to a plugin, and still the one by which a
// container runtime says which pod it is about. Unknown keys are an error unless IgnoreUnknown is set.
import { nearest } from "../config/nearest.ts";
import type { Mac } from "../ip/mac.ts";
import { CniError } from "./cni-error.ts";
import { type AskedAddress, parseAskedAddress, parseAskedMac } from "./requested.ts";

export interface CniArgs {
  readonly ips?: readonly AskedAddress[];
  readonly mac?: Mac;
  readonly pod?: PodIdentity;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly infraContainerId?: string;
}

/** IP holds one address, or one of each family with a comma between them. */
const known = [
  "IgnoreUnknown",
  "IP",
  "MAC",
  "K8S_POD_NAMESPACE",
  "K8S_POD_NAME",
  "K8S_POD_UID",
  "K8S_POD_INFRA_CONTAINER_ID",
] as const;

export function parseCniArgs(text: string): CniArgs {
  const values = pairsOf(text);
  refuseUnknown(values);
  const ip = values.get("IP");
  const mac = values.get("MAC");
  const pod = podOf(values);
  return {
    ...(ip ? { ips: valueOf("IP", () => ip.split(",").map(parseAskedAddress)) } : {}),
    ...(mac ? { mac: valueOf("MAC", () => parseAskedMac(mac)) } : {}),
    ...(pod === undefined ? {} : { pod }),
  };
}

/** Empty pairs, as after a last semicolon, mean nothing; a value may hold an equals sign. */
function pairsOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(";").filter((pair) => pair.trim() !== "");
  return new Map(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals > 0) return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
      throw fault(`${JSON.stringify(pair)} is no pair; write K=V;K=V`);
    }),
  );
}

function refuseUnknown(values: ReadonlyMap<string, string>): void {
  if (isTrue(values.get("IgnoreUnknown"))) return;
  const unknown = [...values.keys()].filter((key) => !known.some((each) => each === key));
  const [first] = unknown;
  if (first === undefined) return;
  const guess = nearest(first, known);
  const fix = guess === undefined ? "leave that out, or add IgnoreUnknown=1" : `did you mean ${guess}`;
  throw fault(`${unknown.join(", ")} ${unknown.length === 1 ? "is" : "are"} unknown; ${fix}`);
}

function isTrue(value: string | undefined): boolean {
  const word = value?.toLowerCase() ?? "0";
  if (word === "1" || word === "true") return true;
  if (word === "0" || word === "false") return false;
  throw fault(`IgnoreUnknown is ${JSON.stringify(value)}; write 1 or 0`);
}

function podOf(values: ReadonlyMap<string, string>): PodIdentity | undefined {
  const namespace = values.get("K8S_POD_NAMESPACE");
  const name = values.get("K8S_POD_NAME");
  if (!namespace || !name) return undefined;
  const uid = values.get("K8S_POD_UID");
  const infraContainerId = values.get("K8S_POD_INFRA_CONTAINER_ID");
  return { namespace, name, ...(uid ? { uid } : {}), ...(infraContainerId ? { infraContainerId } : {}) };
}

function valueOf<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    throw fault(`${key}: ${error.message}`, error);
  }
}

function fault(message: string, cause?: Error): CniError {
  return new CniError("invalidEnvironment", `CNI_ARGS: ${message}`, cause === undefined ? {} : { cause });
}
