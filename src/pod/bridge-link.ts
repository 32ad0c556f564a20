// The bridge that pods of mode bridge share: made when it is missing, completed when another process was faster, left as it is when
// it is somebody else's. Every step can be repeated, so any number of attachments may find it missing at the same moment.
import type { InterfaceAddress } from "../ip/prefix.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type LinkAddress, listAddresses, replaceAddress } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import { alreadyExists } from "../netlink/kernel-error.ts";
import { changeLink, createLink, getLink, type Link, listLinks } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import { bridgeAlias, parseAlias } from "./alias.ts";
import { bridgeMacOf } from "./identity.ts";
import { PodError } from "./pod-error.ts";
import type { BridgeMode, PodNetwork } from "./pod-network.ts";
import { bringUp, broadcastOf, linkLocalOf } from "./pod-side.ts";
import { findLink, type Site } from "./site.ts";
import { quietBridge, setSysctls } from "./sysctls.ts";

export interface Bridge {
  readonly link: Link;
  /** Hextet made it. */
  readonly ours: boolean;
  /**
   * It has ports that are not pods of ours, so somebody behind them may have an address already. A bridge that Hextet made leads
   * nowhere else: who wants one with an uplink makes it himself, and has it adopted.
   */
  readonly leadsElsewhere: boolean;
}

export function ensureBridge(
  { kernel, host }: Pick<Site, "kernel" | "host">,
  network: PodNetwork,
  mode: BridgeMode,
): Bridge {
  const link = findLink(host, { name: mode.bridge }) ?? createBridge(kernel, host, network, mode);
  if (link.kind !== "bridge") {
    throw new PodError(
      "invalidConfig",
      `bridge: link ${link.name} is no bridge but ${link.kind ?? "a device"}; name another`,
    );
  }
  const held = host.dump(listAddresses({ link: link.index }));
  const missing = mode.gateways.filter((gateway) => !holds(held, gateway));
  const ours = isOurs(kernel, link);
  if (ours) complete(kernel, host, { link, held, missing, gateways: mode.gateways });
  else refuseUnfit(link, mode, missing);
  return { link, ours, leadsElsewhere: !ours && hasOtherPorts(host, link) };
}

/** Its MAC marks it as ours from the first moment; an alias it can only be given afterwards. */
function isOurs(kernel: Kernel, { name, alias, mac }: Link): boolean {
  return alias === bridgeAlias || (mac?.equals(macOfOurs(kernel, name)) ?? false);
}

function macOfOurs(kernel: Kernel, name: string) {
  return bridgeMacOf(name, kernel.sysctl().get("kernel/random/boot_id"));
}

function createBridge(kernel: Kernel, host: Connection, network: PodNetwork, { bridge: name }: BridgeMode): Link {
  const { mtu } = network;
  const create = createLink({
    kind: "bridge",
    name,
    mac: macOfOurs(kernel, name),
    ...(mtu === undefined ? {} : { mtu }),
    // Neighbor discovery is multicast, and without a querier snooping loses what it does not understand.
    multicastSnooping: false,
  });
  try {
    host.execute([create]);
  } catch (error) {
    if (!alreadyExists(error)) throw error;
  }
  return host.get(getLink({ name }));
}

interface Unfinished {
  readonly link: Link;
  readonly held: readonly LinkAddress[];
  readonly missing: readonly InterfaceAddress[];
  readonly gateways: readonly InterfaceAddress[];
}

function complete(kernel: Kernel, host: Connection, { link, held, missing, gateways }: Unfinished): void {
  const own = link.addressGeneration === undefined || link.mac === undefined ? [] : [linkLocalOf(link.mac)];
  const wanted = [...own.filter((address) => !holds(held, address)), ...missing];
  if (link.alias === bridgeAlias && link.up && wanted.length === 0) return;
  for (const gateway of missing) refuseConflict(host, { link, held, gateway, gateways });
  setSysctls(kernel.sysctl(), quietBridge(link));
  host.execute(requestsFor(link, wanted));
}

function requestsFor(link: Link, wanted: readonly InterfaceAddress[]): Request[] {
  return [
    changeLink({ index: link.index }, { alias: bridgeAlias }),
    ...bringUp(link),
    ...wanted.map((address) => replaceAddress({ link: link.index, address, noDad: true, ...broadcastOf(address) })),
  ];
}

interface Claim {
  readonly link: Link;
  readonly held: readonly LinkAddress[];
  readonly gateway: InterfaceAddress;
  readonly gateways: readonly InterfaceAddress[];
}

/** Two gateways in one prefix, or one gateway on two links, would each be right for some of the pods only. */
function refuseConflict(host: Connection, { link, held, gateway, gateways }: Claim): void {
  const other = held.find(
    ({ address }) =>
      address.prefix.overlaps(gateway.prefix) && !gateways.some((one) => one.address.equals(address.address)),
  );
  if (other !== undefined) {
    throw new PodError(
      "invalidConfig",
      `Cannot give bridge ${link.name} the gateway ${gateway}: it has ${other.address} in the same prefix; ` +
        `set "gateway": "${other.address.address}", use another bridge, or run ip address del ${other.address} dev ${link.name}`,
    );
  }
  const elsewhere = host
    .dump(listAddresses({ family: gateway.family }))
    .find((one) => one.link !== link.index && one.address.address.equals(gateway.address));
  if (elsewhere !== undefined) {
    const { name } = host.get(getLink({ index: elsewhere.link }));
    throw new PodError(
      "invalidConfig",
      `Cannot give bridge ${link.name} the gateway ${gateway}: link ${name} has this address; choose another subnet or gateway`,
    );
  }
}

function refuseUnfit(link: Link, { adopt, gateways }: BridgeMode, missing: readonly InterfaceAddress[]): void {
  if (!adopt && (missing.length > 0 || gateways.length === 0)) {
    const lack = missing.length > 0 ? ` and does not have the gateway ${missing.join(" and ")}` : "";
    throw new PodError(
      "invalidConfig",
      `Cannot use bridge ${link.name}: Hextet did not make it${lack}; set "adopt": true to use it as it is, or name another bridge`,
    );
  }
  if (!link.up) {
    throw new PodError("notAvailable", `Cannot use bridge ${link.name}: it is down; run ip link set ${link.name} up`);
  }
}

function hasOtherPorts(host: Connection, { index }: Link): boolean {
  return host.dump(listLinks({ master: index })).some(({ alias }) => parseAlias(alias) === undefined);
}

function holds(held: readonly LinkAddress[], { address }: InterfaceAddress): boolean {
  return held.some((one) => one.address.address.equals(address));
}
