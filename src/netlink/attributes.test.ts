import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attributes, flag, headed, list } from "./attributes.ts";
import { bytes, codec, cstring, i32, struct, u8, u16, u32, u64 } from "./codec.ts";
import { hex } from "./hex.ts";

const header = struct({ family: u8, type: u16, index: i32, flags: u32, change: u32 });
const peer = headed(header, attributes({ name: [3, cstring] }));
const link = headed(
  header,
  attributes({
    address: [1, bytes],
    name: [3, cstring],
    mtu: [4, u32],
    info: [18, attributes({ kind: [1, cstring], veth: [2, attributes({ peer: [1, peer] })] })],
  }),
);

// The body of the request of `ip link add veth0 address 02:00:00:00:00:01 mtu 1400 type veth peer name eth0`.
const addVeth = hex(`
  00 00 00 00  00 00 00 00  # ifi_family, ifi_type, ifi_index
  00 00 00 00  00 00 00 00  # ifi_flags, ifi_change
  0a 00 01 00  02 00 00 00 00 01 00 00  # IFLA_ADDRESS, two bytes of padding
  08 00 04 00  78 05 00 00  # IFLA_MTU 1400
  0a 00 03 00  76 65 74 68 30 00 00 00  # IFLA_IFNAME veth0
  30 00 12 00  # IFLA_LINKINFO
  08 00 01 00  76 65 74 68  # IFLA_INFO_KIND veth, without a zero byte
  24 00 02 00  # IFLA_INFO_DATA
  20 00 01 00  # VETH_INFO_PEER
  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
  09 00 03 00  65 74 68 30 00 00 00 00  # IFLA_IFNAME eth0`);

const vethRequest = {
  header: { family: 0, type: 0, index: 0, flags: 0, change: 0 },
  attributes: {
    address: hex("02 00 00 00 00 01"),
    mtu: 1400,
    name: "veth0",
    info: {
      kind: "veth",
      veth: { peer: { header: { family: 0, type: 0, index: 0, flags: 0, change: 0 }, attributes: { name: "eth0" } } },
    },
  },
};

describe("attributes", () => {
  test("the request that ip sends for a veth pair is read", () => {
    expect(link.decode(addVeth)).toEqual(vethRequest);
  });

  test("the same request is written in the order of the keys, nested ones marked, text with its zero byte", () => {
    const written = hex(`
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      0a 00 01 00  02 00 00 00 00 01 00 00  # IFLA_ADDRESS
      08 00 04 00  78 05 00 00  # IFLA_MTU
      0a 00 03 00  76 65 74 68 30 00 00 00  # IFLA_IFNAME
      34 00 12 80  # IFLA_LINKINFO with NLA_F_NESTED
      09 00 01 00  76 65 74 68 00 00 00 00  # IFLA_INFO_KIND
      24 00 02 80  # IFLA_INFO_DATA with NLA_F_NESTED
      20 00 01 00  # VETH_INFO_PEER: a message, not nested attributes
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
      09 00 03 00  65 74 68 30 00 00 00 00  # IFLA_IFNAME`);
    expect(link.encode(vethRequest)).toEqual(written);
    expect(link.decode(written)).toEqual(vethRequest);
  });

  test("undefined and absent attributes are not written", () => {
    const table = attributes({ mtu: [4, u32], name: [3, cstring] });
    expect(table.encode({ mtu: undefined })).toEqual(hex(""));
    expect(table.encode({})).toEqual(hex(""));
  });

  test("a value of the wrong type does not compile, and is refused", () => {
    const table = attributes({ mtu: [4, u32], info: [18, attributes({ kind: [1, cstring] })] });
    // @ts-expect-error: mtu is a number
    expect(() => table.encode({ mtu: "1400" })).toThrow("mtu: 1400 is not a u32");
    // @ts-expect-error: no attribute of this name
    expect(() => table.encode({ mut: 1400 })).toThrow("No attribute is called mut here");
    // @ts-expect-error: reading gives what the table says
    const wrong: { readonly mtu?: string } = table.decode(hex(""));
    expect(wrong).toEqual({});
  });

  test("a value that does not fit names the way to it", () => {
    const nested = attributes({ info: [18, attributes({ data: [2, attributes({ id: [1, u16] })] })] });
    expect(() => nested.encode({ info: { data: { id: 65536 } } })).toThrow("info: data: id: 65536 is not a u16");
  });

  test("unknown types are skipped", () => {
    const received = hex(`
      05 00 63 00  01 00 00 00  # type 99
      08 00 04 00  78 05 00 00  # IFLA_MTU 1400`);
    expect(attributes({ mtu: [4, u32] }).decode(received)).toEqual({ mtu: 1400 });
  });

  test("flags in the type are not part of the number", () => {
    const received = hex("08 00 04 40  78 05 00 00  # NLA_F_NET_BYTEORDER");
    expect(attributes({ mtu: [4, u32] }).decode(received)).toEqual({ mtu: 1400 });
  });

  test("the last of two attributes of one type counts, as in the kernel", () => {
    const received = hex("08 00 04 00 78 05 00 00  08 00 04 00 dc 05 00 00");
    expect(attributes({ mtu: [4, u32] }).decode(received)).toEqual({ mtu: 1500 });
  });

  test("the last attribute may come without its padding", () => {
    expect(attributes({ state: [16, u8] }).decode(hex("05 00 10 00 06"))).toEqual({ state: 6 });
  });

  test("fewer than four bytes at the end are left alone, as in the kernel", () => {
    expect(attributes({ state: [16, u8] }).decode(hex("05 00 10 00 06 00 00 00  00 00"))).toEqual({ state: 6 });
  });

  test.for<[what: string, bytes: string, message: string]>([
    ["goes beyond the end", "08 00 04 00 78 05 00 00  0c 00 03 00 65 74 68 30", "byte 8 claims 12 bytes, 8 are left"],
    ["is shorter than its header", "03 00 04 00 78 05 00 00", "byte 0 claims 3 bytes, 8 are left"],
    ["has no length", "00 00 00 00", "byte 0 claims 0 bytes, 4 are left"],
    ["of unknown type goes beyond the end", "30 00 63 00", "byte 0 claims 48 bytes, 4 are left"],
    ["has too few bytes for its type", "06 00 04 00 78 05 00 00", "mtu: 2 bytes at byte 4 are too few, it takes 4"],
  ])("an attribute that %s is refused", ([, received, message]) => {
    expect(() => attributes({ name: [3, cstring], mtu: [4, u32] }).decode(hex(received))).toThrow(message);
  });

  test("an overrun inside of a nested attribute gives the place from the start of the message", () => {
    const received = hex(`
      00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
      0c 00 12 80  # IFLA_LINKINFO of 12 bytes
      09 00 01 00  76 65 74 68  # IFLA_INFO_KIND claims 9`);
    expect(() => link.decode(received)).toThrow("info: The attribute at byte 20 claims 9 bytes, 8 are left");
  });

  test("an attribute of more than 65535 bytes is refused", () => {
    expect(() => attributes({ data: [2, bytes] }).encode({ data: new Uint8Array(65532) })).toThrow(
      "data: 65536 bytes do not fit an attribute, which ends at 65535",
    );
  });
});

describe("flag", () => {
  const table = attributes({ external: [25, flag], learning: [7, u8] });

  test("true is an attribute without payload, false is none", () => {
    expect(table.encode({ external: true })).toEqual(hex("04 00 19 00"));
    expect(table.encode({ external: false, learning: 0 })).toEqual(hex("05 00 07 00 00 00 00 00"));
    expect(table.decode(hex("04 00 19 00"))).toEqual({ external: true });
    expect(table.decode(hex(""))).toEqual({});
  });
});

describe("list", () => {
  test("elements are numbered from 1", () => {
    const table = attributes({ groups: [7, list(attributes({ id: [2, u32] }))] });
    const written = hex(`
      1c 00 07 80              # the list, nested
      0c 00 01 80  08 00 02 00 05 00 00 00  # element 1
      0c 00 02 80  08 00 02 00 06 00 00 00  # element 2`);
    expect(table.encode({ groups: [{ id: 5 }, { id: 6 }] })).toEqual(written);
    expect(table.decode(written)).toEqual({ groups: [{ id: 5 }, { id: 6 }] });
  });

  test("elements of one type carry it, and others are skipped", () => {
    const names = list(cstring, 53);
    expect(names.encode(["a", "b"])).toEqual(hex("06 00 35 00 61 00 00 00  06 00 35 00 62 00 00 00"));
    expect(names.decode(hex("06 00 35 00 61 00 00 00  06 00 34 00 62 00 00 00"))).toEqual(["a"]);
  });

  test("a fault names the element", () => {
    expect(() => list(u8).encode([1, 256])).toThrow("[1]: 256 is not a u8");
    expect(() => list(u32).decode(hex("08 00 01 00 01 00 00 00 06 00 02 00 01 00 00 00"))).toThrow("[1]: 2 bytes");
  });
});

describe("headed", () => {
  test("a header of seven bytes is padded to eight", () => {
    const seven = codec<Uint8Array>(bytes.write, (view, start) => bytes.read(view, start, start + 7));
    const message = headed({ ...seven, size: 7 }, attributes({ mtu: [4, u32] }));
    const written = hex("01 02 03 04 05 06 07 00  08 00 04 00 78 05 00 00");
    expect(message.encode({ header: hex("01 02 03 04 05 06 07"), attributes: { mtu: 1400 } })).toEqual(written);
    expect(message.decode(written)).toEqual({ header: hex("01 02 03 04 05 06 07"), attributes: { mtu: 1400 } });
  });

  test("attributes may be absent", () => {
    expect(peer.encode({ header: {} })).toEqual(new Uint8Array(16));
  });

  test("a header cut short is refused", () => {
    expect(() => peer.decode(hex("00 00 00 00"))).toThrow("4 bytes at byte 0 are too few, it takes 16");
  });
});

describe("any value", () => {
  const table = attributes({
    address: [1, bytes],
    name: [3, cstring],
    mtu: [4, u32],
    index: [5, i32],
    counter: [0x3fff, u64],
    external: [25, flag],
    ports: [7, list(u16)],
    info: [18, attributes({ kind: [1, cstring], data: [2, bytes] })],
  });
  const text = fc.string().filter((value) => !value.includes("\0"));
  const payload = fc.uint8Array({ maxLength: 70 });
  const some: { requiredKeys: []; noNullPrototype: true } = { requiredKeys: [], noNullPrototype: true };
  const value = fc.record(
    {
      address: payload,
      name: text,
      mtu: fc.nat(0xffffffff),
      index: fc.integer(),
      counter: fc.bigInt(0n, (1n << 64n) - 1n),
      external: fc.constant(true),
      ports: fc.array(fc.nat(0xffff)),
      info: fc.record({ kind: text, data: payload }, some),
    },
    some,
  );

  test("comes back as it was", () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(table.decode(table.encode(given))).toEqual(given);
      }),
    );
  });

  test("takes a multiple of four bytes", () => {
    fc.assert(fc.property(value, (given) => table.encode(given).length % 4 === 0));
  });

  test("any bytes are read or refused with a RangeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (received) => {
        try {
          table.decode(received);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
