import { describe, expect, test } from "vitest";
import { type Command, parseArguments, UsageError } from "./command.ts";
import { findCommand } from "./find.ts";
import { helpCommand } from "./help.ts";

const install: Command = {
  name: "install",
  summary: "install it",
  options: { "bin-dir": { value: "DIR", help: "where to" }, loopback: { help: "loopback too" } },
  run: () => 0,
};
const show: Command = { name: "show", summary: "show something", operands: "[NAME]", run: () => 0 };
const run: Command = {
  name: "run",
  summary: "run something",
  operands: "WHERE COMMAND",
  options: { state: { value: "DIR", help: "where it is" } },
  verbatim: true,
  run: () => 0,
};
const commands = [install, show, run];

describe("parseArguments()", () => {
  test.for([
    [[], {}],
    [["--bin-dir", "/x"], { "bin-dir": "/x" }],
    [["--bin-dir=/x=y"], { "bin-dir": "/x=y" }],
    [["--bin-dir="], { "bin-dir": "" }],
    [["--loopback", "--bin-dir", "--odd"], { loopback: "", "bin-dir": "--odd" }],
  ] as const)("reads %j as %j", ([args, options]) => {
    expect(Object.fromEntries(parseArguments(install, args).options)).toEqual(options);
  });

  test("takes words that are no options as operands, a lone hyphen too", () => {
    expect(parseArguments(show, ["one", "-", "two"]).operands).toEqual(["one", "-", "two"]);
  });

  test("takes all words behind two hyphens as operands", () => {
    expect(parseArguments(show, ["one", "--", "--two", "--"]).operands).toEqual(["one", "--two", "--"]);
  });

  test("takes an option by its letter", () => {
    const asking: Command = { ...show, options: { output: { value: "FORMAT", short: "o", help: "how" } } };
    for (const words of [["-o", "json"], ["-ojson"], ["-o=json"], ["--output=json"]]) {
      expect([...parseArguments(asking, words).options]).toEqual([["output", "json"]]);
    }
    expect(() => parseArguments(asking, ["-x"])).toThrow("There is no option -x; known are --output");
  });

  test("leaves a command line for somebody else as it is", () => {
    const { options, operands } = parseArguments(run, ["--state", "/x", "alpha-1", "ping", "-c1", "--help", "beta-1"]);
    expect([...options]).toEqual([["state", "/x"]]);
    expect(operands).toEqual(["alpha-1", "ping", "-c1", "--help", "beta-1"]);
  });

  test.for([
    [install, ["--bindir", "x"], "There is no option --bindir; did you mean --bin-dir"],
    [install, ["--bindir=x"], "There is no option --bindir=x; did you mean --bin-dir"],
    [install, ["--colour"], "There is no option --colour; known are --bin-dir, --loopback"],
    [install, ["-l"], "There is no option -l; known are --bin-dir, --loopback"],
    [show, ["--all"], "There is no option --all; there are none"],
    [install, ["--bin-dir"], "--bin-dir needs a value: --bin-dir DIR"],
    [install, ["--loopback=yes"], "--loopback takes no value"],
    [install, ["here"], 'install takes no "here", only options'],
  ] as const)("of %o refuses %j", ([command, args, message]) => {
    expect(() => parseArguments(command, args)).toThrow(new UsageError(message));
  });
});

describe("findCommand()", () => {
  test("finds a command by its name", () => {
    expect(findCommand(commands, ["show", "me"])).toEqual({ command: show, rest: ["me"] });
  });

  test.for([
    ["instal", 'There is no command "instal"; did you mean install'],
    ["frobnicate", 'There is no command "frobnicate"; commands are install, show, run'],
  ] as const)("for %s says %s", ([name, message]) => {
    expect(() => findCommand(commands, [name])).toThrow(new UsageError(message));
  });
});

describe("findCommand() among commands of two words", () => {
  const [leases, check, path] = ["leases", "leases check", "explain path"].map((name) => ({ ...show, name }));
  const table = [leases, check, path].flatMap((each) => each ?? []);

  test.for([
    [["leases", "check", "now"], "leases check", ["now"]],
    [["leases", "10.1.0.2"], "leases", ["10.1.0.2"]],
    [["explain", "path"], "explain path", []],
  ] as const)("finds in %j %s", ([words, name, rest]) => {
    expect(findCommand(table, words)).toMatchObject({ command: { name }, rest });
  });

  test.for([
    [["explain"], "explain needs a word behind it: path"],
    [["explain", "pth"], 'There is no command "explain pth"; did you mean explain path'],
    [["leases", "chekc"], 'There is no command "leases chekc"; did you mean leases check'],
    [["lease"], 'There is no command "lease"; did you mean leases'],
    [["check"], 'There is no command "check"; did you mean leases check'],
    [["explain", "frobnicate"], 'There is no command "explain frobnicate"; explain is followed by path'],
  ] as const)("for %j says %s", ([words, message]) => {
    expect(() => findCommand(table, words)).toThrow(new UsageError(message));
  });
});

describe("help", () => {
  function help(...operands: readonly string[]): string {
    const lines: string[] = [];
    const code = helpCommand(commands, "hextetctl").run({
      options: new Map(),
      operands,
      build: "/",
      print: (line) => lines.push(line),
    });
    expect(code).toBe(0);
    return lines.join("\n");
  }

  test("lists every command with its summary", () => {
    expect(help()).toContain("  install  install it\n  show     show something\n");
  });

  test("lists what a command takes", () => {
    expect(help("install")).toBe(
      "Usage: hextetctl install [OPTIONS]\n\nInstall it.\n\n  --bin-dir DIR  where to\n  --loopback     loopback too",
    );
    expect(help("show")).toBe("Usage: hextetctl show [NAME]\n\nShow something.");
  });

  test.for([
    [60, ["  --bin-dir DIR  where to put it, which is told to runtimes"]],
    [44, ["  --bin-dir DIR  where to put it, which is", "                 told to runtimes"]],
    [30, ["  --bin-dir DIR", "      where to put it, which", "      is told to runtimes"]],
  ] as const)("keeps to a terminal's %s columns", ([columns, expected]) => {
    const help = "where to put it, which is told to runtimes";
    const told: Command = { ...install, options: { "bin-dir": { value: "DIR", help } } };
    const lines: string[] = [];
    const print = (text: string) => lines.push(...text.split("\n"));
    void helpCommand([told], "hextetctl").run({
      options: new Map(),
      operands: ["install"],
      build: "/",
      print,
      columns,
    });
    expect(lines.slice(4)).toEqual(expected);
  });

  test("puts options before a command line that is somebody else's", () => {
    expect(help("run")).toContain("Usage: hextetctl run [OPTIONS] WHERE COMMAND\n");
  });

  test("knows no command that is none", () => {
    expect(() => help("shwo")).toThrow("did you mean show");
  });
});
