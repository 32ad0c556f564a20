// The ports of the node that a request is about: which database has them, what the request wants of them. What is done with them is
// host-ports.ts. Where addresses come from another IPAM plugin, the ports are in the default database all the same.
import { existsSync } from "node:fs";
import type { AddRequest, CheckRequest, DelRequest, GcRequest } from "../cni/request.ts";
import type { BackendSetting } from "../firewall/detection.ts";
import { defaultDataDir } from "../ipam/config/config.ts";
import { pathsIn } from "../ipam/store/store-paths.ts";
import type { Attached } from "../pod/attach.ts";
import { CheckFailed } from "../pod/pod-error.ts";
import type { PodNetwork } from "../pod/pod-network.ts";
import type { Host } from "./host.ts";
import { mapPorts, type PortPlace, portFaults, unmapPorts, unmapPortsAllBut } from "./host-ports.ts";
import { dataDirOf, type Own, tolerantKindOf } from "./ipam-section.ts";
import type { WantedFilter } from "./packet-filter.ts";
import type { Settings } from "./settings.ts";
import { wantedPorts } from "./wanted-ports.ts";

export function wantsPorts({ config }: Pick<AddRequest, "config">): boolean {
  return (config.runtimeConfig.portMappings ?? []).length > 0;
}

/** Throws what makes a mapping impossible, before anything is made. */
export function requirePossiblePorts({ config }: AddRequest, network: PodNetwork): void {
  wantedPorts(config.runtimeConfig.portMappings ?? [], network);
}

/** Leads the node's ports to a pod that has just been attached. */
export async function mapPortsTo(
  host: Host,
  request: AddRequest,
  settings: Settings,
  attached: Attached,
): Promise<void> {
  const { target: attachment, pod } = request;
  const ports = wantedPorts(request.config.runtimeConfig.portMappings ?? [], attached.network);
  const link = attached.bridge ?? attached.host;
  if (link === undefined) return;
  await mapPorts(placeOf(host, request.config.own, settings), { attachment, pod, ports }, link.name);
}

/** Asks for nothing but the attachment: what DEL comes with may be of any age. */
export async function unmapPortsOf(
  host: Host,
  { config, target }: AddRequest | DelRequest,
  settings: Settings | undefined,
): Promise<void> {
  if (hasDatabase(config.own)) await unmapPorts(placeOf(host, config.own, settings), target);
}

export async function collectPorts(host: Host, { config, keep }: GcRequest, settings: Settings | undefined) {
  if (keep !== undefined && hasDatabase(config.own)) {
    await unmapPortsAllBut(placeOf(host, config.own, settings), config.name, keep);
  }
}

export async function checkPorts(host: Host, request: CheckRequest, settings: Settings, network: PodNetwork) {
  const { target: attachment, config } = request;
  const ports = wantedPorts(config.runtimeConfig.portMappings ?? [], network);
  const faults = await portFaults(placeOf(host, config.own, settings), { attachment, ports });
  if (faults.length > 0) throw new CheckFailed(faults);
}

function placeOf(host: Host, own: Own, settings: Settings | undefined): PortPlace {
  return portPlace(host, directoryOf(own), settings?.firewall.backend ?? "auto");
}

/** Where the ports of a lease database are led to pods. */
export function portPlace(host: Host, directory: string, backend: BackendSetting): PortPlace {
  const { kernel, log } = host;
  const filter = (wanted: WantedFilter) => host.packetFilter(backend, wanted);
  return { kernel, log, directory, store: host.leases(directory), filter };
}

function directoryOf(own: Own): string {
  return tolerantKindOf(own).kind === "delegate" ? defaultDataDir : dataDirOf(own);
}

/** With another IPAM plugin there may never have been a reason to make one. */
function hasDatabase(own: Own): boolean {
  return tolerantKindOf(own).kind !== "delegate" || existsSync(pathsIn(defaultDataDir).database);
}
