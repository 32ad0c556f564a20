import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import {
  attachment,
  conflicting,
  cooling,
  free,
  held,
  inputOf,
  other,
  pod,
  take,
  textOf,
  unknown,
  v4,
  v6,
} from "./choice-fixture.ts";
import { type ChoiceInput, choose } from "./choose.ts";
import { MemoryBook } from "./memory-book.ts";

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
    const texts = Array.from({ length: 6 }, (_, at) => at).flatMap((at) => {
      return take(1, inputOf({ ...v4, assign: "stable" }, { pod: { ...pod, name: `web-${at}` } }), book);
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

function bytesOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 0xffn));
}
