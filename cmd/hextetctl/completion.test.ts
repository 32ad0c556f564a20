import { describe, expect, test } from "vitest";
import { commands } from "./commands.ts";
import { candidates, completeCommand, completionCommand } from "./completion.ts";

function completed(line: string): readonly string[] {
  return candidates(commands, line.split(" "));
}

function printedBy(operands: readonly string[], command = completionCommand): readonly string[] {
  const lines: string[] = [];
  void command.run({ options: new Map(), operands, build: "/", print: (line) => lines.push(line) });
  return lines;
}

describe("completion", () => {
  test.for([
    ["sta", ["status"]],
    ["h", ["help"]],
    ["leases ", ["check", "release"]],
    ["leases re", ["release"]],
    ["explain ", ["policy", "path"]],
    ["explain pa", ["path"]],
    ["help explain po", ["policy"]],
    ["status --c", ["--cluster", "--config"]],
    ["leases check --", ["--config", "--node-name", "--output", "--help"]],
    ["leases check -o ", ["table", "json", "yaml"]],
    ["pods --output j", ["json"]],
    ["pods --config ", []],
    ["completion z", ["zsh"]],
    ["frobnicate x", []],
    ["complet", ["completion"]],
  ] as const)("of %j is %j", ([line, words]) => {
    expect(completed(line)).toEqual(words);
  });

  test("every shell has a script that asks this program", () => {
    for (const shell of ["bash", "zsh", "fish"]) expect(printedBy([shell]).join()).toContain("hextetctl complete --");
    expect(() => printedBy(["csh"])).toThrow("completion needs a shell: bash, zsh, fish");
  });

  test("the hidden command answers the scripts", () => {
    expect(printedBy(["leases", "ch"], completeCommand(commands))).toEqual(["check"]);
  });
});
