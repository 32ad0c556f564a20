import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { captured, sent } from "./captured.ts";
import {
  addForwarding,
  decodeForwarding,
  type Forwarding,
  listForwardings,
  removeForwarding,
  replaceForwarding,
} from "./forwarding.ts";
import { hex } from "./hex.ts";
import type { Request } from "./request.ts";

describe("requests are those of bridge", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "bridge fdb add 02:00:00:00:00:99 dev hx1 master static",
      addForwarding({ kind: "bridge", link: 100, mac: Mac.parse("02:00:00:00:00:99") }),
      `
      1c 00 05 06  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  64 00 00 00  42 00 04 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 99 00 00  # NDA_LLADDR 02:00:00:00:00:99`,
    ],
    [
      "bridge fdb append 00:00:00:00:00:00 dev vx1 dst 10.0.0.77",
      addForwarding({ kind: "vxlan", link: 6, mac: "everyone", remote: Address.parse("10.0.0.77") }),
      `
      1c 00 05 0c  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND | NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  06 00 00 00  c0 00 02 00  # struct ndmsg
      0a 00 02 00  00 00 00 00  00 00 00 00  # NDA_LLADDR 00:00:00:00:00:00
      08 00 01 00  0a 00 00 4d  # NDA_DST 10.0.0.77`,
    ],
    [
      "bridge fdb replace 02:00:00:00:00:98 dev vx1 dst 10.0.0.78",
      replaceForwarding({
        kind: "vxlan",
        link: 6,
        mac: Mac.parse("02:00:00:00:00:98"),
        remote: Address.parse("10.0.0.78"),
      }),
      `
      1c 00 05 05  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  06 00 00 00  c0 00 02 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 98 00 00  # NDA_LLADDR 02:00:00:00:00:98
      08 00 01 00  0a 00 00 4e  # NDA_DST 10.0.0.78`,
    ],
    [
      "bridge fdb add 02:00:00:00:00:98 dev vx0 dst fd00::78",
      addForwarding({ kind: "vxlan", link: 8, mac: Mac.parse("02:00:00:00:00:98"), remote: Address.parse("fd00::78") }),
      `
      1c 00 05 06  # RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  08 00 00 00  c0 00 02 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 98 00 00  # NDA_LLADDR 02:00:00:00:00:98
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 78  # NDA_DST fd00::78`,
    ],
    [
      "bridge fdb del 02:00:00:00:00:99 dev hx1 master",
      removeForwarding({ kind: "bridge", link: 100, mac: Mac.parse("02:00:00:00:00:99") }),
      `
      1d 00 05 00  # RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  64 00 00 00  c0 00 04 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 99 00 00  # NDA_LLADDR 02:00:00:00:00:99`,
    ],
    [
      "bridge fdb del 02:00:00:00:00:98 dev vx0 dst fd00::78",
      removeForwarding({
        kind: "vxlan",
        link: 8,
        mac: Mac.parse("02:00:00:00:00:98"),
        remote: Address.parse("fd00::78"),
      }),
      `
      1d 00 05 00  # RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK
      07 00 00 00  08 00 00 00  c0 00 02 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 98 00 00  # NDA_LLADDR 02:00:00:00:00:98
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 78  # NDA_DST fd00::78`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test.for<[command: string, request: Request, bytes: string]>([
    [
      "bridge fdb show dev vx0",
      listForwardings({ link: 8 }),
      `
      1e 00 01 03  # RTM_GETNEIGH, NLM_F_DUMP | NLM_F_REQUEST
      07 00 00 00  08 00 00 00  00 00 00 00  # struct ndmsg`,
    ],
    [
      "bridge fdb show br br0",
      listForwardings({ master: 4 }),
      `
      1e 00 01 03  # RTM_GETNEIGH, NLM_F_DUMP | NLM_F_REQUEST
      07 00 00 00  00 00 00 00  00 00 00 00  # struct ndmsg
      08 00 09 00  04 00 00 00  # NDA_MASTER 4`,
    ],
  ])("%s, less the zeros bridge sends behind", ([, request, bytes]) => {
    expect(sent(request, "dump")).toEqual(captured(bytes));
  });
});

describe("decodeForwarding", () => {
  test.for<[what: string, body: string, entry: Forwarding]>([
    [
      "an entry of a VXLAN link over IPv6",
      `
      07 00 00 00  08 00 00 00  c0 00 02 01  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 98 00 00  # NDA_LLADDR 02:00:00:00:00:98
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 78  # NDA_DST fd00::78
      14 00 03 00  00 00 00 00  09 00 00 00  09 00 00 00  00 00 00 00  # NDA_CACHEINFO`,
      {
        link: 8,
        mac: Mac.parse("02:00:00:00:00:98"),
        remote: Address.parse("fd00::78"),
        local: false,
        static: true,
        learned: false,
      },
    ],
    [
      "an entry of a VXLAN link over IPv4",
      `
      07 00 00 00  06 00 00 00  c0 00 02 01  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 98 00 00  # NDA_LLADDR 02:00:00:00:00:98
      08 00 01 00  0a 00 00 4e  # NDA_DST 10.0.0.78
      14 00 03 00  00 00 00 00  1c 00 00 00  1c 00 00 00  00 00 00 00  # NDA_CACHEINFO`,
      {
        link: 6,
        mac: Mac.parse("02:00:00:00:00:98"),
        remote: Address.parse("10.0.0.78"),
        local: false,
        static: true,
        learned: false,
      },
    ],
    [
      "where a VXLAN link sends what is for everyone",
      `
      07 00 00 00  06 00 00 00  c0 00 02 01  # struct ndmsg
      0a 00 02 00  00 00 00 00  00 00 00 00  # NDA_LLADDR 00:00:00:00:00:00
      08 00 01 00  0a 00 00 4d  # NDA_DST 10.0.0.77
      14 00 03 00  00 00 00 00  26 00 00 00  26 00 00 00  00 00 00 00  # NDA_CACHEINFO`,
      { link: 6, mac: "everyone", remote: Address.parse("10.0.0.77"), local: false, static: true, learned: false },
    ],
    [
      "a bridge's entry that was added",
      `
      07 00 00 00  64 00 00 00  40 00 00 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 99 00 00  # NDA_LLADDR 02:00:00:00:00:99
      08 00 09 00  04 00 00 00  # NDA_MASTER 4
      08 00 0f 00  00 00 00 00  # NDA_FLAGS_EXT 0
      14 00 03 00  00 00 00 00  39 00 00 00  39 00 00 00  00 00 00 00  # NDA_CACHEINFO`,
      { link: 100, mac: Mac.parse("02:00:00:00:00:99"), master: 4, local: false, static: true, learned: false },
    ],
    [
      "a bridge's entry that was learned",
      `
      07 00 00 00  64 00 00 00  02 00 00 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 02 00 00  # NDA_LLADDR 02:00:00:00:00:02
      08 00 09 00  04 00 00 00  # NDA_MASTER 4
      08 00 0f 00  00 00 00 00  # NDA_FLAGS_EXT 0
      14 00 03 00  00 00 00 00  08 03 00 00  25 01 00 00  00 00 00 00  # NDA_CACHEINFO`,
      { link: 100, mac: Mac.parse("02:00:00:00:00:02"), master: 4, local: false, static: false, learned: false },
    ],
    [
      "the MAC of a bridge's port itself",
      `
      07 00 00 00  64 00 00 00  80 00 00 00  # struct ndmsg
      0a 00 02 00  02 00 00 00  00 01 00 00  # NDA_LLADDR 02:00:00:00:00:01
      08 00 09 00  04 00 00 00  # NDA_MASTER 4
      08 00 0f 00  00 00 00 00  # NDA_FLAGS_EXT 0
      14 00 03 00  00 00 00 00  09 03 00 00  09 03 00 00  00 00 00 00  # NDA_CACHEINFO`,
      { link: 100, mac: Mac.parse("02:00:00:00:00:01"), master: 4, local: true, static: true, learned: false },
    ],
  ])("%s is read", ([, body, entry]) => {
    expect(decodeForwarding(hex(body))).toEqual(entry);
  });

  test("the groups that a link itself receives are passed over", () => {
    const group = `
      07 00 00 00  64 00 00 00  80 00 02 00  # struct ndmsg
      0a 00 02 00  33 33 00 00  00 01 00 00  # NDA_LLADDR 33:33:00:00:00:01`;
    expect(decodeForwarding(hex(group))).toBeUndefined();
  });
});

describe("what it says after Cannot", () => {
  const mac = Mac.parse("02:00:00:00:00:98");
  const remote = Address.parse("fd00::78");
  test.for<[operation: string, request: Request]>([
    ["add forwarding of 02:00:00:00:00:98 on link 5", addForwarding({ kind: "bridge", link: 5, mac })],
    [
      "replace forwarding of 02:00:00:00:00:98 to fd00::78 on link 5",
      replaceForwarding({ kind: "vxlan", link: 5, mac, remote }),
    ],
    [
      "remove forwarding of everyone to fd00::78 from link 5",
      removeForwarding({ kind: "vxlan", link: 5, mac: "everyone", remote }),
    ],
    ["list forwardings", listForwardings()],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});

test("any entry of a VXLAN link comes back as it was", () => {
  const entry = fc.record(
    {
      kind: fc.constant("vxlan" as const),
      link: fc.integer({ min: 1, max: 0x7fffffff }),
      mac: fc.oneof(
        fc.constant("everyone" as const),
        fc.bigInt(1n, (1n << 48n) - 1n).map((value) => Mac.fromBytes(Address.of("v6", value).bytes().slice(10))),
      ),
      remote: fc.oneof(
        fc.bigInt(0n, 0xffffffffn).map((value) => Address.of("v4", value)),
        fc.bigInt(0n, (1n << 128n) - 1n).map((value) => Address.of("v6", value)),
      ),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(entry, (entry) => {
      const { kind: _vxlan, ...rest } = entry;
      expect(decodeForwarding(addForwarding(entry).body)).toEqual({
        ...rest,
        local: false,
        static: true,
        learned: false,
      });
    }),
  );
});
