// A link of the fake kernel as an RTM_NEWLINK tells of it.
import { encodeBridge, encodeBridgePort, encodeMacvlan, encodeVxlan } from "../../netlink/link-kind.ts";
import { linkFlag, linkMessage } from "../../netlink/link-message.ts";
import { present } from "../../netlink/values.ts";
import { hasIpv6, idOf, type LinkState } from "./state.ts";

/** ARPHRD_ETHER, ARPHRD_LOOPBACK */
const ETHERNET = 1;
const LOOPBACK = 772;
/** IFF_BROADCAST, IFF_NOARP */
const BROADCAST = 0x2;
const NO_ARP = 0x80;
/** IF_OPER_* */
const operational = { unknown: 0, down: 2, up: 6 } as const;
/** IN6_ADDR_GEN_MODE_* */
const addressGenerations = ["eui64", "none", "stable-privacy", "random"] as const;
/** Kinds that know when they carry something; the others only know that they are up. */
const detecting = new Set(["veth", "bridge", "macvlan"]);

export function encodeLink(link: LinkState): Uint8Array {
  const { index, kind, mac, name, mtu, master, transmitQueueLength, alias, group } = link;
  return linkMessage.encode({
    header: { type: kind === undefined ? LOOPBACK : ETHERNET, index, flags: flagsOf(link) },
    attributes: {
      name,
      transmitQueueLength,
      state: stateOf(link),
      mtu,
      group,
      master: master?.index,
      alias,
      mac: mac.bytes(),
      ...(kind === undefined ? {} : { info: infoOf(link) }),
      ...otherEnd(link),
      ...(hasIpv6(link)
        ? { families: { v6: { addressGeneration: addressGenerations.indexOf(link.addressGeneration) } } }
        : {}),
    },
  });
}

function flagsOf({ kind, up, carrierSince }: LinkState): number {
  const kindFlags = kind === undefined ? linkFlag.loopback : BROADCAST | (kind === "ifb" ? NO_ARP : linkFlag.multicast);
  const carrier = carrierSince === undefined ? 0 : linkFlag.running | linkFlag.lowerUp;
  return kindFlags | (up ? linkFlag.up : 0) | carrier;
}

function stateOf({ kind, up, carrierSince }: LinkState): number {
  if (!up) return operational.down;
  if (kind === undefined || !detecting.has(kind)) return operational.unknown;
  return carrierSince === undefined ? operational.down : operational.up;
}

function infoOf(link: LinkState) {
  return {
    ...present("kind", link.kind),
    ...present("data", dataOf(link)),
    ...(link.port === undefined ? {} : { portKind: "bridge", portData: encodeBridgePort(link.port) }),
  };
}

function dataOf({ bridge, macvlan, vxlan }: LinkState): Uint8Array | undefined {
  if (bridge !== undefined) return encodeBridge(bridge);
  if (macvlan !== undefined) return encodeMacvlan(macvlan);
  return vxlan && encodeVxlan(vxlan);
}

function otherEnd({ namespace, kind, peer, lower }: LinkState) {
  const end = peer ?? (kind === "macvlan" ? lower : undefined);
  if (end === undefined) return {};
  const elsewhere = end.namespace === namespace ? {} : { linkNamespace: idOf(namespace, end.namespace) };
  return { ...elsewhere, link: end.index };
}
