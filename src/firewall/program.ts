// Runs nft, ipset and the programs of iptables through the kernel's seam: again where somebody else was at the same tables, and with
// refusals told as what they mean (firewall-error.ts).
import { setTimeout as wait } from "node:timers/promises";
import type { Kernel } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { type Call, FirewallError, missingProgram, refusalOf } from "./firewall-error.ts";

/** A table of tens of thousands of rules takes iptables seconds; what takes longer hangs. */
const TIMEOUT_MS = 60_000;
/** Together more than a second: others write for milliseconds, and iptables itself waits for its lock. */
const usualPausesMs: readonly number[] = [20, 50, 100, 300, 1000];

/** What it prints. A FirewallError says what was refused. */
export async function runProgram(kernel: Kernel, call: Call, pausesMs = usualPausesMs): Promise<string> {
  for (const pauseMs of pausesMs) {
    try {
      return await runOnce(kernel, call);
    } catch (error) {
      if (!(error instanceof FirewallError && error.passing)) throw error;
      await wait(pauseMs);
    }
  }
  return await runOnce(kernel, call);
}

async function runOnce(kernel: Kernel, call: Call): Promise<string> {
  const { program, args, stdin } = call;
  try {
    const options = { timeoutMs: TIMEOUT_MS, ...(stdin !== undefined && { stdin }) };
    const result = await kernel.run(program, args, options);
    if (result.code === 0) return result.stdout;
    throw isNotFound(result) ? missingProgram(program, result.stderr) : refusalOf(call, result);
  } catch (error) {
    if (error instanceof KernelError && error.code === "ENOENT") throw missingProgram(program, error);
    throw error;
  }
}

/** As a shell, `env` and `nsenter` tell it. */
function isNotFound({ code, stderr }: { readonly code: number; readonly stderr: string }): boolean {
  return code === 127 && stderr.includes("No such file or directory");
}
