import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { type Choice, type ChoiceInput, choose, hasRoom } from "./choose.ts";
import { parseIpam } from "./config.ts";
import { MemoryBook } from "./memory-book.ts";
import type { Occupant } from "./occupant.ts";
import { gatewaysOf } from "./ranges.ts";
import { Usable } from "./usable.ts";

const attachment = { network: "pods", containerId: "c1", interfaceName: "eth0" };
const other = { ...attachment, containerId: "c2" };
const pod = { namespace: "default", name: "web-0" };

/** The input for the first range set of a section. */
function inputOf(section: object, more: Partial<ChoiceInput> = {}): ChoiceInput {
  const { rangeSets, exclude, assign } = parseIpam(section);
  const [set] = rangeSets;
  if (set === undefined) throw new Error("There is no range set");
  const usable = new Usable(set, exclude, gatewaysOf(rangeSets));
  const key = new Uint8Array(32).fill(7);
  const randomBytes = (count: number) => new Uint8Array(count).fill(0xab);
  return {
    set,
    usable,
    attachment,
    pod,
    mac: Mac.parse("02:00:5e:10:00:01"),
    key,
    randomBytes,
    assign,
    leap: 0n,
    ...more,
  };
}

function textOf(choice: Choice): string {
  return "address" in choice ? String(choice.address) : choice.refused;
}

/** Gives and holds one address after the other. */
function take(count: number, input: ChoiceInput, book: MemoryBook): readonly string[] {
  return Array.from({ length: count }, () => {
    const text = textOf(choose(input, book));
    if (text.includes(":") || text.includes(".")) {
      book.put(text, held);
      book.released = book.released.filter((address) => String(address) !== text);
    }
    return text;
  });
}

const held: Occupant = { kind: "held", by: other };
const cooling: Occupant = { kind: "cooling", by: other };
const free: Occupant = { kind: "free" };
const conflicting: Occupant = { kind: "conflicting", untilMs: 0 };
const unknown: Occupant = { kind: "unknown" };

const v4 = { subnet: "10.1.0.0/29" };
const v6 = { subnet: "fd00::/64" };

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

describe("random", () => {
  const random = { ...v6, assign: "random" };

  test("takes the host part from the random source", () => {
    const randomBytes = (count: number) => bytesOf(0xabcd_0000_0000_0001n, count);
    expect(take(1, inputOf(random, { randomBytes }), new MemoryBook())).toEqual(["fd00::abcd:0:0:3"]);
  });

  test("draws again for an address that is held, cools down or is in use by others", () => {
    for (const occupant of [held, cooling, conflicting, unknown]) {
      let draw = 0;
      const randomBytes = (count: number) => bytesOf(draw++ < 2 ? 0n : 9n, count);
      const book = new MemoryBook().put("fd00::2", occupant);
      expect(take(1, inputOf(random, { randomBytes }), book)).toEqual(["fd00::b"]);
      expect(draw).toBe(3);
    }
  });

  test("falls back to sequential when a small range is full as far as chance can tell", () => {
    const randomBytes = (count: number) => new Uint8Array(count);
    const book = new MemoryBook().put("fd00::2", held);
    const input = inputOf({ subnet: "fd00::/125", assign: "random" }, { randomBytes });
    expect(take(6, input, book).toSorted()).toEqual([
      "exhausted",
      "fd00::3",
      "fd00::4",
      "fd00::5",
      "fd00::6",
      "fd00::7",
    ]);
  });

  test.for(["fd00::200:5eff:fe00:5212", "fd00::fdff:ffff:ffff:ff80", "fd00::fdff:ffff:ffff:ffff"])(
    "does not give %s, whose identifier is reserved",
    (text) => {
      const input = inputOf({ ...random, gateway: "fe80::1", rangeStart: "fd00::" });
      let draw = 0;
      const wanted = Address.parse(text).value - Address.parse("fd00::").value;
      const randomBytes = (count: number) => bytesOf(draw++ === 0 ? wanted : 5n, count);
      expect(take(1, { ...input, randomBytes }, new MemoryBook())).toEqual(["fd00::5"]);
    },
  );

  test("is sequential for IPv4, where 254 addresses hide nothing", () => {
    expect(take(2, inputOf({ ...v4, assign: "random" }), new MemoryBook())).toEqual(["10.1.0.2", "10.1.0.3"]);
  });
});

function bytesOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 0xffn));
}

describe("stable", () => {
  const stable = { ...v6, assign: "stable" };
  const addressOf = (more: Partial<ChoiceInput> = {}, book = new MemoryBook()) =>
    textOf(choose(inputOf(stable, more), book));

  test.for([stable, { ...v4, assign: "stable" }])(
    "gives a pod of %j the same address in another container",
    (section) => {
      const [one, again] = [inputOf(section), inputOf(section, { attachment: other })];
      expect(textOf(choose(one, new MemoryBook()))).toBe(textOf(choose(again, new MemoryBook())));
    },
  );

  test("gives another address to another pod, namespace, interface, network and node", () => {
    const texts = [
      addressOf(),
      addressOf({ pod: { ...pod, name: "web-1" } }),
      addressOf({ pod: { ...pod, namespace: "kube-system" } }),
      addressOf({ attachment: { ...attachment, interfaceName: "eth1" } }),
      addressOf({ attachment: { ...attachment, network: "others" } }),
      addressOf({ key: new Uint8Array(32).fill(8) }),
      addressOf({ pod: undefined }),
      addressOf({ pod: undefined, attachment: other }),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("goes on to the next candidate where the first is taken, and comes to the same one again", () => {
    const first = addressOf();
    for (const occupant of [
      held,
      conflicting,
      unknown,
      cooling,
      { ...cooling, pod: { ...pod, name: "web-1" } },
    ] as const) {
      const second = addressOf({}, new MemoryBook().put(first, occupant));
      expect(second).not.toBe(first);
      expect(addressOf({}, new MemoryBook().put(first, occupant))).toBe(second);
    }
  });

  test("lets a pod have its own address while that cools down for others", () => {
    const first = addressOf();
    expect(addressOf({}, new MemoryBook().put(first, { ...cooling, pod: { ...pod, uid: "u" } }))).toBe(first);
    expect(addressOf({}, new MemoryBook().put(first, free))).toBe(first);
  });

  test("serves every pod of a small range until it is full", () => {
    const book = new MemoryBook();
    const texts = Array.from({ length: 6 }, (_, at) => {
      return take(1, inputOf({ ...v4, assign: "stable" }, { pod: { ...pod, name: `web-${at}` } }), book)[0];
    });
    expect(texts.toSorted()).toEqual(["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6", "exhausted"]);
  });
});

describe("eui64", () => {
  const eui64 = { ...v6, assign: "eui64" };

  test("makes the address of the MAC (RFC 4291, appendix A)", () => {
    const mac = Mac.parse("34:56:78:9a:bc:de");
    expect(textOf(choose(inputOf(eui64, { mac }), new MemoryBook()))).toBe("fd00::3656:78ff:fe9a:bcde");
  });

  test("gives that one or none, and says who is in the way", () => {
    const text = textOf(choose(inputOf(eui64), new MemoryBook()));
    const wanted = Address.parse(text);
    for (const occupant of [held, conflicting, unknown]) {
      const choice = choose(inputOf(eui64), new MemoryBook().put(text, occupant));
      expect(choice).toEqual({ refused: "unavailable", wanted, occupant });
    }
    for (const occupant of [cooling, free]) {
      expect(textOf(choose(inputOf(eui64), new MemoryBook().put(text, occupant)))).toBe(text);
    }
  });

  test("refuses an address that is excluded", () => {
    const input = inputOf({ ...eui64, exclude: ["fd00::5eff:fe10:1"] });
    expect(choose(input, new MemoryBook())).toEqual({ refused: "unavailable" });
  });

  test("is sequential for IPv4", () => {
    expect(take(1, inputOf({ ...v4, assign: "eui64" }), new MemoryBook())).toEqual(["10.1.0.2"]);
  });
});

describe("embed-ipv4", () => {
  const embed = { ranges: [[v6], [{ subnet: "10.1.0.0/24" }]], assign: "embed-ipv4" };
  const ipv4 = Address.parse("10.1.0.7");

  test("has the IPv4 address in the low 32 bits", () => {
    expect(take(1, inputOf(embed, { ipv4 }), new MemoryBook())).toEqual(["fd00::a01:7"]);
  });

  test.for([held, conflicting, unknown])("is sequential where that one is %j", (occupant) => {
    expect(take(1, inputOf(embed, { ipv4 }), new MemoryBook().put("fd00::a01:7", occupant))).toEqual(["fd00::2"]);
  });
});

describe("a requested address", () => {
  const requested = Address.parse("fd00::99");

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

  test("is not given to anybody else by and by", () => {
    const book = new MemoryBook();
    choose(inputOf(v6, { requested: Address.parse("fd00::3") }), book);
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
