// Every place where bytes of others come in, fed with bytes that nobody means: by a fuzzer that looks at which blocks of the code each input
// reaches, and goes on from those that reach something new (e2e/fuzz/guided). Whatever throws what it should not, does not end or takes
// all memory is lost, with the input that shows it.
import { fuzzSupervised } from "../fuzz/guided/supervisor.ts";
import type { NamedTarget } from "../fuzz/guided/target.ts";
import { targets } from "../fuzz/guided/targets.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";

/** Of each target, in the short form. */
const executions = 1_300;
/** Targets at a time. */
const lanes = 2;

export async function* fuzzing(settings: Settings): AsyncGenerator<Row> {
  for (let at = 0; at < targets.length; at += lanes) {
    yield* await Promise.all(targets.slice(at, at + lanes).map((target) => fuzzOne(target, settings)));
  }
}

async function fuzzOne({ name, about }: NamedTarget, { short, seed, minutes }: Settings): Promise<Row> {
  const ledger = new Ledger({ fault: `${name} fuzzed`, how: `${about}; seed ${seed}`, columns: "all" });
  const share = (minutes * 60_000 * lanes) / targets.length;
  const budget = short ? { executions } : { untilMs: Date.now() + share };
  const report = await fuzzSupervised({ name, seed, ...budget });
  ledger.fault(report.executions);
  for (const { what, input } of report.findings) {
    const bytes = Buffer.from(input);
    ledger.lost(`${name}: ${what}\n    input, ${bytes.length} bytes in base64: ${bytes.toString("base64")}`);
  }
  ledger.remark(`${report.blocks} blocks reached`);
  return ledger.row;
}
