// The repository's documents as a whole: what they refer to is there, and every page can be found from the index.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { checks } from "../../src/doctor/checks.ts";
import { commands } from "../hextetctl/commands.ts";
import { anchorsOf, linksOf } from "./markdown.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** All files below, but those that others make or that are made anew. */
function filesBelow(directory: string): readonly string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/node_modules|\/build(\/|$)/.test(entry.parentPath.slice(root.length)))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)));
}

const sources = ["src", "cmd", "e2e", "manifests"].flatMap(filesBelow);
const docs = filesBelow("docs").filter((path) => path.endsWith(".md"));
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...docs,
  ...sources.filter((path) => path.endsWith(".md")),
];

/** Pages a page has links to, itself among them where a link names a heading of its own. */
function linkedFrom(page: string): readonly { readonly to: string; readonly anchor: string; readonly at: string }[] {
  return linksOf(read(page)).map(({ line, target }) => {
    const [path = "", anchor = ""] = target.split("#");
    return { to: path === "" ? page : normalize(join(dirname(page), path)), anchor, at: `${page}:${line}: ${target}` };
  });
}

function isBroken({ to, anchor }: { readonly to: string; readonly anchor: string }): boolean {
  if (to.startsWith("..") || !existsSync(join(root, to))) return true;
  return anchor !== "" && !(statSync(join(root, to)).isFile() && anchorsOf(read(to)).has(anchor));
}

/** Words of a command line that hextetctl, or its doctor, would not know. */
function strangersIn(line: string): readonly string[] {
  const [first = "", second = ""] = line.trim().split(/ +/);
  if (first === "help") return [];
  const command = [`${first} ${second}`, first].flatMap((name) => commands.find((each) => each.name === name) ?? [])[0];
  if (command === undefined) return [first];
  const known = ["help", ...Object.keys(command.options ?? {})];
  const options = [...line.matchAll(/ --([a-z-]+)/g)].flatMap(([, name = ""]) =>
    known.includes(name) ? [] : [`--${name}`],
  );
  const [, only = ""] = / --only ([a-z0-9,-]+)/.exec(line) ?? [];
  return [...options, ...only.split(",").filter((id) => id !== "" && !checks.some((check) => check.id === id))];
}

describe("documents", () => {
  test("have links to what is there only", () => {
    const links = pages.flatMap(linkedFrom);
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(isBroken).map(({ at }) => at)).toEqual([]);
  });

  test("are named in programs and manifests only where they are there, headings too", () => {
    const mentions = ["src", "cmd", "e2e", "manifests"].flatMap(filesBelow).flatMap((path) =>
      [...read(path).matchAll(/\b(docs\/[a-z/-]+\.md)(?:#([a-z0-9-]+))?/g)].map(([at, to = "", anchor = ""]) => {
        return { to, anchor, at: `${path}: ${at}` };
      }),
    );
    expect(mentions.length).toBeGreaterThan(20);
    expect(mentions.filter(isBroken).map(({ at }) => at)).toEqual([]);
  });

  test("stand all in an index: decisions in docs/decisions/README.md, the rest in docs/README.md", () => {
    const indexOf = (page: string) =>
      page.startsWith("docs/decisions/") ? "docs/decisions/README.md" : "docs/README.md";
    const listed = new Set(["docs/README.md", "docs/decisions/README.md"].flatMap(linkedFrom).map(({ to }) => to));
    const missing = docs.filter((page) => page !== "docs/README.md" && !listed.has(page));
    expect(missing.map((page) => `add a line for ${page} to ${indexOf(page)}`)).toEqual([]);
    expect(linkedFrom("README.md").map(({ to }) => to)).toContain("docs/README.md");
  });

  test("call only commands of hextetctl, options, and checks of the doctor that are there", () => {
    const calls = pages.flatMap((page) =>
      [...read(page).matchAll(/(?:`|^|bin\/|-- |; )hextetctl ([a-z][^`\n#;>|\]]*)/gm)].map(([, line = ""]) => ({
        page,
        line,
      })),
    );
    expect(calls.length).toBeGreaterThan(50);
    expect(
      calls.flatMap(({ page, line }) => strangersIn(line).map((word) => `${page}: hextetctl ${line}: ${word}`)),
    ).toEqual([]);
  });

  test("say in their first sentence whom they are for", () => {
    const pages = docs.filter((page) => !page.startsWith("docs/decisions/"));
    expect(pages.filter((page) => !/^# .+\n\nFor /.test(read(page)))).toEqual([]);
  });
});
