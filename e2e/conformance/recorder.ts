// A plugin that records how it was called and answers what it was told to: a shell script, so that any runtime and any plugin
// can execute it. It stands for other people's plugins, as delegates and as neighbors in a chain.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./runtime.ts";

export interface RecordedCall {
  readonly verb: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly document: Json;
}

export interface ScriptedAnswer {
  readonly code?: number;
  /** What it prints; printed as it is where it is a text. */
  readonly stdout?: Json | string;
  readonly stderr?: string;
}

export class Recorder {
  readonly type: string;
  readonly #directory: string;

  /** Installs the plugin `type` into a directory of CNI_PATH; it keeps its records in `directory`. */
  constructor(type: string, binDirectory: string, directory: string) {
    this.type = type;
    this.#directory = join(directory, `recorder-${type}`);
    mkdirSync(join(this.#directory, "calls"), { recursive: true });
    const script = join(binDirectory, type);
    writeFileSync(script, scriptOf(this.#directory));
    chmodSync(script, 0o755);
  }

  /** From now on the verb is answered like this; without it every verb is answered by exit code 0 and silence. */
  answer(verb: string, { code = 0, stdout = "", stderr = "" }: ScriptedAnswer): this {
    const text = typeof stdout === "string" ? stdout : JSON.stringify(stdout);
    writeFileSync(join(this.#directory, `${verb}.stdout`), text);
    writeFileSync(join(this.#directory, `${verb}.stderr`), stderr);
    writeFileSync(join(this.#directory, `${verb}.code`), `${code}`);
    return this;
  }

  calls(): readonly RecordedCall[] {
    const directory = join(this.#directory, "calls");
    const names = readdirSync(directory).filter((name) => name.endsWith(".stdin"));
    const inOrder = names.toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
    return inOrder.map((name) => readCall(join(directory, name.replace(/\.stdin$/, ""))));
  }

  verbs(): readonly string[] {
    return this.calls().map(({ verb }) => verb);
  }
}

function readCall(path: string): RecordedCall {
  const lines = readFileSync(`${path}.environment`, "utf8")
    .split("\0")
    .filter((line) => line !== "");
  const environment = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const stdin = readFileSync(`${path}.stdin`, "utf8");
  return { verb: environment["CNI_COMMAND"] ?? "", environment, stdin, document: JSON.parse(stdin) };
}

/** Calls are numbered by directories, which only one process can make; so calls at the same time get a number each. */
function scriptOf(directory: string): string {
  return `#!/bin/sh
number=1
while ! mkdir "${directory}/calls/$number" 2>/dev/null; do number=$((number + 1)); done
env -0 > "${directory}/calls/$number.environment"
cat > "${directory}/calls/$number.stdin"
cd "${directory}" || exit 1
test -f "$CNI_COMMAND.code" || exit 0
cat "$CNI_COMMAND.stderr" >&2
cat "$CNI_COMMAND.stdout"
exit "$(cat "$CNI_COMMAND.code")"
`;
}
