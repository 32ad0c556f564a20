import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { changeLink, createLink } from "./link.ts";
import { openSocket } from "./native.ts";
import {
  addQueue,
  addRedirect,
  listQueues,
  listRedirects,
  removeQueue,
  removeRedirect,
  replaceQueue,
  type TokenBucket,
} from "./tc.ts";

const test = base.extend<{ node: TestNamespace; pod: TestNamespace }>({ node: fresh, pod: fresh });
const LINK = 100;
const MIRROR = 9;
const bucket: TokenBucket = { kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 32_768, limitBytes: 157_768 };

/** A pair between the namespaces with addresses of both families, and an ifb that is up. */
function connect(node: TestNamespace, pod: TestNamespace): Connection {
  const connection = new Connection(openSocket("route", { namespace: node }));
  connection.execute([
    createLink({ kind: "veth", name: "hx1", index: LINK, up: true, peer: { name: "eth0", namespace: pod } }),
    createLink({ kind: "ifb", name: "ifb9", index: MIRROR, up: true }),
  ]);
  using inside = new Connection(openSocket("route", { namespace: pod }));
  inside.execute([changeLink({ name: "eth0" }, { up: true })]);
  for (const [namespace, link, last] of [
    [node, "hx1", "1"],
    [pod, "eth0", "2"],
  ] as const) {
    namespace.run("ip", "address", "add", `10.0.0.${last}/24`, "dev", link);
    namespace.run("ip", "address", "add", `fd00::${last}/64`, "dev", link, "nodad");
  }
  return connection;
}

function shown(namespace: TestNamespace, what: "qdisc" | "filter", ...args: readonly string[]): unknown[] {
  return JSON.parse(namespace.run("tc", "-s", "-j", what, "show", "dev", "hx1", ...args));
}

describe("a token bucket", () => {
  test("is shown by tc as it was added, and read so", ({ node, pod }) => {
    using connection = connect(node, pod);
    connection.execute([addQueue({ link: LINK, ...bucket })]);
    expect(shown(node, "qdisc")).toMatchObject([{ kind: "tbf", root: true, options: { rate: 1_250_000 } }]);
    expect(connection.dump(listQueues({ link: LINK }))).toEqual([{ link: LINK, ...bucket }]);
    expect(() => connection.execute([addQueue({ link: LINK, ...bucket })])).toThrow(expect.toSatisfy(alreadyExists));
  });

  test("is changed by another one, and removed once", ({ node, pod }) => {
    using connection = connect(node, pod);
    connection.execute([
      replaceQueue({ link: LINK, ...bucket }),
      replaceQueue({ link: LINK, ...bucket, bytesPerSecond: 125_000 }),
    ]);
    expect(shown(node, "qdisc")).toMatchObject([{ options: { rate: 125_000 } }]);
    connection.execute([removeQueue({ link: LINK, at: "root" })]);
    expect(shown(node, "qdisc")).toMatchObject([{ kind: "noqueue" }]);
    const again = () => connection.execute([removeQueue({ link: LINK, at: "root" })]);
    expect(again).toThrow(expect.toSatisfy(isGone));
  });

  test("of 100 Gbit/s has a rate beyond 32 bits, and some bytes less of burst", ({ node, pod }) => {
    using connection = connect(node, pod);
    const fast = { ...bucket, bytesPerSecond: 12_500_000_000, burstBytes: 33_554_432 };
    connection.execute([addQueue({ link: LINK, ...fast })]);
    expect(shown(node, "qdisc")).toMatchObject([{ options: { rate: 12_500_000_000 } }]);
    expect(connection.dump(listQueues({ link: LINK }))).toMatchObject([
      { bytesPerSecond: 12_500_000_000, burstBytes: 33_554_400 },
    ]);
  });

  test("holds back what is more than it lets through", ({ node, pod }) => {
    using connection = connect(node, pod);
    // One packet of a ping fits the bucket, and none waits beside it.
    connection.execute([
      addQueue({ link: LINK, kind: "tbf", bytesPerSecond: 1000, burstBytes: 1600, limitBytes: 1600 }),
    ]);
    node.run("sh", "-c", "ping -q -c 5 -i 0.01 -s 1400 -W 0.1 fd00::2 || true");
    const [queue] = shown(node, "qdisc");
    expect(queue).toMatchObject({ drops: expect.toSatisfy((drops: number) => drops > 0) });
  });
});

describe("a redirection", () => {
  test("hands what the link receives to the ifb, in both families", ({ node, pod }) => {
    using connection = connect(node, pod);
    connection.execute([addQueue({ link: LINK, kind: "ingress" }), addRedirect({ link: LINK, to: MIRROR })]);
    expect(connection.dump(listRedirects({ link: LINK }))).toEqual([{ link: LINK, to: MIRROR }]);
    for (const address of ["fd00::1", "10.0.0.1"]) {
      expect(pod.run("ping", "-n", "-q", "-c", "1", "-W", "1", address)).toContain("1 received");
    }
    const [mirror]: { readonly stats64: { readonly rx: { readonly packets: number } } }[] = JSON.parse(
      node.run("ip", "-s", "-j", "link", "show", "dev", "ifb9"),
    );
    expect(mirror?.stats64.rx.packets).toBeGreaterThanOrEqual(2);
  });

  test("is added and removed once", ({ node, pod }) => {
    using connection = connect(node, pod);
    connection.execute([addQueue({ link: LINK, kind: "ingress" }), addRedirect({ link: LINK, to: MIRROR })]);
    expect(() => connection.execute([addRedirect({ link: LINK, to: MIRROR })])).toThrow(
      expect.toSatisfy(alreadyExists),
    );
    expect(shown(node, "filter", "ingress")).not.toEqual([]);
    connection.execute([removeRedirect({ link: LINK })]);
    expect(shown(node, "filter", "ingress")).toEqual([]);
    expect(() => connection.execute([removeRedirect({ link: LINK })])).toThrow(expect.toSatisfy(isGone));
  });

  test("goes with the queue it is in", ({ node, pod }) => {
    using connection = connect(node, pod);
    connection.execute([addQueue({ link: LINK, kind: "ingress" }), addRedirect({ link: LINK, to: MIRROR })]);
    connection.execute([removeQueue({ link: LINK, at: "ingress" })]);
    expect(connection.dump(listRedirects({ link: LINK }))).toEqual([]);
    const again = () => connection.execute([removeQueue({ link: LINK, at: "ingress" })]);
    expect(again).toThrow(expect.toSatisfy(isGone));
  });

  test("needs the queue, and a link to go to", ({ node, pod }) => {
    using connection = connect(node, pod);
    expect(() => connection.execute([addRedirect({ link: LINK, to: MIRROR })])).toThrow(
      `Cannot redirect what link ${LINK} receives to link ${MIRROR}: Invalid argument (Parent Qdisc doesn't exists)`,
    );
    connection.execute([addQueue({ link: LINK, kind: "ingress" })]);
    expect(() => connection.execute([addRedirect({ link: LINK, to: 999 })])).toThrow(expect.toSatisfy(isGone));
  });
});

describe("a queue of a kind", () => {
  test("that the kernel does not have is refused with its own words", ({ node, pod }) => {
    using connection = connect(node, pod);
    const request = addQueue({ link: LINK, kind: "other", name: "none-such" });
    expect(() => connection.execute([request])).toThrow(
      "Cannot add queue other on link 100: No such file or directory (Specified qdisc kind is unknown)",
    );
  });

  test("that is not known here is read by its name", ({ node, pod }) => {
    using connection = connect(node, pod);
    node.run("tc", "qdisc", "add", "dev", "hx1", "root", "pfifo", "limit", "10");
    expect(connection.dump(listQueues({ link: LINK }))).toEqual([{ link: LINK, kind: "other", name: "pfifo" }]);
  });
});
