import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { be16, be32, bytes, type Codec, cstring, i32, mapped, struct, u8, u16, u32, u64 } from "./codec.ts";
import { hex } from "./hex.ts";

describe("scalars", () => {
  test.for<[name: string, codec: Codec<number>, value: number, bytes: string]>([
    ["u8", u8, 0xfe, "fe"],
    ["u16", u16, 0x0102, "02 01"],
    ["u32", u32, 0xfffffffe, "fe ff ff ff"],
    ["i32", i32, -2, "fe ff ff ff"],
    ["be16", be16, 0x0102, "01 02"],
    ["be32", be32, 0x01020304, "01 02 03 04"],
  ])("%s writes and reads %$ as its bytes", ([, codec, value, text]) => {
    expect(codec.encode(value)).toEqual(hex(text));
    expect(codec.decode(hex(text))).toBe(value);
  });

  test("u64 is a bigint", () => {
    expect(u64.encode(0x0102030405060708n)).toEqual(hex("08 07 06 05 04 03 02 01"));
    expect(u64.decode(hex("ff ff ff ff ff ff ff ff"))).toBe(0xffffffffffffffffn);
  });

  test.for<[name: string, codec: Codec<number>, value: number]>([
    ["u8", u8, 256],
    ["u16", u16, -1],
    ["u32", u32, 0x100000000],
    ["u32", u32, 1.5],
    ["i32", i32, 0x80000000],
    ["be16", be16, 65536],
    ["be32", be32, Number.NaN],
  ])("%s refuses %$", ([name, codec, value]) => {
    expect(() => codec.encode(value)).toThrow(`${value} is not a ${name}`);
  });

  test("u64 refuses what has more than 64 bits", () => {
    expect(() => u64.encode(1n << 64n)).toThrow("18446744073709551616 is not a u64");
    expect(() => u64.encode(-1n)).toThrow("-1 is not a u64");
  });

  test("a payload too short says how many bytes it takes", () => {
    expect(() => u32.decode(hex("01 02"))).toThrow("2 bytes at byte 0 are too few, it takes 4");
  });

  test("a longer payload is read as far as the type goes", () => {
    expect(u8.decode(hex("07 00 00 00"))).toBe(7);
  });
});

describe("text", () => {
  test.for<[text: string, bytes: string]>([
    ["eth0", "65 74 68 30 00"],
    ["", "00"],
    ["é0", "c3 a9 30 00"],
  ])("%j ends with a zero byte", ([text, written]) => {
    expect(cstring.encode(text)).toEqual(hex(written));
    expect(cstring.decode(hex(written))).toBe(text);
  });

  test("text without a zero byte is read to its end, and text after one is not read", () => {
    expect(cstring.decode(hex("76 65 74 68"))).toBe("veth");
    expect(cstring.decode(hex("76 65 00 68"))).toBe("ve");
    expect(cstring.decode(hex("c3 a9 00 68"))).toBe("é");
  });

  test("a zero byte inside is refused, as the kernel would cut the text there", () => {
    expect(() => cstring.encode("eth0\0x")).toThrow('"eth0\\u0000x" has a zero byte inside');
  });

  test("any text without zero bytes comes back as it was", () => {
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
    fc.assert(fc.property(text, (value) => cstring.decode(cstring.encode(value)) === value));
  });
});

describe("bytes", () => {
  test("what is read shares no memory with the datagram", () => {
    const datagram = hex("01 02 03");
    const read = bytes.decode(datagram);
    datagram.fill(0);
    expect(read).toEqual(hex("01 02 03"));
  });
});

describe("struct", () => {
  // struct tc_ratespec and struct tc_tbf_qopt of include/uapi/linux/pkt_sched.h
  const rate = struct({ cellLog: u8, layer: u8, overhead: u16, cellAlign: u16, mpu: u16, rate: u32 });
  const bucket = struct({ rate, peak: rate, limit: u32, buffer: u32, mtu: u32 });

  test.for<[name: string, size: number, of: { readonly size: number }]>([
    ["ifinfomsg", 16, struct({ family: u8, type: u16, index: i32, flags: u32, change: u32 })],
    ["ndmsg", 12, struct({ family: u8, index: i32, state: u16, flags: u8, type: u8 })],
    ["tcmsg", 20, struct({ family: u8, index: i32, handle: u32, parent: u32, info: u32 })],
    ["tc_ratespec", 12, rate],
    ["tc_tbf_qopt", 36, bucket],
    ["a u64 after a u8", 16, struct({ first: u8, second: u64 })],
    ["a u8 after a u32", 8, struct({ first: u32, second: u8 })],
  ])("%s has %i bytes, as in C", ([, size, { size: laidOut }]) => {
    expect(laidOut).toBe(size);
  });

  test("members stand where the compiler puts them, and absent ones are zero", () => {
    const header = struct({ family: u8, type: u16, index: i32, flags: u32, change: u32 });
    const written = hex(`
      0a 00        # ifi_family AF_INET6, a byte of padding
      00 00        # ifi_type, absent
      03 00 00 00  # ifi_index
      01 00 00 00  # ifi_flags IFF_UP
      01 00 00 00  # ifi_change`);
    expect(header.encode({ family: 10, index: 3, flags: 1, change: 1 })).toEqual(written);
    expect(header.decode(written)).toEqual({ family: 10, type: 0, index: 3, flags: 1, change: 1 });
  });

  test("any struct in a struct comes back as it was", () => {
    const word = fc.nat(0xffffffff);
    const half = fc.nat(0xffff);
    const rates = fc.record({
      cellLog: fc.nat(255),
      layer: fc.nat(255),
      overhead: half,
      cellAlign: half,
      mpu: half,
      rate: word,
    });
    const buckets = fc.record(
      { rate: rates, peak: rates, limit: word, buffer: word, mtu: word },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(buckets, (value) => {
        expect(bucket.decode(bucket.encode(value))).toEqual(value);
      }),
    );
  });

  test("a struct cut short is refused", () => {
    expect(() => rate.decode(hex("00 00 00 00"))).toThrow("4 bytes at byte 0 are too few, it takes 12");
  });
});

describe("mapped", () => {
  const enabled = mapped(
    u8,
    (value) => value !== 0,
    (value: boolean) => (value ? 1 : 0),
  );

  test("false is written too", () => {
    expect(enabled.encode(false)).toEqual(hex("00"));
    expect(enabled.decode(hex("01"))).toBe(true);
  });

  test("encoding inside of encoding keeps the outer bytes", () => {
    const twice = mapped(bytes, cstring.decode, cstring.encode);
    const pair = mapped(bytes, cstring.decode, (text: string) => Uint8Array.from([...twice.encode(text), 0xff]));
    expect(pair.encode("ab")).toEqual(hex("61 62 00 ff"));
  });
});
