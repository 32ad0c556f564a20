// A node and a plain model of it go through the same random history: calls of every verb, repeated, out of order and killed, by agent and
// executable, with agents that come and go, reboots, lost databases and addresses that run out. After each step they must agree. A history
// that shows a difference is shortened to the steps that matter; its seed makes it come again.
import fc from "fast-check";
import { AttachmentModel, type ModelAttachment } from "../../../src/plugin/attachment-model.ts";
import type { Families } from "../../agent/agent-node.ts";
import type { Settings } from "../experiment.ts";
import { Ledger, type Row } from "../ledger.ts";
import {
  addCommand,
  checkCommand,
  delCommand,
  endAgent,
  gcCommand,
  loseDatabase,
  reboot,
  startAgent,
  statusCommand,
  upgradeAgent,
} from "./commands.ts";
import { attachments, type State } from "./comparison.ts";
import { modelNetworks, networkNames, type Served, World } from "./world.ts";

/** Histories of each column, and the steps of each. */
const usual = { runs: 50, steps: 40 } as const;
const short = { runs: 3, steps: 24 } as const;
/** So that the columns do not all see the same. */
const seeds = { v4: 0, v6: 1, dual: 2 } as const;

export async function* modelTest(settings: Settings): AsyncGenerator<Row> {
  for (const families of settings.families) yield await compareHistories(settings, families);
}

async function compareHistories(settings: Settings, families: Families): Promise<Row> {
  const { runs, steps } = settings.short ? short : usual;
  const seed = settings.seed + seeds[families];
  const ledger = new Ledger({
    fault: "random histories beside a model",
    how: `fast-check, seed ${settings.seed}; all that is there is compared after each step`,
    columns: families,
  });
  const histories = fc.commands(commandsFor(families), { maxCommands: steps, size: "max" });
  const property = fc.asyncProperty(histories, async (commands) => {
    const state: State = {
      model: new AttachmentModel(modelNetworks(families)),
      steps: { count: 0, hasAgent: false },
    };
    await using world = new World(settings, families);
    await fc.asyncModelRun(() => ({ model: state, real: world }), commands);
    ledger.fault(state.steps.count);
  });
  // Else the first histories would be of a step or two.
  const result = await fc.check(property, { numRuns: settings.runs ?? runs, seed, unbiased: true });
  if (result.failed) {
    const why = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
    ledger.lost(`${why}\n  ${(await fc.asyncDefaultReportMessage(result)) ?? ""}`);
  }
  ledger.remark(`${result.numRuns} histories`);
  return ledger.row;
}

/** Calls are most of what happens; fast-check chooses evenly, so they are here several times. */
function commandsFor(families: Families) {
  const call = fc.record({ attachment: fc.constantFrom(...attachments), served: anyServed });
  const add = call.map(addCommand);
  const del = call.map(delCommand);
  const network = fc.constantFrom(...networkNames);
  return [
    add,
    add,
    add,
    add,
    del,
    del,
    fc
      .record({ attachment: fc.constantFrom(...attachments), served: anyServed, requested: anyAddress(families) })
      .map(askingAdd),
    call.map(checkCommand),
    fc
      .tuple(network, fc.subarray([...attachments]), unharmed)
      .map(([of, valid, served]) => gcCommand(of, valid, served)),
    network.map(statusCommand),
    fc.constant(startAgent),
    fc.constantFrom(endAgent("stop"), endAgent("kill")),
    fc.constant(upgradeAgent),
    fc.constant(reboot),
    fc.constant(loseDatabase),
  ];
}

const unharmed: fc.Arbitrary<Served> = fc.constantFrom("agent", "executable");
const killed: fc.Arbitrary<Served> = fc.record({
  systemCall: fc.constantFrom("sendto", "pwrite64"),
  at: fc.integer({ min: 1, max: 14 }),
});
const anyServed = fc.oneof({ arbitrary: unharmed, weight: 5 }, { arbitrary: killed, weight: 1 });

/** One that sequential assignment comes to soon, or never. */
function anyAddress(families: Families): fc.Arbitrary<string> {
  const lasts = { v4: ["0.10", "0.12"], v6: [":77", ":3"] };
  const both = { v4: ["v4"], v6: ["v6"], dual: ["v4", "v6"] } as const;
  return fc.constantFrom(...both[families].flatMap((family) => lasts[family]));
}

function askingAdd({ requested, ...call }: { attachment: ModelAttachment; served: Served; requested: string }) {
  const number = call.attachment.network === "pods" ? 10 : 20;
  const beginning = requested.startsWith(":") ? `fd00:${number}:` : `10.${number}.`;
  return addCommand({ ...call, requested: `${beginning}${requested}` });
}
