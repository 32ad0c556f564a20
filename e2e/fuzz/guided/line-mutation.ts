// Changes to the lines of a text, as an editor makes them: for YAML, whose meaning lies in lines and indents, and for streams of lines.
import { type Mutator, pick } from "./mutation.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Signs that mean something in YAML, and that people leave or put where they should not. */
const signs = [
  "- ",
  ": ",
  ":",
  "#",
  "&a ",
  "*a",
  "!!str ",
  "!!binary ",
  "|\n",
  ">-\n",
  "'",
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  "? ",
  "---\n",
  "...\n",
  "<<: ",
  "\t",
  "%YAML 1.2\n",
  "~",
];

export const changeLines: Mutator = (input, { chance, other, dictionary }) => {
  const lines = decoder.decode(input).split("\n");
  const at = chance.below(lines.length);
  const line = lines[at] ?? "";
  const column = chance.below(line.length + 1);
  const put = (text: string) => lines.with(at, line.slice(0, column) + text + line.slice(column));
  const changes = [
    () => lines.toSpliced(at, 1),
    () => lines.toSpliced(at, 0, line),
    () => lines.with(at, ` ${chance.oneOf("", " ", "   ")}${line}`),
    () => lines.with(at, line.replace(/^ {1,2}/, "")),
    () => lines.toSpliced(chance.below(lines.length), 0, line),
    () =>
      lines.toSpliced(
        at,
        0,
        ...decoder
          .decode(other())
          .split("\n")
          .slice(chance.below(8), 8 + chance.below(8)),
      ),
    () => put(pick(chance, signs) ?? ""),
    () => put((pick(chance, signs) ?? "").repeat(2 ** chance.below(chance.happens(0.05) ? 13 : 5))),
    () => put(decoder.decode(pick(chance, dictionary))),
    () => lines.with(at, line.replace(/:.*/, `: ${decoder.decode(pick(chance, dictionary))}`)),
    () =>
      Array.from(
        { length: 2 ** chance.below(chance.happens(0.05) ? 8 : 4) },
        (_, level) => " ".repeat(level) + line.trim(),
      ),
  ];
  return encoder.encode((pick(chance, changes)?.() ?? lines).join("\n"));
};
