import { expect, test } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { hex } from "../netlink/hex.ts";
import { linkType } from "../netlink/link-message.ts";
import { addRoute } from "../netlink/route.ts";
import { routeType } from "../netlink/route-message.ts";
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

/** The kernel's word of a route of ours, asked for from this port. */
function routeTold(protocol: number, port: number, type: number = routeType.new): Uint8Array {
  const route = { destination: Prefix.parse("fd00:2::/64"), nextHop: { kind: "unreachable" }, protocol } as const;
  return answer({ type, port, body: addRoute({ ...route, priority: 2048 }).body });
}

test("a pass's own changes of routes are nothing to look at, those of others are", () => {
  const socket = new ScriptedSocket(() => []);
  let changes = 0;
  const onEnd = (error: Error) => expect.fail(error.message);
  using events = new KernelEvents({
    kernel: { socket: () => socket },
    onChange: () => changes++,
    onLoss: onEnd,
    onEnd,
  });
  events.listen();
  const tell = (...datagrams: readonly Uint8Array[]) => {
    const before = changes;
    for (const datagram of datagrams) socket.tell(datagram);
    return changes - before;
  };
  expect(tell(routeTold(hextetProtocol, 4711))).toBe(1);
  events.expect(4711);
  expect(tell(routeTold(hextetProtocol, 4711), routeTold(hextetProtocol, 4711, routeType.delete))).toBe(0);
  expect(tell(routeTold(hextetProtocol, 0), routeTold(hextetProtocol, 815, routeType.delete))).toBe(2);
  expect(tell(Uint8Array.from([...routeTold(hextetProtocol, 4711), ...routeTold(hextetProtocol, 815)]))).toBe(1);
  expect(tell(answer({ type: linkType.new, port: 4711, body: hex("00 00") }))).toBe(1);
  events.expect(4712);
  expect(tell(routeTold(hextetProtocol, 4711))).toBe(1);
});
