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
      const [name, ...more] = call.operands;
      if (more.length > 0) throw new UsageError("help takes one command");
      call.print(
        name === undefined ? describeAll(commands, program) : describeOne(findCommand(commands, name), program),
      );
      return 0;
    },
  };
}

function describeAll(commands: readonly Command[], program: string): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    `Usage: ${program} COMMAND [OPTIONS]`,
    "",
    ...alignRows(rows),
    "",
    `${program} help COMMAND says what a command takes.`,
  ].join("\n");
}

function describeOne({ name, summary, operands, options = {}, verbatim }: Command, program: string): string {
  const rows = Object.entries(options).map(
    ([option, { value, help }]) => [`--${option}${value === undefined ? "" : ` ${value}`}`, help] as const,
  );
  const given = [operands ?? "", rows.length === 0 ? "" : "[OPTIONS]"];
  const words = ["Usage:", program, name, ...(verbatim ? given.toReversed() : given)].filter((word) => word !== "");
  return [words.join(" "), "", `${summary}.`, ...(rows.length === 0 ? [] : ["", ...alignRows(rows)])].join("\n");
}

function alignRows(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
