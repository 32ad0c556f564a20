import { test as base, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { captureFrames } from "./frame-capture.ts";
import { openFrameSocket } from "./native.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

function indexOf(node: TestNamespace, name: string): number {
  return Number(node.run("ip", "-o", "link", "show", "dev", name).split(":")[0]);
}

/** Ethernet, of a type for experiments (IEEE 802, section 9.2), and a mark. */
function frame(mark: number): Uint8Array {
  const everybody = Array.from({ length: 6 }, () => 0xff);
  const source = Uint8Array.of(2, 0, 0, 0, 0, 1);
  return Uint8Array.of(...everybody, ...source, 0x88, 0xb5, mark, ...new Uint8Array(46));
}

test("sees what comes in and what goes out on its link, and nothing of others", async ({ node }) => {
  node.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "other");
  for (const name of ["one", "other"]) node.run("ip", "link", "set", name, "addrgenmode", "none", "up");
  node.loopbackUp();
  const seen: number[] = [];
  const complete = Promise.withResolvers<void>();
  const onFrame = (bytes: Uint8Array) => {
    if (bytes[12] !== 0x88 || bytes[13] !== 0xb5) return;
    seen.push(bytes[14] ?? 0);
    if (seen.length === 2) complete.resolve();
  };
  using _capture = captureFrames({ link: indexOf(node, "one"), namespace: node, onFrame, onError: complete.reject });
  for (const [name, mark] of [
    ["lo", 9],
    ["one", 1],
    ["other", 2],
  ] as const) {
    using socket = openFrameSocket(indexOf(node, name), node);
    socket.send(frame(mark));
  }
  await complete.promise;
  expect(seen).toEqual([1, 2]);
});

test("tells that its link went away", async ({ node }) => {
  node.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "other");
  for (const name of ["one", "other"]) node.run("ip", "link", "set", name, "up");
  const gone = Promise.withResolvers<Error>();
  using _capture = captureFrames({
    link: indexOf(node, "one"),
    namespace: node,
    onFrame: () => {},
    onError: gone.resolve,
  });
  node.run("ip", "link", "delete", "one");
  expect((await gone.promise).message).toMatch(/^Cannot capture on link \d+ in network namespace .*: /);
});

test("says why it cannot begin", ({ node }) => {
  const options = { link: 4711, namespace: node, onFrame: () => {}, onError: () => {} };
  expect(() => captureFrames(options)).toThrow(/^Cannot capture on link 4711 .*: No such device$/i);
});
