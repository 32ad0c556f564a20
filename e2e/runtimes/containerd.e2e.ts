// containerd runs containers on a network by `ctr run --cni`. Its DEL comes without CNI_NETNS, when the container's namespace has
// gone already and taken the inner end of the link with it.
import { beforeAll, describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { Containerd } from "./containerd.ts";
import { columns, familiesIn, familyOf } from "./machine.ts";
import { ours } from "./networks.ts";
import { fetchFrom, unanswered } from "./observe.ts";
import { Site } from "./site.ts";

beforeAll(() => void build());

describe.for(columns)("containerd on a %s network", (families) => {
  test("gives a container exactly the leased addresses, and takes them back when its task is killed", async () => {
    await using site = await Site.make(families, ours);
    const containerd = await Containerd.start(site.machine);
    const container = await containerd.start("one");
    expect((await site.agreedAddresses(container)).map(familyOf)).toEqual(familiesIn[families]);
    await containerd.kill(container);
    expect(await containerd.run("container", "list", "--quiet")).toBe("");
    expect(await site.left()).toEqual([]);
  });

  test("lets containers reach the host, the host's neighbor and each other", async () => {
    await using site = await Site.make(families, ours);
    const containerd = await Containerd.start(site.machine);
    const one = await containerd.start("one");
    const two = await containerd.start("two");
    const inside = [...(await site.agreedAddresses(one)), ...(await site.agreedAddresses(two))];
    const outside = [...site.machine.addresses(1), ...site.machine.addresses(2)];
    expect(await unanswered(one, [...inside, ...outside])).toEqual([]);
    expect(await unanswered(site.machine.neighbor, inside)).toEqual([]);
    for (const address of inside) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toMatch(/^(one|two)$/);
  });

  test("starts ten containers at once, each with addresses of its own", async () => {
    await using site = await Site.make(families, ours);
    const containerd = await Containerd.start(site.machine);
    const names = Array.from({ length: 10 }, (_, at) => `pod-${at}`);
    const containers = await Promise.all(names.map((name) => containerd.start(name)));
    const addresses = await Promise.all(containers.map((container) => site.agreedAddresses(container)));
    expect(new Set(addresses.flat()).size).toBe(families === "dual" ? 20 : 10);
    await Promise.all(containers.map((container) => containerd.kill(container)));
    expect(await site.left()).toEqual([]);
  });

  test("starts a container after another was killed, on addresses that are free", async () => {
    await using site = await Site.make(families, ours);
    const containerd = await Containerd.start(site.machine);
    const first = await containerd.start("same");
    await containerd.kill(first);
    const second = await containerd.start("same");
    for (const address of await site.agreedAddresses(second)) {
      expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("same");
    }
  });
});
