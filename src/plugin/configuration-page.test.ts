// docs/configuration.md against the schemas it describes: every key, default, word and code is told, and nothing else.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reasonCodes } from "../cni/cni-error.ts";
import { readDocument, readNetworkConfig } from "../cni/network-config.ts";
import { capabilities } from "../cni/runtime-config.ts";
import { assigns } from "../ipam/assign.ts";
import { askable, parseIpam, routeKeys, sectionKeys } from "../ipam/config/config.ts";
import { createLog } from "../log/log.ts";
import { keysOfMode, parseSettings, readSettings, settingKeys } from "./settings.ts";

const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

/** What stands between this heading and the next. */
function section(heading: string): string {
  const [, rest] = page.split(`\n${heading}\n`);
  if (rest === undefined) throw new Error(`docs/configuration.md has no heading ${heading}`);
  return rest.split(/^#/m)[0] ?? "";
}

/** Rows of the section's tables, without their heads: the words in backquotes of the first column, and the other columns. */
function rows(heading: string): readonly { readonly keys: readonly string[]; readonly columns: readonly string[] }[] {
  return [...section(heading).matchAll(/^\| (`.*) \|$/gm)].map(([, row = ""]) => {
    const [first = "", ...columns] = row.split(" | ");
    return { keys: [...first.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key), columns };
  });
}

const keysUnder = (heading: string) => rows(heading).flatMap(({ keys }) => keys);
const modes = ["routed", "bridge", "macvlan"] as const;

/** A default is told as it is written in JSON, a word without its quotes; in sentences where it is none of the schema's. */
function told(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  return typeof value === "string"
    ? `\`${value}\``
    : `\`${JSON.stringify(value).replaceAll(/[{:,]/g, "$& ").replaceAll("}", " }")}\``;
}

describe("docs/configuration.md", () => {
  test("has every key of hextet and no other, each in the section of its mode", () => {
    const general = keysUnder("## Keys of `hextet`");
    const own = modes.flatMap((mode) => keysUnder(`### \`mode: ${mode}\``));
    expect([...general, ...own].toSorted()).toEqual(settingKeys.toSorted());
    for (const mode of modes) expect(keysUnder(`### \`mode: ${mode}\``)).toEqual(keysOfMode[mode]);
  });

  test("has every default of hextet", () => {
    const defaults = new Map<string, unknown>(Object.entries(parseSettings({})));
    const table = ["## Keys of `hextet`", ...modes.map((mode) => `### \`mode: ${mode}\``)].flatMap(rows);
    for (const { keys, columns } of table) {
      const value = defaults.get(keys[0] ?? "");
      const isNone = value === undefined || JSON.stringify(value) === "{}";
      if (isNone) expect(columns[0]).not.toMatch(/[`\d]/);
      else expect(columns[0]).toBe(told(value));
    }
    expect(table.length).toBeGreaterThan(10);
  });

  test.for([
    ["mode", "## Keys of `hextet`", modes],
    ["macvlanMode", "### `mode: macvlan`", ["bridge", "private", "vepa", "passthru"]],
    ["firewall", "## Keys of `hextet`", ["auto", "iptables", "nftables"]],
  ] as const)("tells which words %s takes, and the schema takes them", ([key, heading, words]) => {
    const row = rows(heading).find(({ keys }) => keys.includes(key));
    for (const word of words) {
      expect(row?.columns.at(-1)).toContain(`\`${word}\``);
      expect(() => parseSettings({ [key]: key === "firewall" ? { backend: word } : word })).not.toThrow();
    }
    expect(() => parseSettings({ [key]: key === "firewall" ? { backend: "other" } : "other" })).toThrow(
      new RegExp(words.map((word) => `"${word}"`).join(".*")),
    );
  });

  test("has every key of the section ipam and of its routes, and its defaults", () => {
    const table = rows("## The `ipam` section");
    const withoutType = sectionKeys.filter((key) => key !== "type");
    expect(table.flatMap(({ keys }) => keys).toSorted()).toEqual(withoutType.toSorted());
    const routes = table.find(({ keys }) => keys.includes("routes"))?.columns.at(-1) ?? "";
    expect([...routes.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key).toSorted()).toEqual(routeKeys.toSorted());
    const defaults = parseIpam({ subnet: "fd00::/64" });
    for (const key of ["dataDir", "assign", "cooldownSeconds", "annotations"] as const) {
      const [written = ""] = table.find(({ keys }) => keys.includes(key))?.columns ?? [];
      expect(written).toBe(told(defaults[key]));
    }
    expect(keysUnder("### `assign`")).toEqual(assigns);
    expect(keysUnder("### Annotations of pods")).toEqual(askable.map((key) => `hextet.dev/${key}`));
  });

  test("has every capability", () => {
    expect(keysUnder("### What runtimes hand over").toSorted()).toEqual([...capabilities].toSorted());
  });

  test("has every code of an error of ours, and those of the specification", () => {
    const codes = [...section("## Error codes").matchAll(/^\| ([\d, to]+) \|/gm)].flatMap(([, cell = ""]) =>
      cell.split(", ").flatMap((part) => {
        const [first = 0, last = first] = part.split(" to ").map(Number);
        return Array.from({ length: last - first + 1 }, (_, at) => first + at);
      }),
    );
    expect(codes).toEqual(Object.values(reasonCodes));
  });

  test("has examples that are read without fault or remark", () => {
    const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = ""]) => readDocument(text));
    expect(examples.length).toBeGreaterThan(0);
    for (const { plugins, ...head } of examples) {
      const [plugin] = Array.isArray(plugins) ? plugins : [];
      const { config } = readNetworkConfig({ ...head, ...Object(plugin) }, "ADD");
      const lines: string[] = [];
      readSettings(createLog({ level: "debug", write: (line) => lines.push(line) }), config);
      parseIpam(config.own["ipam"]);
      expect(lines).toEqual([]);
    }
  });
});
