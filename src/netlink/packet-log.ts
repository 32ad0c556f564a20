// Packets that rules of the packet filter log to a group (`log group 7` of nft, NFLOG of iptables): a socket is bound to the group in
// its namespace and told of them from then on. What is in a packet is for others to read. include/uapi/linux/netfilter/nfnetlink_log.h
import { constants } from "node:os";
import type { Family } from "../ip/address.ts";
import { attributes, headed } from "./attributes.ts";
import { be16, be32, bytes, codec, cstring, u8 } from "./codec.ts";
import { Connection } from "./connection.ts";
import { KernelError } from "./kernel-error.ts";
import { ifUnderstood, readMessages } from "./message.ts";
import { netfilterHeader, netfilterType } from "./netfilter-message.ts";
import type { Request } from "./request.ts";
import type { NetlinkSocket } from "./socket.ts";
import { familyOf, present } from "./values.ts";

export interface LoggedPacket {
  readonly family: Family;
  /** What the rule says: at most 127 bytes with nft, 63 with iptables. */
  readonly prefix: string;
  /** The index of the link it came by; absent where the node itself sent it. */
  readonly inLink?: number;
  /** The index of the link it was to leave by; absent where it came for the node itself, and before routing. */
  readonly outLink?: number;
  /** Absent where it is 0. */
  readonly mark?: number;
  /** Its beginning, from the IP header on. */
  readonly payload: Uint8Array;
}

export interface PacketLogOptions {
  /** 0 to 65535. One socket of a namespace can have it. */
  readonly group: number;
  /** So much of a packet is copied, less where the rule says so. */
  readonly copyBytes?: number;
  /** The kernel collects packets for so long, in steps of 10 ms, unless a hundred come before. */
  readonly delayMs?: number;
}

export interface PacketListener {
  onPacket(packet: LoggedPacket): void;
  /** So many were logged since the last that was told, and could not be kept. */
  onLost(count: number): void;
  /** The log is over. */
  onError(error: Error): void;
}

/** IPv6 with several extension headers and the ports behind them. */
const DEFAULT_COPY_BYTES = 128;
const DEFAULT_DELAY_MS = 100;

/** NFULNL_MSG_PACKET, NFULNL_MSG_CONFIG */
export const logType = { packet: netfilterType("log", 0), configure: netfilterType("log", 1) } as const;
/** NFULNL_CFG_CMD_BIND */
const BIND = 1;
/** NFULNL_COPY_PACKET */
const COPY_PACKET = 2;
/** NFULNL_CFG_F_SEQ: packets are numbered from 0, so that those that are missing can be counted. */
const NUMBERED = 1;

/** struct nfulnl_msg_config_mode, which is packed. */
const copyMode = codec<{ readonly bytes: number; readonly mode: number }>(
  (out, { bytes, mode }) => {
    be32.write(out, bytes);
    be16.write(out, mode << 8);
  },
  (view, start) => ({ bytes: view.getUint32(start), mode: view.getUint8(start + 4) }),
);

/** struct nfgenmsg, whose resource is the group, and NFULA_CFG_* */
export const logConfiguration = headed(
  netfilterHeader,
  attributes({
    command: [1, u8], // NFULA_CFG_CMD
    copy: [2, copyMode], // NFULA_CFG_MODE
    delay: [4, be32], // NFULA_CFG_TIMEOUT, in hundredths of a second
    flags: [6, be16], // NFULA_CFG_FLAGS
  }),
);

/** struct nfgenmsg and NFULA_* */
export const logMessage = headed(
  netfilterHeader,
  attributes({
    mark: [2, be32], // NFULA_MARK
    inLink: [4, be32], // NFULA_IFINDEX_INDEV
    outLink: [5, be32], // NFULA_IFINDEX_OUTDEV
    payload: [9, bytes], // NFULA_PAYLOAD
    prefix: [10, cstring], // NFULA_PREFIX
    number: [12, be32], // NFULA_SEQ
  }),
);

/** Tells of packets until the socket is disposed; the socket, of the family netfilter, is then good for nothing else. */
export function watchPackets(socket: NetlinkSocket, options: PacketLogOptions, listener: PacketListener): void {
  bind(socket, options);
  // The group is no multicast group: its packets come to the bound socket alone.
  let next = 0;
  const take = (body: Uint8Array) => {
    const { packet, number } = decodePacket(body);
    const lost = (number - next) >>> 0;
    next = (number + 1) >>> 0;
    if (lost > 0) listener.onLost(lost);
    if (packet !== undefined) listener.onPacket(packet);
  };
  const takeAll = (datagram: Uint8Array) => {
    for (const { type, body } of readMessages(datagram)) if (type === logType.packet) take(body);
  };
  socket.watch(
    [],
    (datagram) => {
      // Nobody stands behind an event to catch anything. The number of the next packet tells that those not understood were lost.
      ifUnderstood(() => takeAll(datagram));
    },
    (error) => {
      // Which packets were lost is in the number of the next one.
      if (!wasOverrun(error)) listener.onError(error);
    },
  );
}

/** Reads the body of an NFULNL_MSG_PACKET; there is no packet where it is none of IP. */
export function decodePacket(body: Uint8Array): { readonly packet?: LoggedPacket; readonly number: number } {
  const { header, attributes } = logMessage.decode(body);
  const { prefix = "", inLink, outLink, mark, payload, number = 0 } = attributes;
  const family = familyOf(header.family);
  if (family === undefined || payload === undefined) return { number };
  const links = { ...present("inLink", inLink), ...present("outLink", outLink) };
  return { number, packet: { family, prefix, ...links, ...present("mark", mark), payload } };
}

export function bindLog({
  group,
  copyBytes = DEFAULT_COPY_BYTES,
  delayMs = DEFAULT_DELAY_MS,
}: PacketLogOptions): Request {
  return {
    operation: `receive packets logged to group ${group}`,
    type: logType.configure,
    flags: 0,
    body: logConfiguration.encode({
      header: { resource: group },
      attributes: {
        command: BIND,
        copy: { bytes: copyBytes, mode: COPY_PACKET },
        delay: Math.ceil(delayMs / 10),
        flags: NUMBERED,
      },
    }),
  };
}

function bind(socket: NetlinkSocket, options: PacketLogOptions): void {
  const [failure] = new Connection(socket).attempt([bindLog(options)]);
  if (failure === undefined) return;
  const taken = ["EPERM", "EBUSY"].includes(failure.code);
  const detail = "another socket has this group, or CAP_NET_ADMIN is missing";
  throw taken ? new KernelError({ ...failure, detail }) : failure;
}

function wasOverrun(error: Error): boolean {
  const { ENOBUFS, EMSGSIZE } = constants.errno;
  return error instanceof KernelError && [ENOBUFS, EMSGSIZE].includes(error.errno);
}
