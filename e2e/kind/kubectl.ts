// kubectl as this machine has it. What the API answers becomes values here.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import * as v from "valibot";
import { runProgram, startProgram } from "./program.ts";

export interface Kubectl {
  /** Its standard output. */
  run(...args: readonly string[]): Promise<string>;
  apply(objects: readonly object[]): Promise<void>;
  /** By this one, whole. */
  replace(object: object): Promise<void>;
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
    replace: async (object) => {
      await runProgram("kubectl", [...where, "replace", "--filename=-"], JSON.stringify(object));
    },
    get: async (schema, ...args) => {
      const text = await run("get", "--output=json", ...args);
      return v.parse(v.object({ items: v.array(schema) }), JSON.parse(text)).items;
    },
    start: (...args) => startProgram("kubectl", [...where, ...args]),
  };
}
