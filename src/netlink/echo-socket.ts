// Sockets for ICMP echo: one that asks and takes the answers to it, one that only takes what others ask this host. They are raw sockets
// (raw(7), RFC 3542), so that no port is open, and what arrives has passed the packet filter. echo-message.ts knows the bytes.
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { Address, type Family } from "../ip/address.ts";
import { addon } from "./addon/addon.ts";
import { decodeAnswer, type EchoAnswer, type EchoMark, echoTypes, encodeEcho } from "./echo-message.ts";
import { checked } from "./kernel-error.ts";
import type { Namespace } from "./socket.ts";
import { littleEndian, viewOf } from "./wire.ts";

const { EAGAIN } = constants.errno;

/** include/linux/socket.h, include/uapi/linux/in.h, include/uapi/linux/icmp.h and icmpv6.h */
const AF = { v4: 2, v6: 10 } as const;
const PROTOCOL = { v4: 1, v6: 58 } as const;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMP6_FILTER = 1;

/** A sockaddr before each packet, as the addon has it: its address begins here. */
const SOCKADDR_SIZE = 28;
const addressAt = { v4: 4, v6: 8 } as const;

/** One for all sockets, as receiving is synchronous. More than an error quotes matters to nobody here. */
const received = new Uint8Array(SOCKADDR_SIZE + 2048);
/** After so many packets others have their turn. */
const packetsPerTurn = 256;

export type Answered = EchoAnswer & { readonly from: Address };

export interface EchoAsker extends Disposable {
  /** A KernelError says why nothing could be sent. */
  ask(to: Address, mark: EchoMark): void;
}

export interface EchoHearer extends Disposable {
  /** Who has asked since the last time, each as often as it did; of more than a socket holds the latest are lost. */
  heard(): readonly Address[];
}

/** `onAnswer` gets every answer that comes to this host, to whoever asked. */
export function openEchoAsker(family: Family, onAnswer: (answer: Answered) => void, namespace?: Namespace): EchoAsker {
  const { reply, unreachable } = echoTypes[family];
  const fd = openFiltered(family, [reply, unreachable], namespace);
  const take = () => {
    for (const { from, packet } of packets(fd, family)) {
      const answer = decodeAnswer(family, packet);
      if (answer !== undefined) onAnswer({ ...answer, from });
    }
  };
  const handle = addon().watch(fd, take);
  if (typeof handle === "number") {
    closeSync(fd);
    checked(`watch answers of ${family}`, handle);
  }
  let isOpen = true;
  return {
    ask(to, mark) {
      checked(`ask ${to}`, addon().sendTo(fd, addressed(to, encodeEcho(family, mark))));
    },
    [Symbol.dispose]() {
      if (isOpen) addon().unwatch(handle);
      isOpen = false;
    },
  };
}

/** Nobody is woken by what others send: it waits in the kernel until it is looked for. */
export function openEchoHearer(family: Family, namespace?: Namespace): EchoHearer {
  const fd = openFiltered(family, [echoTypes[family].request], namespace);
  let isOpen = true;
  return {
    heard: () => packets(fd, family).map(({ from }) => from),
    [Symbol.dispose]() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function packets(fd: number, family: Family): { readonly from: Address; readonly packet: Uint8Array }[] {
  const taken: { from: Address; packet: Uint8Array }[] = [];
  while (taken.length < packetsPerTurn) {
    const length = addon().receiveFrom(fd, received);
    if (length === -EAGAIN) break;
    checked(`receive echoes of ${family}`, length);
    const start = addressAt[family];
    const from = Address.fromBytes(received.slice(start, start + (family === "v4" ? 4 : 16)));
    taken.push({ from, packet: received.slice(SOCKADDR_SIZE, SOCKADDR_SIZE + length) });
  }
  return taken;
}

function addressed(to: Address, message: Uint8Array): Uint8Array {
  const packet = new Uint8Array(SOCKADDR_SIZE + message.length);
  viewOf(packet).setUint16(0, AF[to.family], littleEndian);
  packet.set(to.bytes(), addressAt[to.family]);
  packet.set(message, SOCKADDR_SIZE);
  return packet;
}

function openFiltered(family: Family, types: readonly number[], namespace?: Namespace): number {
  const where = namespace === undefined ? "" : ` in network namespace ${namespace.path}`;
  const operation = `open a raw socket for ICMP of ${family}${where}`;
  const fd = checked(operation, addon().openSocket(namespace?.fd ?? -1, PROTOCOL[family], AF[family]));
  const filter = filterOf(family, types);
  const set =
    family === "v4"
      ? addon().setBytes(fd, SOL_RAW, ICMP_FILTER, filter)
      : addon().setBytes(fd, PROTOCOL.v6, ICMP6_FILTER, filter);
  if (set < 0) closeSync(fd);
  checked(operation, set);
  return fd;
}

/** A bit for each type that is kept away: 32 of them in IPv4, 256 in IPv6. */
function filterOf(family: Family, types: readonly number[]): Uint8Array {
  const words = new Uint32Array(family === "v4" ? 1 : 8).fill(0xffff_ffff);
  for (const type of types) {
    const at = type >> 5;
    words[at] = (words[at] ?? 0) & ~(1 << (type & 31));
  }
  return new Uint8Array(words.buffer);
}
