import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeRequest,
  encodeAccepted,
  encodeAnswer,
  encodeDeclined,
  encodeRequest,
  ProtocolError,
  requestLength,
} from "./launcher-protocol.ts";

function bytes(...lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join("").replaceAll(" ", ""), "hex");
}

const request = {
  buildId: "0011aabb",
  program: "hextet",
  environment: { CNI_COMMAND: "DEL", CNI_ARGS: "A=1;B=2" },
  stdin: "{}",
};
const requestBytes = bytes(
  "48585401", // magic, version 1
  "00000008 00000006 00000021 00000002", // lengths of the four blocks
  "30303131 61616262", // build id
  "686578746574", // program
  "434e495f434f4d4d414e443d44454c 00", // CNI_COMMAND=DEL
  "434e495f415247533d413d313b423d32 00", // CNI_ARGS=A=1;B=2
  "7b7d", // standard input
);

describe("a request", () => {
  test("is written as the document says", () => {
    expect(Buffer.from(encodeRequest(request)).toString("hex")).toBe(Buffer.from(requestBytes).toString("hex"));
  });

  test("is read back, with the equals signs in a value", () => {
    expect(decodeRequest(requestBytes)).toEqual(request);
  });

  test("has no length before its 20 byte head is complete", () => {
    expect(requestLength(requestBytes.subarray(0, 19))).toBeUndefined();
    expect(requestLength(requestBytes.subarray(0, 20))).toBe(requestBytes.length);
  });

  test("survives the trip whatever its text is", () => {
    const text = fc.string({ unit: "grapheme" });
    const value = fc.string({ unit: "grapheme" }).filter((each) => !each.includes("\0"));
    const environment = fc.dictionary(fc.stringMatching(/^CNI_[A-Z]{1,8}$/), value, { noNullPrototype: true });
    const requests = fc.record({ buildId: text, program: text, environment, stdin: text });
    fc.assert(
      fc.property(requests, (each) => {
        expect(decodeRequest(encodeRequest(each))).toEqual(each);
      }),
    );
  });

  test.for([
    ["of another version", "48585402 00000000 00000000 00000000 00000000", "48585402: unknown protocol"],
    ["that is none", "47455420 2f204854 54502f31 2e310d0a 00000000", "47455420: unknown protocol"],
    ["of 4 GB", "48585401 00000000 00000000 00000000 ffffffff", "the limit is 67108864"],
  ] as const)("%s is refused", ([, hex, message]) => {
    expect(() => requestLength(bytes(hex))).toThrow(ProtocolError);
    expect(() => requestLength(bytes(hex))).toThrow(message);
  });

  test("with bytes missing or too many is refused", () => {
    expect(() => decodeRequest(requestBytes.subarray(0, -1))).toThrow(ProtocolError);
    expect(() => decodeRequest(Buffer.concat([requestBytes, Buffer.from("x")]))).toThrow(ProtocolError);
  });
});

describe("a reply", () => {
  test.for([
    ["accepted", encodeAccepted(), "48585401 01 00 0000 00000000 00000000"],
    ["declined", encodeDeclined(), "48585401 03 00 0000 00000000 00000000"],
    [
      "an answer with exit code 1, 2 bytes of output and 1 of error",
      encodeAnswer({ exitCode: 1, stdout: "{}", stderr: "!" }),
      "48585401 02 01 0000 00000002 00000001 7b7d 21",
    ],
  ] as const)("%s is written as the document says", ([, encoded, hex]) => {
    expect(Buffer.from(encoded).toString("hex")).toBe(hex.replaceAll(" ", ""));
  });
});
