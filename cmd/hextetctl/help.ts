// `hextetctl help`: printed from the command table, so that it cannot fall behind; in lines no longer than those of the terminal.
import { type Command, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";

/** Characters; fewer make a column of single words. */
const leastRoom = 24;
const exitCodes =
  "Exit codes: 0 done, or yes; 1 no, or it failed; 2 the call was not understood; 3 the question cannot be answered.";

/** `program` is how the program is called: `hextetctl`. */
export function helpCommand(commands: readonly Command[], program: string): Command {
  return {
    name: "help",
    summary: "print this, or what a command takes",
    operands: "[COMMAND]",
    run(call) {
      const [first] = call.operands;
      const group = commands.filter(({ name }) => name.startsWith(`${first} `));
      const { columns = Number.POSITIVE_INFINITY } = call;
      if (first === undefined) call.print(describeAll(commands, program, columns));
      else if (call.operands.length === 1 && group.length > 0 && !commands.some(({ name }) => name === first)) {
        call.print(describeAll(group, program, columns));
      } else {
        const { command, rest } = findCommand(commands, call.operands);
        if (rest.length > 0) throw new UsageError("help takes one command");
        const further = group.filter(({ name }) => name.startsWith(`${command.name} `)).map(({ name }) => name);
        call.print(describeOne(command, program, columns));
        if (further.length > 0) call.print(`\nThere are also ${further.join(", ")}.`);
      }
      return 0;
    },
  };
}

function describeAll(commands: readonly Command[], program: string, columns: number): string {
  const shown = commands.filter(({ hidden }) => hidden === undefined);
  const rows = shown.map(({ name, summary }) => [name, summary] as const);
  return [
    `Usage: ${program} COMMAND [OPTIONS]`,
    "",
    ...alignRows(rows, columns),
    "",
    ...wrapped(exitCodes, columns),
    `${program} help COMMAND says what a command takes.`,
  ].join("\n");
}

function describeOne(command: Command, program: string, columns: number): string {
  const { name, summary, operands, options = {}, examples = [], verbatim } = command;
  const rows = Object.entries(options).map(
    ([option, { value, short, help }]) =>
      [
        `${short === undefined ? "" : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}`,
        help,
      ] as const,
  );
  const given = [operands ?? "", rows.length === 0 ? "" : "[OPTIONS]"];
  const words = ["Usage:", program, name, ...(verbatim ? given.toReversed() : given)].filter((word) => word !== "");
  return [
    words.join(" "),
    "",
    ...wrapped(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, columns),
    ...(rows.length === 0 ? [] : ["", ...alignRows(rows, columns)]),
    ...(examples.length === 0
      ? []
      : [
          "",
          "Examples:",
          ...alignRows(
            examples.map(([line, purpose]) => [`${program} ${line}`, purpose]),
            columns,
          ),
        ]),
  ].join("\n");
}

/** Where there is little room to the right of the longest, what is said of each stands below it. */
function alignRows(rows: readonly (readonly [string, string])[], columns: number): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  const room = columns - width - 4;
  if (room < leastRoom) return rows.flatMap(([left, right]) => [`  ${left}`, ...indented(right, 6, columns)]);
  return rows.flatMap(([left, right]) => {
    const [first = "", ...further] = indented(right, width + 4, columns);
    return [`  ${left.padEnd(width)}  ${first.trimStart()}`, ...further];
  });
}

function indented(text: string, by: number, columns: number): readonly string[] {
  return wrapped(text, columns - by).map((line) => " ".repeat(by) + line);
}

/** At spaces only: a word that is longer than a line stays whole. */
function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
