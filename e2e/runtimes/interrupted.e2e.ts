// Runtimes that die: between a plugin's work and its answer, and while containers run. What they forget, GC or the next call for
// the same container takes back, and nobody else loses an address.
import { beforeAll, describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { Containerd } from "./containerd.ts";
import { Driver } from "./driver.ts";
import { columns } from "./machine.ts";
import { hextet, hextetIpam, listOf, type Recipe } from "./networks.ts";
import { type Container, fetchFrom } from "./observe.ts";
import { Pause, paused } from "./pause.ts";
import { Podman } from "./podman.ts";
import { Site } from "./site.ts";

const recipe: Recipe = { main: paused(hextet), ipam: hextetIpam, chain: [] };

beforeAll(() => void build());

/** What a runtime that speaks CNI 1.1 does when it comes back: it names the containers it knows. */
async function collectGarbage(site: Site, ...valid: readonly Container[]): Promise<void> {
  const list = listOf({ ...recipe, main: hextet }, site.machine.families, "1.1.0");
  const keep = valid.map(({ id }) => ({ containerID: id, ifname: "eth0" }));
  await new Driver(site.machine).runtime.gc(list, keep);
}

describe.for(columns)("a runtime that is killed on a %s network", (families) => {
  test("podman, between a plugin's work and its answer: GC takes back what it forgot", async () => {
    await using site = await Site.make(families, recipe);
    const pause = new Pause(site.machine, "hextet");
    const podman = await Podman.install(site.machine);
    const survivor = await podman.start("survivor");
    const addresses = await site.agreedAddresses(survivor);
    await podman.killInAdd("victim", pause);
    // podman of Debian 12 knows no network of this container: it calls no DEL, and its namespace stays mounted.
    await podman.forget("victim");
    await collectGarbage(site, survivor);
    await podman.removeLostNamespaces();
    expect(site.recipe.ipam.leases(site.machine)).toHaveLength(addresses.length);
    expect(await site.agreedAddresses(survivor)).toEqual(addresses);
    for (const address of addresses) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("survivor");
    await podman.run("rm", "--force", "--time", "0", "survivor");
    expect(await site.left()).toEqual([]);
  });

  test("podman, between a plugin's work and its answer: the container starts, in its new namespace, without any DEL or GC", async () => {
    await using site = await Site.make(families, recipe);
    const pause = new Pause(site.machine, "hextet");
    const podman = await Podman.install(site.machine);
    await podman.killInAdd("one", pause);
    await podman.run("start", "one");
    const addresses = await site.agreedAddresses(await podman.container("one"));
    expect(site.recipe.ipam.leases(site.machine)).toHaveLength(addresses.length);
    for (const address of addresses) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("one");
  });

  test("ctr, between a plugin's work and its answer: GC takes back what it forgot", async () => {
    await using site = await Site.make(families, recipe);
    const pause = new Pause(site.machine, "hextet");
    const containerd = await Containerd.start(site.machine);
    const survivor = await containerd.start("survivor");
    const addresses = await site.agreedAddresses(survivor);
    pause.hold();
    const ctr = containerd.begin("victim");
    await pause.reached();
    ctr.kill("SIGKILL");
    await pause.release();
    await containerd.run("task", "delete", "--force", "victim");
    await containerd.run("container", "delete", "victim");
    await collectGarbage(site, survivor);
    expect(site.recipe.ipam.leases(site.machine)).toHaveLength(addresses.length);
    expect(await site.agreedAddresses(survivor)).toEqual(addresses);
    await containerd.kill(survivor);
    expect(await site.left()).toEqual([]);
  });

  test("containerd, while a container runs: the addresses that ctr gives up are not in use any more", async () => {
    await using site = await Site.make(families, recipe);
    new Pause(site.machine, "hextet");
    const containerd = await Containerd.start(site.machine);
    const container = await containerd.start("one");
    const addresses = await site.agreedAddresses(container);
    expect(addresses).not.toEqual([]);
    // ctr takes the loss of its connection for the end of the task: DEL, without a namespace, of a container that runs.
    await containerd.crash();
    await container.ctr.ended;
    expect(await site.left()).toEqual([]);
  });
});
