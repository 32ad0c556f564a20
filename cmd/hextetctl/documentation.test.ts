// docs/hextetctl.md against the table of commands: it tells of each, and of nothing that is not there.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commands } from "./commands.ts";

const page = readFileSync(new URL("../../docs/hextetctl.md", import.meta.url), "utf8");
const common = page.slice(0, page.indexOf("## Commands"));
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, name = ""] = /^`hextetctl ([^`]+)`$/m.exec(section) ?? [];
      return [name, section] as const;
    }),
);

test("every command has its section, and every section its command", () => {
  expect([...sections.keys()].toSorted()).toEqual(commands.map(({ name }) => name).toSorted());
});

describe.for(commands)("$name", ({ name, options = {}, summary, examples = [] }) => {
  test("every option is told of", () => {
    const text = common + (sections.get(name) ?? "");
    for (const [option, { short, value }] of Object.entries(options)) {
      expect(text, option).toMatch(new RegExp(`\`--${option}[\` ]`));
      if (short !== undefined && option !== "output") expect(text, option).toContain(`\`-${short}\``);
      expect(value === undefined || value === value.toUpperCase(), option).toBe(true);
    }
  });

  test("help says what it is, and its examples call it", () => {
    expect(summary).not.toMatch(/\.$|^[A-Z]/);
    expect(examples.length).toBeGreaterThan(0);
    for (const [line] of examples) expect(line.startsWith(name), line).toBe(true);
  });
});
