// Sysctls in memory for unit tests: those it was given, a log of what was set, and refusals on request. What one value means
// for others (forwarding for all links) only the real kernel knows.
import { constants } from "node:os";
import type { Sysctl } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";

export class SampleSysctl implements Sysctl {
  /** As `name=value`, in order. */
  readonly writes: string[] = [];
  readonly values: Map<string, string>;
  /** With which errno the setting of which name is refused. */
  readonly refused = new Map<string, keyof typeof constants.errno>();

  constructor(values: Readonly<Record<string, string>>) {
    this.values = new Map(Object.entries({ "kernel/random/boot_id": "boot-1", ...values }));
  }

  get(name: string): string {
    const value = this.values.get(name);
    if (value === undefined) throw failure(`read sysctl ${name}`, "ENOENT");
    return value;
  }

  set(name: string, value: string): void {
    const code = this.values.has(name) ? this.refused.get(name) : "ENOENT";
    if (code !== undefined) throw failure(`set sysctl ${name} to ${value}`, code);
    this.values.set(name, value);
    this.writes.push(`${name}=${value}`);
  }
}

function failure(operation: string, code: keyof typeof constants.errno): KernelError {
  return new KernelError({ operation, errno: constants.errno[code] });
}
