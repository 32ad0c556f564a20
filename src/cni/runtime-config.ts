// `runtimeConfig`: what a runtime fills in for the capabilities a configuration declares (CONVENTIONS.md, "Well-known
// Capabilities"). A capability that is declared and handed over is acted on or refused, never ignored.
import * as v from "valibot";
import { nearest } from "../config/nearest.ts";
import { openObject, parse, text } from "../config/parse.ts";
import { integer } from "../config/values.ts";
import { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { CniError } from "./cni-error.ts";
import { type AskedAddress, askedAddresses, askedMac } from "./requested.ts";
import type { Dns } from "./result.ts";

export interface RuntimeConfig {
  readonly ips?: readonly AskedAddress[];
  readonly mac?: Mac;
  readonly portMappings?: readonly PortMapping[];
  readonly bandwidth?: Bandwidth;
  readonly dns?: Dns;
  /** As host-local's `ranges`; whoever knows ranges reads them. */
  readonly ipRanges?: readonly (readonly unknown[])[];
  readonly cgroupPath?: string;
  readonly podAnnotations?: Readonly<Record<string, string>>;
}

export const portProtocols = ["tcp", "udp", "sctp"] as const;
export type PortProtocol = (typeof portProtocols)[number];

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** The host's address that is mapped; absent for all of them. */
  readonly hostIp?: Address;
}

/** Rates in bits per second, bursts in bits; absent where there is no limit. Ingress is toward the container. */
export interface Bandwidth {
  readonly ingressRate?: number;
  readonly ingressBurst?: number;
  readonly egressRate?: number;
  readonly egressBurst?: number;
}

/**
 * By which containerd since 1.5 (internal/cri/server/sandbox_run.go, cniNamespaceOpts) and CRI-O since 1.29
 * (server/sandbox_network.go, newPodNetwork) hand over all annotations of a pod.
 */
export const podAnnotationsCapability = "io.kubernetes.cri.pod-annotations";
export const capabilities = [
  "ips",
  "mac",
  "portMappings",
  "bandwidth",
  "dns",
  "ipRanges",
  "cgroupPath",
  "podAnnotations",
  podAnnotationsCapability,
] as const;

export function readRuntimeConfig(input: unknown): RuntimeConfig {
  const { [podAnnotationsCapability]: fromCri, ...written } = parse(schema, input, "runtimeConfig");
  const { portMappings, bandwidth, dns, podAnnotations = fromCri, ...rest } = written;
  return {
    ...rest,
    ...(portMappings === undefined ? {} : { portMappings: portMappings.flatMap(mappingOf) }),
    ...(bandwidth === undefined ? {} : { bandwidth: limitsOf(bandwidth) }),
    ...(dns === undefined ? {} : { dns: dnsOf(dns) }),
    ...(podAnnotations === undefined ? {} : { podAnnotations }),
  };
}

/** The key and value of a capability nobody here acts on must be in the message (specification, code 2). */
export function refuseUnknownCapabilities(input: object): void {
  for (const [key, value] of Object.entries(input)) {
    if (capabilities.some((each) => each === key)) continue;
    const guess = nearest(key, capabilities);
    throw new CniError("unsupportedField", `runtimeConfig.${key}: ${shorten(JSON.stringify(value))} is not supported`, {
      details: guess === undefined ? "Take the capability out of the configuration" : `Did you mean ${guess}`,
    });
  }
}

function shorten(json: string): string {
  return json.length <= 200 ? json : `${json.slice(0, 197)}...`;
}

/**
 * An object whose keys may be written in any case: containerd hands over Go structs without field names for JSON
 * (`HostPort`, `Servers`), and the reference plugins take them because Go compares keys without case.
 */
function anyCase<const Entries extends v.ObjectEntries>(entries: Entries) {
  const names = Object.keys(entries);
  const nameOf = (key: string) => names.find((name) => name.toLowerCase() === key.toLowerCase()) ?? key;
  return v.pipe(
    v.unknown(),
    v.transform((value) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [nameOf(key), member]));
    }),
    openObject(entries),
  );
}

const count = () => v.optional(integer(0, Number.MAX_SAFE_INTEGER), 0);
const words = () => v.exactOptional(v.array(v.string()));
const annotations = () => v.exactOptional(v.record(v.string(), v.string()));

const mappings = v.array(
  anyCase({
    hostPort: integer(0, 65535),
    containerPort: integer(1, 65535),
    protocol: v.optional(text(readProtocol), ""),
    hostIP: v.optional(text(readHostIp), ""),
  }),
);

const schema = openObject({
  ips: askedAddresses(),
  mac: askedMac(),
  portMappings: v.exactOptional(mappings),
  bandwidth: v.exactOptional(
    anyCase({ ingressRate: count(), ingressBurst: count(), egressRate: count(), egressBurst: count() }),
  ),
  dns: v.exactOptional(anyCase({ servers: words(), searches: words(), options: words() })),
  ipRanges: v.exactOptional(v.array(v.array(v.unknown()))),
  cgroupPath: v.exactOptional(v.string()),
  podAnnotations: annotations(),
  [podAnnotationsCapability]: annotations(),
});

function readProtocol(word: string): PortProtocol {
  const protocol = portProtocols.find((each) => each === (word.toLowerCase() || "tcp"));
  if (protocol !== undefined) return protocol;
  throw new SyntaxError(`${JSON.stringify(word)} is no protocol of ports; write ${portProtocols.join(", ")}`);
}

/** An empty address, as Go prints one that is not set, stands for all of them. */
function readHostIp(word: string): Address | undefined {
  return word === "" ? undefined : Address.parse(word);
}

interface WrittenMapping extends Omit<PortMapping, "hostIp"> {
  readonly hostIP: Address | undefined;
}

/** A host port of 0 asks for no mapping; runtimes hand over every port of a container. */
function mappingOf({ hostIP, ...mapping }: WrittenMapping): readonly PortMapping[] {
  if (mapping.hostPort === 0) return [];
  return [hostIP === undefined ? mapping : { ...mapping, hostIp: hostIP }];
}

/** A rate of 0 is no limit, and its burst then means nothing. */
function limitsOf(written: Readonly<Record<keyof Bandwidth, number>>): Bandwidth {
  const { ingressRate, ingressBurst, egressRate, egressBurst } = written;
  return {
    ...(ingressRate > 0 ? { ingressRate, ...(ingressBurst > 0 ? { ingressBurst } : {}) } : {}),
    ...(egressRate > 0 ? { egressRate, ...(egressBurst > 0 ? { egressBurst } : {}) } : {}),
  };
}

interface WrittenDns {
  readonly servers?: readonly string[];
  readonly searches?: readonly string[];
  readonly options?: readonly string[];
}

function dnsOf({ servers, searches, options }: WrittenDns): Dns {
  return {
    ...(servers === undefined ? {} : { nameservers: servers }),
    ...(searches === undefined ? {} : { search: searches }),
    ...(options === undefined ? {} : { options }),
  };
}
