import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attributes } from "./attributes.ts";
import { u16, u32 } from "./codec.ts";
import { Connection } from "./connection.ts";
import { hex } from "./hex.ts";
import { alreadyExists } from "./kernel-error.ts";
import { openSocket } from "./native.ts";
import { addRoute, addVeth, blackholes, changeLoopback, link, links, removeLink, route } from "./sample-requests.ts";

const test = base.extend<{ pod: TestNamespace }>({ pod: fresh });
const families: ("v4" | "v6")[] = ["v4", "v6"];

function connect(namespace: TestNamespace): Connection {
  return new Connection(openSocket("route", { namespace }));
}

describe("a connection", () => {
  test("requests of one datagram are all tried, and the first failure is told with its place", ({ pod }) => {
    using connection = connect(pod);
    const requests = [changeLoopback({ up: true }), removeLink("eth7"), addVeth("eth0"), addVeth("lo")];
    expect(() => connection.execute(requests)).toThrow(
      expect.objectContaining({ code: "ENODEV", index: 1, message: "Cannot remove link eth7: No such device" }),
    );
    expect(connection.dump(links)).toContain("eth0");
  });

  test("a link can be made and asked for in one datagram", ({ pod }) => {
    using connection = connect(pod);
    const body = link.encode({ header: {}, attributes: { name: "eth0" } });
    const get = { operation: "get link eth0", type: 18, flags: 0, body, decode: link.decode };
    const [made, found] = connection.execute([addVeth("eth0"), get]);
    expect(made).toBeUndefined();
    expect(found).toMatchObject({
      header: { type: 1 },
      attributes: { name: "eth0", mtu: 1500, info: { kind: "veth" } },
    });
  });

  test("what is there already is told apart", ({ pod }) => {
    using connection = connect(pod);
    expect(() => connection.execute([addVeth("lo")])).toThrow(expect.toSatisfy(alreadyExists));
  });

  test.for<[name: string, family: number, destination: string, gateway: string, words: string]>([
    ["IPv4", 2, "0a 01 00 01", "0a 63 00 01", "Nexthop has invalid gateway"],
    ["IPv6", 10, `fd ${"00".repeat(15)}`, `ff 02 ${"00".repeat(14)}`, "Invalid gateway address"],
  ])("a refused %s route has the kernel's own words", ([name, family, destination, gateway, words], { pod }) => {
    const body = route.encode({
      header: { family, bits: hex(destination).length * 8, table: 254, protocol: 4, type: 1 },
      attributes: { destination: hex(destination), interface: 1, gateway: hex(gateway) },
    });
    using connection = connect(pod.loopbackUp());
    const request = { operation: `add ${name} route`, type: 24, flags: 0x600, body };
    expect(() => connection.execute([request])).toThrow(
      expect.objectContaining({ operation: `add ${name} route`, detail: words, index: 0 }),
    );
  });

  test("an attribute the kernel finds wrong is told by its place in the message", ({ pod }) => {
    using connection = connect(pod);
    const wrong = attributes({ operstate: [16, u32], mtu: [4, u16] }).encode({ operstate: 0, mtu: 1400 });
    const body = Uint8Array.from([...link.encode({ header: { index: 1 } }), ...wrong]);
    expect(() => connection.execute([{ operation: "change link lo", type: 16, flags: 0, body }])).toThrow(
      expect.objectContaining({ code: "ERANGE", offset: 16 + 16 + 8 }),
    );
  });

  test.for(families)("5,000 %s routes go in, come out and are there already the second time", (family, { pod }) => {
    using connection = connect(pod);
    const requests = Array.from({ length: 5000 }, (_, number) => addRoute(family, number));
    connection.execute(requests);
    expect(connection.dump(blackholes(family)).toSorted((a, b) => a - b)).toEqual(requests.map((_, number) => number));
    expect(() => connection.execute(requests)).toThrow(
      expect.objectContaining({ code: "EEXIST", index: 0, operation: `add ${family} route 0` }),
    );
  });

  test("a slow request runs beside others on the same connection", async ({ pod }) => {
    using connection = connect(pod);
    connection.execute([addVeth("eth0"), addVeth("eth1")]);
    const removals = ["eth0", "eth1", "eth2"].map((name) => connection.executeLater(removeLink(name)));
    connection.execute([changeLoopback({ up: true })]);
    const outcomes = await Promise.allSettled(removals);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(connection.dump(links)).toEqual(["lo"]);
  });

  test("a connection closed while a slow request is under way tells so, and the request is carried out", async ({
    pod,
  }) => {
    using watching = connect(pod);
    const connection = connect(pod);
    connection.execute([addVeth("eth0")]);
    const removal = connection.executeLater(removeLink("eth0"));
    connection[Symbol.dispose]();
    await expect(removal).rejects.toThrow("Cannot remove link eth0: Bad file descriptor (it was closed)");
    expect(watching.dump(links)).toEqual(["lo"]);
  });
});
