import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { FakeKernel } from "../kernel/fake.ts";
import { Connection } from "../netlink/connection.ts";
import { listLinks } from "../netlink/link.ts";
import { addNeighbor } from "../netlink/neighbor.ts";
import { readNeighborUsage, readTrackingUsage } from "./kernel-usage.ts";

describe("readNeighborUsage()", () => {
  test.for([
    { title: "both families", kernel: new FakeKernel(), are: ["v6", "v4"] },
    { title: "IPv4 alone", kernel: new FakeKernel({ ipv6: false }), are: ["v4"] },
  ])("has the tables of a kernel with $title", ({ kernel, are }) => {
    const usage = readNeighborUsage(kernel);
    expect(usage.map(({ family }) => family)).toEqual(are);
    expect(usage.every(({ entries, limit, refusals }) => entries === 0 && limit === 1024 && refusals === 0n)).toBe(
      true,
    );
  });

  test("counts no permanent entries, as the kernel's limit does not", () => {
    const kernel = new FakeKernel();
    using connection = new Connection(kernel.socket("route"));
    const [link] = connection.dump(listLinks());
    connection.execute([
      addNeighbor({ link: link?.index ?? 0, address: Address.parse("fd00::2"), mac: Mac.parse("02:00:00:00:00:01") }),
    ]);
    expect(readNeighborUsage(kernel).map(({ entries }) => entries)).toEqual([0, 0]);
  });
});

describe("readTrackingUsage()", () => {
  test("has the connections there are and how many there may be", () => {
    expect(readTrackingUsage(new FakeKernel())).toEqual({ connections: 0, limit: 262_144 });
  });

  test("is nothing where the kernel tracks none, and an error where it refuses to tell", () => {
    const kernel = new FakeKernel();
    kernel.fail("sysctl net/netfilter/nf_conntrack_count", "ENOENT");
    expect(readTrackingUsage(kernel)).toBeUndefined();
    kernel.fail("sysctl net/netfilter/nf_conntrack_count", "EACCES");
    expect(() => readTrackingUsage(kernel)).toThrow("nf_conntrack_count");
  });
});
