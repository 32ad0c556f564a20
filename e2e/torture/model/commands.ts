// What can happen to a node, as commands of fast-check: each does it to the real node, says what the model makes of it, and compares all
// that there is. Their names are what a history reads like when it is shortened to the steps that matter.
import type fc from "fast-check";
import { keyOf, type ModelAttachment } from "../../../src/plugin/attachment-model.ts";
import { compare, expectThat, learn, type State } from "./comparison.ts";
import type { NetworkName, Outcome, Served, World } from "./world.ts";

type Command = fc.AsyncCommand<State, World>;

interface Step {
  readonly name: string;
  readonly isPossible?: (state: State) => boolean;
  readonly take: (state: State, world: World) => Promise<void>;
}

function command({ name, isPossible = () => true, take }: Step): Command {
  return {
    check: isPossible,
    run: async (state, world) => {
      state.steps.count++;
      state.model.begin();
      await take(state, world);
      compare(state, world);
    },
    toString: () => name,
  };
}

export interface CallOptions {
  readonly attachment: ModelAttachment;
  readonly served: Served;
  readonly requested?: string | undefined;
}

export function addCommand({ attachment, served, requested }: CallOptions): Command {
  const asks = requested === undefined ? "" : ` that asks for ${requested}`;
  return command({
    name: `ADD ${keyOf(attachment)}${asks} by ${describe(served)}`,
    isPossible: canBeServed(served),
    take: async (state, world) => {
      const refusal = state.model.refusalOf(attachment, requested);
      const outcome = await world.add(attachment, served, requested);
      const { model } = state;
      if (outcome.kind === "killed") return settleKilled(state, world, attachment);
      model.openDatabase();
      if (outcome.kind === "success") {
        expectThat(refusal === undefined, `ADD gave ${outcome.addresses.join(", ")} where it is refused by ${refusal}`);
        for (const complaint of model.give(attachment, outcome.addresses, "present", requested))
          expectThat(false, complaint);
        return;
      }
      // What a killed call left may be all there, and then it is there already.
      const mayBeThere = model.standingOf(attachment) === "unsettled" && outcome.code === 103;
      expectThat(outcome.code === refusal || mayBeThere, `ADD: expected ${refusal ?? "success"}, came ${outcome.text}`);
    },
  });
}

export function delCommand({ attachment, served }: CallOptions): Command {
  return command({
    name: `DEL ${keyOf(attachment)} by ${describe(served)}`,
    isPossible: canBeServed(served),
    take: async (state, world) => {
      const outcome = await world.del(attachment, served);
      if (outcome.kind === "killed") return settleKilled(state, world, attachment);
      expectSuccess("DEL", outcome);
      state.model.openDatabase();
      state.model.release([attachment]);
    },
  });
}

export function checkCommand({ attachment, served }: CallOptions): Command {
  return command({
    name: `CHECK ${keyOf(attachment)} by ${describe(served)}`,
    take: async (state, world) => {
      const outcome = await world.check(attachment, served);
      if (outcome.kind === "killed") return;
      const standing = state.model.standingOf(attachment);
      if (standing === "present") expectSuccess("CHECK", outcome);
      if (standing === "absent") expectThat(outcome.kind === "refused", "CHECK passed where nothing is attached");
      if (outcome.kind === "refused") expectThat(outcome.code !== 999 && outcome.code !== 0, outcome.text);
    },
  });
}

export function gcCommand(network: NetworkName, valid: readonly ModelAttachment[], served: Served): Command {
  const kept = valid.filter((each) => each.network === network);
  return command({
    name: `GC ${network} that keeps ${kept.map(keyOf).join(", ") || "nothing"} by ${describe(served)}`,
    take: async (state, world) => {
      const outcome = await world.gc(network, kept, served);
      expectSuccess("GC", outcome);
      state.model.openDatabase();
      state.model.keep(network, kept);
    },
  });
}

export function statusCommand(network: NetworkName): Command {
  return command({
    name: `STATUS ${network}`,
    take: async (state, world) => {
      const outcome = await world.status(network);
      state.model.openDatabase();
      learn(state, world);
      const expected = state.model.hasRoom(network) ? "success" : "refused";
      const said = outcome.kind === "refused" ? outcome.text : outcome.kind;
      expectThat(outcome.kind === expected, `STATUS: expected ${expected}, came ${said}`);
      if (outcome.kind === "refused") expectThat(outcome.code === 50, said);
    },
  });
}

export const startAgent = command({
  name: "agent started",
  isPossible: ({ steps }) => !steps.hasAgent,
  take: async ({ steps }, world) => {
    await world.startAgent();
    steps.hasAgent = true;
  },
});

export function endAgent(how: "stop" | "kill"): Command {
  return command({
    name: how === "stop" ? "agent stopped" : "agent killed",
    isPossible: ({ steps }) => steps.hasAgent,
    take: async ({ steps }, world) => {
      await world.endAgent(how);
      steps.hasAgent = false;
    },
  });
}

export const upgradeAgent = command({
  name: "agent and executable upgraded",
  isPossible: ({ steps }) => steps.hasAgent,
  take: async (_state, world) => await world.upgradeAgent(),
});

export const reboot = command({
  name: "reboot",
  take: async ({ model, steps }, world) => {
    await world.reboot();
    model.reboot();
    steps.hasAgent = false;
  },
});

/** What is left of a killed call may then be taken for an attachment, or not. */
export const loseDatabase = command({
  name: "database deleted",
  isPossible: ({ model }) => model.keysOf("unsettled").length === 0,
  take: async ({ model }, world) => {
    world.loseDatabase();
    model.loseDatabase();
  },
});

/** What a killed call has done is read in the database, which must be there and of this boot. */
function canBeServed(served: Served): (state: State) => boolean {
  return ({ model }) => typeof served === "string" || model.isDatabaseOpened;
}

/** Whatever a killed call left is looked up: it must be what was there, or what could be given, or nothing. */
function settleKilled(state: State, world: World, attachment: ModelAttachment): void {
  const { model } = state;
  const held = world.leases().get(keyOf(attachment)) ?? [];
  if (model.standingOf(attachment) === "present" && held.length === model.addressesOf(attachment).length) {
    // A DEL takes the pod's network away before its leases.
    model.unsettle(attachment, held);
    return;
  }
  for (const complaint of model.unsettle(attachment, held)) expectThat(false, `killed: ${complaint}`);
}

function expectSuccess(verb: string, outcome: Outcome): void {
  expectThat(outcome.kind === "success", `${verb}: ${outcome.kind === "refused" ? outcome.text : outcome.kind}`);
}

function describe(served: Served): string {
  if (typeof served === "string") return served === "agent" ? "the agent, or else the executable" : "the executable";
  return `the executable, killed at ${served.systemCall} ${served.at}`;
}
