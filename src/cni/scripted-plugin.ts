// Test support: a machine on which the only plugin is a script, answering each verb as the test says, and what a call of it
// looks like. It records every execution.
import { expect } from "vitest";
import type { RunOptions, RunResult } from "../kernel/kernel.ts";
import { CniError } from "./cni-error.ts";
import { createDelegates, type DelegateTools } from "./delegate.ts";
import type { Received } from "./request.ts";
import { isAtLeast, type Verb, type Version } from "./versions.ts";

interface Execution {
  readonly program: string;
  readonly verb: string | undefined;
  readonly stdin: string;
  readonly options: RunOptions;
}

export type Behaviour = (verb: string, document: Record<string, unknown>) => Partial<RunResult> | Error;

/** A machine with plugins of which each verb is answered as told. */
export function machine(behaviour: Behaviour, more: Partial<DelegateTools> = {}) {
  const executions: Execution[] = [];
  const stderr: string[] = [];
  const run = async (program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> => {
    expect(args).toEqual([]);
    const { stdin = "", env } = options;
    executions.push({ program, verb: env?.["CNI_COMMAND"], stdin, options });
    const answer = behaviour(env?.["CNI_COMMAND"] ?? "", JSON.parse(stdin));
    if (answer instanceof Error) throw answer;
    return { code: 0, stdout: "", stderr: "", ...answer };
  };
  const isFile = (path: string) => path === "/usr/lib/cni/host-local";
  const delegates = createDelegates({ run, isFile, stderr: (text) => stderr.push(text), ...more });
  return { delegates, executions, stderr, verbs: () => executions.map(({ verb }) => verb) };
}

export function received(verb: Verb, version: Version = "1.1.0", more: object = {}): Received {
  const environment = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: "/run/netns/pod1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin:/usr/lib/cni",
    CNI_ARGS: "",
    PATH: "/usr/bin",
    UNSET: undefined,
  };
  return {
    environment,
    stdin: JSON.stringify({ cniVersion: version, name: "pods", ipam: { type: "host-local" }, ...more }),
  };
}

export async function errorOf(promise: Promise<unknown>): Promise<CniError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export const ips = { v4: ["10.1.0.5/16"], v6: ["fd00::5/64"], dual: ["fd00::5/64", "10.1.0.5/16"] } as const;

export function ipamAnswer(version: Version, addresses: readonly string[]): Partial<RunResult> {
  const family = (address: string) =>
    isAtLeast(version, "1.0.0") ? {} : { version: address.includes(":") ? "6" : "4" };
  return {
    stdout: JSON.stringify({ cniVersion: version, ips: addresses.map((address) => ({ ...family(address), address })) }),
  };
}

export const told = (code: number, msg: string, details?: string) => ({
  code: 1,
  stdout: JSON.stringify({ code, msg, details }),
});
