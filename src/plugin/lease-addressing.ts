// Addresses from Hextet's own leases: the attachment's side of src/ipam.
import { readFileSync } from "node:fs";
import { CniError } from "../cni/cni-error.ts";
import type { AddRequest, CheckRequest } from "../cni/request.ts";
import type { Dns, Result } from "../cni/result.ts";
import type { RuntimeConfig } from "../cni/runtime-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { remembered } from "../config/remembered.ts";
import { type IpamConfig, parseIpam } from "../ipam/config/config.ts";
import { ipamWarnings } from "../ipam/config/config-warnings.ts";
import { parseResolvConf } from "../ipam/config/resolv-conf.ts";
import type { Lease } from "../ipam/lease.ts";
import { onItsLink, rangeOf } from "../ipam/ranges.ts";
import type { Addressing, Assigned } from "./addressing.ts";
import type { Host } from "./host.ts";
import { type Wishes, wishesOf } from "./pod-annotations.ts";

export function readIpam(host: Host, { config }: AddRequest | CheckRequest): IpamConfig {
  const { ipam, warnings } = readSection({ section: config.own["ipam"], ipRanges: config.runtimeConfig.ipRanges });
  for (const warning of warnings) host.log.warning("configuration", { network: config.name, warning });
  return ipam;
}

interface Section {
  readonly section: unknown;
  readonly ipRanges: RuntimeConfig["ipRanges"];
}

const readSection = remembered(({ section, ipRanges }: Section) => {
  const ipam = parseIpam(section, ipRanges === undefined ? {} : { ipRanges });
  const warnings = typeof section === "object" && section !== null ? ipamWarnings(section, ipam) : [];
  return { ipam, warnings };
});

/** What the pod asks for by annotations, on the way in alone: CHECK has what came of it. */
function hear(host: Host, request: AddRequest | CheckRequest, ipam: IpamConfig): Wishes {
  if (request.verb === "CHECK") return { ips: [], remarks: [] };
  const { config, pod } = request;
  const wishes = wishesOf(request, ipam);
  for (const remark of wishes.remarks) {
    host.log.warning("annotation not heard", {
      network: config.name,
      pod: pod?.name,
      namespace: pod?.namespace,
      ...remark,
    });
  }
  return wishes;
}

export function leaseAddressing(host: Host, request: AddRequest | CheckRequest): Addressing {
  const ipam = readIpam(host, request);
  const { target, pod, requestedAddresses, requestedMac } = request;
  const wishes = hear(host, request, ipam);
  const store = host.leases(ipam.dataDir);
  const wanted = {
    attachment: target,
    ...(pod === undefined ? {} : { pod }),
    ...(requestedMac === undefined ? {} : { mac: requestedMac.mac }),
    requested: [...requestedAddresses, ...wishes.ips],
    rangeSets: ipam.rangeSets,
    assign: wishes.assign ?? ipam.assign,
    exclude: ipam.exclude,
    cooldownSeconds: ipam.cooldownSeconds,
  };
  let acquired: readonly Lease[] = [];
  const keep = (leases: readonly Lease[]) => {
    acquired = leases;
    return assigned(ipam, leases);
  };
  return {
    slaac: false,
    held: () => heldAs(store.find(target)),
    acquire: async () => keep(store.lease(wanted)),
    replace: async (inUse) => keep(store.replaceAddress(wanted, inUse)),
    confirm: (hostLink) => store.activate(target, hostLink === undefined ? {} : { hostLink }),
    isOurs: () => areAmong(acquired, store.find(target)),
    check: async (previous) => requireHeld(request, ipam, { previous, held: store.find(target) }),
  };
}

interface Compared {
  readonly previous: Result;
  readonly held: readonly Lease[];
}

/** Every address of ours in the previous result is leased, and every lease is in it. */
function requireHeld({ target }: CheckRequest | AddRequest, ipam: IpamConfig, { previous, held }: Compared): void {
  const named = previous.ips.filter(({ address }) => rangeOf(ipam.rangeSets, address.address) !== undefined);
  const lost = named.filter(({ address }) => !held.some((lease) => lease.address.equals(address.address)));
  const unnamed = held.filter((lease) => !previous.ips.some(({ address }) => address.address.equals(lease.address)));
  const faults = [
    ...lost.map(({ address }) => `no lease holds ${address.address}, which the previous result has`),
    ...unnamed.map(({ address }) => `${address} is leased to it, and the previous result does not have it`),
    ...(held.length === 0 && lost.length === 0 ? ["it holds no lease"] : []),
  ];
  if (faults.length === 0) return;
  throw new CniError("checkFailed", `Container ${target.containerId}, ${target.interfaceName}: ${faults.join("; ")}`, {
    details: "Attach it again: DEL, then ADD",
  });
}

function heldAs(leases: readonly Lease[]): "nothing" | "pending" | "active" {
  if (leases.length === 0) return "nothing";
  return leases.some(({ state }) => state === "pending") ? "pending" : "active";
}

/**
 * No other leases of the same attachment: addresses may come again, the moment they were leased does not. Fewer are ours as well:
 * one that was in conflict is put aside before another is found.
 */
function areAmong(acquired: readonly Lease[], held: readonly Lease[]): boolean {
  const key = ({ address, leasedAtMs }: Lease) => `${address} ${leasedAtMs}`;
  return held.every((one) => acquired.some((other) => key(other) === key(one)));
}

function assigned(ipam: IpamConfig, leases: readonly Lease[]): Assigned {
  const { rangeSets, routes, resolvConf } = ipam;
  return {
    addresses: leases.map(({ address }) => {
      const gateway = rangeOf(rangeSets, address)?.gateway;
      return { address: onItsLink(rangeSets, address), ...(gateway === undefined ? {} : { gateway }) };
    }),
    ...(routes === undefined ? {} : { routes }),
    ...(resolvConf === undefined ? {} : { dns: dnsOf(resolvConf) }),
  };
}

function dnsOf(path: string): Dns {
  try {
    return parseResolvConf(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const why = error.code === "ENOENT" ? "there is no such file" : error.message;
    throw new ConfigError("ipam.resolvConf", `${path} cannot be read: ${why}; name a file that can, or leave it out`, {
      cause: error,
    });
  }
}
