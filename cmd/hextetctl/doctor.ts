// `hextetctl doctor`: everything that is known to go wrong with a node's network, looked at in one go. What is looked at and what follows
// from it is in src/doctor.

import { nearest } from "../../src/config/nearest.ts";
import { checks } from "../../src/doctor/checks.ts";
import { type Diagnosis, diagnose, exitCodeOf } from "../../src/doctor/diagnosis.ts";
import type { Facts } from "../../src/doctor/facts.ts";
import type { Check } from "../../src/doctor/finding.ts";
import { mend, safeRemedies } from "../../src/doctor/mending.ts";
import { readFacts } from "../../src/doctor/reading/reader.ts";
import { known, reading } from "../../src/doctor/reading.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { linuxWithSysctls } from "../../src/kernel/linux.ts";
import { type Call, type Command, UsageError } from "./command.ts";
import { describeDiagnosis, describeMended, valueOf } from "./doctor-text.ts";
import { configOption, loadConfig, nodeNameOption, readView } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { table } from "./table.ts";

const networkSysctls = "/proc/sys/net";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "say what is wrong with this node, why it matters and what to do",
  options: {
    fix: { help: "do what is safe: sysctls and modes of files; then look again" },
    only: { value: "ID", help: "nothing but these checks, with commas between" },
    list: { help: "name the checks, and why each matters" },
    json: { help: "the same as -o json" },
    "bin-dir": { value: "DIR", help: "the CNI binary directory (/opt/cni/bin)" },
    "network-sysctls": { value: "DIR", help: "where /proc/sys/net of the host can be written" },
    config: configOption,
    "node-name": nodeNameOption,
    output: outputOption,
  },
  examples: [
    ["doctor", "what is wrong, and what to type"],
    ["doctor --fix", "and do what is safe"],
    ["doctor --only forwarding,mtu -o json", "two checks, for a program"],
  ],
  async run(given) {
    const call = given.options.has("json")
      ? { ...given, options: new Map([...given.options, ["output", "json"]]) }
      : given;
    formatOf(call);
    const chosen = chosenBy(call.options.get("only"));
    if (call.options.has("list")) return list(call, chosen);
    try {
      return await examine(call, chosen);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof UsageError) throw error;
      process.stderr.write(`Cannot look at this node: ${error.message}\n`);
      return 2;
    }
  },
};

async function examine(call: Call, chosen: readonly Check[]): Promise<number> {
  const kernel = linuxWithSysctls(call.options.get("network-sysctls") ?? networkSysctls);
  const before = diagnose(chosen, await lookAt(call, kernel, chosen));
  const remedies = call.options.has("fix") ? safeRemedies(before) : [];
  if (remedies.length === 0) return tell(call, before);
  const mended = mend(remedies, { kernel });
  const after = diagnose(chosen, await lookAt(call, kernel, chosen));
  present(call, {
    value: { mended, ...valueOf(after) },
    text: (style) => `${describeMended(mended, style)}\n\n${describeDiagnosis(after, style)}`,
  });
  return exitCodeOf(after);
}

function tell(call: Call, diagnosis: Diagnosis): number {
  present(call, { value: valueOf(diagnosis), text: (style) => describeDiagnosis(diagnosis, style) });
  return exitCodeOf(diagnosis);
}

async function lookAt(call: Call, kernel: Kernel, chosen: readonly Check[]): Promise<Facts> {
  const config = await reading(() => loadConfig(call));
  return readFacts({
    kernel,
    config,
    cluster: await reading(() => readView(known(config))),
    binDirectory: call.options.get("bin-dir") ?? "/opt/cni/bin",
    networkSysctls: call.options.get("network-sysctls") ?? networkSysctls,
    sends: chosen.some(({ sends }) => sends === true),
    environment: process.env,
  });
}

function chosenBy(only: string | undefined): readonly Check[] {
  if (only === undefined) return checks;
  const ids = checks.map(({ id }) => id);
  return only.split(",").map((id) => {
    const found = checks.find((check) => check.id === id);
    if (found !== undefined) return found;
    const guess = nearest(id, ids);
    throw new UsageError(
      `There is no check ${id}; ${guess === undefined ? "doctor --list names them" : `did you mean ${guess}`}`,
    );
  });
}

function list(call: Call, chosen: readonly Check[]): number {
  const rows = chosen.map(({ id, why }) => [id, why] as const);
  present(call, {
    value: chosen.map(({ id, why }) => ({ id, why })),
    text: (style) => table(["CHECK", "WHY IT MATTERS"], rows, style),
  });
  return 0;
}
