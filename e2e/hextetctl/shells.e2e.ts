// Completion in the shells themselves: each is started on a terminal with what `hextetctl completion` printed in the place where people
// put it, is typed into, and must complete what was begun.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";

const dist = build();
const home = mkdtempSync(join(tmpdir(), "hextet-shells-"));
afterAll(() => rmSync(home, { recursive: true }));

/** What the prompt shows, and no line that makes it. */
const prompt = "READY>";

interface Shell {
  readonly name: "bash" | "zsh" | "fish";
  readonly command: string;
  /** Files below the home directory: where the completion goes, and what makes a prompt that can be waited for. */
  readonly completion: string;
  readonly start: readonly [path: string, text: string];
}

const shells: readonly Shell[] = [
  {
    name: "bash",
    command: `bash --rcfile ${home}/bashrc -i`,
    completion: "bash-completion",
    start: ["bashrc", `source ${home}/bash-completion\nPS1='REA''DY>'\n`],
  },
  {
    name: "zsh",
    command: "zsh -o no_global_rcs -i",
    completion: "site-functions/_hextetctl",
    start: [".zshrc", `fpath=(${home}/site-functions $fpath)\nautoload -U compinit; compinit -u -D\nPS1='REA''DY>'\n`],
  },
  {
    name: "fish",
    command: "fish -i",
    completion: "fish/completions/hextetctl.fish",
    start: ["fish/config.fish", "set -g fish_greeting\nfunction fish_prompt; echo -n REA'DY>'; end\n"],
  },
];

function write(path: string, text: string): void {
  mkdirSync(join(home, path, ".."), { recursive: true });
  writeFileSync(join(home, path), text);
}

class Terminal implements AsyncDisposable {
  readonly #child;
  readonly #ended;
  #shown = "";

  constructor(command: string) {
    const env = { PATH: `${dist}/bin:${process.env["PATH"]}`, HOME: home, ZDOTDIR: home, XDG_CONFIG_HOME: home };
    this.#child = spawn("script", ["-qefc", command, "/dev/null"], {
      env: { ...env, LANG: "C", TERM: "dumb" },
      cwd: home,
    });
    this.#child.stdout.on("data", (bytes: Buffer) => (this.#shown += bytes.toString()));
    this.#ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** What stands on it from now on until the word comes. */
  async shows(word: string): Promise<string> {
    const shown = await eventually(`the terminal shows ${word}`, () =>
      this.#shown.includes(word) ? this.#shown : undefined,
    );
    this.#shown = shown.slice(shown.indexOf(word) + word.length);
    return shown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without its other side the terminal hangs up on the shell.
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

describe.for(shells)("$name", ({ name, command, completion, start }) => {
  beforeAll(() => {
    write(completion, execFileSync(`${dist}/bin/hextetctl`, ["completion", name], { encoding: "utf8" }));
    write(...start);
  });

  test("completes commands, options and their values, and files where any may follow", async () => {
    await using terminal = new Terminal(command);
    await terminal.shows(prompt);
    terminal.type("hextetctl leases rel\t\r");
    await terminal.shows("leases release needs one address");
    await terminal.shows(prompt);
    terminal.type("hextetctl version --out\tjs\t\r");
    await terminal.shows('"buildId":');
    await terminal.shows(prompt);
    write("only-file.yaml", "dataDirectory: 1\n");
    terminal.type("hextetctl nodes --conf\tonly-f\t\r");
    expect(await terminal.shows("dataDirectory")).toContain("only-file.yaml:1:");
  });
});
