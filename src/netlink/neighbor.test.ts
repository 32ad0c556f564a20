import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import {
  addNeighbor,
  addProxyNeighbor,
  decodeNeighbor,
  listNeighbors,
  listProxyNeighbors,
  type Neighbor,
  type ProxyNeighbor,
  removeNeighbor,
  removeProxyNeighbor,
  replaceNeighbor,
} from "./neighbor.ts";
import type { Request } from "./request.ts";

const mac = Mac.parse("02:00:00:00:00:77");

describe("requests are those of ip", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip neigh add 10.1.0.77 lladdr 02:00:00:00:00:77 dev hx1 nud permanent protocol 72",
      addNeighbor({ link: 100, address: Address.parse("10.1.0.77"), mac, protocol: 72 }),
      `
      1c 00 05 06  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 00 00 00  64 00 00 00  80 00 00 00  # struct ndmsg
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72
      08 00 01 00  0a 01 00 4d  # NDA_DST 10.1.0.77
      0a 00 02 00  02 00 00 00  00 77 00 00  # NDA_LLADDR 02:00:00:00:00:77`,
    ],
    [
      "ip neigh replace fe80::77 lladdr 02:00:00:00:00:77 dev hx1 nud permanent protocol 72",
      replaceNeighbor({ link: 100, address: Address.parse("fe80::77"), mac, protocol: 72 }),
      `
      1c 00 05 05  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_REQUEST | NLM_F_ACK
      0a 00 00 00  64 00 00 00  80 00 00 00  # struct ndmsg
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72
      14 00 01 00  fe 80 00 00  00 00 00 00  00 00 00 00  00 00 00 77  # NDA_DST fe80::77
      0a 00 02 00  02 00 00 00  00 77 00 00  # NDA_LLADDR 02:00:00:00:00:77`,
    ],
    [
      "ip neigh add proxy fd00::88 dev hx1 protocol 72",
      addProxyNeighbor({ link: 100, address: Address.parse("fd00::88"), protocol: 72 }),
      `
      1c 00 05 06  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 00 00 00  64 00 00 00  80 00 08 00  # struct ndmsg
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 88  # NDA_DST fd00::88`,
    ],
    [
      "ip neigh add proxy 10.1.0.88 dev hx1 protocol 72",
      addProxyNeighbor({ link: 100, address: Address.parse("10.1.0.88"), protocol: 72 }),
      `
      1c 00 05 06  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 00 00 00  64 00 00 00  80 00 08 00  # struct ndmsg
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72
      08 00 01 00  0a 01 00 58  # NDA_DST 10.1.0.88`,
    ],
    [
      "ip neigh del 10.1.0.77 dev hx1",
      removeNeighbor({ link: 100, address: Address.parse("10.1.0.77") }),
      `
      1d 00 05 00  # RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK
      02 00 00 00  64 00 00 00  80 00 00 00  # struct ndmsg
      08 00 01 00  0a 01 00 4d  # NDA_DST 10.1.0.77`,
    ],
    [
      "ip neigh del proxy fd00::88 dev hx1",
      removeProxyNeighbor({ link: 100, address: Address.parse("fd00::88") }),
      `
      1d 00 05 00  # RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK
      0a 00 00 00  64 00 00 00  80 00 08 00  # struct ndmsg
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 88  # NDA_DST fd00::88`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip neigh show dev hx1",
      listNeighbors({ link: 100 }),
      `
      1e 00 01 03  # RTM_GETNEIGH, NLM_F_DUMP | NLM_F_REQUEST
      00 00 00 00  00 00 00 00  00 00 00 00  # struct ndmsg
      08 00 08 00  64 00 00 00  # NDA_IFINDEX 100`,
    ],
    [
      "ip -6 neigh show proxy dev hx1",
      listProxyNeighbors({ link: 100, family: "v6" }),
      `
      1e 00 01 03  # RTM_GETNEIGH, NLM_F_DUMP | NLM_F_REQUEST
      0a 00 00 00  00 00 00 00  00 00 08 00  # struct ndmsg, NTF_PROXY
      08 00 08 00  64 00 00 00  # NDA_IFINDEX 100`,
    ],
  ])("%s, less the zeros ip sends behind", ([, request, bytes]) => {
    expect(sent(request, "dump")).toEqual(captured(bytes));
  });
});

describe("decodeNeighbor", () => {
  test.for<[what: string, body: string, neighbor: Neighbor]>([
    [
      "a permanent entry of IPv4",
      `
      02 00 00 00  64 00 00 00  80 00 00 01  # struct ndmsg
      08 00 01 00  0a 01 00 4d  # NDA_DST 10.1.0.77
      0a 00 02 00  02 00 00 00  00 77 00 00  # NDA_LLADDR 02:00:00:00:00:77
      08 00 04 00  00 00 00 00  # NDA_PROBES 0
      14 00 03 00  2d 00 00 00  2d 00 00 00  2d 00 00 00  00 00 00 00  # NDA_CACHEINFO
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72`,
      { link: 100, address: Address.parse("10.1.0.77"), mac, state: "permanent", router: false, protocol: 72 },
    ],
    [
      "a permanent entry of IPv6",
      `
      0a 00 00 00  64 00 00 00  80 00 00 01  # struct ndmsg
      14 00 01 00  fe 80 00 00  00 00 00 00  00 00 00 00  00 00 00 77  # NDA_DST fe80::77
      0a 00 02 00  02 00 00 00  00 77 00 00  # NDA_LLADDR 02:00:00:00:00:77
      08 00 04 00  00 00 00 00  # NDA_PROBES 0
      14 00 03 00  1d 00 00 00  1d 00 00 00  1d 00 00 00  00 00 00 00  # NDA_CACHEINFO
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72`,
      { link: 100, address: Address.parse("fe80::77"), mac, state: "permanent", router: false, protocol: 72 },
    ],
    [
      "the entry of a group, which nobody is asked for",
      `
      0a 00 00 00  64 00 00 00  40 00 00 05  # struct ndmsg
      14 00 01 00  ff 02 00 00  00 00 00 00  00 00 00 01  ff 00 00 02  # NDA_DST ff02::1:ff00:2
      0a 00 02 00  33 33 ff 00  00 02 00 00  # NDA_LLADDR 33:33:ff:00:00:02
      08 00 04 00  00 00 00 00  # NDA_PROBES 0
      14 00 03 00  d3 19 00 00  63 02 00 00  63 02 00 00  00 00 00 00  # NDA_CACHEINFO`,
      {
        link: 100,
        address: Address.parse("ff02::1:ff00:2"),
        mac: Mac.parse("33:33:ff:00:00:02"),
        state: "no-arp",
        router: false,
        protocol: 0,
      },
    ],
  ])("%s is read", ([, body, neighbor]) => {
    expect(decodeNeighbor(hex(body))).toEqual(neighbor);
  });

  test.for<[state: Neighbor["state"], byte: string]>([
    ["none", "00"],
    ["incomplete", "01"],
    ["reachable", "02"],
    ["stale", "04"],
    ["delay", "08"],
    ["probe", "10"],
    ["failed", "20"],
    ["no-arp", "40"],
    ["permanent", "80"],
  ])("state %s has the number 0x%s", ([state, byte]) => {
    const body = hex(`02 00 00 00  64 00 00 00  ${byte} 00 80 01  08 00 01 00  0a 01 00 4d`);
    expect(decodeNeighbor(body)).toEqual({
      link: 100,
      address: Address.parse("10.1.0.77"),
      state,
      router: true,
      protocol: 0,
    });
  });

  test.for<[what: string, body: string]>([
    ["a proxy", "02 00 00 00  64 00 00 00  00 00 08 01  08 00 01 00  0a 01 00 58"],
    ["an entry of a bridge", "07 00 00 00  64 00 00 00  40 00 00 00  0a 00 02 00  02 00 00 00  00 99 00 00"],
  ])("%s is passed over", ([, body]) => {
    expect(decodeNeighbor(hex(body))).toBeUndefined();
  });
});

describe("listProxyNeighbors", () => {
  test.for<[body: string, proxy: ProxyNeighbor]>([
    [
      `
      02 00 00 00  64 00 00 00  00 00 08 01  # struct ndmsg
      08 00 01 00  0a 01 00 58  # NDA_DST 10.1.0.88
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72`,
      { link: 100, address: Address.parse("10.1.0.88"), protocol: 72 },
    ],
    [
      `
      0a 00 00 00  64 00 00 00  00 00 08 01  # struct ndmsg
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 88  # NDA_DST fd00::88
      05 00 0c 00  48 00 00 00  # NDA_PROTOCOL 72`,
      { link: 100, address: Address.parse("fd00::88"), protocol: 72 },
    ],
  ])("%#: a proxy is read", ([body, proxy]) => {
    expect(listProxyNeighbors().decode(hex(body))).toEqual(proxy);
  });
});

describe("what it says after Cannot", () => {
  const address = Address.parse("fe80::77");
  test.for<[operation: string, request: Request]>([
    ["add neighbor fe80::77 with MAC 02:00:00:00:00:77 on link 5", addNeighbor({ link: 5, address, mac })],
    ["replace neighbor fe80::77 with MAC 02:00:00:00:00:77 on link 5", replaceNeighbor({ link: 5, address, mac })],
    ["remove neighbor fe80::77 from link 5", removeNeighbor({ link: 5, address })],
    ["add proxy neighbor fe80::77 to link 5", addProxyNeighbor({ link: 5, address })],
    ["remove proxy neighbor fe80::77 from link 5", removeProxyNeighbor({ link: 5, address })],
    ["list neighbors", listNeighbors()],
    ["list proxy neighbors", listProxyNeighbors()],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});

test("any neighbor comes back as it was", () => {
  const neighbor = fc.record(
    {
      link: fc.integer({ min: 1, max: 0x7fffffff }),
      address: fc.oneof(
        fc.bigInt(0n, 0xffffffffn).map((value) => Address.of("v4", value)),
        fc.bigInt(0n, (1n << 128n) - 1n).map((value) => Address.of("v6", value)),
      ),
      mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Mac.fromBytes(bytes)),
      protocol: fc.nat(255),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(neighbor, (neighbor) => {
      expect(decodeNeighbor(addNeighbor(neighbor).body)).toEqual({ ...neighbor, state: "permanent", router: false });
    }),
  );
});
