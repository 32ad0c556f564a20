// ADD's part of the work: gives a pod its network, in one of three modes, and takes back every step if one fails. What is to be made
// was decided in pod-network.ts; here it is carried out in a few datagrams.
import type { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { alreadyExists, KernelError } from "../netlink/kernel-error.ts";
import type { Link } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import { listRoutes, removeRoute } from "../netlink/route.ts";
import { aliasOf } from "./alias.ts";
import { limitBandwidth } from "./bandwidth-limit.ts";
import { bridgeHostSide, bridgeLeavings, bridgeNeighbors } from "./bridge.ts";
import { ensureBridge } from "./bridge-link.ts";
import { makeMacvlan } from "./macvlan.ts";
import { AddressInUse, PodError } from "./pod-error.ts";
import { type BridgeMode, type MacvlanMode, type PodNetwork, speaks } from "./pod-network.ts";
import { type BareLink, bringUp, podRoutes, unquestionedAddresses } from "./pod-side.ts";
import { askFast, claimAddresses } from "./probe.ts";
import { hostLinkLocal, routedHostSide, routedPodSide, routeToPod } from "./routed.ts";
import { settled, settledInPod } from "./settled.ts";
import { executeRemovals, findLink, openNamespace, type Site, type Wait, wait } from "./site.ts";
import { autoconfigured } from "./slaac.ts";
import { hostSysctls, podSysctls, setSysctls } from "./sysctls.ts";
import { makePair } from "./veth.ts";

/** Of routes beside those of an interface that was there first; the kernel's own lie at 0 (IPv4) and 1024 (IPv6). */
const laterPriority = 2048;

export interface Attached {
  /** With what a router advertised, where that was waited for. */
  readonly network: PodNetwork;
  readonly pod: Link;
  /** The other end of the pod's link; macvlan has none. */
  readonly host?: Link;
  readonly bridge?: Link;
}

/** Gives the pod in this namespace its network. Everything in it is usable when this returns; if it throws, nothing is left. */
export async function attach(
  kernel: Kernel,
  network: PodNetwork,
  namespacePath: string,
  options: AttachOptions = {},
): Promise<Attached> {
  try {
    return await attachOrUndo(kernel, network, namespacePath, options);
  } catch (error) {
    throw error instanceof SuppressedError ? failureOf(error) : error;
  }
}

export interface AttachOptions {
  readonly wait?: Wait;
}

async function attachOrUndo(
  kernel: Kernel,
  network: PodNetwork,
  namespacePath: string,
  options: AttachOptions,
): Promise<Attached> {
  using namespace = openNamespace(kernel, namespacePath);
  using host = new Connection(kernel.socket("route"));
  using pod = new Connection(kernel.socket("route", namespace));
  await using undo = new AsyncDisposableStack();
  const attached = await attachAt({ kernel, namespace, host, pod, undo, wait: options.wait ?? wait }, network);
  undo.move();
  return attached;
}

function attachAt(site: Site, network: PodNetwork): Promise<Attached> {
  const { mode } = network;
  switch (mode.kind) {
    case "routed":
      return attachRouted(site, network);
    case "bridge":
      return attachToBridge(site, network, mode);
    case "macvlan":
      return attachToMaster(site, network, mode);
  }
}

async function attachRouted(site: Site, network: PodNetwork): Promise<Attached> {
  const pair = makePair(site, network);
  requireIpv6(network, pair.pod);
  if (network.bandwidth !== undefined) await limitBandwidth(site, network, pair.host);
  setSysctls(site.kernel.sysctl(), hostSysctls(network, pair.host));
  setSysctls(site.kernel.sysctl(site.namespace), podSysctls(network));
  const complete = executeWithRoutes(site, network, pair.pod, routedPodSide(network, pair.pod));
  executeClaiming(site, network, pair.host);
  // In the order in which they were made: the kernel is done with the host's last.
  const pod = await settledInPod(site, network, pair.pod);
  const host = await settled(site, site.host, pair.host, speaks(network, "v6") ? [hostLinkLocal] : []);
  return { network: complete, host, pod };
}

async function attachToBridge(site: Site, network: PodNetwork, mode: BridgeMode): Promise<Attached> {
  const bridge = ensureBridge(site, network, mode);
  const pair = makePair(site, network, bridge.link.index);
  requireIpv6(network, pair.pod);
  if (network.bandwidth !== undefined) await limitBandwidth(site, network, pair.host);
  setSysctls(site.kernel.sysctl(site.namespace), podSysctls(network));
  site.undo.defer(() => executeRemovals(site.host, bridgeLeavings(network, bridge)));
  site.host.execute(bridgeHostSide(network, mode, bridge, pair.host));
  site.pod.execute(bringUp(pair.pod));
  const host = await settled(site, site.host, pair.host, []);
  // The bridge has a carrier since its first port has one.
  const link = await settled(site, site.host, bridge.link, bridge.ours ? mode.gateways : []);
  if (bridge.leadsElsewhere) {
    using _asking = askFast(site, network, mode.probe);
    await claimAddresses(site, network, pair.pod.index, mode.probe);
  } else {
    site.pod.execute(unquestionedAddresses(network, pair.pod.index));
  }
  const neighbors = bridgeNeighbors(network, mode, bridge, pair.pod.index);
  const complete = executeWithRoutes(site, network, pair.pod, neighbors);
  return { network: complete, host, bridge: link, pod: await settledInPod(site, network, pair.pod) };
}

async function attachToMaster(site: Site, network: PodNetwork, mode: MacvlanMode): Promise<Attached> {
  const link = makeMacvlan(site, network, mode);
  requireIpv6(network, link);
  setSysctls(site.kernel.sysctl(site.namespace), podSysctls(network));
  site.pod.execute(bringUp(link, { alias: aliasOf(network.attachment) }));
  using _asking = askFast(site, network, mode.probe);
  await claimAddresses(site, network, link.index, mode.probe);
  const routed = executeWithRoutes(site, network, link, []);
  const timeoutMs = mode.slaac?.timeoutMs;
  const complete =
    timeoutMs === undefined ? routed : await autoconfigured(site, routed, { link: link.index, timeoutMs });
  return { network: complete, pod: await settledInPod(site, complete, link) };
}

/** The failure for which all was undone, which tells of what could not be undone. */
function failureOf({ suppressed, error }: { readonly suppressed: unknown; readonly error: unknown }): unknown {
  if (suppressed instanceof Error && error instanceof Error)
    suppressed.message += `; nor was it undone: ${error.message}`;
  return suppressed;
}

function requireIpv6(network: PodNetwork, { addressGeneration }: BareLink): void {
  if (!speaks(network, "v6") || addressGeneration !== undefined) return;
  throw new PodError(
    "notAvailable",
    `Cannot give ${network.attachment.interfaceName} an IPv6 address: the kernel has no IPv6; ` +
      "boot without ipv6.disable=1, or leave ranges of IPv6 out of the configuration",
  );
}

/**
 * Carries out what the pod's end needs, its routes last, and gives the network with the routes as they are then. Where another
 * interface of the pod was first to have such a route it keeps it: ours come after, unless the configuration gave them a priority.
 */
function executeWithRoutes(site: Site, network: PodNetwork, link: BareLink, before: readonly Request[]): PodNetwork {
  try {
    site.pod.execute([...before, ...podRoutes(network, link.index)]);
    return network;
  } catch (error) {
    if (!alreadyExists(error) || !(error instanceof KernelError) || (error.index ?? 0) < before.length) throw error;
    executeRemovals(site.pod, podRoutes(network, link.index, removeRoute));
    return executeWithLaterRoutes(site, network, link);
  }
}

function executeWithLaterRoutes(site: Site, network: PodNetwork, { index }: BareLink): PodNetwork {
  const routes = network.routes.map((route) => ({ priority: laterPriority + index, ...route }));
  const later = { ...network, routes };
  try {
    site.pod.execute(podRoutes(later, index));
    return later;
  } catch (error) {
    if (!alreadyExists(error) || !(error instanceof Error)) throw error;
    const message = `${error.message}; another interface of the pod has it: give this network's route another priority`;
    throw new PodError("invalidConfig", message, { cause: error });
  }
}

/** Carries out what the host's end needs. The routes are a claim: of two pods with one address the second is refused. */
function executeClaiming(site: Site, network: PodNetwork, host: Link): void {
  const before = routedHostSide(network, host);
  const routes = network.addresses.map((address) => routeToPod(address, host.index));
  try {
    site.host.execute([...before, ...routes]);
  } catch (error) {
    const at = error instanceof KernelError ? (error.index ?? 0) - before.length : -1;
    const address = alreadyExists(error) ? network.addresses[at]?.address.address : undefined;
    if (address === undefined) throw error;
    throw new AddressInUse(address, holderOf(site.host, address), { cause: error });
  }
}

function holderOf(host: Connection, address: Address): string {
  const routes = host.dump(listRoutes({ family: address.family }));
  const route = routes.find(({ destination }) => destination.equals(Prefix.host(address)));
  const index = route?.nextHop.kind === "link" ? route.nextHop.link : undefined;
  const link = index === undefined ? undefined : findLink(host, { index });
  if (link === undefined) return "the node has a route to it";
  return `link ${link.name}${link.alias === undefined ? "" : ` (${link.alias})`} has it`;
}
