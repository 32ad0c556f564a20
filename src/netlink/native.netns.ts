import { closeSync, readdirSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { addon } from "./addon/addon.ts";
import { attributes, headed } from "./attributes.ts";
import { be16, cstring, struct, u8, u16 } from "./codec.ts";
import { Connection } from "./connection.ts";
import { KernelError } from "./kernel-error.ts";
import { createNamespace, openSocket } from "./native.ts";
import { addVeth, links } from "./sample-requests.ts";
import type { NetlinkFamily } from "./socket.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace }>({ pod: fresh, node: fresh });

function connect(namespace: TestNamespace, family: NetlinkFamily = "route"): Connection {
  return new Connection(openSocket(family, { namespace }));
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("a socket in another namespace", () => {
  test("route: it sees and changes the links of that namespace only", ({ pod, node }) => {
    using inPod = connect(pod);
    using inNode = connect(node);
    inPod.execute([addVeth("eth0")]);
    expect(inPod.dump(links).toSorted()).toEqual(["eth0", "lo", "veth0"]);
    expect(inNode.dump(links)).toEqual(["lo"]);
    expect(pod.run("ip", "-o", "link")).toContain("eth0@veth0");
  });

  test("generic: the controller tells the number of a family", ({ pod }) => {
    const family = headed(
      struct({ command: u8, version: u8, reserved: u16 }),
      attributes({ id: [1, u16], name: [2, cstring] }),
    );
    const query = {
      operation: "get generic family nlctrl",
      type: 16,
      flags: 0,
      body: family.encode({ header: { command: 3, version: 1 }, attributes: { name: "nlctrl" } }),
      decode: (body: Uint8Array) => family.decode(body).attributes,
    };
    using connection = connect(pod, "generic");
    expect(connection.get(query)).toEqual({ id: 16, name: "nlctrl" });
  });

  test("netfilter: it sees the tables of that namespace only", ({ pod, node }) => {
    const table = headed(struct({ family: u8, version: u8, resource: be16 }), attributes({ name: [1, cstring] }));
    const tables = {
      operation: "list nftables tables",
      type: 0x0a01,
      flags: 0,
      body: table.encode({ header: {} }),
      decode: (body: Uint8Array) => table.decode(body).attributes.name,
    };
    pod.run("nft", "add", "table", "inet", "hextet");
    using inPod = connect(pod, "netfilter");
    using inNode = connect(node, "netfilter");
    expect(inPod.dump(tables)).toEqual(["hextet"]);
    expect(inNode.dump(tables)).toEqual([]);
  });

  test("none given: the links are those of the process", () => {
    using connection = new Connection(openSocket("route"));
    expect(connection.dump(links).toSorted()).toEqual(readdirSync("/sys/class/net").toSorted());
  });

  test("the socket outlives the handle of the namespace it was opened in", () => {
    const namespace = createNamespace();
    using connection = new Connection(openSocket("route", { namespace }));
    namespace[Symbol.dispose]();
    connection.execute([addVeth("eth0")]);
    expect(connection.dump(links)).toHaveLength(3);
  });

  test("opening in a namespace that was let go is refused, and names it", () => {
    const namespace = createNamespace();
    const { path } = namespace;
    namespace[Symbol.dispose]();
    expect(() => openSocket("route", { namespace })).toThrow(
      `Cannot use network namespace ${path}: Bad file descriptor`,
    );
  });

  test("opening in what is no network namespace is refused, and the thread stays at home", () => {
    const home = readlinkSync("/proc/thread-self/ns/net");
    const wrong = { fd: 0, path: "standard input", [Symbol.dispose]() {} };
    expect(() => openSocket("route", { namespace: wrong })).toThrow(
      expect.objectContaining({
        code: "EINVAL",
        operation: "open route netlink socket in network namespace standard input",
      }),
    );
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(home);
  });
});

describe("a socket", () => {
  test("an answer that does not come within 20 ms is told", ({ pod }) => {
    using socket = openSocket("route", { namespace: pod, timeoutMs: 20 });
    expect(() => socket.receive()).toThrow(
      expect.objectContaining({ code: "ETIMEDOUT", detail: "nothing came within 20 ms" }),
    );
  });

  test("a datagram longer than the buffer is an error, never cut", ({ pod }) => {
    const { openSocket: open, bind, send, receive } = addon();
    const fd = open(pod.fd, 0);
    bind(fd);
    const dump = Uint8Array.from([32, 0, 0, 0, 18, 0, 1, 3, ...Array(24).fill(0)]);
    expect(send(fd, dump)).toBe(32);
    expect(receive(fd, new Uint8Array(64), 1000)).toBe(-constants.errno.EMSGSIZE);
    expect(receive(fd, new Uint8Array(64), 1000)).toBe(20); // NLMSG_DONE
    closeSync(fd);
  });

  test("a socket that was closed says so", ({ pod }) => {
    const socket = openSocket("route", { namespace: pod });
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    expect(() => socket.send(new Uint8Array(16))).toThrow(
      `in network namespace ${pod.path}: Bad file descriptor (it was closed)`,
    );
    expect(() => socket.receive()).toThrow(KernelError);
  });

  test("1,000 sockets opened and closed, with some that fail, leave no file open", ({ pod }) => {
    const wrong = { fd: 0, path: "standard input", [Symbol.dispose]() {} };
    const before = openFiles();
    for (let count = 0; count < 1000; count++) {
      openSocket("route", { namespace: pod })[Symbol.dispose]();
      if (count % 10 === 0) {
        createNamespace()[Symbol.dispose]();
        expect(() => openSocket("route", { namespace: wrong })).toThrow("Invalid argument");
      }
    }
    expect(openFiles()).toBe(before);
  });
});
