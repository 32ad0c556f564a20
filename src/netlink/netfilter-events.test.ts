import { constants } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hex } from "./hex.ts";
import { KernelError } from "./kernel-error.ts";
import {
  decodeChange,
  generationMessage,
  generationType,
  getGeneration,
  type TablesChange,
  watchTables,
} from "./netfilter-events.ts";
import { netfilterType } from "./netfilter-message.ts";
import { answer, ScriptedSocket, together } from "./scripted-socket.ts";

const { EIO, EMSGSIZE, ENOBUFS } = constants.errno;
const newRule = answer({ type: netfilterType("tables", 6), port: 0, body: hex("01 00 00 02") });

function changed(change: TablesChange): Uint8Array {
  const body = generationMessage.encode({ header: {}, attributes: change });
  return answer({ type: generationType.new, port: 0, body });
}

describe("a change of tables", () => {
  test("is read", () => {
    const body = hex(`
      00 00 00 02  # struct nfgenmsg
      08 00 01 00  00 00 00 02  # NFTA_GEN_ID 2
      08 00 02 00  00 00 73 c3  # NFTA_GEN_PROC_PID 29635
      08 00 03 00  6e 66 74 00  # NFTA_GEN_PROC_NAME nft`);
    expect(decodeChange(body)).toEqual({ generation: 2, processId: 29_635, processName: "nft" });
    expect(getGeneration().decode(body)).toBe(2);
  });

  test("comes back as it was, whatever it is", () => {
    const u32 = fc.nat(0xffffffff);
    const processName = fc.string({ maxLength: 15 }).filter((text) => !text.includes("\0"));
    const change = fc.record({ generation: u32, processId: u32, processName }, { noNullPrototype: true });
    fc.assert(
      fc.property(change, (change) => {
        const { body } = { body: generationMessage.encode({ header: {}, attributes: change }) };
        expect(decodeChange(body)).toEqual(change);
      }),
    );
  });
});

describe("watching tables", () => {
  function watched() {
    const socket = new ScriptedSocket(() => []);
    const told: unknown[] = [];
    watchTables(socket, { onChange: (change) => told.push(change), onError: ({ message }) => told.push(message) });
    return { socket, told };
  }

  test("tells once of a transaction, whatever it is made of", () => {
    const { socket, told } = watched();
    const change = { generation: 2, processId: 5, processName: "nft" };
    expect(socket.groups).toEqual([7]);
    socket.tell(newRule);
    socket.tell(together(newRule, newRule, changed(change)));
    expect(told).toEqual([change]);
  });

  test.for([
    ["ENOBUFS", ENOBUFS],
    ["EMSGSIZE", EMSGSIZE],
  ] as const)("tells after %s that there was something, and goes on", ([, errno]) => {
    const { socket, told } = watched();
    const change = { generation: 9, processId: 5, processName: "nft" };
    socket.tell(new KernelError({ operation: "receive", errno }));
    socket.tell(changed(change));
    expect(told).toEqual([undefined, change]);
  });

  test.for([
    ["half a header", hex("21")],
    ["an attribute without a length", answer({ type: generationType.new, body: hex("00 00 00 00  00 00 01 00") })],
  ] as const)("takes %s for a change, and goes on", ([, datagram]) => {
    const { socket, told } = watched();
    const change = { generation: 9, processId: 5, processName: "nft" };
    socket.tell(datagram);
    socket.tell(changed(change));
    expect(told).toEqual([undefined, change]);
  });

  test("tells of any other error", () => {
    const { socket, told } = watched();
    socket.tell(new KernelError({ operation: "receive", errno: EIO }));
    expect(told).toEqual(["Cannot receive: I/o error"]);
  });
});
