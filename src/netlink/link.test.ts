import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import {
  changeLink,
  createLink,
  decodeLink,
  deleteLink,
  getLink,
  type Link,
  type LinkFilter,
  listLinks,
} from "./link.ts";
import type { Request } from "./request.ts";
import type { Namespace } from "./socket.ts";

const pod: Namespace = { fd: 4, path: "/run/netns/pod", [Symbol.dispose]() {} };

describe("requests are those of ip", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip link add mtu 1400 address 02:00:00:00:00:01 txqueuelen 500 name hx1 index 100 type veth peer mtu 1400 address 02:00:00:00:00:02 netns pod name eth0 index 200",
      createLink({
        kind: "veth",
        name: "hx1",
        index: 100,
        mac: Mac.parse("02:00:00:00:00:01"),
        mtu: 1400,
        transmitQueueLength: 500,
        peer: { name: "eth0", index: 200, mac: Mac.parse("02:00:00:00:00:02"), mtu: 1400, namespace: pod },
      }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      08 00 04 00  78 05 00 00  # IFLA_MTU 1400
      0a 00 01 00  02 00 00 00  00 01 00 00  # IFLA_ADDRESS 02:00:00:00:00:01
      08 00 0d 00  f4 01 00 00  # IFLA_TXQLEN 500
      08 00 03 00  68 78 31 00  # IFLA_IFNAME hx1
      4c 00 12 00  # IFLA_LINKINFO (nested)
        08 00 01 00  76 65 74 68  # IFLA_INFO_KIND veth
        40 00 02 00  # IFLA_INFO_DATA (nested)
          3c 00 01 00  # VETH_INFO_PEER
            00 00 00 00  c8 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
            08 00 04 00  78 05 00 00  # IFLA_MTU 1400
            0a 00 01 00  02 00 00 00  00 02 00 00  # IFLA_ADDRESS 02:00:00:00:00:02
            08 00 1c 00  04 00 00 00  # IFLA_NET_NS_FD 4
            09 00 03 00  65 74 68 30  00 00 00 00  # IFLA_IFNAME eth0`,
    ],
    [
      "ip link add address 02:00:00:00:00:03 name br0 index 4 type bridge forward_delay 0 ageing_time 20000 mcast_snooping 0 stp_state 0",
      createLink({
        kind: "bridge",
        name: "br0",
        index: 4,
        mac: Mac.parse("02:00:00:00:00:03"),
        forwardDelayMs: 0,
        ageingTimeMs: 200_000,
        multicastSnooping: false,
        spanningTree: false,
      }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  04 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      0a 00 01 00  02 00 00 00  00 03 00 00  # IFLA_ADDRESS 02:00:00:00:00:03
      08 00 03 00  62 72 30 00  # IFLA_IFNAME br0
      34 00 12 00  # IFLA_LINKINFO (nested)
        0a 00 01 00  62 72 69 64  67 65 00 00  # IFLA_INFO_KIND bridge
        24 00 02 00  # IFLA_INFO_DATA (nested)
          08 00 01 00  00 00 00 00  # IFLA_BR_FORWARD_DELAY 0
          08 00 04 00  20 4e 00 00  # IFLA_BR_AGEING_TIME 20000
          05 00 17 00  00 00 00 00  # IFLA_BR_MCAST_SNOOPING 0
          08 00 05 00  00 00 00 00  # IFLA_BR_STP_STATE 0`,
    ],
    [
      "ip link add link up0 address 02:00:00:00:00:04 netns pod name mv0 type macvlan mode bridge",
      createLink({
        kind: "macvlan",
        name: "mv0",
        mac: Mac.parse("02:00:00:00:00:04"),
        namespace: pod,
        link: 3,
        mode: "bridge",
      }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      0a 00 01 00  02 00 00 00  00 04 00 00  # IFLA_ADDRESS 02:00:00:00:00:04
      08 00 1c 00  04 00 00 00  # IFLA_NET_NS_FD 4
      08 00 05 00  03 00 00 00  # IFLA_LINK 3
      08 00 03 00  6d 76 30 00  # IFLA_IFNAME mv0
      1c 00 12 00  # IFLA_LINKINFO (nested)
        0b 00 01 00  6d 61 63 76  6c 61 6e 00  # IFLA_INFO_KIND macvlan
        0c 00 02 00  # IFLA_INFO_DATA (nested)
          08 00 01 00  04 00 00 00  # IFLA_MACVLAN_MODE 4`,
    ],
    [
      "ip link add name vx0 type vxlan id 42 local fd00::1 dstport 8472 nolearning dev hx1 ttl 64",
      createLink({
        kind: "vxlan",
        name: "vx0",
        id: 42,
        local: Address.parse("fd00::1"),
        port: 8472,
        learning: false,
        underlay: 100,
        ttl: 64,
      }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      08 00 03 00  76 78 30 00  # IFLA_IFNAME vx0
      50 00 12 00  # IFLA_LINKINFO (nested)
        09 00 01 00  76 78 6c 61  6e 00 00 00  # IFLA_INFO_KIND vxlan
        40 00 02 00  # IFLA_INFO_DATA (nested)
          08 00 03 00  64 00 00 00  # IFLA_VXLAN_LINK 100
          05 00 05 00  40 00 00 00  # IFLA_VXLAN_TTL 64
          08 00 01 00  2a 00 00 00  # IFLA_VXLAN_ID 42
          14 00 11 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFLA_VXLAN_LOCAL6 fd00::1
          05 00 07 00  00 00 00 00  # IFLA_VXLAN_LEARNING 0
          06 00 0f 00  21 18 00 00  # IFLA_VXLAN_PORT 8472`,
    ],
    [
      "ip link add name vx1 type vxlan id 43 local 10.0.0.1 dstport 4789 learning ttl inherit df set",
      createLink({
        kind: "vxlan",
        name: "vx1",
        id: 43,
        local: Address.parse("10.0.0.1"),
        port: 4789,
        learning: true,
        ttl: "inherit",
        doNotFragment: "set",
      }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      08 00 03 00  76 78 31 00  # IFLA_IFNAME vx1
      40 00 12 00  # IFLA_LINKINFO (nested)
        09 00 01 00  76 78 6c 61  6e 00 00 00  # IFLA_INFO_KIND vxlan
        30 00 02 00  # IFLA_INFO_DATA (nested)
          04 00 1c 00  # IFLA_VXLAN_TTL_INHERIT
          05 00 1d 00  01 00 00 00  # IFLA_VXLAN_DF 1
          08 00 01 00  2b 00 00 00  # IFLA_VXLAN_ID 43
          08 00 04 00  0a 00 00 01  # IFLA_VXLAN_LOCAL 10.0.0.1
          05 00 07 00  01 00 00 00  # IFLA_VXLAN_LEARNING 1
          06 00 0f 00  12 b5 00 00  # IFLA_VXLAN_PORT 4789`,
    ],
    [
      "ip link add name ifb0 type ifb",
      createLink({ kind: "ifb", name: "ifb0" }),
      `
      10 00 05 06  # RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      09 00 03 00  69 66 62 30  00 00 00 00  # IFLA_IFNAME ifb0
      0c 00 12 00  # IFLA_LINKINFO (nested)
        07 00 01 00  69 66 62 00  # IFLA_INFO_KIND ifb`,
    ],
    [
      "ip link set dev hx1 name hx2 mtu 1300 txqueuelen 400 alias hextet x/y group 77 addrgenmode none master br0 up",
      changeLink(
        { index: 100 },
        {
          name: "hx2",
          mtu: 1300,
          transmitQueueLength: 400,
          alias: "hextet x/y",
          group: 77,
          addressGeneration: "none",
          master: 4,
          up: true,
        },
      ),
      `
      10 00 05 00  # RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  01 00 00 00  01 00 00 00  # struct ifinfomsg
      08 00 04 00  14 05 00 00  # IFLA_MTU 1300
      08 00 0d 00  90 01 00 00  # IFLA_TXQLEN 400
      0e 00 14 00  68 65 78 74  65 74 20 78  2f 79 00 00  # IFLA_IFALIAS hextet x/y
      08 00 1b 00  4d 00 00 00  # IFLA_GROUP 77
      10 00 1a 00  # IFLA_AF_SPEC (nested)
        0c 00 0a 00  # AF_INET6 (nested)
          05 00 08 00  01 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 1
      08 00 0a 00  04 00 00 00  # IFLA_MASTER 4
      08 00 03 00  68 78 32 00  # IFLA_IFNAME hx2`,
    ],
    [
      "ip link set dev hx2 type bridge_slave hairpin on isolated on learning off flood off neigh_suppress on",
      changeLink(
        { index: 100 },
        { port: { hairpin: true, isolated: true, learning: false, flood: false, neighborSuppression: true } },
      ),
      `
      10 00 05 00  # RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      3c 00 12 00  # IFLA_LINKINFO (nested)
        0a 00 04 00  62 72 69 64  67 65 00 00  # IFLA_INFO_SLAVE_KIND bridge; ip has IFLA_INFO_KIND bridge_slave here,
                                               # for which the kernel looks among its modules before it goes on without
        2c 00 05 00  # IFLA_INFO_SLAVE_DATA (nested)
          05 00 04 00  01 00 00 00  # IFLA_BRPORT_MODE 1
          05 00 21 00  01 00 00 00  # IFLA_BRPORT_ISOLATED 1
          05 00 08 00  00 00 00 00  # IFLA_BRPORT_LEARNING 0
          05 00 09 00  00 00 00 00  # IFLA_BRPORT_UNICAST_FLOOD 0
          05 00 20 00  01 00 00 00  # IFLA_BRPORT_NEIGH_SUPPRESS 1`,
    ],
    [
      "ip link set dev hx2 nomaster",
      changeLink({ index: 100 }, { master: "none" }),
      `
      10 00 05 00  # RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      08 00 0a 00  00 00 00 00  # IFLA_MASTER 0`,
    ],
    [
      "ip link set dev hx2 netns pod down",
      changeLink({ index: 100 }, { namespace: pod, up: false }),
      `
      10 00 05 00  # RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  64 00 00 00  00 00 00 00  01 00 00 00  # struct ifinfomsg
      08 00 1c 00  04 00 00 00  # IFLA_NET_NS_FD 4`,
    ],
    [
      "ip link del dev br0",
      deleteLink({ index: 4 }),
      `
      11 00 05 00  # RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  04 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg`,
    ],
    [
      "ip link del group 55",
      deleteLink({ group: 55 }),
      `
      11 00 05 00  # RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      08 00 1b 00  37 00 00 00  # IFLA_GROUP 55`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test("a link is got and links are listed without statistics", () => {
    expect(sent(getLink({ name: "hx1" }))).toEqual(
      captured(`
        12 00 05 00  # RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
        08 00 03 00  68 78 31 00  # IFLA_IFNAME hx1, with a zero byte where ip has padding
        08 00 1d 00  08 00 00 00  # IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS`),
    );
    expect(sent(listLinks({ kind: "veth", master: 4, group: 7 }), "dump")).toEqual(
      captured(`
        12 00 01 03  # RTM_GETLINK, NLM_F_DUMP | NLM_F_REQUEST
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
        08 00 0a 00  04 00 00 00  # IFLA_MASTER 4
        0c 00 12 00  # IFLA_LINKINFO (nested)
          08 00 01 00  76 65 74 68  # IFLA_INFO_KIND veth
        08 00 1d 00  08 00 00 00  # IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS`),
    );
  });
});

// Answers of the kernel to `ip -d link show`, less the attributes that are not read.
const port = hex(`
    00 00 01 00  64 00 00 00  43 10 01 00  00 00 00 00  # struct ifinfomsg
    08 00 03 00  68 78 31 00  # IFLA_IFNAME hx1
    05 00 10 00  06 00 00 00  # IFLA_OPERSTATE 6
    08 00 04 00  78 05 00 00  # IFLA_MTU 1400
    08 00 1b 00  07 00 00 00  # IFLA_GROUP 7
    08 00 0a 00  04 00 00 00  # IFLA_MASTER 4
    14 00 14 00  68 65 78 74  65 74 20 6e  2f 63 2f 65  74 68 30 00  # IFLA_IFALIAS hextet n/c/eth0
    0a 00 01 00  02 00 00 00  00 01 00 00  # IFLA_ADDRESS 02:00:00:00:00:01
    48 00 12 00  # IFLA_LINKINFO
      09 00 01 00  76 65 74 68  00 00 00 00  # IFLA_INFO_KIND veth
      0b 00 04 00  62 72 69 64  67 65 00 00  # IFLA_INFO_SLAVE_KIND bridge
      2c 00 05 00  # IFLA_INFO_SLAVE_DATA
        05 00 04 00  00 00 00 00  # IFLA_BRPORT_MODE 0
        05 00 08 00  01 00 00 00  # IFLA_BRPORT_LEARNING 1
        05 00 09 00  01 00 00 00  # IFLA_BRPORT_UNICAST_FLOOD 1
        05 00 20 00  00 00 00 00  # IFLA_BRPORT_NEIGH_SUPPRESS 0
        05 00 21 00  00 00 00 00  # IFLA_BRPORT_ISOLATED 0
    08 00 25 00  00 00 00 00  # IFLA_LINK_NETNSID 0
    08 00 05 00  c8 00 00 00  # IFLA_LINK 200
    10 00 1a 00  # IFLA_AF_SPEC
      0c 00 0a 00  # AF_INET6
        05 00 08 00  01 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 1`);
const bridge = hex(`
    00 00 01 00  04 00 00 00  43 10 01 00  00 00 00 00  # struct ifinfomsg
    08 00 03 00  62 72 30 00  # IFLA_IFNAME br0
    05 00 10 00  06 00 00 00  # IFLA_OPERSTATE 6
    08 00 04 00  78 05 00 00  # IFLA_MTU 1400
    08 00 1b 00  00 00 00 00  # IFLA_GROUP 0
    0a 00 01 00  02 00 00 00  00 03 00 00  # IFLA_ADDRESS 02:00:00:00:00:03
    3c 00 12 00  # IFLA_LINKINFO
      0b 00 01 00  62 72 69 64  67 65 00 00  # IFLA_INFO_KIND bridge
      2c 00 02 00  # IFLA_INFO_DATA
        08 00 01 00  00 00 00 00  # IFLA_BR_FORWARD_DELAY 0
        08 00 04 00  30 75 00 00  # IFLA_BR_AGEING_TIME 30000
        08 00 05 00  00 00 00 00  # IFLA_BR_STP_STATE 0
        05 00 07 00  00 00 00 00  # IFLA_BR_VLAN_FILTERING 0
        05 00 17 00  00 00 00 00  # IFLA_BR_MCAST_SNOOPING 0
    10 00 1a 00  # IFLA_AF_SPEC
      0c 00 0a 00  # AF_INET6
        05 00 08 00  00 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 0`);
const vxlan = hex(`
    00 00 01 00  06 00 00 00  02 10 00 00  00 00 00 00  # struct ifinfomsg
    08 00 03 00  76 78 31 00  # IFLA_IFNAME vx1
    05 00 10 00  02 00 00 00  # IFLA_OPERSTATE 2
    08 00 04 00  dc 05 00 00  # IFLA_MTU 1500
    08 00 1b 00  00 00 00 00  # IFLA_GROUP 0
    0a 00 01 00  f6 bf 6c f2  ad 00 00 00  # IFLA_ADDRESS f6:bf:6c:f2:ad:00
    4c 00 12 00  # IFLA_LINKINFO
      0a 00 01 00  76 78 6c 61  6e 00 00 00  # IFLA_INFO_KIND vxlan
      3c 00 02 00  # IFLA_INFO_DATA
        08 00 01 00  2b 00 00 00  # IFLA_VXLAN_ID 43
        08 00 04 00  0a 00 00 01  # IFLA_VXLAN_LOCAL 10.0.0.1
        05 00 05 00  00 00 00 00  # IFLA_VXLAN_TTL 0
        05 00 1c 00  01 00 00 00  # IFLA_VXLAN_TTL_INHERIT 1
        05 00 1d 00  01 00 00 00  # IFLA_VXLAN_DF 1
        05 00 07 00  01 00 00 00  # IFLA_VXLAN_LEARNING 1
        06 00 0f 00  12 b5 00 00  # IFLA_VXLAN_PORT 4789
    10 00 1a 00  # IFLA_AF_SPEC
      0c 00 0a 00  # AF_INET6
        05 00 08 00  00 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 0`);
const macvlan = hex(`
    00 00 01 00  02 00 00 00  02 10 00 00  00 00 00 00  # struct ifinfomsg
    08 00 03 00  6d 76 30 00  # IFLA_IFNAME mv0
    05 00 10 00  02 00 00 00  # IFLA_OPERSTATE 2
    08 00 04 00  dc 05 00 00  # IFLA_MTU 1500
    08 00 1b 00  00 00 00 00  # IFLA_GROUP 0
    0a 00 01 00  02 00 00 00  00 04 00 00  # IFLA_ADDRESS 02:00:00:00:00:04
    1c 00 12 00  # IFLA_LINKINFO
      0c 00 01 00  6d 61 63 76  6c 61 6e 00  # IFLA_INFO_KIND macvlan
      0c 00 02 00  # IFLA_INFO_DATA
        08 00 01 00  04 00 00 00  # IFLA_MACVLAN_MODE 4
    08 00 25 00  00 00 00 00  # IFLA_LINK_NETNSID 0
    08 00 05 00  03 00 00 00  # IFLA_LINK 3
    10 00 1a 00  # IFLA_AF_SPEC
      0c 00 0a 00  # AF_INET6
        05 00 08 00  00 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 0`);
const loopback = hex(`
    00 00 04 03  01 00 00 00  49 00 01 00  00 00 00 00  # struct ifinfomsg
    07 00 03 00  6c 6f 00 00  # IFLA_IFNAME lo
    05 00 10 00  00 00 00 00  # IFLA_OPERSTATE 0
    08 00 04 00  00 00 01 00  # IFLA_MTU 65536
    08 00 1b 00  00 00 00 00  # IFLA_GROUP 0
    0a 00 01 00  00 00 00 00  00 00 00 00  # IFLA_ADDRESS 00:00:00:00:00:00
    10 00 1a 00  # IFLA_AF_SPEC
      0c 00 0a 00  # AF_INET6
        05 00 08 00  00 00 00 00  # IFLA_INET6_ADDR_GEN_MODE 0`);

const vethPort: Link = {
  index: 100,
  name: "hx1",
  kind: "veth",
  mac: Mac.parse("02:00:00:00:00:01"),
  mtu: 1400,
  alias: "hextet n/c/eth0",
  group: 7,
  master: 4,
  link: 200,
  linkNamespace: 0,
  up: true,
  carrier: true,
  loopback: false,
  state: "up",
  addressGeneration: "none",
  port: { hairpin: false, isolated: false, learning: true, flood: true, neighborSuppression: false },
};

describe("decodeLink", () => {
  test.for<[what: string, body: Uint8Array, link: Link]>([
    ["a veth that is a port of a bridge", port, vethPort],
    [
      "a bridge",
      bridge,
      {
        index: 4,
        name: "br0",
        kind: "bridge",
        mac: Mac.parse("02:00:00:00:00:03"),
        mtu: 1400,
        group: 0,
        up: true,
        carrier: true,
        loopback: false,
        state: "up",
        addressGeneration: "eui64",
        bridge: {
          forwardDelayMs: 0,
          ageingTimeMs: 300_000,
          multicastSnooping: false,
          spanningTree: false,
          vlanFiltering: false,
        },
      },
    ],
    [
      "a VXLAN link",
      vxlan,
      {
        index: 6,
        name: "vx1",
        kind: "vxlan",
        mac: Mac.parse("f6:bf:6c:f2:ad:00"),
        mtu: 1500,
        group: 0,
        up: false,
        carrier: false,
        loopback: false,
        state: "down",
        addressGeneration: "eui64",
        vxlan: {
          id: 43,
          port: 4789,
          learning: true,
          local: Address.parse("10.0.0.1"),
          ttl: "inherit",
          doNotFragment: "set",
        },
      },
    ],
    [
      "a macvlan over a link of another namespace",
      macvlan,
      {
        index: 2,
        name: "mv0",
        kind: "macvlan",
        mac: Mac.parse("02:00:00:00:00:04"),
        mtu: 1500,
        group: 0,
        link: 3,
        linkNamespace: 0,
        up: false,
        carrier: false,
        loopback: false,
        state: "down",
        addressGeneration: "eui64",
        macvlan: { mode: "bridge" },
      },
    ],
    [
      "the loopback interface",
      loopback,
      {
        index: 1,
        name: "lo",
        mac: Mac.parse("00:00:00:00:00:00"),
        mtu: 65536,
        group: 0,
        up: true,
        carrier: true,
        loopback: true,
        state: "unknown",
        addressGeneration: "eui64",
      },
    ],
  ])("%s is read", ([, body, link]) => {
    expect(decodeLink(body)).toEqual(link);
  });
});

describe("listLinks", () => {
  test.for<[filter: LinkFilter, fits: boolean]>([
    [{}, true],
    [{ kind: "veth" }, true],
    [{ kind: "bridge" }, false],
    [{ master: 4 }, true],
    [{ master: 5 }, false],
    [{ group: 7 }, true],
    [{ group: 8 }, false],
    [{ kind: "veth", master: 4, group: 8 }, false],
  ])("filter %j, tried on a veth of group 7 at bridge 4: %j", ([filter, fits]) => {
    expect(listLinks(filter).decode(port)).toEqual(fits ? vethPort : undefined);
  });
});

describe("what it says after Cannot", () => {
  test.for<[operation: string, request: Request]>([
    [
      "create veth link hx1 with peer eth0 in /run/netns/pod",
      createLink({ kind: "veth", name: "hx1", peer: { name: "eth0", namespace: pod } }),
    ],
    [
      "create macvlan link eth0 in /run/netns/pod",
      createLink({ kind: "macvlan", name: "eth0", namespace: pod, link: 3, mode: "private" }),
    ],
    [
      'set alias "hextet x", address generation none, up on link hx1',
      changeLink({ name: "hx1" }, { alias: "hextet x", addressGeneration: "none", up: true }),
    ],
    [
      "set name eth1, namespace /run/netns/pod, down on link 5",
      changeLink({ index: 5 }, { name: "eth1", namespace: pod, up: false }),
    ],
    ['set port {"hairpin":true} on link 5', changeLink({ index: 5 }, { port: { hairpin: true } })],
    ["set nothing on link 5", changeLink({ index: 5 }, {})],
    ["delete link hx1", deleteLink({ name: "hx1" })],
    ["delete link 5", deleteLink({ index: 5 })],
    ["delete links of group 55", deleteLink({ group: 55 })],
    ["get link hx1", getLink({ name: "hx1" })],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});
