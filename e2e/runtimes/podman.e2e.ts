// podman runs containers on a network: the addresses they get, what they reach, and that nothing of them stays.
import { beforeAll, describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { eventually } from "./eventually.ts";
import { columns, familiesIn, familyOf } from "./machine.ts";
import { installSecondNetwork, networkName, ours } from "./networks.ts";
import { addressesOf, fetchFrom, keptResults, unanswered, withoutLength } from "./observe.ts";
import { Podman } from "./podman.ts";
import { Site } from "./site.ts";

beforeAll(() => void build());

describe.for(columns)("podman on a %s network", (families) => {
  test("gives a container exactly the leased addresses, and takes them back", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    const container = await podman.start("one");
    expect((await site.agreedAddresses(container)).map(familyOf)).toEqual(familiesIn[families]);
    await podman.run("rm", "--force", "--time", "0", "one");
    expect(await site.left()).toEqual([]);
  });

  test("lets containers reach the host, the host's neighbor and each other", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    const one = await podman.start("one");
    const two = await podman.start("two");
    const inside = [...(await site.agreedAddresses(one)), ...(await site.agreedAddresses(two))];
    const outside = [...site.machine.addresses(1), ...site.machine.addresses(2)];
    expect(await unanswered(one, [...inside, ...outside])).toEqual([]);
    expect(await unanswered(site.machine.neighbor, inside)).toEqual([]);
    for (const address of inside) {
      expect(await fetchFrom(site.machine, "machine", address, 80)).toMatch(/^(one|two)$/);
    }
  });

  test("publishes a port to the host, the host's neighbor and another container", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    await podman.start("server", { ports: ["8080:80"] });
    const client = await podman.start("client");
    for (const address of site.machine.addresses(1)) {
      expect(await fetchFrom(site.machine, "machine", address, 8080)).toBe("server");
      expect(await fetchFrom(site.machine, "neighbor", address, 8080)).toBe("server");
      expect(await fetchFrom(site.machine, client, address, 8080)).toBe("server");
    }
    await podman.run("rm", "--force", "--time", "0", "--all");
    expect(await site.left()).toEqual([]);
  });

  test("gives a container the addresses and the MAC address it asks for, and says who holds them", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    const asked = { v6: "fd77:0:0:1::77", v4: "10.77.0.77" };
    const addresses = familiesIn[families].map((family) => asked[family]);
    const network = `${networkName}:mac=02:00:5e:00:53:01,${addresses.map((address) => `ip=${address}`).join()}`;
    const container = await podman.start("one", { network });
    expect(await site.agreedAddresses(container)).toEqual(addresses);
    expect(await site.machine.run("nsenter", `--net=${container.netns}`, "ip", "link", "show", "eth0")).toContain(
      " 02:00:5e:00:53:01 ",
    );
    for (const address of addresses) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("one");
    await expect(podman.start("two", { network })).rejects.toThrow(`container ${container.id} holds it`);
    await podman.run("rm", "--force", "--time", "0", "--all");
    expect(await site.left()).toEqual([]);
  });

  test("attaches a container to two networks", async () => {
    await using site = await Site.make(families, ours);
    installSecondNetwork(site.machine, "second");
    const podman = await Podman.install(site.machine);
    const container = await podman.start("one", { network: `${networkName},second` });
    const addresses = (await addressesOf(site.machine, container)).map(withoutLength);
    expect(addresses).toHaveLength(2 * familiesIn[families].length);
    for (const address of addresses) expect(await fetchFrom(site.machine, "machine", address, 80)).toBe("one");
    await podman.run("rm", "--force", "--time", "0", "one");
    expect(await site.left()).toEqual([]);
  });

  test("keeps a container's addresses and ports over network reload", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    const container = await podman.start("one", { ports: ["8080:80"] });
    const before = await site.agreedAddresses(container);
    await podman.run("network", "reload", "one");
    expect(await site.agreedAddresses(container)).toEqual(before);
    for (const address of site.machine.addresses(1)) {
      expect(await fetchFrom(site.machine, "neighbor", address, 8080)).toBe("one");
    }
    await podman.run("rm", "--force", "--time", "0", "one");
    expect(await site.left()).toEqual([]);
  });

  test("leases one set of addresses to a container that restarts", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    await podman.start("one", { ports: ["8080:80"] });
    await podman.run("restart", "--time", "0", "one");
    const addresses = await site.agreedAddresses(await podman.container("one"));
    expect(site.recipe.ipam.leases(site.machine)).toHaveLength(addresses.length);
    for (const address of addresses) expect(await fetchFrom(site.machine, "neighbor", address, 80)).toBe("one");
    await podman.run("rm", "--force", "--time", "0", "one");
    expect(await site.left()).toEqual([]);
  });

  test("takes back the addresses of a container that is killed", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    await podman.start("one", { ports: ["8080:80"] });
    await podman.run("kill", "one");
    await eventually("conmon cleans up after the container", () => keptResults(site.machine).length === 0 || undefined);
    expect(await site.left()).toEqual([]);
  });

  test("starts ten containers at once, each with addresses of its own", async () => {
    await using site = await Site.make(families, ours);
    const podman = await Podman.install(site.machine);
    const names = Array.from({ length: 10 }, (_, at) => `pod-${at}`);
    const containers = await Promise.all(names.map((name) => podman.start(name)));
    const addresses = await Promise.all(containers.map((container) => site.agreedAddresses(container)));
    expect(new Set(addresses.flat()).size).toBe(families === "dual" ? 20 : 10);
    await Promise.all(names.map((name) => podman.run("rm", "--force", "--time", "0", name)));
    expect(await site.left()).toEqual([]);
  });
});
