import { describe, expect, test } from "vitest";
import { Mac } from "../ip/mac.ts";
import { parseAskedAddress, requestedAddresses, requestedMac } from "./requested.ts";

const ips = (...texts: string[]) => ({ ips: texts.map(parseAskedAddress) });
const mac = (last: number) => ({ mac: Mac.parse(`02:00:00:00:00:0${last}`) });
const nothing = { runtimeConfig: {}, args: {}, cniArgs: {} };
const listed = (places: Parameters<typeof requestedAddresses>[0]) =>
  requestedAddresses(places).map(
    ({ address, length, from }) => `${address}${length === undefined ? "" : `/${length}`} ${from}`,
  );

describe("requestedAddresses()", () => {
  test("is empty where nobody asks", () => {
    expect(requestedAddresses(nothing)).toEqual([]);
  });

  test("G9 ignores CNI_ARGS IP where args.cni.ips is set", () => {
    expect(listed({ ...nothing, args: ips("fd00::5"), cniArgs: ips("fd00::9", "10.0.0.9") })).toEqual([
      "fd00::5 args.cni.ips[0]",
    ]);
  });

  test("G9 ignores CNI_ARGS IP where runtimeConfig.ips is set", () => {
    expect(listed({ ...nothing, runtimeConfig: ips("10.0.0.5/24"), cniArgs: ips("10.0.0.9") })).toEqual([
      "10.0.0.5/24 runtimeConfig.ips[0]",
    ]);
  });

  test.for([
    ["v4", ["10.0.0.9"]],
    ["v6", ["fd00::9"]],
    ["dual", ["fd00::9", "10.0.0.9"]],
  ] as const)("takes CNI_ARGS IP where it is all there is, %s", ([, texts]) => {
    expect(listed({ ...nothing, cniArgs: ips(...texts) })).toEqual(texts.map((text) => `${text} CNI_ARGS IP`));
  });

  test("takes runtimeConfig and args together, each address once, with the place it was named first", () => {
    const places = { ...nothing, runtimeConfig: ips("fd00::5", "10.0.0.5/24"), args: ips("10.0.0.5", "fd00::6/64") };
    expect(listed(places)).toEqual([
      "fd00::5 runtimeConfig.ips[0]",
      "10.0.0.5/24 runtimeConfig.ips[1]",
      "fd00::6/64 args.cni.ips[1]",
    ]);
  });

  test("falls back to CNI_ARGS where the lists are empty", () => {
    expect(listed({ runtimeConfig: ips(), args: ips(), cniArgs: ips("fd00::9") })).toEqual(["fd00::9 CNI_ARGS IP"]);
  });
});

describe("requestedMac()", () => {
  test.for([
    [{ runtimeConfig: mac(1), args: mac(2), cniArgs: mac(3) }, "02:00:00:00:00:01 runtimeConfig.mac"],
    [{ ...nothing, args: mac(2), cniArgs: mac(3) }, "02:00:00:00:00:02 args.cni.mac"],
    [{ ...nothing, cniArgs: mac(3) }, "02:00:00:00:00:03 CNI_ARGS MAC"],
    [nothing, undefined],
  ] as const)("%#: the first place that asks has it", ([places, expected]) => {
    const found = requestedMac(places);
    expect(found === undefined ? undefined : `${found.mac} ${found.from}`).toBe(expected);
  });
});
