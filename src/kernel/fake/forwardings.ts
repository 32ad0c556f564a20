// Forwarding entries of bridges and VXLAN links in the fake kernel. net/core/rtnetlink.c (rtnl_fdb_add), net/bridge/br_fdb.c and
// drivers/net/vxlan/vxlan_core.c
import type { Mac } from "../../ip/mac.ts";
import type { Forwarding } from "../../netlink/forwarding.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import { neighborFlag, neighborMessage, neighborType } from "../../netlink/neighbor.ts";
import { bridgeFamily, macOf, present } from "../../netlink/values.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { type LinkState, type NamespaceState, portsOf } from "./state.ts";

/** NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT */
const state = { reachable: 0x2, noArp: 0x40, permanent: 0x80 } as const;
const everyone = new Uint8Array(6);

export function addForwarding(namespace: NamespaceState, { body, flags }: Message): void {
  const { header, attributes } = neighborMessage.decode(body);
  const link = namespace.links.get(header.link) ?? refuse("ENODEV", "unknown ifindex");
  const mac = macOf(attributes.mac) ?? refuse("EINVAL", "invalid address");
  if (link.kind === undefined) refuse("EINVAL", "FDB add only supported for Ethernet devices");
  const entry: Forwarding = {
    link: link.index,
    mac: mac.isZero ? "everyone" : mac,
    ...placeOf(link, header.flags, attributes.address),
    local: false,
    static: true,
    learned: false,
  };
  if (entry.master !== undefined && mac.isZero) refuse("EINVAL");
  const append = (flags & messageFlag.append) !== 0;
  const there = namespace.forwardings.filter((one) => hasKeyOf(one, entry) && (!append || sameRemote(one, entry)));
  if (there.length > 0 && (flags & messageFlag.exclusive) !== 0) refuse("EEXIST");
  namespace.forwardings = namespace.forwardings.filter((one) => !there.includes(one));
  namespace.forwardings.push(entry);
  notify(namespace, notifyGroup.neighbor, { type: neighborType.new, body: encode(entry) });
}

export function removeForwarding(namespace: NamespaceState, { body }: Message): void {
  const { header, attributes } = neighborMessage.decode(body);
  const link = namespace.links.get(header.link) ?? refuse("ENODEV", "unknown ifindex");
  const mac = macOf(attributes.mac) ?? refuse("EINVAL", "invalid address");
  const place = placeOf(link, header.flags, attributes.address);
  const wanted = { link: link.index, mac: mac.isZero ? ("everyone" as const) : mac, ...place };
  const there = namespace.forwardings.filter((one) => hasKeyOf(one, wanted));
  if (there.length === 0) refuse("ENOENT");
  // A VXLAN link that has the MAC but not with this remote end does not complain.
  const gone = there.filter((one) => wanted.remote === undefined || sameRemote(one, wanted));
  namespace.forwardings = namespace.forwardings.filter((one) => !gone.includes(one));
  for (const entry of gone) notify(namespace, notifyGroup.neighbor, { type: neighborType.delete, body: encode(entry) });
}

/** With the MACs of bridges and their ports themselves, which are theirs as long as they are. */
export function listForwardings(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { header, attributes } = neighborMessage.decode(body);
  const own = [...namespace.links.values()].flatMap(ownEntries);
  return [...own, ...namespace.forwardings]
    .filter(({ link, master }) => (header.link || link) === link && (attributes.master ?? master) === master)
    .map(encode);
}

function ownEntries(link: LinkState): Forwarding[] {
  const master = link.kind === "bridge" && portsOf(link).length > 0 ? link : link.master;
  if (master === undefined) return [];
  return [{ link: link.index, mac: link.mac, master: master.index, local: true, static: true, learned: false }];
}

function placeOf(link: LinkState, flags: number, remote: Forwarding["remote"]): Pick<Forwarding, "master" | "remote"> {
  if ((flags & neighborFlag.master) !== 0) return { master: link.master?.index ?? refuse("EOPNOTSUPP") };
  if (link.kind !== "vxlan") return refuse("EOPNOTSUPP");
  const family = link.vxlan?.local?.family ?? remote?.family;
  if (remote === undefined) return refuse("EINVAL");
  return remote.family === family ? { remote } : refuse("EAFNOSUPPORT");
}

type Key = Pick<Forwarding, "link" | "mac" | "master" | "remote">;

/** A bridge knows each MAC behind one port, a VXLAN link behind one remote end; only what is for everyone goes to several. */
function hasKeyOf(one: Key, other: Key): boolean {
  if (one.master !== other.master || !sameMac(one.mac, other.mac)) return false;
  return one.master !== undefined || one.link === other.link;
}

function sameMac(one: Mac | "everyone", other: Mac | "everyone"): boolean {
  return one === "everyone" || other === "everyone" ? one === other : one.equals(other);
}

function sameRemote({ remote }: Key, other: Key): boolean {
  return remote === undefined ? other.remote === undefined : other.remote !== undefined && remote.equals(other.remote);
}

function encode({ link, mac, master, remote, local }: Forwarding): Uint8Array {
  const permanent = local || remote !== undefined ? state.permanent : 0;
  return neighborMessage.encode({
    header: {
      family: bridgeFamily,
      link,
      state: permanent | (local ? 0 : state.noArp),
      flags: remote === undefined ? 0 : neighborFlag.self,
    },
    attributes: {
      mac: mac === "everyone" ? everyone : mac.bytes(),
      ...present("address", remote),
      ...present("master", master),
    },
  });
}
