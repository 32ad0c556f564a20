import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { Host } from "./host.ts";
import { address, ipv6On, link, route } from "./sample-host.ts";
import { findUplinks, type Ipv6State, onLinkOf, type UplinkChoice } from "./uplink.ts";

const default6 = (index: number, more = {}) =>
  route("::/0", { via: "fe80::1", link: index, protocol: 9, priority: 1024, ...more });
const default4 = (index: number, more = {}) =>
  route("0.0.0.0/0", { via: "192.0.2.1", link: index, protocol: 4, ...more });
const lo = link(1, "lo");
const both = [Prefix.parse("fd00:1::/64"), Prefix.parse("10.1.0.0/24")];

function found(host: Partial<Host>, choice: Partial<UplinkChoice> = {}, ipv6: Ipv6State = ipv6On()) {
  const whole = { links: [], addresses: [], routes: [], ...host };
  return findUplinks(whole, { uplink: "auto", prefixes: both, ...choice }, () => ipv6);
}

const names = ({ links }: { links: readonly { name: string }[] }) => links.map(({ name }) => name);

describe("findUplinks()", () => {
  const links = [lo, link(2, "eth0"), link(3, "eth1")];

  test.for([
    ["IPv4-only", [default4(3)], ["eth1"]],
    ["IPv6-only", [default6(2)], ["eth0"]],
    ["dual-stack on one link", [default4(2), default6(2)], ["eth0"]],
    ["dual-stack on two links, that of IPv6 first", [default4(3), default6(2)], ["eth0", "eth1"]],
  ] as const)("%s: takes the links of the default routes", ([, routes, expected]) => {
    const uplinks = found({ links, routes });
    expect(names(uplinks)).toEqual(expected);
    expect(uplinks.faults).toEqual([]);
  });

  test("of two default routes the one of lower metric comes first, and a fault says that there are two", () => {
    const uplinks = found({ links, routes: [default6(2, { priority: 2048 }), default6(3, { priority: 1024 })] });
    expect(names(uplinks)).toEqual(["eth1", "eth0"]);
    expect(uplinks.faults).toEqual([
      {
        code: "several-uplinks",
        message:
          "eth1 and eth0 have a default route of IPv6 each; other nodes are looked for on all of them, eth1 first; " +
          "if only one leads to them, name it in uplink",
      },
    ]);
  });

  test("one default route over two links is two uplinks and no fault", () => {
    const gateway = Address.parse("fe80::1");
    const paths = [2, 3].map((index) => ({ kind: "gateway", gateway, link: index }) as const);
    const uplinks = found({ links, routes: [{ ...default6(2), nextHop: { kind: "multipath", paths } }] });
    expect(names(uplinks)).toEqual(["eth0", "eth1"]);
    expect(uplinks.faults).toEqual([]);
  });

  test("a default route that is unreachable leads nowhere", () => {
    const uplinks = found({ links, routes: [{ ...default6(2), nextHop: { kind: "unreachable", link: 1 } }] });
    expect(names(uplinks)).toEqual([]);
  });

  test("without any default route a fault names the links to choose from", () => {
    const ours = [link(7, "hx0123456789abc", { alias: "hextet pods/1/eth0" })];
    expect(found({ links: [...links, ...ours] })).toEqual({
      links: [],
      faults: [
        {
          code: "no-uplink",
          message:
            "No interface is known to lead to other nodes, as there is no default route of IPv6 or IPv4; " +
            "name it in uplink, one of eth0, eth1",
        },
      ],
    });
  });

  test("takes the links that were named, in their order, and says which is not there", () => {
    const uplinks = found({ links, routes: [default6(2)] }, { uplink: ["eth1", "eth7", "eth0"] });
    expect(names(uplinks)).toEqual(["eth1", "eth0"]);
    expect(uplinks.faults.map(({ message }) => message)).toEqual([
      "uplink names eth7, which this node does not have; name one of eth0, eth1, or write auto",
    ]);
  });

  test("knows addresses, prefixes on the link and whether routers advertised the default route", () => {
    const uplinks = found({
      links,
      addresses: [
        address(2, "2001:db8::a/64"),
        address(2, "2001:db8::b/64", { tentative: true }),
        address(2, "2001:db8::c/64", { duplicate: true, tentative: true }),
        address(2, "2001:db8:9::9/128"),
        address(2, "fe80::a/64", { scope: 253 }),
        address(3, "192.0.2.10/24"),
      ],
      routes: [
        default6(2),
        default4(3),
        route("2001:db8::/64", { link: 2, protocol: 2 }),
        route("2001:db8:9::9/128", { link: 2, protocol: 2 }),
        route("2001:db8:1::/48", { via: "fe80::1", link: 2 }),
        route("fe80::/64", { link: 2, protocol: 2 }),
        route("192.0.2.0/24", { link: 3, protocol: 2 }),
        route("169.254.0.0/16", { link: 3, protocol: 2 }),
      ],
    });
    expect(JSON.parse(JSON.stringify(uplinks.links))).toEqual([
      {
        index: 2,
        name: "eth0",
        mac: "02:00:00:00:00:02",
        mtu: 1500,
        addresses: ["2001:db8::a/64", "2001:db8:9::9/128"],
        onLink: ["2001:db8::/64"],
        defaults: [{ family: "v6", link: 2, priority: 1024, advertised: true }],
      },
      {
        index: 3,
        name: "eth1",
        mac: "02:00:00:00:00:03",
        mtu: 1500,
        addresses: ["192.0.2.10/24"],
        onLink: ["192.0.2.0/24"],
        defaults: [{ family: "v4", link: 3, priority: 0, advertised: false }],
      },
    ]);
  });

  test.for([
    ["the link's", {}, 1500, 1500],
    ["a router's advertisement", {}, 1400, 1400],
    ["the default route", { mtu: 1350 }, 1400, 1350],
  ] as const)("the MTU is the least of what is said, here by %s", ([, more, advertised, mtu]) => {
    const uplinks = found({ links, routes: [default6(2, more)] }, {}, ipv6On(advertised));
    expect(uplinks.links[0]?.mtu).toBe(mtu);
  });

  test.for<[name: string, state: { up: boolean; carrier: boolean }, message: string | undefined]>([
    [
      "is switched off",
      { up: false, carrier: false },
      "switched off, so no other node is reached; switch it on: ip link set eth0 up",
    ],
    [
      "has no carrier",
      { up: true, carrier: false },
      "no carrier, so no other node is reached; look at its cable, or at",
    ],
    ["is up", { up: true, carrier: true }, undefined],
  ])("an uplink that %s is told, with what to do, where it is the only one", ([, state, message]) => {
    const eth0 = link(2, "eth0", state);
    const alone = found({ links: [eth0] }, { uplink: ["eth0"] });
    expect(alone.faults).toEqual(
      message === undefined ? [] : [{ code: "uplink-down", message: expect.stringContaining(message) }],
    );
    expect(found({ links: [eth0, link(3, "eth1")] }, { uplink: ["eth0", "eth1"] }).faults).toEqual([]);
  });

  test.for([
    ["IPv4-only", "disabled", both.slice(1), undefined],
    [
      "IPv6-only",
      "disabled",
      both.slice(0, 1),
      "IPv6 is switched off on uplink eth0, and this node has the prefix fd00:1::/64; " +
        "switch it on: sysctl -w net/ipv6/conf/eth0/disable_ipv6=0",
    ],
    [
      "dual-stack",
      "absent",
      both,
      "The kernel has no IPv6, and this node has the prefix fd00:1::/64; start it without ipv6.disable=1, " +
        "or give the node prefixes of IPv4 only",
    ],
  ] as const)("%s: IPv6 that is %s is a fault where it is needed", ([, state, prefixes, message]) => {
    const { faults } = found({ links, routes: [default4(2)] }, { prefixes }, { state });
    expect(faults).toEqual(message === undefined ? [] : [{ code: `ipv6-${state}`, message }]);
  });
});

test.for([
  ["2001:db8::5", "eth0"],
  ["2001:db8::1:5", "eth1"],
  ["2001:db9::5", undefined],
  ["192.0.2.5", "eth0"],
  ["192.0.3.5", undefined],
] as const)("%s is on the link of %s, by the longest prefix", ([text, name]) => {
  const { links } = found({
    links: [lo, link(2, "eth0"), link(3, "eth1")],
    routes: [
      default6(2),
      default6(3),
      route("2001:db8::/32", { link: 2 }),
      route("2001:db8::1:0/112", { link: 3 }),
      route("192.0.2.0/24", { link: 2 }),
    ],
  });
  expect(onLinkOf(links, Address.parse(text))?.name).toBe(name);
});
