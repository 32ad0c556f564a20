// kubectl as this machine has it. What the API answers becomes values here; a failure is told with the command and what it said.
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import * as v from "valibot";

const execute = promisify(execFile);
const limitMs = 180_000;
const maxBuffer = 64 * 2 ** 20;

export interface Kubectl {
  /** Its standard output. */
  run(...args: readonly string[]): Promise<string>;
  apply(objects: readonly object[]): Promise<void>;
  get<Schema extends v.GenericSchema>(
    schema: Schema,
    ...args: readonly string[]
  ): Promise<readonly v.InferOutput<Schema>[]>;
  /** Runs on, with its standard input and output. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams;
}

/** `kubeconfig` is a path. */
export function kubectlOf(kubeconfig: string): Kubectl {
  const where = [`--kubeconfig=${kubeconfig}`];
  const run = (...args: readonly string[]) => runProgram("kubectl", [...where, ...args]);
  return {
    run,
    apply: async (objects) => {
      const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
      await runProgram("kubectl", [...where, "apply", "--filename=-"], list);
    },
    get: async (schema, ...args) => {
      const text = await run("get", "--output=json", ...args);
      return v.parse(v.object({ items: v.array(schema) }), JSON.parse(text)).items;
    },
    start: (...args) => spawn("kubectl", [...where, ...args]),
  };
}

/** Runs a program of this machine, and gives its standard output. */
export async function runProgram(program: string, args: readonly string[], input = ""): Promise<string> {
  const running = execute(program, [...args], { timeout: limitMs, maxBuffer });
  // It may end without reading; then its own words say why.
  running.child.stdin?.on("error", () => {}).end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const why = said === "" ? String(error) : said;
    throw new Error(`${program} ${args.join(" ")}: ${why}`, { cause: error });
  }
}
