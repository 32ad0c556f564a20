import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { readMessages } from "./message.ts";
import { openSocket } from "./native.ts";
import { addVeth, changeLoopback, link } from "./sample-requests.ts";

const test = base.extend<{ pod: TestNamespace }>({ pod: fresh });

function connect(namespace: TestNamespace): Connection {
  return new Connection(openSocket("route", { namespace }));
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Watches close their files on a later turn of the event loop; those of earlier tests are not to be counted. */
async function openFilesAtRest(): Promise<number> {
  let count = -1;
  while (count !== openFiles()) {
    count = openFiles();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return count;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("a watch", () => {
  const RTNLGRP_LINK = 1;

  function newLinks(datagram: Uint8Array): (string | undefined)[] {
    return readMessages(datagram)
      .filter(({ type }) => type === 16)
      .map(({ body }) => link.decode(body).attributes.name);
  }

  test("links that appear are told", async ({ pod }) => {
    const seen = new Set<string | undefined>();
    using socket = openSocket("route", { namespace: pod });
    socket.watch(
      [RTNLGRP_LINK],
      (datagram) => newLinks(datagram).forEach((name) => seen.add(name)),
      (error) => expect.fail(error.message),
    );
    using connection = connect(pod);
    connection.execute([addVeth("eth0")]);
    await until(() => seen.has("eth0"));
    pod.run("ip", "link", "add", "eth1", "type", "veth");
    await until(() => seen.has("eth1"));
  });

  test("messages that did not fit are told as lost, and the watch goes on", async ({ pod }) => {
    const seen = new Set<string | undefined>();
    const errors: Error[] = [];
    using socket = openSocket("route", { namespace: pod, receiveBufferBytes: 4096 });
    socket.watch(
      [RTNLGRP_LINK],
      (datagram) => newLinks(datagram).forEach((name) => seen.add(name)),
      (error) => errors.push(error),
    );
    using connection = connect(pod);
    connection.execute(Array.from({ length: 20 }, (_, index) => addVeth(`eth${index}`)));
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: "ENOBUFS" });
    expect(String(errors[0])).toContain("(the receive buffer was full, and messages were lost)");
    expect(seen.size).toBeLessThan(40);
    pod.run("ip", "link", "add", "last", "type", "veth");
    await until(() => seen.has("last"));
  });

  test("nothing is told after it was closed, and no file stays open", async ({ pod }) => {
    const before = await openFilesAtRest();
    let told = 0;
    using connection = connect(pod);
    for (let count = 0; count < 50; count++) {
      using socket = openSocket("route", { namespace: pod });
      socket.watch(
        [RTNLGRP_LINK],
        () => (told += 1),
        (error) => expect.fail(error.message),
      );
      if (count % 2 === 0) connection.execute([changeLoopback({ mtu: 1400 + count })]);
    }
    await until(() => openFiles() === before + 1);
    expect(told).toBe(0);
  });

  test("it may be closed from within", async ({ pod }) => {
    const before = await openFilesAtRest();
    let told = 0;
    const socket = openSocket("route", { namespace: pod });
    socket.watch(
      [RTNLGRP_LINK],
      () => {
        told += 1;
        socket[Symbol.dispose]();
      },
      (error) => expect.fail(error.message),
    );
    pod.run("ip", "link", "add", "eth0", "type", "veth");
    await until(() => openFiles() === before);
    expect(told).toBe(1);
  });

  test("a group that does not exist is refused", ({ pod }) => {
    using socket = openSocket("route", { namespace: pod });
    expect(() =>
      socket.watch(
        [1_000_000],
        () => {},
        () => {},
      ),
    ).toThrow("Cannot watch route netlink socket");
  });

  test.for<[what: string, listener: string, status: number, words: string]>([
    [
      "an error of the listener ends the process, as any that nobody catches",
      "throw new Error('oops')",
      1,
      "Error: oops",
    ],
    ["the process may end from within", "process.exit(5)", 5, ""],
  ])("%s", ([, listener, status, words], { pod }) => {
    const native = new URL("native.ts", import.meta.url).href;
    const script = `import { openNamespace, openSocket } from "${native}";
      import { execFileSync } from "node:child_process";
      using namespace = openNamespace("${pod.path}");
      openSocket("route", { namespace }).watch([${RTNLGRP_LINK}], () => { ${listener} }, console.error);
      execFileSync("nsenter", ["--net=${pod.path}", "ip", "link", "add", "eth0", "type", "veth"]);`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(ended.status).toBe(status);
    expect(ended.stderr).toContain(words);
  });
});
