// Hosts for unit tests, as short as `ip` writes them: links, addresses and routes as the kernel would give them.
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import type { LinkAddress } from "../netlink/address.ts";
import type { Link } from "../netlink/link.ts";
import { mainTable, type Route } from "../netlink/route.ts";
import type { Ipv6State } from "./uplink.ts";

export const ipv6On = (mtu = 1500): Ipv6State => ({ state: "on", mtu });

export function link(index: number, name: string, more: Partial<Link> = {}): Link {
  return {
    index,
    name,
    mac: Mac.local(Uint8Array.of(0, 0, 0, 0, 0, index)),
    mtu: 1500,
    group: 0,
    up: true,
    carrier: true,
    loopback: name === "lo",
    state: "up",
    ...more,
  };
}

export function address(link: number, text: string, more: Partial<LinkAddress> = {}): LinkAddress {
  return {
    link,
    address: InterfaceAddress.parse(text),
    scope: 0,
    tentative: false,
    duplicate: false,
    permanent: true,
    temporary: false,
    managesTemporary: false,
    noPrefixRoute: false,
    ...more,
  };
}

/** `route("::/0", { via: "fe80::1", link: 2, protocol: 9 })`; without `via` the destination is on the link. */
export function route(
  destination: string,
  { via, link, ...more }: Partial<Route> & { readonly via?: string; readonly link?: number },
): Route {
  const hop = link === undefined ? {} : { link };
  const nextHop =
    via === undefined
      ? ({ kind: "link", link: link ?? 0 } as const)
      : ({ kind: "gateway", gateway: Address.parse(via), ...hop } as const);
  return { destination: Prefix.parse(destination), nextHop, table: mainTable, ...more };
}
