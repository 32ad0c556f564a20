import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClusterFiles } from "./cluster-files.ts";
import { ClusterReader } from "./cluster-reader.ts";

const columns = ["IPv4-only", "IPv6-only", "dual-stack"] as const;
type Column = (typeof columns)[number];

function ofFamilies(column: Column, v6: string, v4: string): string {
  return JSON.stringify(column === "dual-stack" ? [v6, v4] : [column === "IPv6-only" ? v6 : v4]);
}

function node(column: Column, name: string, at: number): string {
  const addresses = ofFamilies(column, `2001:db8::${at}`, `192.0.2.${at}`);
  return `  ${name}: { addresses: ${addresses}, prefixes: ${ofFamilies(column, `fd00:${at}::/64`, `10.1.${at}.0/24`)} }\n`;
}

function pod(column: Column, name: string, at: number): string {
  return `  shop/${name}:\n    addresses: ${ofFamilies(column, `fd00:1::${at}`, `10.1.1.${at}`)}\n    labels: {app: web}\n`;
}

/** What is comparable of a reading: values in their order, faults with their places. */
function told(reading: ReturnType<typeof readClusterFiles>) {
  const { view, faults, remarks } = reading;
  const policies = view?.policies;
  const maps = policies && [policies.namespaces, policies.pods, policies.policies].map((map) => [...map]);
  return { nodes: JSON.stringify(view?.nodes), maps: JSON.stringify(maps), faults: faults.map(String), remarks };
}

describe.for(columns)("a reader of %s cluster files", (column) => {
  const policies = "policies:\n  - metadata: { name: all, namespace: shop }\n    spec: { podSelector: {} }\n";
  const text = (nodes: readonly string[], pods: readonly string[]) =>
    `# of all\nnodes:\n${nodes.join("")}pods:\n${pods.join("")}${policies}`;
  const [a, b, c] = [node(column, "a", 1), node(column, "b", 2), node(column, "c", 3)];
  const [web, db] = [pod(column, "web", 2), pod(column, "db", 3)];

  test("keeps the values of what is written as it was, wherever it moves to", () => {
    const reader = new ClusterReader();
    const before = reader.read([{ file: "c.yaml", text: text([a, b], [web]) }]).view;
    const changed = node(column, "b", 4);
    const { view } = reader.read([{ file: "c.yaml", text: text([c, changed, `  # moved\n${a}`], [db, web]) }]);
    expect(view?.nodes.map(({ name }) => name)).toEqual(["c", "b", "a"]);
    expect(view?.nodes[2]).toBe(before?.nodes[0]);
    expect(view?.nodes[1]).not.toBe(before?.nodes[1]);
    expect(view?.policies?.pods.get("shop/web")).toBe(before?.policies?.pods.get("shop/web"));
    expect(view?.policies?.policies.get("shop/all")).toBe(before?.policies?.policies.get("shop/all"));
    expect(view?.policies?.namespaces.get("shop")).toBe(before?.policies?.namespaces.get("shop"));
  });

  test("tells of what a new entry has in common with one that was there", () => {
    const reader = new ClusterReader();
    const read = (nodes: readonly string[], pods: readonly string[]) =>
      reader.read([{ file: "c.yaml", text: text(nodes, pods) }]).faults.length;
    expect(read([a, b], [web])).toBe(0);
    expect(read([a, b, node(column, "c", 2)], [web])).toBeGreaterThan(0);
    expect(read([a, b, c], [web])).toBe(0);
    expect(read([a, b, c], [web, pod(column, "db", 2)])).toBeGreaterThan(0);
    expect(read([a, b, c], [web, db])).toBe(0);
  });
});

/** Few enough that what is new often meets what is there. */
const good = {
  nodes: [
    ..."abc".split("").map((name, at) => node("dual-stack", name, at + 1)),
    node("dual-stack", "b", 4),
    "  7: { addresses: [fd00::7], prefixes: [fd00:7::/64] }\n",
    "  10:\n    addresses: [fd00::a]\n    prefixes:\n      - { prefix: fd00:8::/61, state: draining }\n",
    "  d:\n",
    '  "f":\n    # of f\n    addresses: ["fd00:9::1"]\n',
  ],
  pods: [
    ...["web", "db"].flatMap((name, at) => pod("dual-stack", name, at + 1)),
    pod("dual-stack", "db", 4),
    "  bare: {}\n",
    "  other/x: { labels: { a: b } }\n",
  ],
  namespaces: ["  shop: { labels: { team: a } }\n", "  shop:\n", "  other:\n    labels:\n      team: b\n"],
  policies: [
    "  - metadata: { name: all, namespace: shop }\n    spec: { podSelector: {} }\n",
    "  - metadata: { name: some }\n    spec: { podSelector: { matchLabels: { app: web } } }\n",
  ],
} as const;

/** What people write beside entries, what has a fault, and what breaks the form in which entries are told apart. */
const odd = [
  ..."# a comment\n|\n|  # within\n|   \n|  x: [1,\n|\t\n|---\n|  - y\n|  ? z\n| g: 1\n|nodes:\n|pods: {}\n".split("|"),
  node("dual-stack", "c", 2),
  "  e: { addresses: [fd00:8::1], prefixes: [fd00::/40, 10.0.0.0/8] }\n",
  "  a: { addreses: [fd00::1] }\n",
  "  _: { addresses: [fd00::9] }\n",
  pod("dual-stack", "api", 2),
  "  shop/p: { ports: {http: 80}, addresses: [fd00:1::9, fd00:1::9] }\n",
  "  shop/p/q:\n",
  "  - spec: 1\n",
];

function sectionNamed(name: keyof typeof good): fc.Arbitrary<readonly string[]> {
  const keyOf = (entry: string) => /^ +(- )?[^ ]+/.exec(entry)?.[0];
  const lines = fc.uniqueArray(fc.constantFrom<string>(...good[name]), { minLength: 1, maxLength: 4, selector: keyOf });
  const headers = fc.constantFrom(`${name}:\n`, `${name}: # long\n`);
  return fc.tuple(headers, lines).map(([header, entries]) => [header, ...entries]);
}

const file = fc
  .tuple(
    sectionNamed("nodes"),
    ...(["pods", "namespaces", "policies"] as const).map((name) => fc.option(sectionNamed(name), { nil: [] })),
  )
  .map((sections) => sections.flat());

const edit = fc.record({
  at: fc.nat(12),
  removed: fc.nat(1),
  added: fc.oneof(
    fc.constant([]),
    fc.constantFrom<string>(...Object.values(good).flat()).map((line) => [line]),
    fc.constantFrom(...odd).map((line) => [line]),
  ),
});

describe("a reader of cluster files", () => {
  test("says after any edits what somebody says who reads them for the first time", () => {
    const story = fc.record({
      first: fc.tuple(file, file),
      edits: fc.array(fc.tuple(fc.nat(1), edit), { maxLength: 6 }),
      files: fc.infiniteStream(fc.constantFrom(1, 1, 2)),
      pieceLength: fc.constantFrom(1, 100, undefined),
    });
    const readings = { sound: 0, faulty: 0 };
    fc.assert(
      fc.property(story, ({ first, edits, files, pieceLength }) => {
        const reader = new ClusterReader(pieceLength);
        const now = first.map((lines) => [...lines]);
        for (const [which, { at, removed, added }] of edits) {
          const count = files.next().value;
          const texts = now.slice(0, count).map((lines, place) => ({ file: `${place}.yaml`, text: lines.join("") }));
          const reading = reader.read(texts);
          expect(told(reading)).toEqual(told(readClusterFiles(texts)));
          readings[reading.view === undefined ? "faulty" : "sound"]++;
          now[which]?.splice(at, removed, ...added);
        }
      }),
      { numRuns: 120 },
    );
    expect(Math.min(readings.sound, readings.faulty)).toBeGreaterThan(20);
  });
});
