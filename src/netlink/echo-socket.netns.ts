import { readdirSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { type Answered, openEchoAsker, openEchoHearer } from "./echo-socket.ts";
import { createLink } from "./link.ts";
import { openSocket } from "./native.ts";

const test = base.extend<{ one: TestNamespace; other: TestNamespace }>({ one: fresh, other: fresh });
const token = Uint8Array.from(Buffer.from("a1b2c3d4e5f60718", "hex"));

const written = {
  v4: {
    own: "192.0.2.1",
    other: "192.0.2.2",
    length: 30,
    unused: "10.2.0.0",
    prefix: "10.2.0.0/24",
    away: "203.0.113.1",
  },
  v6: {
    own: "2001:db8::1",
    other: "2001:db8::2",
    length: 64,
    unused: "fd00:2::",
    prefix: "fd00:2::/64",
    away: "2001:db8:9::1",
  },
} as const;

function cable(one: TestNamespace, other: TestNamespace, families: readonly ("v4" | "v6")[]): void {
  using connection = new Connection(openSocket("route", { namespace: one }));
  connection.execute([createLink({ kind: "veth", name: "eth0", peer: { name: "eth0", namespace: other } })]);
  for (const [side, address] of [
    [one, "own"],
    [other, "other"],
  ] as const) {
    side.loopbackUp().run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0", "net.ipv6.conf.all.forwarding=1");
    side.run("sysctl", "-qw", "net.ipv4.conf.all.forwarding=1");
    side.run("ip", "link", "set", "eth0", "up");
    for (const family of families) {
      const { [address]: own, length } = written[family];
      side.run("ip", "address", "add", `${own}/${length}`, "dev", "eth0");
    }
  }
}

describe.for([
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
] as const)("%s", ([, families]) => {
  test("asks, is answered or refused, and each end knows who it was", async ({ one, other }) => {
    cable(one, other, families);
    for (const family of families) {
      const { own, other: there, prefix, unused, away } = written[family];
      other.run("ip", "route", "add", "unreachable", prefix);
      one.run("ip", "route", "add", prefix, "via", there);
      const all = Promise.withResolvers<void>();
      const answers: Answered[] = [];
      using hearer = openEchoHearer(family, other);
      using asker = openEchoAsker(
        family,
        (answer) => {
          answers.push(answer);
          if (answers.length === 2) all.resolve();
        },
        one,
      );
      asker.ask(Address.parse(there), { token, number: 7 });
      asker.ask(Address.parse(unused), { token, number: 8 });
      expect(() => asker.ask(Address.parse(away), { token, number: 9 })).toThrow(
        `Cannot ask ${away}: Network is unreachable`,
      );
      await all.promise;
      expect(answers.map(({ kind, from, mark }) => `${kind} ${mark.number} from ${from}`).toSorted()).toEqual([
        `refusal 8 from ${there}`,
        `reply 7 from ${there}`,
      ]);
      expect(answers.every(({ mark }) => Buffer.from(mark.token).equals(token))).toBe(true);
      expect(hearer.heard().map(String)).toEqual([own]);
      expect(hearer.heard()).toEqual([]);
    }
  });
});

test("leaves no file open", ({ one }) => {
  const before = readdirSync("/proc/self/fd").length;
  for (const family of ["v4", "v6"] as const) openEchoHearer(family, one)[Symbol.dispose]();
  expect(readdirSync("/proc/self/fd")).toHaveLength(before);
});
