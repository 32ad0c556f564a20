import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { u32 } from "./codec.ts";
import { Connection } from "./connection.ts";
import { KernelError } from "./kernel-error.ts";
import { type Message, messageFlag, messageType, readMessages } from "./message.ts";
import type { Query, Request } from "./request.ts";
import { type Answer, acknowledgement, answer, done, ScriptedSocket, together } from "./scripted-socket.ts";

const { EEXIST, EINTR, EINVAL, ENOBUFS, ENODATA, ENOENT, EPERM } = constants.errno;

function request(name: string, size = 4): Request {
  return { operation: `add route ${name}`, type: 24, flags: 0x600, body: new Uint8Array(size) };
}

/** Reads a number, and skips 0. */
const numbers: Query<number> = {
  operation: "list numbers",
  type: 18,
  flags: 0,
  body: new Uint8Array(16),
  decode: (body) => u32.decode(body) || undefined,
};

function number(sequence: number, value: number, flags = 0): Uint8Array {
  return answer({ sequence, flags, body: u32.encode(value) });
}

function open(script: (messages: readonly Message[]) => readonly Answer[]): [Connection, ScriptedSocket] {
  const socket = new ScriptedSocket(script);
  return [new Connection(socket), socket];
}

/** What the kernel does with requests of which some fail: it answers the failures and the last. */
function failing(errnoOf: (index: number) => number) {
  let index = 0;
  return (messages: readonly Message[]) =>
    messages.flatMap(({ sequence, flags }) => {
      const errno = errnoOf(index++);
      return errno !== 0 || (flags & messageFlag.acknowledge) !== 0 ? [acknowledgement(sequence, errno)] : [];
    });
}

describe("execute", () => {
  test("three requests travel in one datagram, and the last asks for the acknowledgement", () => {
    const [connection, socket] = open(failing(() => 0));
    expect(connection.execute([request("a"), request("b"), request("c")])).toEqual([undefined, undefined, undefined]);
    expect(
      socket.sent.map((datagram) => readMessages(datagram).map(({ sequence, flags }) => [sequence, flags])),
    ).toEqual([
      [
        [0, 0x601],
        [1, 0x601],
        [2, 0x605],
      ],
    ]);
  });

  test("no requests are no datagram", () => {
    const [connection, socket] = open(() => []);
    expect(connection.execute([])).toEqual([]);
    expect(socket.sent).toEqual([]);
  });

  test("numbers go on from one call to the next", () => {
    const [connection, socket] = open(failing(() => 0));
    connection.execute([request("a"), request("b")]);
    connection.execute([request("c")]);
    expect(socket.sent.flatMap(readMessages).map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
  });

  test("of two failures the first is thrown, with its place and its operation", () => {
    const [connection] = open(failing((index) => [0, EEXIST, 0, EPERM][index] ?? 0));
    expect(() => connection.execute([request("a"), request("b"), request("c"), request("d")])).toThrow(
      expect.objectContaining({ code: "EEXIST", index: 1, message: "Cannot add route b: File already exists" }),
    );
  });

  test("attempt() gives every failure with its place, and throws none", () => {
    const [connection] = open(failing((index) => [0, ENOENT, 0, EPERM][index % 4] ?? 0));
    const failures = connection.attempt(Array.from({ length: 400 }, (_, at) => request(`${at}`)));
    expect(failures).toHaveLength(200);
    expect(failures[0]).toMatchObject({ code: "ENOENT", index: 1, operation: "add route 1" });
    expect(failures.at(-1)).toMatchObject({ code: "EPERM", index: 399 });
    expect(connection.attempt([])).toEqual([]);
  });

  test("the answers to all requests are read before a failure is thrown", () => {
    const [connection] = open(failing((index) => (index < 2 ? EEXIST : 0)));
    expect(() => connection.execute([request("a"), request("b")])).toThrow("add route a");
    expect(connection.execute([request("c")])).toEqual([undefined]);
  });

  test("a query among requests gives its reply", () => {
    const [connection] = open(([, second]) => [
      number(second?.sequence ?? -1, 42),
      acknowledgement(second?.sequence ?? -1),
    ]);
    const [none, reply] = connection.execute([request("a"), numbers]);
    expect([none satisfies undefined, reply satisfies number]).toEqual([undefined, 42]);
  });

  test("a query that gets no reply that fits says so", () => {
    const [connection] = open(() => [number(0, 0), acknowledgement(0)]);
    expect(() => connection.execute([numbers])).toThrow(expect.objectContaining({ errno: ENODATA, index: 0 }));
  });

  test("a reply that is too short is not understood, and names the query", () => {
    const [connection] = open(() => [answer({ sequence: 0, body: new Uint8Array(2) }), acknowledgement(0)]);
    expect(() => connection.get(numbers)).toThrow(
      "Cannot list numbers: The kernel's answer is not understood (2 bytes",
    );
  });

  test("answers to other sockets and to earlier requests are passed over", () => {
    const [connection] = open(() => [
      answer({ sequence: 0, port: 8, body: u32.encode(1) }),
      number(0xffffffff, 2),
      acknowledgement(77, EPERM),
      together(number(0, 3), acknowledgement(0)),
    ]);
    expect(connection.get(numbers)).toBe(3);
  });

  test("5,000 requests are split into datagrams of at most 128, and a failure tells its place among all", () => {
    const [connection, socket] = open(failing((index) => (index === 4321 ? ENOENT : 0)));
    const requests = Array.from({ length: 5000 }, (_, index) => request(`${index}`));
    expect(() => connection.execute(requests)).toThrow(
      expect.objectContaining({ operation: "add route 4321", index: 4321 }),
    );
    expect(socket.sent.map((datagram) => readMessages(datagram).length)).toEqual([...Array(39).fill(128), 8]);
    const all = socket.sent.flatMap(readMessages);
    expect(all.map(({ sequence }) => sequence)).toEqual(requests.map((_, index) => index));
    expect(all.filter(({ flags }) => (flags & messageFlag.acknowledge) !== 0)).toHaveLength(40);
  });

  test("large requests are split into datagrams of at most 32 KiB, one above that travels alone", () => {
    const [connection, socket] = open(failing(() => 0));
    connection.execute([10_000, 10_000, 10_000, 10_000, 40_000, 4].map((size) => request("a", size)));
    expect(socket.sent.map((datagram) => readMessages(datagram).length)).toEqual([3, 1, 1, 1]);
  });

  test("a fault while receiving names what was to be done, and its answers do not reach the next request", () => {
    const lost = new KernelError({ operation: "receive from netlink", errno: ENOBUFS });
    let calls = 0;
    const [connection] = open(([first]) => {
      const sequence = first?.sequence ?? -1;
      return calls++ === 0 ? [lost, acknowledgement(0, EPERM), acknowledgement(1)] : [acknowledgement(sequence)];
    });
    expect(() => connection.execute([request("a"), request("b")])).toThrow(
      expect.objectContaining({ errno: ENOBUFS, operation: "add route a and 1 more", cause: lost }),
    );
    expect(connection.execute([request("c")])).toEqual([undefined]);
  });
});

describe("dump", () => {
  test("entries of several datagrams are joined, and those that decode to nothing are left out", () => {
    const [connection, socket] = open(() => [
      together(number(0, 1, messageFlag.multi), number(0, 0, messageFlag.multi)),
      number(0, 3, messageFlag.multi),
      done(0),
    ]);
    expect(connection.dump(numbers)).toEqual([1, 3]);
    expect(socket.sent.flatMap(readMessages).map(({ flags }) => flags)).toEqual([0x301]);
  });

  test("an empty table is an empty array", () => {
    const [connection] = open(() => [done(0)]);
    expect(connection.dump(numbers)).toEqual([]);
  });

  test.for<[where: string, answers: (sequence: number) => Uint8Array[]]>([
    ["an entry", (sequence) => [number(sequence, 1, 0x12), number(sequence, 2, 0x02), done(sequence)]],
    ["the end", (sequence) => [number(sequence, 1, 0x02), answer({ type: 3, flags: 0x12, sequence })]],
  ])("one that %s marks as interrupted is read again", ([, interrupted]) => {
    let calls = 0;
    const [connection] = open(([first]) => {
      const sequence = first?.sequence ?? -1;
      return calls++ < 4 ? interrupted(sequence) : [number(sequence, 5, messageFlag.multi), done(sequence)];
    });
    expect(connection.dump(numbers)).toEqual([5]);
    expect(calls).toBe(5);
  });

  test("after five interrupted readings it gives up and says why", () => {
    let calls = 0;
    const [connection] = open(([first]) => {
      calls += 1;
      return [number(first?.sequence ?? -1, 1, 0x12), done(first?.sequence ?? -1)];
    });
    expect(() => connection.dump(numbers)).toThrow(
      expect.objectContaining({ errno: EINTR, detail: "the table changed during each of 5 readings" }),
    );
    expect(calls).toBe(5);
  });

  test.for<[how: string, end: Uint8Array]>([
    ["an error", acknowledgement(0, EINVAL)],
    ["its end", done(0, EINVAL)],
  ])("a refusal by %s is thrown", ([, end]) => {
    const [connection] = open(() => [end]);
    expect(() => connection.dump(numbers)).toThrow(
      expect.objectContaining({ operation: "list numbers", code: "EINVAL" }),
    );
  });

  test.for<[what: string, rubbish: Uint8Array]>([
    ["half a header", Uint8Array.of(0)],
    ["an acknowledgement without an errno", answer({ type: messageType.error, sequence: 0 })],
  ])("%s is not understood, and names the query", ([, rubbish]) => {
    const [connection] = open(() => [rubbish]);
    expect(() => connection.dump(numbers)).toThrow("Cannot list numbers: The kernel's answer is not understood");
  });

  test("an entry that is not understood is thrown after the dump has been read to its end", () => {
    let calls = 0;
    const [connection] = open(([first]) => {
      const sequence = first?.sequence ?? -1;
      const entry = calls++ === 0 ? answer({ sequence, body: new Uint8Array(1) }) : number(sequence, 9);
      return [entry, done(sequence)];
    });
    expect(() => connection.dump(numbers)).toThrow("Cannot list numbers: The kernel's answer is not understood");
    expect(connection.dump(numbers)).toEqual([9]);
  });
});

describe("executeLater", () => {
  test("it resolves when the kernel has acknowledged", async () => {
    const [connection, socket] = open(failing(() => 0));
    await expect(connection.executeLater(request("a"))).resolves.toBeUndefined();
    expect(socket.sent.flatMap(readMessages).map(({ flags }) => flags)).toEqual([0x605]);
  });

  test("it rejects with the kernel's refusal", async () => {
    const [connection] = open(failing(() => ENOENT));
    await expect(connection.executeLater(request("a"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("its answer may be received by a request that came in between", async () => {
    const answers: Uint8Array[] = [];
    const [connection, socket] = open(([first]) => {
      const sequence = first?.sequence ?? -1;
      if (sequence === 0) return [];
      return [...answers, acknowledgement(sequence)];
    });
    const later = connection.executeLater(request("a"));
    answers.push(acknowledgement(0, EPERM));
    expect(connection.execute([request("b")])).toEqual([undefined]);
    await expect(later).rejects.toMatchObject({ operation: "add route a", code: "EPERM" });
    expect(socket.sent).toHaveLength(2);
  });

  test("two at a time each get their own answer", async () => {
    const [connection] = open(([first]) =>
      first?.sequence === 1 ? [acknowledgement(1, EPERM), acknowledgement(0)] : [],
    );
    const outcomes = await Promise.allSettled([
      connection.executeLater(request("a")),
      connection.executeLater(request("b")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});
