// Messages of every kind to begin with, as we write them: what the kernel answers is built of the same.
import { Address } from "../../../../src/ip/address.ts";
import { Mac } from "../../../../src/ip/mac.ts";
import { InterfaceAddress, Prefix } from "../../../../src/ip/prefix.ts";
import { addAddress } from "../../../../src/netlink/address.ts";
import { addForwarding } from "../../../../src/netlink/forwarding.ts";
import { changeLink, createLink } from "../../../../src/netlink/link.ts";
import { addNeighbor, addProxyNeighbor } from "../../../../src/netlink/neighbor.ts";
import { neighborTableMessage } from "../../../../src/netlink/neighbor-table.ts";
import { generationMessage, generationType } from "../../../../src/netlink/netfilter-events.ts";
import { namespaceIdMessage } from "../../../../src/netlink/netnsid.ts";
import { logMessage, logType } from "../../../../src/netlink/packet-log.ts";
import type { Request } from "../../../../src/netlink/request.ts";
import { addRoute } from "../../../../src/netlink/route.ts";
import { addRule } from "../../../../src/netlink/rule.ts";
import { createConnection, sampleConnection, samplePing } from "../../../../src/netlink/sample-connections.ts";
import { acknowledgement, answer, done } from "../../../../src/netlink/scripted-socket.ts";
import { addQueue, addRedirect } from "../../../../src/netlink/tc.ts";

const mac = Mac.parse("02:00:00:00:00:01");
const link = 7;

function requests(): readonly Request[] {
  return [
    createLink({ kind: "veth", name: "hx0", mtu: 1400, mac, peer: { name: "eth0" } }),
    createLink({ kind: "bridge", name: "br0", forwardDelayMs: 0, vlanFiltering: true }),
    createLink({ kind: "macvlan", name: "mv0", link, mode: "bridge" }),
    createLink({ kind: "vxlan", name: "vx0", id: 7, local: Address.parse("fd00::1"), port: 4789, learning: false }),
    changeLink({ name: "hx0" }, { alias: "hextet/one/eth0", addressGeneration: "none" }),
    changeLink({ index: link }, { port: { hairpin: true, isolated: true } }),
    ...["fd00::2/64", "10.1.0.2/24"].map((text) => addAddress({ link, address: InterfaceAddress.parse(text) })),
    ...routes(),
    ...["fd00::2", "10.1.0.2"].flatMap((text) => {
      const address = Address.parse(text);
      return [addNeighbor({ link, address, mac }), addProxyNeighbor({ link, address })];
    }),
    ...(["v4", "v6"] as const).flatMap((family) => [
      addRule({ family, priority: 5, action: { kind: "lookup", table: 300 }, mark: { value: 1, mask: 255 } }),
      createConnection(sampleConnection(family, "tcp")),
      createConnection(samplePing(family)),
    ]),
    addForwarding({ kind: "vxlan", link, mac, remote: Address.parse("fd00::9") }),
    addQueue({ link, kind: "tbf", bytesPerSecond: 1e6, burstBytes: 1e4, limitBytes: 1e5 }),
    addQueue({ link, kind: "fq_codel", flows: 16 }),
    addRedirect({ link, to: 8 }),
  ];
}

function routes(): readonly Request[] {
  const gateway = Address.parse("fe80::1");
  const path = { kind: "gateway", gateway, link } as const;
  return [
    addRoute({ destination: Prefix.parse("fd00:1::/64"), nextHop: path, table: 300, mtu: 1400, preference: "high" }),
    addRoute({ destination: Prefix.parse("10.2.0.0/24"), nextHop: { ...path, onLink: true } }),
    addRoute({
      destination: Prefix.parse("10.3.0.0/24"),
      nextHop: { kind: "multipath", paths: [path, { kind: "link", link }] },
    }),
    addRoute({ destination: Prefix.parse("::/0"), nextHop: { kind: "blackhole" } }),
  ];
}

/** The beginnings of packets: a query over UDP, and one behind extension headers. */
const packets = [
  "4500003c000040004011" + "0000" + "0a010002" + "0a010003" + "1388003500080000",
  "6000000000083a40" + "fd00".padEnd(30, "0") + "02" + "fd00".padEnd(30, "0") + "03" + "8000000000070001",
  "6000000000180040" +
    "fd00".padEnd(30, "0") +
    "02" +
    "fd00".padEnd(30, "0") +
    "03" +
    "2c00000000000000" +
    "0600000100000000" +
    "13880035",
].map((text) => Buffer.from(text, "hex"));

export function sampleBodies(): readonly Uint8Array[] {
  const families = [2, 10] as const;
  return [
    ...requests().map(({ body }) => body),
    ...packets.map((payload, at) =>
      logMessage.encode({
        header: { family: families[at % 2] ?? 2 },
        attributes: { prefix: "denied: ", number: at, payload },
      }),
    ),
    generationMessage.encode({ header: {}, attributes: { generation: 7, processId: 1, processName: "nft" } }),
    namespaceIdMessage.encode({ header: {}, attributes: { id: 4 } }),
    neighborTableMessage.encode({ header: { family: 10 } }),
  ];
}

export function sampleDatagrams(bodies: readonly Uint8Array[]): readonly Uint8Array[] {
  const types = [16, 20, 24, 28, 32, logType.packet, generationType.new];
  return [
    acknowledgement(0),
    acknowledgement(0, 17),
    done(0),
    ...bodies.flatMap((body, at) => answer({ type: types[at % types.length] ?? 16, body })),
    ...types.flatMap((type) => bodies.slice(0, 2).map((body) => answer({ type, port: 0, body }))),
  ];
}
