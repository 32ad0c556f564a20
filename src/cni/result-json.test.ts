import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { resultOf } from "./arbitraries.ts";
import type { Result } from "./result.ts";
import { printResult, readResult, resultJson } from "./result-json.ts";
import { isAtLeast, type Version, versions } from "./versions.ts";

const families = ["v4", "v6", "dual"] as const;
type Families = (typeof families)[number];

const v6 = { address: InterfaceAddress.parse("2001:db8:0:1::2/128"), gateway: Address.parse("fe80::1"), interface: 1 };
const v4 = { address: InterfaceAddress.parse("10.1.0.2/32"), gateway: Address.parse("169.254.1.1"), interface: 1 };
const route6 = { destination: Prefix.parse("::/0"), gateway: Address.parse("fe80::1"), mtu: 1400, scope: 0 };
const route4 = { destination: Prefix.parse("0.0.0.0/0"), gateway: Address.parse("169.254.1.1") };

function podResult(of: Families): Result {
  return {
    interfaces: [
      { name: "hx3f2a", mac: Mac.parse("02:00:00:00:00:01") },
      { name: "eth0", mac: Mac.parse("02:00:00:00:00:02"), mtu: 1500, sandbox: "/run/netns/pod1" },
    ],
    ips: [...(of === "v4" ? [] : [v6]), ...(of === "v6" ? [] : [v4])],
    routes: [...(of === "v4" ? [] : [route6]), ...(of === "v6" ? [] : [route4])],
    dns: { nameservers: ["fd00::53"] },
  };
}

function lines(version: Version): Readonly<Record<Families, string>> {
  const is = (least: Version) => isAtLeast(version, least);
  const mtu = is("1.1.0") ? ',"mtu":1500' : "";
  const interfaces = `"interfaces":[{"name":"hx3f2a","mac":"02:00:00:00:00:01"},{"name":"eth0","mac":"02:00:00:00:00:02","sandbox":"/run/netns/pod1"${mtu}}]`;
  const family = (number: 4 | 6) => (is("1.0.0") ? "" : `"version":"${number}",`);
  const ip6 = `{${family(6)}"address":"2001:db8:0:1::2/128","gateway":"fe80::1","interface":1}`;
  const ip4 = `{${family(4)}"address":"10.1.0.2/32","gateway":"169.254.1.1","interface":1}`;
  const r6 = `{"dst":"::/0","gw":"fe80::1"${is("1.1.0") ? ',"mtu":1400,"scope":0' : ""}}`;
  const r4 = `{"dst":"0.0.0.0/0","gw":"169.254.1.1"}`;
  const line = (ips: string, routes: string) =>
    `{"cniVersion":"${version}",${interfaces},"ips":[${ips}],"routes":[${routes}],"dns":{"nameservers":["fd00::53"]}}`;
  return { v4: line(ip4, r4), v6: line(ip6, r6), dual: line(`${ip6},${ip4}`, `${r6},${r4}`) };
}

describe.for(versions)("a result in version %s", (version) => {
  test.for(families)("A6 prints as that version has it, %s", (of) => {
    expect(printResult(podResult(of), version)).toBe(lines(version)[of]);
  });

  test.for(families)("A6 is read back from what was printed, %s", (of) => {
    const printed = lines(version)[of];
    expect(printResult(readResult(JSON.parse(printed), version, "prevResult"), version)).toBe(printed);
  });

  test("A6 and A4: whatever the version can express comes back equal, unknown keys and all", () => {
    fc.assert(
      fc.property(resultOf(version), (result) => {
        const json: unknown = JSON.parse(printResult(result, version));
        expect(plain(readResult(json, version, ""))).toEqual(plain(result));
      }),
      { numRuns: 100 },
    );
  });

  test("A4 keeps what the version does not know of: keys of later versions too", () => {
    const later = {
      name: "eth0",
      vlan: 7,
      ...(isAtLeast(version, "1.1.0") ? {} : { mtu: 9000, pciID: "0000:04:00.5" }),
    };
    const ip = { address: "fd00::2/128", ...(isAtLeast(version, "1.0.0") ? { version: "six" } : {}) };
    const given = { interfaces: [later], ips: [ip], "x-note": { kept: true } };
    expect(resultJson(readResult(given, version, ""), version)).toMatchObject({
      interfaces: [later],
      ips: [{ ...ip, address: InterfaceAddress.parse(ip.address) }],
      "x-note": { kept: true },
    });
  });

  test("A7 prints an IPAM plugin's result without interfaces", () => {
    const result = { interfaces: [], ips: [{ address: v6.address }], routes: [] };
    expect(Object.keys(JSON.parse(printResult(result, version)))).toEqual(["cniVersion", "ips"]);
  });
});

/** Values of classes and lists compare by their JSON here; an empty list is an absent one. */
function plain(result: Result): unknown {
  return JSON.parse(JSON.stringify(result, (_, value) => (typeof value === "bigint" ? value.toString() : value)));
}

/** The example of the specification's appendix, "Add example". */
const bridgeResult = {
  ips: [{ address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 2 }],
  routes: [{ dst: "0.0.0.0/0" }],
  interfaces: [
    { name: "cni0", mac: "00:11:22:33:44:55" },
    { name: "veth3243", mac: "55:44:33:22:11:11" },
    { name: "eth0", mac: "99:88:77:66:55:44", sandbox: "/var/run/netns/blue" },
  ],
  dns: { nameservers: ["10.1.0.1"] },
};

describe("readResult()", () => {
  test("A4 gives the specification's example back as it was", () => {
    const { cniVersion, ...rest } = JSON.parse(printResult(readResult(bridgeResult, "1.1.0", ""), "1.1.0"));
    expect(cniVersion).toBe("1.1.0");
    expect(rest).toEqual(bridgeResult);
  });

  test("takes an empty text for an absent key, as Go does", () => {
    const given = {
      interfaces: [{ name: "eth0", mac: "", sandbox: "" }],
      ips: [{ address: "fd00::2/64", gateway: "" }],
    };
    expect(resultJson(readResult(given, "1.0.0", ""), "1.0.0")).toMatchObject({
      interfaces: [{ name: "eth0" }],
      ips: [{ address: InterfaceAddress.parse("fd00::2/64") }],
    });
  });

  test("A4 hands on a hardware address that is no MAC, as InfiniBand has it", () => {
    const mac = "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1";
    const read = readResult({ interfaces: [{ name: "ib0", mac }] }, "1.1.0", "");
    expect(read.interfaces[0]?.mac).toBeUndefined();
    expect(printResult(read, "1.1.0")).toContain(mac);
  });

  test("takes host bits out of a route's destination", () => {
    const read = readResult({ routes: [{ dst: "10.2.3.1/24" }, { dst: "fd00::1/64" }] }, "1.1.0", "");
    expect(read.routes.map((route) => route.destination.toString())).toEqual(["10.2.3.0/24", "fd00::/64"]);
  });

  test.for([
    [{ ips: [{ address: "fd00::1" }] }, "prevResult.ips[0].address", "has no prefix length"],
    [{ ips: [{ address: "fd00::1/64" }, { gateway: "fd00::1" }] }, "prevResult.ips[1].address", "it is missing"],
    [{ ips: [{ address: "10.0.0.300/24" }] }, "prevResult.ips[0].address", "is not an IP address"],
    [{ ips: [{ address: "fd00::1/64", gateway: "x" }] }, "prevResult.ips[0].gateway", "is not an IP address"],
    [
      { ips: [{ address: "fd00::1/64", interface: 0 }] },
      "prevResult.ips[0].interface",
      "0 is no index into the 0 interfaces",
    ],
    [{ ips: [{ address: "fd00::1/64", interface: -1 }] }, "prevResult.ips[0].interface", "-1 is not a whole number"],
    [{ ips: {} }, "prevResult.ips", "an object is not a list"],
    [{ interfaces: [{ mac: "02:00:00:00:00:01" }] }, "prevResult.interfaces[0].name", "it is missing"],
    [{ interfaces: ["eth0"] }, "prevResult.interfaces[0]", '"eth0" is not an object'],
    [{ routes: [{ gw: "fe80::1" }] }, "prevResult.routes[0].dst", "it is missing"],
    [{ routes: [{ dst: "::/0", mtu: "1400" }] }, "prevResult.routes[0].mtu", "is not a number"],
    [{ dns: { nameservers: "fd00::53" } }, "prevResult.dns.nameservers", "is not a list"],
    [[], "prevResult", "a list is not an object"],
    ["", "prevResult", "is not an object"],
  ] as const)("refuses %j at %s", ([given, path, words]) => {
    try {
      readResult(given, "1.1.0", "prevResult");
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.path).toBe(path);
      expect(error.message).toContain(words);
    }
  });
});
