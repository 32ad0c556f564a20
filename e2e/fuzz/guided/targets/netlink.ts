// What the kernel says by netlink: every decoder, and the readers of whole datagrams. Decoders say what they do not understand by a
// RangeError, which a connection tells with what was asked; those who watch are called by the event loop, and may not throw at all.
import assert from "node:assert/strict";
import { decodeFlow } from "../../../../src/firewall/denied-flow.ts";
import { decodeAddress } from "../../../../src/netlink/address.ts";
import type { Codec } from "../../../../src/netlink/codec.ts";
import { Connection } from "../../../../src/netlink/connection.ts";
import { connectionMessage, decodeConnection, encodeConnection } from "../../../../src/netlink/conntrack-message.ts";
import { decodeForwarding } from "../../../../src/netlink/forwarding.ts";
import { KernelError } from "../../../../src/netlink/kernel-error.ts";
import { decodeLink, listLinks } from "../../../../src/netlink/link.ts";
import { linkMessage } from "../../../../src/netlink/link-message.ts";
import { messageType, readAcknowledgement, readMessages } from "../../../../src/netlink/message.ts";
import { decodeNeighbor, listProxyNeighbors, neighborMessage } from "../../../../src/netlink/neighbor.ts";
import { listNeighborTables, neighborTableMessage } from "../../../../src/netlink/neighbor-table.ts";
import { decodeChange, generationMessage, watchTables } from "../../../../src/netlink/netfilter-events.ts";
import { listNamespaceIds, namespaceIdMessage } from "../../../../src/netlink/netnsid.ts";
import { decodePacket, logConfiguration, logMessage, watchPackets } from "../../../../src/netlink/packet-log.ts";
import type { Query } from "../../../../src/netlink/request.ts";
import { decodeRoute } from "../../../../src/netlink/route.ts";
import { routeMessage } from "../../../../src/netlink/route-message.ts";
import { decodeRule, ruleMessage } from "../../../../src/netlink/rule.ts";
import { acknowledgement, done, ScriptedSocket } from "../../../../src/netlink/scripted-socket.ts";
import { listQueues, listRedirects } from "../../../../src/netlink/tc.ts";
import { codelData, mirred, tbfData, trafficMessage, u32Data } from "../../../../src/netlink/tc-message.ts";
import { KernelEvents } from "../../../../src/node/kernel-events.ts";
import { changeAttribute } from "../attribute-mutation.ts";
import { Finding, type Target } from "../target.ts";
import { sampleBodies, sampleDatagrams } from "./netlink-samples.ts";

type Read = (bytes: Uint8Array) => unknown;

const answerTo =
  (query: Query<unknown>): Read =>
  (bytes) =>
    query.decode(bytes);

const link = 7;
const decoders: readonly Read[] = [
  decodeLink,
  decodeRoute,
  decodeAddress,
  decodeNeighbor,
  decodeRule,
  decodeForwarding,
  connectionBackAndForth,
  packetAndFlow,
  decodeChange,
  answerTo(listQueues({ link })),
  answerTo(listRedirects({ link })),
  answerTo(listNeighborTables()),
  answerTo(listProxyNeighbors()),
  answerTo(listNamespaceIds()),
  backAndForth(linkMessage),
  backAndForth(routeMessage),
  backAndForth(neighborMessage),
  backAndForth(ruleMessage),
  backAndForth(connectionMessage),
  backAndForth(logMessage),
  backAndForth(logConfiguration),
  backAndForth(generationMessage),
  backAndForth(neighborTableMessage),
  backAndForth(namespaceIdMessage),
  backAndForth(trafficMessage),
  backAndForth(tbfData),
  backAndForth(codelData),
  backAndForth(u32Data),
  backAndForth(mirred),
];
const readers: readonly Read[] = [readAll, dumpOf, hearChanges, hearPackets, hearTables];

/** The first byte says who reads the rest. */
export async function open(): Promise<Target> {
  const bodies = sampleBodies();
  const seeds = [
    ...decoders.flatMap((_, at) => bodies.map((body) => Uint8Array.of(at, ...body))),
    ...readers.flatMap((_, at) => sampleDatagrams(bodies).map((each) => Uint8Array.of(decoders.length + at, ...each))),
  ];
  return {
    seeds,
    dictionary: ["bridge", "macvlan", "vxlan", "veth", "tbf", "fq_codel", "u32", "mirred", "hx0", "eth0\0"],
    mutators: [changeAttribute],
    run: (input) => {
      const [selector = 0] = input;
      const all = [...decoders, ...readers];
      const at = selector % all.length;
      read(all[at] ?? decodeLink, input.subarray(1), at < decoders.length);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function read(reader: Read, bytes: Uint8Array, mayRefuse: boolean): void {
  try {
    reader(bytes);
  } catch (error) {
    if (!(error instanceof RangeError) || !mayRefuse) throw error;
    if (error.message.length < 10 || error.message.includes("Maximum call stack")) throw error;
  }
}

/** What a codec reads it can write, and then reads the same. */
function backAndForth<Out, In>(codec: Codec<Out, In>): Read {
  return (bytes) => {
    const value = codec.decode(bytes);
    assert.deepStrictEqual(codec.decode(codec.encode(value as unknown as In)), value);
  };
}

function connectionBackAndForth(bytes: Uint8Array): void {
  const value = decodeConnection(bytes);
  if (value !== undefined) assert.deepStrictEqual(decodeConnection(encodeConnection(value)), value);
}

function packetAndFlow(bytes: Uint8Array): void {
  const { packet } = decodePacket(bytes);
  const flow = packet && decodeFlow(packet.payload);
  if (flow !== undefined && flow.source.family !== flow.family) throw new Finding("A flow of two families");
}

function readAll(bytes: Uint8Array): void {
  for (const message of refusing(() => readMessages(bytes)) ?? []) {
    if (message.type === messageType.error || message.type === messageType.done)
      refusing(() => readAcknowledgement(message));
  }
}

function refusing<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What came is told with what was asked for. */
function dumpOf(bytes: Uint8Array): void {
  const socket = new ScriptedSocket(([asked]) => [bytes, done(asked?.sequence ?? 0)]);
  using connection = new Connection(socket);
  try {
    connection.dump(listLinks());
  } catch (error) {
    if (!(error instanceof KernelError || error instanceof RangeError)) throw error;
    if (!error.message.startsWith("Cannot list links"))
      throw new Finding(`It does not say what failed: ${error.message}`);
  }
}

function hearChanges(bytes: Uint8Array): void {
  const socket = new ScriptedSocket(() => []);
  const options = { kernel: { socket: () => socket }, onChange: () => {}, onLoss: () => {}, onEnd: () => {} };
  using events = new KernelEvents(options);
  events.listen();
  socket.tell(bytes);
}

function hearPackets(bytes: Uint8Array): void {
  const socket = new ScriptedSocket((messages) => messages.map(({ sequence }) => acknowledgement(sequence)));
  watchPackets(
    socket,
    { group: 7 },
    { onPacket: ({ payload }) => decodeFlow(payload), onLost: () => {}, onError: () => {} },
  );
  socket.tell(bytes);
}

function hearTables(bytes: Uint8Array): void {
  const socket = new ScriptedSocket(() => []);
  watchTables(socket, { onChange: () => {}, onError: () => {} });
  socket.tell(bytes);
}
