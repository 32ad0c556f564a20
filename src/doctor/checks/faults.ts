// Faults of src/node as findings: their sentences say what is wrong and what mends it, so a command in one becomes a remedy.
import type { Fault, FaultCode } from "../../node/fault.ts";
import { command, type Finding, type Remedy, sysctl } from "../finding.ts";

/** Told by the agent, and no harm to pods. */
const harmless: ReadonlySet<FaultCode> = new Set(["several-uplinks", "advertisements-elsewhere", "record-unreadable"]);

export function findingsOf(faults: readonly Fault[], codes: readonly FaultCode[]): Finding[] {
  return faults
    .filter(({ code }) => codes.includes(code))
    .map(({ code, message }) => ({
      severity: harmless.has(code) ? ("warning" as const) : ("problem" as const),
      seen: message,
      remedies: remediesIn(message),
    }));
}

/** `sysctl -w NAME=VALUE`, and what begins with `ip` or `modprobe`, up to the next punctuation of the sentence. */
export function remediesIn(sentence: string): Remedy[] {
  const [, name, value] = /\bsysctl -w ([\w./-]+)=(\d+)/.exec(sentence) ?? [];
  if (name !== undefined && value !== undefined) return [sysctl(name, value)];
  const [, text] = /(?::|by hand:|,) ((?:ip|modprobe) [^;,]+)/.exec(sentence) ?? [];
  return text === undefined ? [] : [command(text)];
}
