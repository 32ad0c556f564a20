import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hex } from "./hex.ts";
import { type Message, readAcknowledgement, readMessages, writeMessage } from "./message.ts";
import { Writer } from "./wire.ts";

function only(datagram: Uint8Array): Message {
  const [message, ...more] = readMessages(datagram);
  if (message === undefined || more.length > 0) throw new RangeError("The datagram has not exactly one message");
  return message;
}

// Answers of the kernel to `ip`, as strace shows them.
const success = hex(`
  24 00 00 00  02 00  00 01    # nlmsg_len 36, NLMSG_ERROR, NLM_F_CAPPED
  2a 54 01 6b  92 51 00 00     # nlmsg_seq, nlmsg_pid
  00 00 00 00                  # error 0
  70 00 00 00  10 00  05 06  2a 54 01 6b  00 00 00 00  # header of the RTM_NEWLINK request`);
const mtuTooSmall = hex(`
  60 00 00 00  02 00  00 02    # nlmsg_len 96, NLMSG_ERROR, NLM_F_ACK_TLVS
  2a 54 01 6b  8a 51 00 00     # nlmsg_seq, nlmsg_pid
  ea ff ff ff                  # error -EINVAL
  28 00 00 00  10 00  05 00  2a 54 01 6b  00 00 00 00  # the request: nlmsghdr of 40 bytes
  00 00 00 00  03 00 00 00  00 00 00 00  00 00 00 00   # its ifinfomsg
  08 00 04 00  11 00 00 00     # its IFLA_MTU 17
  21 00 01 00  6d 74 75 20 6c 65 73 73 20 74 68 61 6e 20 64 65 76 69 63 65 20 6d 69 6e 69 6d 75 6d 00 00 00 00`);
const noDevice = hex(`
  34 00 00 00  02 00  00 00    # nlmsg_len 52, NLMSG_ERROR
  00 00 00 00  8a 51 00 00     # nlmsg_seq, nlmsg_pid
  ed ff ff ff                  # error -ENODEV
  20 00 00 00  10 00  05 00  00 00 00 00  00 00 00 00  # the request: nlmsghdr of 32 bytes
  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00`);
const ruleDump = hex(`
  34 00 00 00  20 00  02 00  2a 54 01 6b  98 51 00 00  # RTM_NEWRULE, NLM_F_MULTI
  02 00 00 00 ff 00 00 01  00 00 00 00  08 00 0f 00 ff 00 00 00  08 00 0e 00 ff ff ff ff  05 00 15 00 02 00 00 00
  14 00 00 00  03 00  02 00  2a 54 01 6b  98 51 00 00  # NLMSG_DONE, NLM_F_MULTI
  00 00 00 00                                          # error 0`);

describe("readMessages", () => {
  test("the messages of a datagram come in their order", () => {
    expect(readMessages(ruleDump)).toEqual([
      { type: 32, flags: 2, sequence: 0x6b01542a, port: 20888, body: ruleDump.subarray(16, 52) },
      { type: 3, flags: 2, sequence: 0x6b01542a, port: 20888, body: hex("00 00 00 00") },
    ]);
  });

  test("a port id with the highest bit set is a positive number", () => {
    expect(only(hex("10 00 00 00 03 00 00 00 01 00 00 00 05 80 a3 d4")).port).toBe(0xd4a38005);
  });

  test("an empty datagram has no messages", () => {
    expect(readMessages(hex(""))).toEqual([]);
  });

  test.for<[what: string, bytes: string, message: string]>([
    ["goes beyond the end", "14 00 00 00 03 00 02 00 01 00 00 00 00 00 00 00", "byte 0 claims 20 bytes, 16 are left"],
    ["is shorter than its header", "0f 00 00 00 03 00 02 00 01 00 00 00 00 00 00 00", "byte 0 claims 15 bytes"],
    ["is cut in its header", "10 00 00 00 03 00", "byte 0 claims 0 bytes, 6 are left"],
    [
      "follows another and goes beyond the end",
      "10 00 00 00 03 00 02 00 01 00 00 00 00 00 00 00  40 00 00 00 03 00 02 00 01 00 00 00 00 00 00 00",
      "byte 16 claims 64 bytes, 16 are left",
    ],
  ])("a message that %s is refused", ([, datagram, message]) => {
    expect(() => readMessages(hex(datagram))).toThrow(message);
  });

  test("any messages written into one datagram come back as they were", () => {
    const message = fc.record(
      {
        type: fc.nat(0xffff),
        flags: fc.nat(0xffff),
        sequence: fc.nat(0xffffffff),
        port: fc.nat(0xffffffff),
        body: fc.uint8Array({ maxLength: 50 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const out = new Writer(16);
        for (const { body, ...header } of messages) writeMessage(out, header, body);
        expect(readMessages(out.copy())).toEqual(messages);
      }),
    );
  });
});

describe("readAcknowledgement", () => {
  test("errno 0 is success", () => {
    expect(readAcknowledgement(only(success))).toEqual({ errno: 0 });
  });

  test("the kernel's words stand behind the repeated request", () => {
    expect(readAcknowledgement(only(mtuTooSmall))).toEqual({ errno: 22, detail: "mtu less than device minimum" });
  });

  test("without NLM_F_ACK_TLVS the repeated request is not taken for words", () => {
    expect(readAcknowledgement(only(noDevice))).toEqual({ errno: 19 });
  });

  test("with NLM_F_CAPPED the words stand behind the request's header, with the place of the fault", () => {
    const answer = hex(`
      3c 00 00 00  02 00  00 03  01 00 00 00  05 00 00 00  # NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS
      ea ff ff ff                                          # error -EINVAL
      28 00 00 00  10 00  05 00  01 00 00 00  00 00 00 00  # the request's header: 40 bytes
      10 00 01 00  4e 6f 74 20 74 68 69 73 20 6d 65 00     # NLMSGERR_ATTR_MSG "Not this me"
      08 00 02 00  20 00 00 00                             # NLMSGERR_ATTR_OFFS 32`);
    expect(readAcknowledgement(only(answer))).toEqual({ errno: 22, detail: "Not this me", offset: 32 });
  });

  test("a missing attribute is named by its number where the kernel has no words for it", () => {
    const answer = hex(`
      2c 00 00 00  02 00  00 03  01 00 00 00  05 00 00 00
      ea ff ff ff  28 00 00 00  10 00  05 00  01 00 00 00  00 00 00 00
      08 00 05 00  12 00 00 00                             # NLMSGERR_ATTR_MISS_TYPE 18`);
    expect(readAcknowledgement(only(answer))).toEqual({ errno: 22, detail: "attribute 18 is missing" });
  });

  test("the end of a dump carries an errno and words too", () => {
    const answer = hex(`
      20 00 00 00  03 00  02 02  01 00 00 00  05 00 00 00  # NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS
      ea ff ff ff                                          # error -EINVAL
      09 00 01 00  4f 6f 70 73 00 00 00 00                 # NLMSGERR_ATTR_MSG "Oops"`);
    expect(readAcknowledgement(only(answer))).toEqual({ errno: 22, detail: "Oops" });
  });

  test("a dump may end without an errno", () => {
    expect(readAcknowledgement(only(hex("10 00 00 00 03 00 02 00 01 00 00 00 05 00 00 00")))).toEqual({ errno: 0 });
  });

  test("an acknowledgement without an errno is refused", () => {
    const answer = only(hex("12 00 00 00 02 00 00 00 01 00 00 00 05 00 00 00 ea ff"));
    expect(() => readAcknowledgement(answer)).toThrow("An acknowledgement has at least 4 bytes, not 2");
  });
});
