import { describe, expect, test } from "vitest";
import type { Family } from "../ip/address.ts";
import { decideMtu } from "./mtu.ts";

const uplink = (name: string, mtu: number) => ({ index: 2, name, mtu, addresses: [], onLink: [], defaults: [] });

describe("decideMtu()", () => {
  test.for<[name: string, mtus: number[], underlays: Family[], pods: number]>([
    ["no tunnel", [1500], [], 1500],
    ["IPv4-only underlay", [1500], ["v4"], 1450],
    ["IPv6-only underlay", [1500], ["v6"], 1430],
    ["tunnels over both", [1500], ["v4", "v6"], 1430],
    ["jumbo frames", [9000], ["v6"], 8930],
    ["the smallest of two uplinks", [9000, 1500], ["v6"], 1430],
    ["the least that is allowed", [1280], [], 1280],
    ["the least with a tunnel", [1350], ["v6"], 1280],
  ])("%s: uplinks of %o with tunnels over %o give pods %i", ([, mtus, underlays, pods]) => {
    const uplinks = mtus.map((mtu, at) => uplink(`eth${at}`, mtu));
    expect(decideMtu({ configured: "auto", uplinks, underlays })).toMatchObject({ pods, faults: [] });
  });

  test("tunnels get the uplink's less what they add, each by its family", () => {
    const tunnels = (mtu: number) =>
      decideMtu({ configured: "auto", uplinks: [uplink("eth0", mtu)], underlays: [] }).tunnels;
    expect(tunnels(1500)).toEqual({ v6: 1430, v4: 1450 });
    expect(tunnels(1340)).toEqual({ v4: 1290 });
    expect(tunnels(1280)).toEqual({});
  });

  test.for<[mtu: number, underlays: Family[], message: string]>([
    [
      1300,
      ["v6"],
      "The MTU 1300 of uplink eth0 less the 70 of VXLAN is 1230, which is less than the 1280 that IPv6 needs; raise it to " +
        "1350 or more, on the link and in what routers advertise there, or reach the nodes without a tunnel: routing.mode direct or external",
    ],
    [
      1300,
      ["v4"],
      "The MTU 1300 of uplink eth0 less the 50 of VXLAN is 1250, which is less than the 1280 that IPv6 needs; raise it to " +
        "1330 or more, on the link and in what routers advertise there, or reach the nodes without a tunnel: routing.mode direct or external",
    ],
    [
      1279,
      [],
      "The MTU 1279 of uplink eth0 is less than the 1280 that IPv6 needs; raise it to 1280 or more, " +
        "on the link and in what routers advertise there",
    ],
  ])("an uplink of %i with tunnels over %o is refused", ([mtu, underlays, message]) => {
    const decided = decideMtu({ configured: "auto", uplinks: [uplink("eth0", mtu)], underlays });
    expect(decided.pods).toBeUndefined();
    expect(decided.faults).toEqual([{ code: "mtu-too-small", message }]);
  });

  test("what is configured is taken, and refused where it is too small", () => {
    const decide = (configured: number, mtu = 1500) =>
      decideMtu({ configured, uplinks: [uplink("eth0", mtu)], underlays: ["v6"] });
    expect(decide(1400)).toMatchObject({ pods: 1400, faults: [] });
    expect(decide(9000)).toMatchObject({ pods: 9000, faults: [] });
    expect(decide(1200).pods).toBeUndefined();
    expect(decide(1200).faults.map(({ message }) => message)).toEqual([
      "mtu is 1200, less than the 1280 that IPv6 needs; raise it, or write auto",
    ]);
    expect(decide(1400, 1300)).toMatchObject({ pods: 1400, faults: [{ code: "mtu-too-small" }] });
  });

  test("without an uplink only what is configured is known", () => {
    expect(decideMtu({ configured: "auto", uplinks: [], underlays: [] })).toEqual({ tunnels: {}, faults: [] });
    expect(decideMtu({ configured: 1400, uplinks: [], underlays: [] })).toEqual({
      pods: 1400,
      tunnels: {},
      faults: [],
    });
  });
});
