import { describe, expect, test } from "vitest";
import type { MeshAnswer } from "../../src/inspect/mesh/asking.ts";
import { matrixOf } from "../../src/inspect/mesh/matrix.ts";
import { type MeshCell, type MeshRow, meshVersion } from "../../src/inspect/mesh/row.ts";
import { Address, type Family } from "../../src/ip/address.ts";
import { describeCluster, describeRow } from "./mesh-text.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];
const addressOf = { v4: Address.parse("192.0.2.2"), v6: Address.parse("2001:db8::2") };
const nameOf = { v4: "IPv4", v6: "IPv6" };
const plain = { colored: false };
/** Columns are as wide as what is in them. */
const words = (text: string) => text.split("\n").map((line) => line.trim().replace(/ {2,}/g, " | "));

type Written = Partial<MeshCell> & Pick<MeshCell, "node">;

function row(node: string, families: readonly Family[], ...cells: readonly Written[]): MeshRow {
  const whole = families.flatMap((family) =>
    cells.map((cell): MeshCell => {
      const outcome = cell.reached === false ? { reached: false } : { reached: true, roundTripMs: 0.5 };
      return { kind: "node", family, lostPercent: 0, ...outcome, ...cell };
    }),
  );
  return { version: meshVersion, node, peers: 16, cells: whole };
}

const lost = (node: string, heard: boolean): Written => ({ node, reached: false, lostPercent: 100, heard });

describe.for(columns)("%s", ([, families]) => {
  test("a node's row has a column for what was asked, and no other", () => {
    const answers = families.flatMap((family): MeshAnswer[] => {
      const beta = { from: "node", node: "beta", family, address: addressOf[family] } as const;
      const why = "192.0.2.9 says that nothing is there";
      return [
        { ...beta, kind: "node", to: "node beta", reached: true, roundTripMs: 0.2, lostPercent: 33 },
        { ...beta, kind: "prefix", to: "pods of beta", reached: false, lostPercent: 100, why },
      ];
    });
    const [heading, line, , title, first] = words(describeRow("alpha", answers, plain));
    const each = (text: string) => families.map((family) => `${text}, ${nameOf[family]}`);
    expect(heading).toBe(["FROM alpha TO", ...each("NODE"), ...each("PREFIX")].join(" | "));
    expect(line).toBe(
      ["beta", ...families.map(() => "0.2 ms, 33 % lost"), ...families.map(() => "no answer")].join(" | "),
    );
    expect(title).toBe("Instead of an answer:");
    expect(first).toContain("192.0.2.9 says that nothing is there");
  });

  test("the matrix says which direction is broken, and of a silent node what others heard", () => {
    const rows = [
      row("alpha", families, lost("beta", true), lost("gamma", true)),
      row("beta", families, lost("alpha", false), { node: "gamma" }),
    ];
    const nodes = [
      { node: "alpha", row: rows[0] ?? row("", []) },
      { node: "beta", row: rows[1] ?? row("", []) },
      { node: "gamma", silence: "[2001:db8::3]:16128: connection refused" },
    ];
    const text = words(describeCluster(nodes, matrixOf(rows), plain));
    for (const [at, family] of families.entries()) {
      expect(text.slice(5 * at, 5 * at + 4)).toEqual([
        `node, ${nameOf[family]}, from | to alpha | to beta | to gamma`,
        "alpha | - | LOST | LOST",
        "beta | arrives | - | 0.5 ms",
        "gamma | heard | - | -",
      ]);
    }
    expect(text).toContain(
      `${families.length} of ${4 * families.length} questions are answered, the slowest in 0.5 ms (beta to gamma).`,
    );
    for (const family of families) {
      expect(text).toContain(`alpha does not reach node beta over ${nameOf[family]}: what it sends does not arrive`);
    }
    expect(text).toContain("gamma: [2001:db8::3]:16128: connection refused");
  });
});

test("of a large cluster there are sentences alone, and not too many", () => {
  const names = Array.from({ length: 60 }, (_, at) => `node${at}`);
  const rows = names.map((name) => row(name, ["v6"], lost("node0", false)));
  const text = words(
    describeCluster(
      rows.map((each) => ({ node: each.node, row: each })),
      matrixOf(rows),
      plain,
    ),
  );
  expect(text.filter((line) => line.startsWith("node, "))).toEqual([]);
  expect(text.filter((line) => line.includes("does not reach"))).toHaveLength(40);
  expect(text).toContain("and 20 more");
});

test("where nobody asks anybody it says so", () => {
  expect(describeCluster([], [], plain)).toBe("Nobody has asked anybody.");
  expect(describeRow("alpha", [], plain)).toBe("There is nobody to be asked from node alpha.");
});
