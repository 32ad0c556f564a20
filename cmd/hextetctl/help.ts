// `hextetctl help`: printed from the command table, so that it cannot fall behind.
import { type Command, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";

/** `program` is how the program is called: `hextetctl`. */
export function helpCommand(commands: readonly Command[], program: string): Command {
  return {
    name: "help",
    summary: "print this, or what a command takes",
    operands: "[COMMAND]",
    run(call) {
      const [first] = call.operands;
      const group = commands.filter(({ name }) => name.startsWith(`${first} `));
      if (first === undefined) call.print(describeAll(commands, program));
      else if (call.operands.length === 1 && group.length > 0 && !commands.some(({ name }) => name === first)) {
        call.print(describeAll(group, program));
      } else {
        const { command, rest } = findCommand(commands, call.operands);
        if (rest.length > 0) throw new UsageError("help takes one command");
        const further = group.filter(({ name }) => name.startsWith(`${command.name} `)).map(({ name }) => name);
        call.print(describeOne(command, program));
        if (further.length > 0) call.print(`\nThere are also ${further.join(", ")}.`);
      }
      return 0;
    },
  };
}

function describeAll(commands: readonly Command[], program: string): string {
  const shown = commands.filter(({ hidden }) => hidden === undefined);
  const rows = shown.map(({ name, summary }) => [name, summary] as const);
  return [
    `Usage: ${program} COMMAND [OPTIONS]`,
    "",
    ...alignRows(rows),
    "",
    `${program} help COMMAND says what a command takes.`,
  ].join("\n");
}

function describeOne(command: Command, program: string): string {
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
    `${summary}.`,
    ...(rows.length === 0 ? [] : ["", ...alignRows(rows)]),
    ...(examples.length === 0
      ? []
      : ["", "Examples:", ...alignRows(examples.map(([line, purpose]) => [`${program} ${line}`, purpose]))]),
  ].join("\n");
}

function alignRows(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
