import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test, vi } from "vitest";
import type { FaultPoint } from "../kernel/fake.ts";
import { AttachmentModel, keyOf, type ModelAttachment, type ModelNetwork } from "./attachment-model.ts";
import { type Called, ModelWorld, podCount } from "./model-world.ts";

vi.setConfig({ testTimeout: 120_000 });

const networks = {
  v4: [
    { name: "pods", v4: ["10.1.0.10", "10.1.0.11", "10.1.0.12"] },
    { name: "more", v4: ["10.2.0.10", "10.2.0.11", "10.2.0.12"] },
  ],
  v6: [
    { name: "pods", v6: "fd00:1::" },
    { name: "more", v6: "fd00:2::" },
  ],
  dual: [
    { name: "pods", v4: ["10.1.0.10", "10.1.0.11", "10.1.0.12"], v6: "fd00:1::" },
    { name: "more", v4: ["10.2.0.10", "10.2.0.11", "10.2.0.12"], v6: "fd00:2::" },
  ],
} satisfies Record<string, readonly ModelNetwork[]>;
type Column = keyof typeof networks;

const attachments: readonly ModelAttachment[] = ["pods", "more"].flatMap((network) =>
  Array.from({ length: podCount }, (_, pod) => ({
    network,
    containerId: `c${pod}`,
    interfaceName: network === "pods" ? "eth0" : "net1",
  })),
);

/** How an answer gets to whoever asked: at once, never because its process ends, or so late that it is taken back. */
type Fate = "delivered" | "lost" | "withdrawn" | "later";

interface State {
  readonly model: AttachmentModel;
  /** What delivers answers later, where a test says when. */
  readonly deliver?: (what: string, act: () => Promise<void>) => void;
}

type Command = fc.AsyncCommand<State, ModelWorld>;

function command(name: string, take: (state: State, world: ModelWorld) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (state, world) => {
      state.model.begin();
      await take(state, world);
      compare(state, world);
    },
    toString: () => name,
  };
}

function add(attachment: ModelAttachment, fate: Fate, requested?: string): Command {
  const asks = requested === undefined ? "" : ` that asks for ${requested}`;
  return command(`ADD ${keyOf(attachment)}${asks}, ${fate}`, async (state, world) => {
    const { model } = state;
    const refusal = model.refusalOf(attachment, requested);
    const asked = requested === undefined ? {} : { runtimeConfig: { ips: [requested] } };
    const called = await world.call("ADD", attachment, asked);
    model.openDatabase();
    const mayBeThere = model.standingOf(attachment) === "unsettled" && called.code === 103;
    if (!mayBeThere) assert.equal(called.code, refusal ?? 0, called.text);
    if (called.code !== 0) {
      // It takes away what an earlier one left before it asks whether there is an address.
      if (model.standingOf(attachment) === "unsettled") learn(attachment, model, world);
      return;
    }
    assert.deepEqual(
      model.give(attachment, called.addresses, fate === "delivered" ? "present" : "unsettled", requested),
      [],
    );
    await meet(fate, called, attachment, { state, world });
  });
}

interface Place {
  readonly state: State;
  readonly world: ModelWorld;
}

async function meet(fate: Fate, called: Called, attachment: ModelAttachment, { state, world }: Place): Promise<void> {
  const withdraw = async () => {
    await called.withdraw?.();
    const isAnothers = String(state.model.addressesOf(attachment)) !== String(called.addresses);
    if (!isAnothers && state.model.standingOf(attachment) === "unsettled") state.model.release([attachment]);
  };
  if (fate === "delivered") called.delivered?.();
  else if (fate === "lost") world.endProcess();
  else if (fate === "withdrawn") await withdraw();
  else
    state.deliver?.(`answer to ADD ${keyOf(attachment)}`, async () => {
      try {
        called.delivered?.();
      } catch {
        // As the agent does it: whoever cannot deliver takes back.
        await withdraw();
      }
      compare(state, world);
    });
}

function del(attachment: ModelAttachment): Command {
  return command(`DEL ${keyOf(attachment)}`, async ({ model }, world) => {
    const { code, text } = await world.call("DEL", attachment);
    assert.equal(code, 0, text);
    model.openDatabase();
    model.release([attachment]);
  });
}

/** It fails wherever the kernel refuses, and then a repeated one succeeds. */
function brokenCall(verb: "ADD" | "DEL", attachment: ModelAttachment, fault: FaultPoint, nth: number): Command {
  return command(`${verb} ${keyOf(attachment)} while ${fault} number ${nth} fails`, async ({ model }, world) => {
    const before = model.standingOf(attachment);
    const refusal = model.refusalOf(attachment);
    const revoke = world.kernel.fail(fault, "ENOBUFS", { nth });
    const called = await world.call(verb, attachment);
    revoke();
    model.openDatabase();
    if (called.code === 0 && verb === "ADD") {
      assert.deepEqual(model.give(attachment, called.addresses, "present"), []);
      called.delivered?.();
    } else if (called.code === 0) model.release([attachment]);
    else if (verb === "ADD" && before !== "unsettled") {
      assert.ok([100, 104, refusal].includes(called.code), called.text);
      if (called.code !== refusal) model.takeBack(world.justReleased());
    } else learn(attachment, model, world);
  });
}

/** What is left of a call that failed half way, and what it gave back. */
function learn(attachment: ModelAttachment, model: AttachmentModel, world: ModelWorld): void {
  model.takeBack(world.justReleased());
  assert.deepEqual(model.unsettle(attachment, world.leases().get(keyOf(attachment)) ?? []), []);
}

function check(attachment: ModelAttachment): Command {
  return command(`CHECK ${keyOf(attachment)}`, async ({ model }, world) => {
    const { code, text } = await world.call("CHECK", attachment);
    const standing = model.standingOf(attachment);
    if (standing === "present") assert.equal(code, 0, text);
    if (standing === "absent") assert.notEqual(code, 0);
    assert.notEqual(code, 999, text);
    model.openDatabase();
  });
}

function gc(network: string, valid: readonly ModelAttachment[]): Command {
  const kept = valid.filter((each) => each.network === network);
  return command(`GC ${network} that keeps ${kept.map(keyOf).join(", ")}`, async ({ model }, world) => {
    const [any = kept[0]] = attachments;
    if (any === undefined) return;
    const keep = kept.map(({ containerId, interfaceName }) => ({ containerID: containerId, ifname: interfaceName }));
    const { code, text } = await world.call("GC", { ...any, network }, { "cni.dev/valid-attachments": keep });
    assert.equal(code, 0, text);
    model.openDatabase();
    model.keep(network, kept);
  });
}

function status(network: string): Command {
  return command(`STATUS ${network}`, async ({ model }, world) => {
    const { code, text } = await world.call("STATUS", { network, containerId: "c0", interfaceName: "eth0" });
    model.openDatabase();
    assert.equal(code, model.hasRoom(network) ? 0 : 50, text);
  });
}

const endProcess = command("the process ends", async (_state, world) => world.endProcess());
const reboot = command("reboot", async ({ model }, world) => {
  world.reboot();
  model.reboot();
});
const loseDatabase = command("database deleted", async ({ model }, world) => {
  world.loseDatabase();
  model.loseDatabase();
});

/** All that is there, and nothing else; looking at the leases opens the database. */
function compare({ model }: State, world: ModelWorld): void {
  const there = [...model.keysOf("present"), ...model.keysOf("unsettled")];
  assert.ok(world.links().length <= there.length, `${world.links().length} links for ${there.join(", ")}`);
  const [leases, attached] = [world.leases(), world.attached()];
  model.openDatabase();
  for (const attachment of attachments) {
    const key = keyOf(attachment);
    const held = model.addressesOf(attachment).toSorted();
    assert.deepEqual((leases.get(key) ?? []).toSorted(), held, `leases of ${key}`);
    if (model.standingOf(attachment) === "present") assert.deepEqual(attached.get(key)?.toSorted(), held, key);
    if (model.standingOf(attachment) === "absent") assert.equal(attached.get(key), undefined, key);
  }
}

const anyAttachment = fc.constantFrom(...attachments);
const network = fc.constantFrom("pods", "more");
const faults = [
  "RTM_NEWLINK",
  "RTM_NEWADDR",
  "RTM_NEWROUTE",
  "RTM_NEWNEIGH",
  "RTM_DELLINK",
  "socket",
  "namespace",
] as const;

function commandsFor(column: Column, fates: readonly Fate[]) {
  const of = networks[column].flatMap((each: ModelNetwork) => [
    ...(each.v4 ?? []).slice(0, 2),
    ...(each.v6 ? [`${each.v6}77`] : []),
  ]);
  const fate = fc.constantFrom(...fates);
  const anyAdd = fc.tuple(anyAttachment, fate).map(([attachment, end]) => add(attachment, end));
  const asking = fc.tuple(anyAttachment, fate, fc.nat(7)).map(([attachment, end, at]) => {
    const own = of.filter(
      (each) =>
        each.startsWith(attachment.network === "pods" ? "10.1." : "10.2.") ||
        each.startsWith(attachment.network === "pods" ? "fd00:1:" : "fd00:2:"),
    );
    return add(attachment, end, own[at % own.length]);
  });
  const broken = fc
    .tuple(
      fc.constantFrom("ADD" as const, "DEL" as const),
      anyAttachment,
      fc.constantFrom(...faults),
      fc.integer({ min: 1, max: 6 }),
    )
    .map((args) => brokenCall(...args));
  return [
    anyAdd,
    anyAdd,
    anyAdd,
    anyAdd,
    asking,
    broken,
    anyAttachment.map(del),
    anyAttachment.map(del),
    anyAttachment.map(check),
    fc.tuple(network, fc.subarray([...attachments])).map(([name, valid]) => gc(name, valid)),
    network.map(status),
    ...[endProcess, reboot, loseDatabase].map((each) => fc.constant(each)),
  ];
}

describe.for(["v4", "v6", "dual"] as const)("a node and its model agree after every step: %s", (column) => {
  test("whatever is called, refused, crashed, rebooted and lost", async () => {
    const history = fc.commands(commandsFor(column, ["delivered", "delivered", "lost", "withdrawn"]), {
      maxCommands: 60,
      size: "max",
    });
    const property = fc.asyncProperty(history, async (commands) => {
      using real = new ModelWorld(networks[column]);
      await fc.asyncModelRun(() => ({ model: { model: new AttachmentModel(networks[column]) }, real }), commands);
    });
    await fc.assert(property, { numRuns: 10, unbiased: true });
  });

  test("whenever answers reach those who asked", async () => {
    const history = fc.commands(commandsFor(column, ["delivered", "later"]), { maxCommands: 40, size: "max" });
    const property = fc.asyncProperty(fc.scheduler(), history, async (scheduler, commands) => {
      using real = new ModelWorld(networks[column]);
      const failures: unknown[] = [];
      const deliver = (what: string, act: () => Promise<void>) => {
        const delivered = scheduler.schedule(Promise.resolve(), what).then(act);
        void delivered.catch((error: unknown) => failures.push(error));
      };
      await fc.scheduledModelRun(
        scheduler,
        () => ({ model: { model: new AttachmentModel(networks[column]), deliver }, real }),
        commands,
      );
      assert.deepEqual(failures, []);
    });
    await fc.assert(property, { numRuns: 5, unbiased: true });
  });
});
