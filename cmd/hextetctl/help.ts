// `hextetctl help`: printed from the command table, so that it cannot fall behind.
import { type Command, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";

export function helpCommand(commands: readonly Command[]): Command {
  return {
    name: "help",
    summary: "print this, or what a command takes",
    operands: "[COMMAND]",
    run(call) {
      const [name, ...more] = call.operands;
      if (more.length > 0) throw new UsageError("hextetctl help takes one command");
      call.print(name === undefined ? describeAll(commands) : describeOne(findCommand(commands, name)));
      return 0;
    },
  };
}

function describeAll(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    "Usage: hextetctl COMMAND [OPTIONS]",
    "",
    ...alignRows(rows),
    "",
    "hextetctl help COMMAND says what a command takes.",
  ].join("\n");
}

function describeOne({ name, summary, operands, options = {} }: Command): string {
  const rows = Object.entries(options).map(
    ([option, { value, help }]) => [`--${option}${value === undefined ? "" : ` ${value}`}`, help] as const,
  );
  const usage = [
    "Usage: hextetctl",
    name,
    ...(operands === undefined ? [] : [operands]),
    ...(rows.length === 0 ? [] : ["[OPTIONS]"]),
  ];
  return [usage.join(" "), "", `${summary}.`, ...(rows.length === 0 ? [] : ["", ...alignRows(rows)])].join("\n");
}

function alignRows(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
