// A host of a test: a namespace that sends packets by hand on its one link, and knows which of those sent to it have come through its
// filter. Whether a packet was dropped is known without waiting: what no filter may drop is sent after it, and has arrived.
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import type { Address, Family } from "../../src/ip/address.ts";
import type { Mac } from "../../src/ip/mac.ts";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { type FrameSocket, openFrameSocket } from "../../src/netlink/native.ts";
import { frame, icmpPacket, ipPacket, joined, type Packet, protocols, u32 } from "./packets.ts";
import { RawSocket } from "./sockets.ts";

export interface Wire {
  readonly index: number;
  readonly mac: Mac;
  /** Of the host at the other end. */
  readonly peer: Mac;
}

export class Host implements Disposable {
  readonly name: string;
  readonly namespace: TestNamespace;
  readonly addresses: readonly Address[];
  readonly wire: Wire;
  readonly #sender: FrameSocket;
  readonly #sockets = new Map<string, RawSocket>();
  readonly #arrived = new Map<string, Uint8Array[]>();

  constructor(name: string, namespace: TestNamespace, at: { addresses: readonly Address[]; wire: Wire }) {
    this.name = name;
    this.namespace = namespace;
    this.addresses = at.addresses;
    this.wire = at.wire;
    this.#sender = openFrameSocket(at.wire.index, namespace);
  }

  /** Its first address of the family. */
  address(family: Family): Address {
    const found = this.addresses.find((address) => address.family === family);
    if (found === undefined) throw new RangeError(`${this.name} has no address of ${family}`);
    return found;
  }

  send(packet: Packet, hopLimit?: number): void {
    this.#sender.send(frame(ipPacket(packet, hopLimit), { from: this.wire.mac, to: this.wire.peer }));
  }

  /** As it is, with the header of Ethernet. */
  sendFrame(bytes: Uint8Array): void {
    this.#sender.send(bytes);
  }

  /** Begins to listen, with the first question about a protocol. */
  listen(family: Family, protocol: number): void {
    const key = `${family} ${protocol}`;
    if (!this.#sockets.has(key)) this.#sockets.set(key, new RawSocket(this.namespace, family, protocol));
  }

  /** With a port: whether what has the mark has also come to this port, whatever else is in it. */
  hasReceived(family: Family, protocol: number, mark: Uint8Array, port?: number): boolean {
    const key = `${family} ${protocol}`;
    const arrived = [...(this.#arrived.get(key) ?? []), ...(this.#sockets.get(key)?.take() ?? [])];
    this.#arrived.set(key, arrived.slice(-1000));
    return arrived.some(
      (message) => Buffer.from(message).includes(mark) && (port ?? portOf(message)) === portOf(message),
    );
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]();
    for (const socket of this.#sockets.values()) socket[Symbol.dispose]();
  }
}

export interface Probe {
  readonly from: Host;
  readonly at: Host;
  readonly packets: readonly Packet[];
  readonly protocol: number;
  /** Bytes by which the packet is known where it arrives. */
  readonly mark: Uint8Array;
  readonly hopLimit?: number;
  /** Where it is to have come to; any port where none is given. */
  readonly port?: number;
  readonly expected: boolean;
}

/** That it came to, of UDP, TCP and SCTP. */
function portOf(message: Uint8Array): number {
  return (message[2] ?? 0) * 256 + (message[3] ?? 0);
}

export interface ArrivalOptions {
  /** Nothing at all passes where others drop it: then what does not arrive is waited for, a little. */
  readonly followedUp?: boolean;
}

/** Sends them all, and tells of each whether it arrived. One that was expected to and has not is given some time. */
export async function arrivals(
  probes: readonly Probe[],
  { followedUp = true }: ArrivalOptions = {},
): Promise<boolean[]> {
  for (const { at, packets, protocol } of probes) {
    for (const { source } of packets) at.listen(source.family, protocol);
    for (const { source } of packets) at.listen(source.family, protocols.icmp[source.family]);
  }
  for (const { from, packets, hopLimit } of probes) for (const packet of packets) from.send(packet, hopLimit);
  await (followedUp ? Promise.all([...pathsOf(probes).values()].map(followUp)) : wait(unfollowedMs));
  const end = performance.now() + 2000;
  for (;;) {
    const arrived = probes.map(hasArrived);
    if (probes.every(({ expected }, at) => arrived[at] || !expected) || performance.now() > end) return arrived;
    await setImmediate();
  }
}

function hasArrived({ at, packets, protocol, mark, port }: Probe): boolean {
  return packets.some(({ source }) => at.hasReceived(source.family, protocol, mark, port));
}

interface Path {
  readonly from: Host;
  readonly at: Host;
  readonly family: Family;
}

function pathsOf(probes: readonly Probe[]): ReadonlyMap<string, Path> {
  const paths = probes.flatMap(({ from, at, packets }) =>
    packets.map(({ source: { family } }): [string, Path] => [
      `${from.name} ${at.name} ${family}`,
      { from, at, family },
    ]),
  );
  return new Map(paths);
}

const unfollowedMs = 100;

let marks = 0;

/** Twelve bytes that are in no other packet. */
export function newMark(): Uint8Array {
  marks += 1;
  return Buffer.from(`<hx${String(marks).padStart(8, "0")}>`);
}

const destinationUnreachable = { v6: 1, v4: 3 } as const;

/** An ICMP error behind the probes of one path. */
async function followUp({ from, at, family }: Path): Promise<void> {
  const mark = newMark();
  const ends = { source: from.address(family), destination: at.address(family) };
  from.send(icmpPacket(ends, destinationUnreachable[family], joined(u32(0), mark)));
  for (const end = performance.now() + 5000; !at.hasReceived(family, protocols.icmp[family], mark); ) {
    if (performance.now() > end) throw new Error(`No ICMP error came from ${from.name} to ${at.name} over ${family}`);
    await setImmediate();
  }
}
