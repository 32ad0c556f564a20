import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import {
  attachment,
  conflicting,
  cooling,
  free,
  held,
  inputOf,
  pod,
  take,
  textOf,
  unknown,
  v4,
  v6,
} from "./choice-fixture.ts";
import { choose, hasRoom } from "./choose.ts";
import { MemoryBook } from "./memory-book.ts";
import type { Occupant } from "./occupant.ts";

describe("sequential", () => {
  test.for([
    [v6, ["fd00::2", "fd00::3", "fd00::4", "fd00::5"]],
    [v4, ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"]],
    [{ ...v6, exclude: ["fd00::3", "fd00::4/126"] }, ["fd00::2", "fd00::8", "fd00::9", "fd00::a"]],
    [{ ...v4, gateway: "10.1.0.3" }, ["10.1.0.1", "10.1.0.2", "10.1.0.4", "10.1.0.5"]],
    [{ ranges: [[{ subnet: "10.2.0.0/31" }, v4]] }, ["10.2.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"]],
  ] as const)("of %j gives %j", ([section, addresses]) => {
    expect(take(4, inputOf(section), new MemoryBook())).toEqual(addresses);
  });

  test("gives no released address again while there are some that were never given", () => {
    const book = new MemoryBook();
    expect(take(2, inputOf(v6), book)).toEqual(["fd00::2", "fd00::3"]);
    book.put("fd00::2", free).put("fd00::3", free).released = [Address.parse("fd00::2"), Address.parse("fd00::3")];
    expect(take(1, inputOf(v6), book)).toEqual(["fd00::4"]);
    book.remove("fd00::2");
    expect(take(1, inputOf(v6), book)).toEqual(["fd00::5"]);
  });

  test("passes over addresses somebody holds that it did not give", () => {
    const book = new MemoryBook().put("fd00::2", held).put("fd00::3", cooling).put("fd00::4", conflicting);
    expect(take(2, inputOf(v6), book)).toEqual(["fd00::5", "fd00::6"]);
  });

  test("remembers having passed them: the tenth lease asks no more than the second", () => {
    const book = new MemoryBook();
    for (let at = 2; at < 200; at++) book.put(`fd00::${at.toString(16)}`, held);
    take(1, inputOf(v6), book);
    const questions = Array.from({ length: 9 }, () => {
      book.questions = 0;
      take(1, inputOf(v6), book);
      return book.questions;
    });
    expect(new Set(questions)).toEqual(new Set([3]));
  });

  test("of IPv4 goes on with the address released longest ago", () => {
    const book = new MemoryBook();
    expect(take(6, inputOf(v4), book).at(-1)).toBe("exhausted");
    book.put("10.1.0.4", free).put("10.1.0.2", cooling).released = ["10.1.0.4", "10.1.0.2"].map(Address.parse);
    expect(take(3, inputOf(v4), book)).toEqual(["10.1.0.4", "10.1.0.2", "exhausted"]);
  });

  test("takes an address in use by nobody knows whom once it is free", () => {
    const book = new MemoryBook().put("10.1.0.3", unknown);
    expect(take(5, inputOf(v4), book)).toEqual(["10.1.0.2", "10.1.0.4", "10.1.0.5", "10.1.0.6", "exhausted"]);
    book.remove("10.1.0.3");
    expect(take(1, inputOf(v4), book)).toEqual(["10.1.0.3"]);
  });

  test("starts over in a large range when all was given, and spares what is held or cools down", () => {
    const book = new MemoryBook();
    book.isLarge = true;
    const input = inputOf({ ...v6, rangeEnd: "fd00::6" });
    expect(take(5, input, book)).toEqual(["fd00::2", "fd00::3", "fd00::4", "fd00::5", "fd00::6"]);
    book.remove("fd00::4");
    book.put("fd00::3", cooling);
    book.remove("fd00::6");
    expect(take(3, input, book)).toEqual(["fd00::4", "fd00::6", "exhausted"]);
  });

  test("leaps over what a lost book may have given, and comes back to it last", () => {
    const input = inputOf({ ...v6, rangeEnd: "fd00::6", exclude: ["fd00::4"] }, { leap: 2n });
    expect(take(5, input, new MemoryBook())).toEqual(["fd00::5", "fd00::6", "fd00::2", "fd00::3", "exhausted"]);
  });

  test("gives the very last address of a family", () => {
    const last = { subnet: "255.255.255.254/31", gateway: "fe80::1" };
    expect(take(3, inputOf(last), new MemoryBook())).toEqual(["255.255.255.254", "255.255.255.255", "exhausted"]);
  });
});

describe("a requested address", () => {
  const requested = { address: Address.parse("fd00::99") };

  test.for([
    [undefined, "fd00::99"],
    [free, "fd00::99"],
    [cooling, "fd00::99"],
    [held, "unavailable"],
    [conflicting, "unavailable"],
    [unknown, "unavailable"],
  ] as const)("whose place is %j: %s", ([occupant, text]) => {
    const book = new MemoryBook();
    if (occupant !== undefined) book.put("fd00::99", occupant);
    for (const assign of ["sequential", "random", "stable", "eui64"]) {
      expect(textOf(choose(inputOf({ ...v6, assign }, { requested }), book))).toBe(text);
    }
  });

  const sibling = { ...cooling, pod: { namespace: pod.namespace, name: "web-1" } };
  const stranger = { ...cooling, pod: { namespace: "other", name: pod.name } };

  test.for([
    ["that was never given", undefined, "fd00::99"],
    ["that has cooled down", free, "fd00::99"],
    ["that a pod of the same namespace had", sibling, "fd00::99"],
    ["that the same attachment had", { ...cooling, by: attachment }, "fd00::99"],
    ["that a pod of another namespace had", stranger, "unavailable"],
    ["that somebody had who was no pod", cooling, "unavailable"],
    ["that somebody holds", held, "unavailable"],
  ] as const)("by one who keeps cool-downs, %s: %j, %s", ([, occupant, text]) => {
    const book = new MemoryBook();
    if (occupant !== undefined) book.put("fd00::99", occupant);
    const patient = { ...requested, keepsCooldown: true };
    expect(textOf(choose(inputOf(v6, { requested: patient }), book))).toBe(text);
  });

  test("is not given to anybody else by and by", () => {
    const book = new MemoryBook();
    choose(inputOf(v6, { requested: { address: Address.parse("fd00::3") } }), book);
    expect(take(2, inputOf(v6), book)).toEqual(["fd00::2", "fd00::4"]);
  });
});

describe("any choice", () => {
  const occupants: readonly Occupant[] = [held, cooling, free, conflicting, unknown];
  const sections = [
    { subnet: "fd00::/124" },
    { subnet: "10.1.0.0/28" },
    { ranges: [[{ subnet: "fd00::/125" }, { subnet: "fd01::/125" }]], exclude: ["fd00::4/126"] },
  ];

  test("is a usable address nobody holds, and nothing only when nothing can be given", () => {
    const assign = fc.constantFrom("sequential", "random", "stable");
    const marks = fc.array(fc.tuple(fc.nat(15), fc.constantFrom(...occupants)), { maxLength: 16 });
    fc.assert(
      fc.property(fc.constantFrom(...sections), assign, marks, fc.nat(15), (section, mode, places, salt) => {
        const randomBytes = (count: number) => new Uint8Array(count).fill(salt);
        const input = inputOf({ ...section, assign: mode }, { randomBytes, pod: { ...pod, name: `web-${salt}` } });
        const book = new MemoryBook();
        const taken = new Map<string, Occupant>();
        for (const [offset, occupant] of places) {
          const text = String(input.usable.at(BigInt(offset) % input.usable.size));
          taken.set(text, occupant);
          book.put(text, occupant);
        }
        book.released = [...taken].flatMap(([text, { kind }]) => {
          return kind === "cooling" || kind === "free" ? [Address.parse(text)] : [];
        });
        const room = hasRoom(input.usable, book);
        const choice = choose(input, book);
        expect("address" in choice).toBe(room);
        const isEverythingTaken = [...taken].filter(([, each]) => !["free", "cooling"].includes(each.kind)).length;
        expect(room).toBe(BigInt(isEverythingTaken) < input.usable.size);
        if (!("address" in choice)) return;
        expect(input.usable.contains(choice.address)).toBe(true);
        const before = taken.get(String(choice.address));
        expect(before === undefined || before.kind === "free" || before.kind === "cooling").toBe(true);
      }),
    );
  });
});
