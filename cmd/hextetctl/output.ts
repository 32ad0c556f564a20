// What a command has found, for people or for programs: `-o table`, `-o json`, `-o yaml`. The value is printed as it is, so its keys are
// part of what docs/hextetctl.md promises.
import { nearest } from "../../src/config/nearest.ts";
import { printYaml } from "../../src/config/yaml-text.ts";
import { type Call, type Option, UsageError } from "./command.ts";
import type { Style } from "./table.ts";

const formats = ["table", "json", "yaml"] as const;
type Format = (typeof formats)[number];

export const outputOption: Option = {
  value: "FORMAT",
  short: "o",
  choices: formats,
  help: "table for people, json or yaml for programs (table)",
};

export interface Answer {
  readonly value: unknown;
  /** As people read it. */
  readonly text: (style: Style) => string;
}

/** Where the format cannot be understood nothing is asked: to be called first. */
export function formatOf({ options }: Pick<Call, "options">): Format {
  const word = options.get("output");
  if (word === undefined) return "table";
  const found = formats.find((each) => each === word);
  if (found !== undefined) return found;
  const guess = nearest(word, formats);
  throw new UsageError(
    `--output ${word} is unknown; ${guess === undefined ? `known are ${formats.join(", ")}` : `did you mean ${guess}`}`,
  );
}

export function present(call: Pick<Call, "options" | "print" | "colored" | "columns">, answer: Answer): void {
  const { value, text } = answer;
  const { columns } = call;
  switch (formatOf(call)) {
    case "table":
      return call.print(text({ colored: call.colored ?? false, ...(columns === undefined ? {} : { columns }) }));
    case "json":
      return call.print(printJson(value));
    case "yaml":
      return call.print(printYaml(JSON.parse(printJson(value))).trimEnd());
  }
}

/** Numbers beyond what JSON's readers keep exactly are text. */
function printJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each), 2);
}
