import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClusterFiles } from "./cluster-files.ts";

const v4 = { alpha: ["192.0.2.1", "10.1.0.0/24"], beta: ["192.0.2.2", "10.1.1.0/24"] } as const;
const v6 = { alpha: ["2001:db8::a", "2001:db8:0:1::/64"], beta: ["2001:db8::b", "2001:db8:0:2::/64"] } as const;

/** The same two nodes in each of the three kinds of cluster. */
const clusters = [
  ["IPv4-only", (node: "alpha" | "beta", at: 0 | 1) => v4[node][at]],
  ["IPv6-only", (node: "alpha" | "beta", at: 0 | 1) => v6[node][at]],
  ["dual-stack", (node: "alpha" | "beta", at: 0 | 1) => `${v6[node][at]}, ${v4[node][at]}`],
] as const;

function read(...texts: readonly string[]) {
  return readClusterFiles(texts.map((text, at) => ({ file: `${"abcd"[at]}.yaml`, text })));
}

function messages(...texts: readonly string[]): string[] {
  const { faults, view } = read(...texts);
  expect(view === undefined).toBe(faults.length > 0);
  return faults.map((fault) => fault.message);
}

describe("readClusterFiles()", () => {
  test.for(clusters)("reads an %s cluster of two nodes", ([, of]) => {
    const node = (name: "alpha" | "beta") =>
      `  ${name}:\n    addresses: [${of(name, 0)}]\n    prefixes: [${of(name, 1)}]\n`;
    const { view, faults, remarks } = read(`nodes:\n${node("alpha")}${node("beta")}`);
    expect([...faults, ...remarks]).toEqual([]);
    expect(
      view?.nodes.map(({ name, addresses, prefixes }) => [
        name,
        addresses.join(", "),
        prefixes.map(({ prefix, state }) => `${state} ${prefix}`).join(", "),
      ]),
    ).toEqual(
      (["alpha", "beta"] as const).map((name) => [name, of(name, 0), of(name, 1).replaceAll(/(^|, )/g, "$1active ")]),
    );
  });

  test("reads a node that gives up one prefix and already has the next", () => {
    const { view } = read(
      "nodes:\n  a:\n    addresses: [fd00::1]\n    prefixes: [fd01::/64, {prefix: fd02::/64, state: draining}, {prefix: fd03::/64}]",
    );
    expect(JSON.parse(JSON.stringify(view?.nodes[0]))).toEqual({
      name: "a",
      addresses: ["fd00::1"],
      prefixes: [
        { prefix: "fd01::/64", state: "active" },
        { prefix: "fd02::/64", state: "draining" },
        { prefix: "fd03::/64", state: "active" },
      ],
    });
  });

  test("reads several files as one, in their order", () => {
    const { view } = read(
      "nodes: {b: {addresses: [fd00::b], prefixes: [fd01::/64]}}",
      "nodes: {a: {addresses: [fd00::a], prefixes: [fd02::/64]}}",
    );
    expect(view?.nodes.map((node) => node.name)).toEqual(["b", "a"]);
  });

  test("keeps a node without prefix or address, and remarks on it", () => {
    const { view, remarks } = read("nodes:\n  bare:\n  half: {addresses: [fd00::1], prefixes:}\n");
    expect(view?.nodes.map(({ name, prefixes }) => [name, prefixes.length])).toEqual([
      ["bare", 0],
      ["half", 0],
    ]);
    expect(remarks).toEqual([
      "node bare of a.yaml has no prefix, so no pod can get an address there: add one to its prefixes",
      "node bare of a.yaml has no address, so no route leads to its pods: add one to its addresses",
      "node half of a.yaml has no prefix, so no pod can get an address there: add one to its prefixes",
    ]);
  });

  test("takes names that objects inherit, and numbers, as they are written", () => {
    const { view, faults } = read("nodes: {constructor: , toString: , 007: , 1.0: , on: , null: }");
    expect(faults).toEqual([]);
    expect(view?.nodes.map((node) => node.name)).toEqual(["constructor", "toString", "007", "1.0", "on", "null"]);
  });

  test.for([
    ["", "a.yaml: The file is empty: write `nodes:`"],
    ["# nothing yet\n", "a.yaml: The file is empty: write `nodes:`"],
    ["---\n", "a.yaml: The file is empty: write `nodes:`"],
    ["- nodes", "a.yaml:1:1: This is not a map of sections: begin with `nodes:`"],
    ["nodes", "a.yaml:1:1: This is not a map of sections: begin with `nodes:`"],
    ["{}", "a.yaml: There is no section nodes: write `nodes:` and below it each node, or `nodes: {}` for none"],
    ["nodes:", "a.yaml:1:1: nodes: write a map: below `nodes:` one line `<name>:` for each node"],
    ["nodes: [{name: a}]", "a.yaml:1:1: nodes: write a map: below `nodes:` one line `<name>:` for each node"],
    ["nods: {}", "a.yaml:1:1: nods: this key is unknown; did you mean nodes"],
    [
      "nodes: {}\nservices: {}",
      "a.yaml:2:1: services: this key is unknown; known are namespaces, nodes, pods, policies",
    ],
    ["nodes:\n  a: [fd00::1]", "a.yaml:2:3: nodes.a: a list is not an object"],
    ["nodes:\n  a: fd00::/64", 'a.yaml:2:6: nodes.a: "fd00::/64" is not an object'],
    ["nodes:\n  a:\n    prefix: [fd00::/64]", "a.yaml:3:5: nodes.a.prefix: this key is unknown; did you mean prefixes"],
    ["nodes:\n  a:\n    prefixes: fd00::/64", 'a.yaml:3:15: nodes.a.prefixes: "fd00::/64" is not a list'],
    ["nodes:\n  a b:", 'a.yaml:2:3: nodes["a b"]: "a b" cannot be a node\'s name; write letters, digits'],
    ["nodes:\n  a:\n  a:", 'a.yaml:3:3: The key "a" is here twice: leave out one of the two'],
    ["nodes: {a: {prefixes: [10]}}", "a.yaml:1:24: nodes.a.prefixes[0]: 10 is not a string"],
    [
      "nodes: {a: {prefixes: [fd00::1/64]}}",
      "a.yaml:1:24: nodes.a.prefixes[0]: fd00::1/64 has host bits set; write fd00::/64",
    ],
    [
      "nodes: {a: {prefixes: [10.0.0.1/8]}}",
      "a.yaml:1:24: nodes.a.prefixes[0]: 10.0.0.1/8 has host bits set; write 10.0.0.0/8",
    ],
    ["nodes: {a: {prefixes: [fd00::1]}}", 'a.yaml:1:24: nodes.a.prefixes[0]: "fd00::1" has no prefix length'],
    [
      "nodes: {a: {prefixes: [fe80::/64]}}",
      "a.yaml:1:24: nodes.a.prefixes[0]: fe80::/64 holds link-local addresses; write a prefix for pods",
    ],
    ["nodes: {a: {prefixes: ['::/0']}}", "a.yaml:1:24: nodes.a.prefixes[0]: ::/0 holds"],
    [
      "nodes: {a: {prefixes: [127.0.0.0/24]}}",
      "a.yaml:1:24: nodes.a.prefixes[0]: 127.0.0.0/24 holds loopback addresses",
    ],
    [
      "nodes: {a: {prefixes: [{prefix: fd00::/64, state: drainin}]}}",
      'a.yaml:1:51: nodes.a.prefixes[0].state: "drainin" is not "active" or "draining"; did you mean draining',
    ],
    ["nodes: {a: {prefixes: [{state: draining}]}}", "a.yaml:1:24: nodes.a.prefixes[0].prefix: it is missing"],
    [
      "nodes: {a: {addresses: [fd00::]}}",
      'a.yaml:1:25: fd00:: is read as a key because it ends with a colon: put it in quotes, "fd00::"',
    ],
    [
      "nodes: {a: {addresses: [fd00::1/64]}}",
      'a.yaml:1:25: nodes.a.addresses[0]: "fd00::1/64" is not an IP address: it has a prefix length',
    ],
    [
      "nodes: {a: {addresses: [fe80::1]}}",
      "a.yaml:1:25: nodes.a.addresses[0]: fe80::1 cannot be reached by other nodes",
    ],
    [
      "nodes: {a: {addresses: [127.0.0.1]}}",
      "a.yaml:1:25: nodes.a.addresses[0]: 127.0.0.1 cannot be reached by other nodes",
    ],
    [
      "nodes: {a: {addresses: [fd00::1, 'FD00::1']}}",
      "a.yaml:1:34: nodes.a.addresses[1]: fd00::1 is in this list twice: leave out one",
    ],
  ] as const)("tells the one fault of %j", ([text, expected]) => {
    const [only = "", ...others] = messages(text);
    expect(only.slice(0, expected.length)).toBe(expected);
    expect(others).toEqual([]);
  });

  test.for([
    ["10.1.0.0/16", "10.1.2.0/24"],
    ["10.1.2.0/24", "10.1.0.0/16"],
    ["10.1.2.0/24", "10.1.2.0/24"],
    ["fd00::/48", "fd00:0:0:1::/64"],
    ["fd00:0:0:1::/64", "fd00::/48"],
    ["fd00:0:0:1::/64", "fd00:0:0:1::/64"],
  ] as const)("names both nodes when %s and %s overlap", ([one, other]) => {
    const far = "9.0.0.0/8, 11.0.0.0/8, fc00::/64, fd00:ffff::/64";
    const text = `nodes:\n  alpha: {addresses: [fd9::1], prefixes: [${one}]}\n  beta: {addresses: [fd9::2], prefixes: [${other}]}`;
    expect(messages(`${text}\n  gamma: {addresses: [fd9::3], prefixes: [${far}]}`)).toEqual([
      `a.yaml:3:42: nodes.beta.prefixes[0]: ${other} overlaps ${one} of node alpha (a.yaml:2:43): give each node a prefix of its own`,
    ]);
  });

  test.for(["10.1.0.0/16", "fd00::/48"])(
    "tells of %s listed twice by one node, also when one is draining",
    (prefix) => {
      expect(messages(`nodes: {a: {prefixes: [${prefix}, {prefix: ${prefix}, state: draining}]}}`)).toEqual([
        expect.stringContaining(`${prefix} overlaps ${prefix} of the same node: leave out one of the two`),
      ]);
    },
  );

  test.for(["192.0.2.1", "fd00::1"])("names both nodes that have the address %s", (address) => {
    expect(messages(`nodes:\n  a: {addresses: [${address}]}\n  b: {addresses: [${address}]}`)).toEqual([
      `a.yaml:3:19: nodes.b.addresses[0]: ${address} is an address of node a (a.yaml:2:19) also: give each node its own`,
    ]);
  });

  test.for([
    ["10.1.0.9", "10.1.0.0/24"],
    ["fd00::9", "fd00::/64"],
  ] as const)("refuses the address %s of one node inside the prefix %s of another", ([address, prefix]) => {
    const others = "9.0.0.0/8, 11.0.0.0/8, fc00::/64, fd01::/64";
    expect(
      messages(`nodes:\n  a: {addresses: [${address}]}\n  b: {prefixes: [${prefix}]}\n  c: {prefixes: [${others}]}`),
    ).toEqual([expect.stringContaining(`${address} lies in ${prefix}, from which the pods of node b (a.yaml:3:18)`)]);
  });

  test.for([
    ["10.1.0.9", "10.1.0.0/24"],
    ["fd00::9", "fd00::/64"],
  ] as const)("allows the address %s inside the node's own prefix %s", ([address, prefix]) => {
    expect(messages(`nodes: {a: {addresses: [${address}], prefixes: [${prefix}]}}`)).toEqual([]);
  });

  test("names both files of a node that is in two", () => {
    expect(messages("nodes: {}", "nodes:\n  a:", "nodes: {}\n", "nodes: {a: }").at(0)).toBe(
      "d.yaml:1:9: nodes.a: b.yaml:2:3 has a node of this name: leave out one of the two",
    );
  });

  test("tells the faults of all files together, sorted by file and line", () => {
    const places = messages(
      "nodes:\n  a: {prefixes: [fd00::1/64]}\n  b: {prefixes: [10.0.0.0/8]}\nnoodles: {}",
      "nodes:\n  c: {prefixes: [10.2.0.0/16], addresses: [fd00::1]}\n  d: {addresses: [fd00::1]}",
      "nodes: [",
    ).map((message) => message.split(" ")[0]);
    expect(places).toEqual(["a.yaml:2:18:", "a.yaml:4:1:", "b.yaml:2:18:", "b.yaml:3:19:", "c.yaml:1:9:"]);
  });

  test("gives a view or faults for any text, and never throws", () => {
    const good =
      "nodes:\n  alpha:\n    addresses: [2001:db8::a, 192.0.2.1]\n    prefixes:\n      - fd00::/64\n      - {prefix: 10.1.0.0/24, state: draining}\n" +
      "pods: {shop/web: {labels: {app: web}, ports: {http: 80}}}\n" +
      "policies:\n  - metadata: {name: p}\n    spec:\n      ingress:\n        - from: [{podSelector: {}}]\n";
    const edit = fc.record({
      at: fc.nat(good.length),
      remove: fc.nat(6),
      insert: fc.constantFrom(
        "",
        " ",
        "\n",
        "\t",
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "!!int ",
        "'",
        "null",
        "0",
        "__proto__",
        "|\n",
        "nodes:",
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = edits.reduce(
          (before, { at, remove, insert }) => before.slice(0, at) + insert + before.slice(at + remove),
          good,
        );
        const { view, faults } = read(text);
        expect(view === undefined).toBe(faults.length > 0);
        for (const fault of faults) expect(fault.message).toMatch(/^a\.yaml(:[1-9]\d*:[1-9]\d*)?: ./);
      }),
      { numRuns: 300 },
    );
  });

  test("agrees with a comparison of every pair on whether prefixes overlap", () => {
    const prefix = fc.oneof(
      fc.record({ host: fc.nat(255), length: fc.integer({ min: 12, max: 16 }) }).map(({ host, length }) => {
        const masked = (host >> (16 - length)) << (16 - length);
        return `10.${masked}.0.0/${length}`;
      }),
      fc.record({ host: fc.nat(15), length: fc.integer({ min: 28, max: 32 }) }).map(({ host, length }) => {
        const masked = (host >> (32 - length)) << (32 - length);
        return `fd00:${masked.toString(16)}::/${length}`;
      }),
    );
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 6 }), (prefixes) => {
        const { faults } = read(`nodes: {${prefixes.map((text, at) => `n${at}: {prefixes: [${text}]}`).join(", ")}}`);
        const alone = read(
          `nodes: {${prefixes
            .map((text, at) => `n${at}: {prefixes: [${text}]}`)
            .slice(0, 1)
            .join("")}}`,
        );
        expect(alone.faults).toEqual([]);
        const values = prefixes.flatMap(
          (text) => read(`nodes: {n: {prefixes: [${text}]}}`).view?.nodes[0]?.prefixes ?? [],
        );
        const clash = values.some((one, at) => values.slice(at + 1).some((other) => one.prefix.overlaps(other.prefix)));
        expect(faults.length > 0).toBe(clash);
      }),
      { numRuns: 100 },
    );
  });
});
