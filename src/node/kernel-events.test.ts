import { expect, test } from "vitest";
import { hex } from "../netlink/hex.ts";
import { linkType } from "../netlink/link-message.ts";
import { answer, ScriptedSocket } from "../netlink/scripted-socket.ts";
import { KernelEvents } from "./kernel-events.ts";

test.for([
  ["half a header", hex("1f")],
  ["a link without a name's end", answer({ type: linkType.new, port: 0, body: hex("00 00") })],
] as const)("what is not understood may be anything, so there is something to look at: %s", ([, datagram]) => {
  const socket = new ScriptedSocket(() => []);
  const told: string[] = [];
  const options = {
    kernel: { socket: () => socket },
    onChange: () => told.push("change"),
    onLoss: () => told.push("loss"),
    onEnd: () => told.push("end"),
  };
  using events = new KernelEvents(options);
  events.listen();
  socket.tell(datagram);
  socket.tell(datagram);
  expect(told).toEqual(["change", "change"]);
});
