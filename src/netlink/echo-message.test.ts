import { describe, expect, test } from "vitest";
import { families } from "../ip/address.ts";
import { decodeAnswer, encodeEcho } from "./echo-message.ts";

const mark = { token: Uint8Array.of(0xa1, 0xa2, 3, 4, 5, 6, 7, 8), number: 0x1_0002 };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** 192.0.2.2 to 192.0.2.1, with an option, so that the header is six words long. */
const header4 = "4600 0030 0000 4000 40 01 0000 c0000202 c0000201 94040000";
const header6 = `60000000 0014 3a 40 ${"20010db8" + "0".repeat(23)}1 ${"20010db8" + "0".repeat(23)}2`;

describe("encodeEcho()", () => {
  test.for([
    ["v4", "08 00 a5a3 a1a2 0002 a1a2030405060708 00010002"],
    ["v6", "80 00 0000 a1a2 0002 a1a2030405060708 00010002"],
  ] as const)("of %s has the token in it, and the checksum that the kernel does not make", ([family, text]) => {
    expect(hex(encodeEcho(family, mark))).toBe(text.replaceAll(" ", ""));
  });
});

describe.for(families)("decodeAnswer() of %s", (family) => {
  const asked = hex(encodeEcho(family, mark));
  const reply = family === "v4" ? `${header4} 00${asked.slice(2)}` : `81${asked.slice(2)}`;
  const refusal =
    family === "v4" ? `${header4} 03010000 00000000 ${header4} ${asked}` : `01030000 00000000 ${header6} ${asked}`;

  test("reads the answer, and an error with what it is about", () => {
    expect(decodeAnswer(family, bytes(reply))).toEqual({ kind: "reply", mark });
    expect(decodeAnswer(family, bytes(refusal))).toEqual({ kind: "refusal", mark, code: family === "v4" ? 1 : 3 });
  });

  test("leaves to others what is cut off, or about something else", () => {
    for (const text of [reply, refusal]) {
      const whole = bytes(text);
      for (let length = 0; length < whole.length; length++) {
        expect(decodeAnswer(family, whole.subarray(0, length))).toBeUndefined();
      }
    }
    expect(decodeAnswer(family, bytes(refusal.replace(asked, `11${asked.slice(2)}`)))).toBeUndefined();
    expect(decodeAnswer(family, bytes(family === "v4" ? `${header4} ${asked}` : asked))).toBeUndefined();
  });
});
