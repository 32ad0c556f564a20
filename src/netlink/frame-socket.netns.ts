import { readdirSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { changeLink, createLink, getLink, type Link } from "./link.ts";
import { openFrameSocket, openSocket } from "./native.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace }>({ pod: fresh, node: fresh });

/** eth0 in one namespace, its other end in the other, both up. */
function cable(node: TestNamespace, pod: TestNamespace): Link {
  using inNode = new Connection(openSocket("route", { namespace: node }));
  using inPod = new Connection(openSocket("route", { namespace: pod }));
  inNode.execute([createLink({ kind: "veth", name: "eth0", peer: { name: "eth0", namespace: pod } })]);
  inPod.execute([changeLink({ name: "eth0" }, { up: true })]);
  inNode.execute([changeLink({ name: "eth0" }, { up: true })]);
  return inNode.get(getLink({ name: "eth0" }));
}

/** From 02:…:09 to everybody: "192.0.2.9 is at 02:…:09", as an ARP request that asks nothing. */
const announcement = Uint8Array.from(
  Buffer.from(
    [
      "ffffffffffff020000000009" + "0806", // Ethernet
      "0001" + "0800" + "06" + "04" + "0001", // an ARP request about the own address
      "020000000009" + "c0000209" + "ffffffffffff" + "c0000209",
    ].join(""),
    "hex",
  ),
);

describe("openFrameSocket()", () => {
  test("what is sent arrives at the other end of the link, in another namespace", ({ pod, node }) => {
    const { index } = cable(node, pod);
    pod.run("ip", "address", "add", "192.0.2.1/24", "dev", "eth0");
    pod.run("ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "stale");
    using socket = openFrameSocket(index, node);
    socket.send(announcement);
    expect(pod.run("ip", "neigh", "show", "192.0.2.9")).toContain("lladdr 02:00:00:00:00:09");
  });

  test("a link that is not there is named, and no file stays open", ({ node }) => {
    const before = readdirSync("/proc/self/fd").length;
    expect(() => openFrameSocket(99, node)).toThrow(
      `Cannot open link 99 in network namespace ${node.path} for frames: No such device`,
    );
    expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  });

  test("a link that is down, or gone since, is named", ({ pod, node }) => {
    const { index } = cable(node, pod);
    using socket = openFrameSocket(index, node);
    node.run("ip", "link", "set", "eth0", "down");
    expect(() => socket.send(announcement)).toThrow(
      `Cannot send a frame on link ${index} in network namespace ${node.path}: Network is down`,
    );
    node.run("ip", "link", "delete", "eth0");
    expect(() => socket.send(announcement)).toThrow(/^Cannot send a frame on link /);
  });
});
