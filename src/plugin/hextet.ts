// The plugin `hextet`: each verb as the story of what is done, over leases, pods and the protocol. How each step is done stands
// in the files beside this one and in the folders below.
import type { Added, Plugin } from "../cni/dispatch.ts";
import type { AddRequest, CheckRequest, DelRequest, GcRequest, StatusRequest } from "../cni/request.ts";
import type { Dns } from "../cni/result.ts";
import { ConfigError } from "../config/config-error.ts";
import { podGroup } from "../firewall/pod-group.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { type Attached, attach } from "../pod/attach.ts";
import { check } from "../pod/check.ts";
import { detach } from "../pod/detach.ts";
import { removeOrphans } from "../pod/orphans.ts";
import { AddressInUse } from "../pod/pod-error.ts";
import { type PodNetwork, podNetwork } from "../pod/pod-network.ts";
import { hasInterface } from "../pod/presence.ts";
import type { Target } from "../pod/removal.ts";
import type { Addressing, Assigned } from "./addressing.ts";
import { addressingOf } from "./addressing-of.ts";
import { bandwidthOf } from "./bandwidth.ts";
import { explained, explainedStatus } from "./explain.ts";
import { collect, release, requireFreeAddresses, staleHolders } from "./holdings.ts";
import type { Host } from "./host.ts";
import { refuseOwnNamespace } from "./own-namespace.ts";
import {
  checkPorts,
  collectPorts,
  mapPortsTo,
  requirePossiblePorts,
  unmapPortsOf,
  wantsPorts,
} from "./ports-of-attachment.ts";
import { requireKernel, warnWithoutForwarding } from "./readiness.ts";
import { resultOf } from "./result.ts";
import { modeOf, readSettings, type Settings, tolerantSettings } from "./settings.ts";

/** Addresses tried on a link where others use them as well, before ADD gives up. */
const attempts = 8;

export function hextet(host: Host): Plugin {
  return {
    add: (request) => explained(() => add(host, request)),
    del: (request) => explained(() => takeAway(host, request, tolerantSettings(request.config))),
    check: (request) => explained(() => checkAttachment(host, request)),
    gc: (request) => explained(() => gc(host, request)),
    status: (request) => explainedStatus(() => status(host, request)),
  };
}

async function add(host: Host, request: AddRequest): Promise<Added> {
  const { netns, config, previous } = request;
  refuseOwnNamespace(request);
  const settings = readSettings(host.log, config);
  const addressing = addressingOf(host, request, settings);
  const linkGroup = podGroup[host.guarding(settings.guard)(request.pod)];
  await clearEarlier(host, request, { settings, addressing });

  await using undo = new AsyncDisposableStack();
  const assigned = await addressing.acquire();
  // An ADD that was held up may find that a repeated one has leases of its own by now.
  undo.defer(async () => {
    if (addressing.isOurs()) await release(host, request);
  });
  const networkOf = (current: Assigned) => ({ ...podNetworkOf(request, settings, addressing, current), linkGroup });
  if (wantsPorts(request)) requirePossiblePorts(request, networkOf(assigned));
  const { attached, dns } = await attachWithFreeAddresses(host, netns, { addressing, assigned, networkOf });
  if (wantsPorts(request)) {
    undo.defer(() => detach(host.kernel, detachTarget(request, settings), host.removePair));
    undo.defer(() => unmapPortsOf(host, request, settings));
    await mapPortsTo(host, request, settings, attached);
  }
  const spoken = attached.network.addresses.map(({ address }) => address.family);
  warnWithoutForwarding(host, settings, spoken);
  undo.move();

  const described = config.runtimeConfig.dns ?? settings.dns ?? dns;
  return {
    result: resultOf(attached, netns, described, previous),
    delivered: () => addressing.confirm(attached.host?.name),
    withdraw: () => explained(() => withdraw(host, request, addressing)),
  };
}

/** Takes an attachment back whose result nobody got, unless a repeated ADD has made it its own. */
async function withdraw(host: Host, request: AddRequest, addressing: Addressing): Promise<void> {
  if (addressing.isOurs()) await takeAway(host, request, tolerantSettings(request.config));
}

/**
 * The node's ports lead nowhere before the address is out of reach, and it is out of reach before its lease ends; whatever fails, DEL
 * comes again and finds the rest.
 */
async function takeAway(host: Host, request: AddRequest | DelRequest, settings: Settings | undefined): Promise<void> {
  await unmapPortsOf(host, request, settings);
  await detach(host.kernel, detachTarget(request, settings), host.removePair);
  await release(host, request);
}

interface Way {
  readonly settings: Settings;
  readonly addressing: Addressing;
}

/**
 * An earlier ADD of the same attachment that its runtime did not live to hear of, or heard of and forgot: then the container has come
 * back in another namespace, where there is nothing of it. What is attached in this one stays, and the ADD will fail.
 */
async function clearEarlier(host: Host, request: AddRequest, { settings, addressing }: Way): Promise<void> {
  const held = addressing.held();
  if (held === "nothing") return;
  if (held === "active" && hasInterface(host.kernel, request.netns, request.target.interfaceName)) return;
  host.log.warning("remains of an earlier ADD removed", { ...request.target, held });
  await takeAway(host, request, settings);
}

interface Attempt {
  readonly addressing: Addressing;
  readonly assigned: Assigned;
  readonly networkOf: (assigned: Assigned) => PodNetwork;
}

/** On a link with others, an address may turn out to be somebody else's; then another one is leased and tried. */
async function attachWithFreeAddresses(
  host: Host,
  netns: string,
  { addressing, assigned, networkOf }: Attempt,
): Promise<{ readonly attached: Attached; readonly dns: Dns | undefined }> {
  let current = assigned;
  for (let attempt = 1; ; attempt++) {
    try {
      return { attached: await attach(host.kernel, networkOf(current), netns), dns: current.dns };
    } catch (error) {
      if (!(error instanceof AddressInUse) || attempt === attempts) throw error;
      host.log.warning("address is in use by somebody else", { netns, address: error.address, why: error.message });
      current = await addressing.replace(error.address);
    }
  }
}

async function checkAttachment(host: Host, request: CheckRequest): Promise<void> {
  const { config, previous, netns, target } = request;
  const settings = readSettings(host.log, config);
  const addressing = addressingOf(host, request, settings);
  await addressing.check(previous);
  const ours = previous.interfaces.findIndex(
    ({ name, sandbox }) => name === target.interfaceName && sandbox !== undefined,
  );
  const inner = previous.interfaces[ours];
  if (inner === undefined) {
    const why = `it has no interface ${target.interfaceName} in a sandbox; CHECK compares with the result of ADD`;
    throw new ConfigError("prevResult.interfaces", why);
  }
  const assigned = {
    addresses: previous.ips.filter((ip) => ip.interface === undefined || ip.interface === ours),
    routes: previous.routes,
  };
  const network = podNetworkOf(request, settings, addressing, assigned);
  check(host.kernel, network, netns, inner.mac);
  if (wantsPorts(request)) await checkPorts(host, request, settings, network);
}

async function gc(host: Host, request: GcRequest): Promise<void> {
  const { keep, config } = request;
  if (keep === undefined) return;
  const failures: unknown[] = [];
  for (const step of [
    () => collectPorts(host, request, tolerantSettings(config)),
    async () => {
      const removed = await removeOrphans(host.kernel, { network: config.name, keep });
      for (const { attachment, addresses } of removed) host.log.info("orphan removed", { ...attachment, addresses });
    },
    () => detachUnnamed(host, request),
    () => collect(host, request),
  ]) {
    await step().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, "Not everything could be freed");
}

/** A link whose maker died before it wrote on it whose it is has no alias, but leases: by those it is found. */
async function detachUnnamed(host: Host, request: GcRequest): Promise<void> {
  for (const attachment of staleHolders(host, request)) await detach(host.kernel, { attachment }, host.removePair);
}

async function status(host: Host, request: StatusRequest): Promise<void> {
  const settings = readSettings(host.log, request.config);
  requireKernel(host, settings);
  await requireFreeAddresses(host, request);
  const ofNode = host.nodeStatus?.(request.config.name);
  if (ofNode !== undefined) throw ofNode;
}

function podNetworkOf(
  { target, requestedMac, config }: AddRequest | CheckRequest,
  settings: Settings,
  { slaac }: Addressing,
  { addresses, routes }: Assigned,
): PodNetwork {
  const gateways = addresses.flatMap(({ address, gateway }) =>
    gateway === undefined ? [] : [new InterfaceAddress(gateway, address.length)],
  );
  return podNetwork({
    attachment: target,
    // Where bridges hand packets to the packet filter, a pod's own port is translated on the bridge, back to where it came from.
    mode: modeOf(wantsPorts({ config }) ? { ...settings, hairpin: true } : settings, { gateways, slaac }),
    addresses,
    ...(routes === undefined ? {} : { routes }),
    ...(settings.mtu === undefined ? {} : { mtu: settings.mtu }),
    ...(requestedMac === undefined ? {} : { mac: requestedMac.mac }),
    ...bandwidthOf(config.runtimeConfig),
    sysctls: settings.sysctl,
  });
}

function detachTarget(
  { target, netns, requestedMac }: AddRequest | DelRequest,
  settings: Settings | undefined,
): Target {
  return {
    attachment: target,
    ...(netns === undefined ? {} : { namespacePath: netns }),
    ...(settings?.mode === "bridge" ? { bridge: settings.bridge } : {}),
    ...(requestedMac === undefined ? {} : { podMac: requestedMac.mac }),
  };
}
