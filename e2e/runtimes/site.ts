// A machine with one network, and the two questions every test asks of it: does everybody agree on a container's addresses, and
// is nothing left of a container that has gone.
import { setTimeout as sleep } from "node:timers/promises";
import { type Families, Machine } from "./machine.ts";
import { installNetwork, networkName, type Recipe } from "./networks.ts";
import { addressesOf, type Container, footprint, keptResults, resultOf, withoutLength } from "./observe.ts";

/** What a bridge, portmap and firewall rightly keep of themselves when their last container has gone. */
const keptByNetworks = [
  /^(link|address) (reference0|hextet0)/,
  /^-A (CNI-HOSTPORT-(MASQ|SETMARK)|OUTPUT|PREROUTING|POSTROUTING) .*(CNI-HOSTPORT-|0x2000)/,
  /^-A (FORWARD|CNI-FORWARD) .*CNI-(FORWARD|ADMIN)/,
];

export class Site implements AsyncDisposable {
  readonly machine: Machine;
  readonly recipe: Recipe;
  readonly #untouched: readonly string[];

  private constructor(machine: Machine, recipe: Recipe, untouched: readonly string[]) {
    this.machine = machine;
    this.recipe = recipe;
    this.#untouched = untouched;
  }

  static async make(families: Families, recipe: Recipe): Promise<Site> {
    const machine = await Machine.start(families);
    await installNetwork(machine, recipe);
    return new Site(machine, recipe, await footprint(machine));
  }

  /** The container's addresses, IPv4 first; an error where its namespace, the runtime's result and the leases disagree. */
  async agreedAddresses(
    container: Container,
    result: readonly string[] = resultOf(this.machine, networkName, container),
  ): Promise<string[]> {
    const addresses = await addressesOf(this.machine, container);
    const leases = this.recipe.ipam.leases(this.machine).filter((lease) => lease.includes(` ${container.id} `));
    const leased = addresses.map((address) => `${withoutLength(address)} ${container.id} eth0`);
    const say = (what: string, list: readonly string[]) => `${what} ${list.join(", ") || "nothing"}`;
    if (addresses.join() === result.join() && leases.toSorted().join() === leased.join())
      return addresses.map(withoutLength);
    const sides = [say("the namespace has", addresses), say("the result says", result), say("leased are", leases)];
    throw new Error(`Container ${container.id}: ${sides.join("; ")}`);
  }

  /** What the lease database, libcni's cache and the kernel still tell of containers; nothing, when they have gone. */
  async left(): Promise<string[]> {
    // The kernel takes a namespace apart, and with it the other ends of its links, some time after its last process has ended.
    const end = Date.now() + 10_000;
    for (;;) {
      const change = await this.#kernelChange();
      if (change.length === 0 || Date.now() > end) {
        return [...this.recipe.ipam.leases(this.machine), ...keptResults(this.machine), ...change];
      }
      await sleep(100);
    }
  }

  /** Lines that came and lines that went since the machine was made. */
  async #kernelChange(): Promise<string[]> {
    const lines = await footprint(this.machine);
    const now = lines.filter((line) => !keptByNetworks.some((kept) => kept.test(line)));
    const come = now.filter((line) => !this.#untouched.includes(line)).map((line) => `+ ${line}`);
    return [...come, ...this.#untouched.filter((line) => !now.includes(line)).map((line) => `- ${line}`)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}
