// The bytes of messages about links: struct ifinfomsg and the IFLA_ attributes. link.ts gives them their meaning.
// include/uapi/linux/if_link.h
import { attributes, headed } from "./attributes.ts";
import { bytes, codec, cstring, i32, struct, u8, u16, u32 } from "./codec.ts";
import { text } from "./values.ts";

/** Attributes that were encoded before, as their table depends on the kind. */
const nested = codec(bytes.write, bytes.read, true);

/** struct ifinfomsg */
const header = struct({ family: u8, type: u16, index: i32, flags: u32, change: u32 });

/** IFLA_LINKINFO */
const info = attributes({
  kind: [1, text], // IFLA_INFO_KIND
  data: [2, nested], // IFLA_INFO_DATA
  portKind: [4, text], // IFLA_INFO_SLAVE_KIND
  portData: [5, nested], // IFLA_INFO_SLAVE_DATA
});

/** IFLA_AF_SPEC, by family; IFLA_INET6_ADDR_GEN_MODE in the one of IPv6. */
const families = attributes({ v6: [10, attributes({ addressGeneration: [8, u8] })] });

export const linkMessage = headed(
  header,
  attributes({
    mac: [1, bytes], // IFLA_ADDRESS; of another length on links that are no Ethernet
    name: [3, cstring], // IFLA_IFNAME
    mtu: [4, u32], // IFLA_MTU
    link: [5, u32], // IFLA_LINK
    master: [10, u32], // IFLA_MASTER
    transmitQueueLength: [13, u32], // IFLA_TXQLEN
    state: [16, u8], // IFLA_OPERSTATE
    info: [18, info],
    alias: [20, text], // IFLA_IFALIAS
    families: [26, families],
    group: [27, u32], // IFLA_GROUP
    namespaceFd: [28, u32], // IFLA_NET_NS_FD
    detail: [29, u32], // IFLA_EXT_MASK
    transmitQueues: [31, u32], // IFLA_NUM_TX_QUEUES
    receiveQueues: [32, u32], // IFLA_NUM_RX_QUEUES
    linkNamespace: [37, i32], // IFLA_LINK_NETNSID
    namespaceId: [46, i32], // IFLA_TARGET_NETNSID
  }),
);

/** RTM_NEWLINK and its like. RTM_SETLINK is left out: RTM_NEWLINK without NLM_F_CREATE does what it does and more. */
export const linkType = { new: 16, delete: 17, get: 18 } as const;

/** IFF_* of include/uapi/linux/if.h */
export const linkFlag = { up: 0x1, loopback: 0x8, running: 0x40, multicast: 0x1000, lowerUp: 0x10000 } as const;

/** RTEXT_FILTER_SKIP_STATS: a quarter less to read per link. */
export const withoutStatistics = 8;
