// Compares a real node with the model: leases, links, routes and the interfaces of pods. Of what a killed call was about anything between
// all and nothing may be there; of everything else, what the model says and nothing more.
import { type AttachmentModel, keyOf } from "../../../src/plugin/attachment-model.ts";
import { networkNames, podCount, unnamed, type World } from "./world.ts";

export interface State {
  readonly model: AttachmentModel;
  readonly steps: {
    count: number;
    hasAgent: boolean;
  };
}

export class Difference extends Error {
  override readonly name = "Difference";
}

export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Difference(what);
}

export const interfaceOf = { pods: "eth0", more: "net1" } as const;

/** Every attachment there can be. */
export const attachments = networkNames.flatMap((network) =>
  Array.from({ length: podCount }, (_, pod) => ({
    network,
    containerId: `c${pod}`,
    interfaceName: interfaceOf[network],
  })),
);

export function compare(state: State, world: World): void {
  learn(state, world);
  const { model } = state;
  const unsettled = { keys: model.keysOf("unsettled"), addresses: model.addressesOfAll("unsettled") };
  // A link gets its name of an attachment in a second step.
  const links = unsettled.keys.length === 0 ? [] : [...unsettled.keys, unnamed];
  expectSame("links", world.links(), model.keysOf("present"), links);
  // A killed call may have made a route for an address that its lease has lost since.
  const routes = unsettled.keys.length === 0 ? world.routes() : world.routes().filter((each) => isKnown(state, each));
  expectSame("routes", routes, model.addressesOfAll("present"), unsettled.addresses);
  for (let pod = 0; pod < podCount; pod++) {
    const own = attachments.filter(({ containerId }) => containerId === `c${pod}`);
    const of = (standing: "present" | "unsettled") =>
      own.filter((each) => model.standingOf(each) === standing).map(({ interfaceName }) => interfaceName);
    expectSame(`interfaces of pod ${pod}`, world.interfaces(pod), of("present"), of("unsettled"));
  }
  compareLeases(state, world);
}

function isKnown({ model }: State, address: string): boolean {
  return model.addressesOfAll("present").includes(address);
}

/** What is held by attachments whose call was killed, as far as others have put it right since. */
export function learn({ model }: State, world: World): void {
  const leases = model.isDatabaseOpened ? world.leases() : undefined;
  if (leases === undefined) return;
  for (const attachment of attachments) {
    if (model.standingOf(attachment) !== "unsettled") continue;
    const held = leases.get(keyOf(attachment)) ?? [];
    const before = model.addressesOf(attachment);
    const strange = held.filter((each) => !before.includes(each));
    expectThat(
      strange.length === 0,
      `${keyOf(attachment)} came to hold ${strange.join(", ")} after its call was killed`,
    );
    if (held.length < before.length) model.unsettle(attachment, held);
  }
}

function compareLeases({ model }: State, world: World): void {
  if (!model.isDatabaseOpened) return;
  const leases = world.leases();
  for (const attachment of attachments) {
    const [held, wanted] = [leases.get(keyOf(attachment)) ?? [], model.addressesOf(attachment)];
    expectSame(`leases of ${keyOf(attachment)}`, held, wanted, []);
  }
}

function expectSame(
  what: string,
  found: readonly string[],
  wanted: readonly string[],
  possible: readonly string[],
): void {
  const missing = wanted.filter((each) => !found.includes(each));
  const strange = found.filter((each) => !wanted.includes(each) && !possible.includes(each));
  if (missing.length > 0) throw new Difference(`${what}: ${missing.join(", ")} is missing`);
  if (strange.length > 0) throw new Difference(`${what}: ${strange.join(", ")} should not be there`);
}
