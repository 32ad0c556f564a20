import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { captured, sent } from "./captured.ts";
import type { Request } from "./request.ts";
import { addRoute, findRoute, listRoutes, removeRoute, replaceRoute } from "./route.ts";

describe("requests are those of ip", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip -6 route add fd01::/64 metric 100 via fd00::99 dev hx1 proto 72",
      addRoute({
        destination: Prefix.parse("fd01::/64"),
        priority: 100,
        nextHop: { kind: "gateway", gateway: Address.parse("fd00::99"), link: 100 },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 01 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd01::
      08 00 06 00  64 00 00 00  # RTA_PRIORITY 100
      14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 99  # RTA_GATEWAY fd00::99
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip -6 route replace fd02::/64 dev hx1 table 1000 src fd00::9 pref high mtu 1300 advmss 1200",
      replaceRoute({
        destination: Prefix.parse("fd02::/64"),
        nextHop: { kind: "link", link: 100 },
        table: 1000,
        source: Address.parse("fd00::9"),
        preference: "high",
        mtu: 1300,
        advmss: 1200,
      }),
      `
      18 00 05 05  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  00 03 00 01  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 02 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd02::
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000
      14 00 07 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09  # RTA_PREFSRC fd00::9
      05 00 14 00  01 00 00 00  # RTA_PREF 1
      08 00 04 00  64 00 00 00  # RTA_OIF 100
      14 00 08 00  # RTA_METRICS (nested)
        08 00 02 00  14 05 00 00  # RTAX_MTU 1300
        08 00 08 00  b0 04 00 00  # RTAX_ADVMSS 1200`,
    ],
    [
      "ip -6 route add fd03::/64 proto 72 nexthop via fd00::98 dev hx1 weight 2 nexthop via fd00::97 dev hx1",
      addRoute({
        destination: Prefix.parse("fd03::/64"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: Address.parse("fd00::98"), link: 100, weight: 2 },
            { kind: "gateway", gateway: Address.parse("fd00::97"), link: 100 },
          ],
        },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 03 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd03::
      3c 00 09 00  # RTA_MULTIPATH
        1c 00 00 01  64 00 00 00  # struct rtnexthop: 28 bytes, flags 0, weight 1+1, link 100
          14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 98  # RTA_GATEWAY fd00::98
        1c 00 00 00  64 00 00 00  # struct rtnexthop: 28 bytes, flags 0, weight 0+1, link 100
          14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 97  # RTA_GATEWAY fd00::97`,
    ],
    [
      "ip -6 route add default via fe80::1 dev hx1 proto 72, less the destination ::",
      addRoute({
        destination: Prefix.everything("v6"),
        nextHop: { kind: "gateway", gateway: Address.parse("fe80::1"), link: 100 },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 00 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      14 00 05 00  fe 80 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # RTA_GATEWAY fe80::1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip route add default via 169.254.1.1 dev hx1 onlink proto 72",
      addRoute({
        destination: Prefix.everything("v4"),
        nextHop: { kind: "gateway", gateway: Address.parse("169.254.1.1"), link: 100, onLink: true },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 00 00 00  fe 48 00 01  04 00 00 00  # struct rtmsg
      08 00 05 00  a9 fe 01 01  # RTA_GATEWAY 169.254.1.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip route add 10.3.0.0/24 metric 5 via 10.1.0.9 dev hx1 proto 72 mtu 1300",
      addRoute({
        destination: Prefix.parse("10.3.0.0/24"),
        priority: 5,
        nextHop: { kind: "gateway", gateway: Address.parse("10.1.0.9"), link: 100 },
        protocol: 72,
        mtu: 1300,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 03 00 00  # RTA_DST 10.3.0.0
      08 00 06 00  05 00 00 00  # RTA_PRIORITY 5
      08 00 05 00  0a 01 00 09  # RTA_GATEWAY 10.1.0.9
      08 00 04 00  64 00 00 00  # RTA_OIF 100
      0c 00 08 00  # RTA_METRICS (nested)
        08 00 02 00  14 05 00 00  # RTAX_MTU 1300`,
    ],
    [
      "ip route add 10.4.0.0/24 via inet6 fe80::1 dev hx1 proto 72",
      addRoute({
        destination: Prefix.parse("10.4.0.0/24"),
        nextHop: { kind: "gateway", gateway: Address.parse("fe80::1"), link: 100 },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 04 00 00  # RTA_DST 10.4.0.0
      16 00 12 00  0a 00 fe 80  00 00 00 00  00 00 00 00  00 00 00 00  00 01 00 00  # RTA_VIA fe80::1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip route add 10.5.0.0/24 proto 72 nexthop via 10.1.0.8 dev hx1 weight 2 nexthop via inet6 fe80::2 dev hx1 onlink",
      addRoute({
        destination: Prefix.parse("10.5.0.0/24"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: Address.parse("10.1.0.8"), link: 100, weight: 2 },
            { kind: "gateway", gateway: Address.parse("fe80::2"), link: 100, onLink: true },
          ],
        },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 05 00 00  # RTA_DST 10.5.0.0
      34 00 09 00  # RTA_MULTIPATH
        10 00 00 01  64 00 00 00  # struct rtnexthop: 16 bytes, flags 0, weight 1+1, link 100
          08 00 05 00  0a 01 00 08  # RTA_GATEWAY 10.1.0.8
        20 00 04 00  64 00 00 00  # struct rtnexthop: 32 bytes, flags 4, weight 0+1, link 100
          16 00 12 00  0a 00 fe 80  00 00 00 00  00 00 00 00  00 00 00 00  00 02 00 00  # RTA_VIA fe80::2; ip pads with what was there before`,
    ],
    [
      "ip route add 10.6.0.1/32 dev hx1 scope link src 10.1.0.1 proto 72",
      addRoute({
        destination: Prefix.parse("10.6.0.1/32"),
        nextHop: { kind: "link", link: 100 },
        source: Address.parse("10.1.0.1"),
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 20 00 00  fe 48 fd 01  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 06 00 01  # RTA_DST 10.6.0.1
      08 00 07 00  0a 01 00 01  # RTA_PREFSRC 10.1.0.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip route add blackhole 10.7.0.0/16 proto 72",
      addRoute({ destination: Prefix.parse("10.7.0.0/16"), nextHop: { kind: "blackhole" }, protocol: 72 }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 10 00 00  fe 48 00 06  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 07 00 00  # RTA_DST 10.7.0.0`,
    ],
    [
      "ip -6 route add unreachable fd07::/48 proto 72",
      addRoute({ destination: Prefix.parse("fd07::/48"), nextHop: { kind: "unreachable" }, protocol: 72 }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 30 00 00  fe 48 00 07  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 07 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd07::`,
    ],
    [
      "ip route add prohibit 10.8.0.0/16 table 1000 proto 72",
      addRoute({ destination: Prefix.parse("10.8.0.0/16"), nextHop: { kind: "prohibit" }, table: 1000, protocol: 72 }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 10 00 00  00 48 00 08  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 08 00 00  # RTA_DST 10.8.0.0
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000`,
    ],
    [
      "ip route add local 10.9.0.1/32 dev lo proto 72",
      addRoute({
        destination: Prefix.parse("10.9.0.1/32"),
        nextHop: { kind: "local", link: 1 },
        table: 255,
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 20 00 00  ff 48 fe 02  00 00 00 00  # struct rtmsg
      08 00 01 00  0a 09 00 01  # RTA_DST 10.9.0.1
      08 00 04 00  01 00 00 00  # RTA_OIF 1`,
    ],
    [
      "ip -6 route add fd08::/64 encap seg6 mode encap segs fd00::55,fd00::56 dev hx1 proto 72",
      addRoute({
        destination: Prefix.parse("fd08::/64"),
        nextHop: {
          kind: "link",
          link: 100,
          encapsulation: {
            kind: "seg6",
            mode: "encap",
            segments: [Address.parse("fd00::55"), Address.parse("fd00::56")],
          },
        },
        protocol: 72,
      }),
      `
      18 00 05 06  # RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 08 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd08::
      34 00 16 80  # RTA_ENCAP (nested)
        30 00 01 00  # SEG6_IPTUNNEL_SRH
          01 00 00 00  00 04 04 01  01 00 00 00  # mode encap; next header, length 4, type 4, segments left, last entry
          fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 56  # fd00::56, the last segment
          fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 55  # fd00::55
      06 00 15 00  05 00 00 00  # RTA_ENCAP_TYPE 5
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip route del 10.3.0.0/24 metric 5 via 10.1.0.9 dev hx1 proto 72",
      removeRoute({
        destination: Prefix.parse("10.3.0.0/24"),
        priority: 5,
        nextHop: { kind: "gateway", gateway: Address.parse("10.1.0.9"), link: 100 },
        protocol: 72,
      }),
      `
      19 00 05 00  # RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  fe 48 ff 01  00 00 00 00  # struct rtmsg; ip leaves the type open
      08 00 01 00  0a 03 00 00  # RTA_DST 10.3.0.0
      08 00 06 00  05 00 00 00  # RTA_PRIORITY 5
      08 00 05 00  0a 01 00 09  # RTA_GATEWAY 10.1.0.9
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip -6 route del fd01::/64 metric 100 via fd00::99 dev hx1 proto 72",
      removeRoute({
        destination: Prefix.parse("fd01::/64"),
        priority: 100,
        nextHop: { kind: "gateway", gateway: Address.parse("fd00::99"), link: 100 },
        protocol: 72,
      }),
      `
      19 00 05 00  # RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg; ip leaves the type open
      14 00 01 00  fd 01 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd01::
      08 00 06 00  64 00 00 00  # RTA_PRIORITY 100
      14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 99  # RTA_GATEWAY fd00::99
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "ip -6 route del fd02::/64 table 1000",
      removeRoute({ destination: Prefix.parse("fd02::/64"), table: 1000 }),
      `
      19 00 05 00  # RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  00 00 00 00  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 02 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd02::
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip route get fibmatch 10.4.0.7",
      findRoute(Address.parse("10.4.0.7")),
      `
      1a 00 05 00  # RTM_GETROUTE, NLM_F_REQUEST | NLM_F_ACK
      02 20 00 00  00 00 00 00  00 30 00 00  # struct rtmsg, RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH
      08 00 01 00  0a 04 00 07  # RTA_DST 10.4.0.7`,
    ],
    [
      "ip -6 route get fibmatch fd0a::7",
      findRoute(Address.parse("fd0a::7")),
      `
      1a 00 05 00  # RTM_GETROUTE, NLM_F_REQUEST | NLM_F_ACK
      0a 80 00 00  00 00 00 00  00 20 00 00  # struct rtmsg, RTM_F_FIB_MATCH
      14 00 01 00  fd 0a 00 00  00 00 00 00  00 00 00 00  00 00 00 07  # RTA_DST fd0a::7`,
    ],
  ])("%s, with an acknowledgement", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });
});

describe("listRoutes", () => {
  test.for<[what: string, request: Request, bytes: string]>([
    [
      "of both families is filtered by the kernel, the table too",
      listRoutes({ table: 1000, protocol: 72, link: 100 }),
      `
      1a 00 01 03  # RTM_GETROUTE, NLM_F_DUMP | NLM_F_REQUEST
      00 00 00 00  00 48 00 00  00 00 00 00  # struct rtmsg: protocol 72
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
    ],
    [
      "of one family leaves the table out, as one that is not there yet would be an error",
      listRoutes({ family: "v4", table: 1000, protocol: 72 }),
      `
      1a 00 01 03  # RTM_GETROUTE, NLM_F_DUMP | NLM_F_REQUEST
      02 00 00 00  00 48 00 00  00 00 00 00  # struct rtmsg: IPv4, protocol 72`,
    ],
  ])("a list %s", ([, request, bytes]) => {
    expect(sent(request, "dump")).toEqual(captured(bytes));
  });

  test("the table of one family's list is looked at here", () => {
    const { body } = addRoute({
      destination: Prefix.parse("fd00::/64"),
      nextHop: { kind: "link", link: 5 },
      table: 1000,
    });
    expect(listRoutes({ family: "v6", table: 1000 }).decode(body)?.table).toBe(1000);
    expect(listRoutes({ family: "v6", table: 254 }).decode(body)).toBeUndefined();
    expect(listRoutes({ family: "v6" }).decode(body)?.table).toBe(1000);
  });
});

describe("what it says after Cannot", () => {
  const destination = Prefix.parse("fd00::/64");
  test.for<[operation: string, request: Request]>([
    [
      "add route fd00::/64 via fe80::1 dev 3",
      addRoute({ destination, nextHop: { kind: "gateway", gateway: Address.parse("fe80::1"), link: 3 } }),
    ],
    [
      "replace route 10.0.0.0/8 via fe80::1 dev 3 onlink table 1000 metric 7",
      replaceRoute({
        destination: Prefix.parse("10.0.0.0/8"),
        nextHop: { kind: "gateway", gateway: Address.parse("fe80::1"), link: 3, onLink: true },
        table: 1000,
        priority: 7,
      }),
    ],
    [
      "add route fd00::/64 nexthop via fe80::1 dev 3 weight 2 nexthop dev 4 weight 1",
      addRoute({
        destination,
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: Address.parse("fe80::1"), link: 3, weight: 2 },
            { kind: "link", link: 4 },
          ],
        },
      }),
    ],
    ["add route fd00::/64 blackhole", addRoute({ destination, nextHop: { kind: "blackhole" } })],
    ["add route fd00::/64 local dev 1", addRoute({ destination, nextHop: { kind: "local", link: 1 } })],
    ["remove route fd00::/64", removeRoute({ destination, table: 254 })],
    ["remove route fd00::/64 metric 1024", removeRoute({ destination, priority: 1024 })],
    ["list routes", listRoutes()],
    ["find the route to fd00::7", findRoute(Address.parse("fd00::7"))],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});
