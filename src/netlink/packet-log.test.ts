import { constants } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyFamily } from "../ip/arbitraries.ts";
import { hex } from "./hex.ts";
import { KernelError } from "./kernel-error.ts";
import { messageType, readMessages } from "./message.ts";
import { bindLog, decodePacket, type LoggedPacket, logMessage, logType, watchPackets } from "./packet-log.ts";
import { acknowledgement, answer, ScriptedSocket, together } from "./scripted-socket.ts";
import { familyNumber } from "./values.ts";

const { EIO, EMSGSIZE, ENOBUFS, EPERM } = constants.errno;

function body({ family, ...attributes }: LoggedPacket, number: number): Uint8Array {
  return logMessage.encode({
    header: { family: familyNumber[family], resource: 7 },
    attributes: { ...attributes, number },
  });
}

function logged(number: number, prefix = `packet ${number}`): Uint8Array {
  return answer({
    type: logType.packet,
    port: 0,
    body: body({ family: "v6", prefix, payload: Uint8Array.of(0x60) }, number),
  });
}

function watched(...errnos: readonly number[]) {
  const socket = new ScriptedSocket((messages) =>
    messages.map(({ sequence }, at) => acknowledgement(sequence, errnos[at])),
  );
  const told: string[] = [];
  const watch = () =>
    watchPackets(
      socket,
      { group: 7 },
      {
        onPacket: ({ prefix }) => told.push(prefix),
        onLost: (count) => told.push(`${count} lost`),
        onError: ({ message }) => told.push(message),
      },
    );
  return { socket, told, watch };
}

describe("what the kernel logged", () => {
  test.for<[what: string, bytes: string, number: number, packet: LoggedPacket | undefined]>([
    [
      "an echo over IPv6 by nft",
      `
      0a 00 00 07  # struct nfgenmsg: AF_INET6, group 7
      08 00 01 00  86 dd 03 00  # NFULA_PACKET_HDR: IPv6, output
      0d 00 0a 00  64 65 6e 69 65 64 3a 20 00  00 00 00  # NFULA_PREFIX "denied: "
      08 00 05 00  00 00 00 01  # NFULA_IFINDEX_OUTDEV 1
      08 00 02 00  00 00 00 05  # NFULA_MARK 5
      08 00 0b 00  00 00 00 00  # NFULA_UID 0
      08 00 0e 00  00 00 00 00  # NFULA_GID 0
      08 00 0c 00  00 00 00 03  # NFULA_SEQ 3
      0c 00 09 00  60 0b df ee  00 40 3a 40  # NFULA_PAYLOAD, the first 8 bytes`,
      3,
      { family: "v6", prefix: "denied: ", outLink: 1, mark: 5, payload: hex("60 0b df ee 00 40 3a 40") },
    ],
    [
      "UDP over IPv4 on its way through a node",
      `
      02 00 00 07  # struct nfgenmsg: AF_INET, group 7
      08 00 01 00  08 00 02 00  # NFULA_PACKET_HDR: IPv4, forward
      05 00 0a 00  00 00 00 00  # NFULA_PREFIX ""
      08 00 04 00  00 00 00 03  # NFULA_IFINDEX_INDEV 3
      08 00 05 00  00 00 00 04  # NFULA_IFINDEX_OUTDEV 4
      08 00 0c 00  00 00 00 00  # NFULA_SEQ 0
      08 00 09 00  45 00 00 54  # NFULA_PAYLOAD, the first 4 bytes`,
      0,
      { family: "v4", prefix: "", inLink: 3, outLink: 4, payload: hex("45 00 00 54") },
    ],
    [
      "a frame of a bridge",
      `
      07 00 00 07  # struct nfgenmsg: AF_BRIDGE, group 7
      08 00 0c 00  00 00 00 09  # NFULA_SEQ 9
      08 00 09 00  45 00 00 54  # NFULA_PAYLOAD`,
      9,
      undefined,
    ],
  ])("%s is read", ([, bytes, number, packet]) => {
    expect(decodePacket(hex(bytes))).toEqual({ number, ...(packet === undefined ? {} : { packet }) });
  });

  test("comes back as it was, whatever it is", () => {
    const u32 = fc.nat(0xffffffff);
    const packet = fc.record(
      {
        family: anyFamily(),
        prefix: fc.string({ maxLength: 127 }).filter((text) => !text.includes("\0")),
        inLink: u32,
        outLink: u32,
        mark: u32,
        payload: fc.uint8Array({ maxLength: 128 }),
      },
      { noNullPrototype: true, requiredKeys: ["family", "prefix", "payload"] },
    );
    fc.assert(
      fc.property(packet, u32, (packet, number) => {
        expect(decodePacket(body(packet, number))).toEqual({ packet, number });
      }),
    );
  });
});

describe("watching packets", () => {
  test("binds the socket to the group, and joins no multicast group", () => {
    const { socket, watch } = watched();
    watch();
    expect(socket.groups).toEqual([]);
    const [message] = socket.sent.flatMap(readMessages);
    expect(message).toMatchObject({ type: 0x401 });
    expect(message?.body).toEqual(
      hex(`
      00 00 00 07  # struct nfgenmsg: group 7
      05 00 01 00  01 00 00 00  # NFULA_CFG_CMD: bind
      0a 00 02 00  00 00 00 80 02 00  00 00  # NFULA_CFG_MODE: copy 128 bytes
      08 00 04 00  00 00 00 0a  # NFULA_CFG_TIMEOUT: 100 ms
      06 00 06 00  00 01 00 00  # NFULA_CFG_FLAGS: numbered`),
    );
  });

  test("tells of all packets of a datagram, in their order", () => {
    const { socket, told, watch } = watched();
    watch();
    socket.tell(together(logged(0), logged(1), answer({ type: messageType.done, port: 0, body: new Uint8Array(4) })));
    socket.tell(logged(2));
    expect(told).toEqual(["packet 0", "packet 1", "packet 2"]);
  });

  test.for([
    ["ENOBUFS", ENOBUFS],
    ["EMSGSIZE", EMSGSIZE],
  ] as const)("goes on after %s, and counts what was lost by the number of the next packet", ([, errno]) => {
    const { socket, told, watch } = watched();
    watch();
    socket.tell(logged(0));
    socket.tell(new KernelError({ operation: "receive", errno }));
    socket.tell(logged(6));
    socket.tell(logged(7));
    expect(told).toEqual(["packet 0", "5 lost", "packet 6", "packet 7"]);
  });

  test("counts those that were lost before the first, and over the end of the numbers", () => {
    const { socket, told, watch } = watched();
    watch();
    socket.tell(logged(0xffff_fffe));
    socket.tell(logged(1));
    expect(told).toEqual([`${0xffff_fffe} lost`, `packet ${0xffff_fffe}`, "2 lost", "packet 1"]);
  });

  test.for([
    ["half a header", hex("20")],
    ["an attribute without a length", answer({ type: logType.packet, port: 0, body: hex("0a 00 00 07  00 00 09 00") })],
  ] as const)("counts a packet that is not understood as lost, and goes on: %s", ([, datagram]) => {
    const { socket, told, watch } = watched();
    watch();
    socket.tell(logged(0));
    socket.tell(datagram);
    socket.tell(logged(2));
    expect(told).toEqual(["packet 0", "1 lost", "packet 2"]);
  });

  test("tells of any other error", () => {
    const { socket, told, watch } = watched();
    watch();
    socket.tell(new KernelError({ operation: "receive", errno: EIO }));
    expect(told).toEqual(["Cannot receive: I/o error"]);
  });

  test("of a group that another socket has is refused, and says so", () => {
    const { watch } = watched(EPERM);
    expect(watch).toThrow(
      "Cannot receive packets logged to group 7: Operation not permitted " +
        "(another socket has this group, or CAP_NET_ADMIN is missing)",
    );
  });

  test.for([-1, 65_536, 1.5])("of group %d is refused", (group) => {
    expect(() => bindLog({ group })).toThrow(`${group} is not a be16`);
  });
});
