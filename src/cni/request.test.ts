// What a plugin is asked, and what of its answer is printed, verb by verb, by the statements of the conformance list.

import { describe, expect, test } from "vitest";
import { InterfaceAddress } from "../ip/prefix.ts";
import { CniError } from "./cni-error.ts";
import { addresses, config, prevResult, refused, requested, result, run, target } from "./recorded-call.ts";
import { hasVerb, versions } from "./versions.ts";

describe("ADD", () => {
  test.for(versions)("A3 A6 the result's cniVersion is that of the input, %s", async (version) => {
    const { stdout } = await run("ADD", config(version));
    expect(JSON.parse(stdout).cniVersion).toBe(version);
  });

  test.for(["v4", "v6", "dual"] as const)("A6 has ips[].version before 1.0.0 only, %s", async (family) => {
    const ips = addresses[family].map((text) => ({ address: InterfaceAddress.parse(text) }));
    for (const version of versions) {
      const { stdout } = await run("ADD", config(version), {}, { ...result, ips });
      const printed: readonly (string | undefined)[] = JSON.parse(stdout).ips.map(
        (ip: { version?: string }) => ip.version,
      );
      const expected = ips.map(({ address }) => (address.family === "v4" ? "4" : "6"));
      expect(printed).toEqual(version.startsWith("1") ? ips.map(() => undefined) : expected);
    }
  });

  test.for(versions)(
    "A4 hands prevResult over and prints what comes back, unknown keys included, %s",
    async (version) => {
      const ip = {
        ...(version.startsWith("1") ? {} : { version: "6" }),
        address: "fd00::2/128",
        interface: 0,
        "x-pool": "a",
      };
      const chained = {
        cniVersion: version,
        interfaces: [{ name: "eth0", "x-vlan": 7 }],
        ips: [ip],
        "x-trace": { id: 5 },
      };
      const request = await requested("ADD", config(version, { prevResult: chained }));
      if (request.verb !== "ADD" || request.previous === undefined) throw new Error("no previous result");
      const { stdout } = await run("ADD", config(version), {}, request.previous);
      expect(JSON.parse(stdout)).toEqual(chained);
    },
  );

  test("A4 reads a prevResult in its own version where it names one, else in the configuration's", async () => {
    const later = { name: "eth0", mtu: 9000 };
    for (const [said, mtu] of [
      ["1.1.0", 9000],
      ["1.0.0", undefined],
      [undefined, undefined],
    ] as const) {
      const given = { cniVersion: said, interfaces: [later] };
      const request = await requested("ADD", config("1.0.0", { prevResult: given }));
      expect("previous" in request && request.previous?.interfaces[0]?.mtu).toBe(mtu);
    }
  });

  test("gets what the runtime sent, for delegates", async () => {
    const request = await requested("ADD", config());
    expect(request).toMatchObject({ target, netns: "/run/netns/pod1", received: { stdin: config() } });
    expect("received" in request && request.received.environment["CNI_PATH"]).toBe("/opt/cni/bin");
  });

  test.for([
    ["1", true],
    ["TRUE", true],
    ["true", true],
    ["0", false],
    ["", false],
    [undefined, false],
  ] as const)("CNI_NETNS_OVERRIDE=%s: own namespace allowed is %s", async ([value, allowed]) => {
    const request = await requested("ADD", config(), { CNI_NETNS_OVERRIDE: value });
    expect("ownNamespaceAllowed" in request && request.ownNamespaceAllowed).toBe(allowed);
  });

  test("works without CNI_PATH, which the specification calls optional", async () => {
    expect(await requested("ADD", config(), { CNI_PATH: undefined })).toMatchObject({ verb: "ADD" });
  });
});

describe("DEL", () => {
  test.for([undefined, ""])("D1 takes CNI_NETNS %j", async (netns) => {
    const request = await requested("DEL", config(), { CNI_NETNS: netns });
    expect("netns" in request).toBe(false);
  });

  test("D2 needs no prevResult", async () => {
    expect("previous" in (await requested("DEL", config()))).toBe(false);
  });

  test.for(versions)("D2 hands prevResult over where there is one, %s", async (version) => {
    const request = await requested("DEL", config(version, { prevResult }));
    expect("previous" in request && request.previous?.ips[0]?.address.toString()).toBe("fd00::2/128");
  });

  test("goes on in spite of everything but the attachment's name, and says what it ignores", async () => {
    const wrong = { runtimeConfig: { mac: "x", deviceID: "y" }, args: 5, prevResult: { ips: [{}] } };
    const request = await requested("DEL", config("1.1.0", wrong), { CNI_ARGS: "nonsense" });
    expect(request).toMatchObject({ target, requestedAddresses: [] });
    const ignored = request.verb === "DEL" ? request.ignored : [];
    expect(ignored.map((text) => text.split(":")[0])).toEqual([
      "runtimeConfig.mac",
      "args",
      "prevResult.ips[0].address",
      "CNI_ARGS",
    ]);
  });
});

describe("CHECK", () => {
  test.for(versions)("C1 refuses a missing prevResult, %s", async (version) => {
    const error = await refused("CHECK", config(version));
    expect(error.code).toBe(hasVerb(version, "CHECK") ? 7 : 1);
    if (error.code === 7) expect(error.msg).toMatch(/^prevResult: it is missing/);
  });

  test("C1 hands the expected interfaces and addresses over", async () => {
    const request = await requested("CHECK", config("0.4.0", { prevResult }));
    expect(request).toMatchObject({ netns: "/run/netns/pod1", previous: { interfaces: [{ name: "eth0" }] } });
  });

  test("C3 passes the plugin's error on", async () => {
    const { stdout } = await run(
      "CHECK",
      config("1.0.0", { prevResult }),
      {},
      new CniError("checkFailed", "fd00::2 is missing"),
    );
    expect(JSON.parse(stdout)).toMatchObject({ code: 107, msg: "fd00::2 is missing" });
  });
});

describe("STATUS", () => {
  test("T5 needs no container variables, and not even CNI_PATH", async () => {
    const none = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined, CNI_PATH: undefined };
    expect(await requested("STATUS", config(), none)).toMatchObject({ verb: "STATUS" });
  });

  test.for([
    ["notAvailable", 50],
    ["notAvailableLimited", 51],
  ] as const)("T1 T2 tells %s with code %i", async ([reason, code]) => {
    const { stdout } = await run("STATUS", config(), {}, new CniError(reason, "no address is free"));
    expect(JSON.parse(stdout)).toMatchObject({ code });
  });
});

describe("GC", () => {
  const keep = (more: object) =>
    requested("GC", config("1.1.0", more)).then((request) => "keep" in request && request.keep);
  const written = [
    { containerID: "c1", ifname: "eth0" },
    { containerID: "c2", ifname: "net1" },
  ];
  const expected = [target, { network: "pods", containerId: "c2", interfaceName: "net1" }];

  test("X1 reads the attachments that are still valid", async () => {
    expect(await keep({ "cni.dev/valid-attachments": written })).toEqual(expected);
  });

  test("X1 reads cni.dev/attachments, the key's first name, where it is all there is", async () => {
    expect(await keep({ "cni.dev/attachments": written })).toEqual(expected);
    expect(await keep({ "cni.dev/attachments": written, "cni.dev/valid-attachments": [] })).toEqual([]);
  });

  test("X4 an empty list keeps none", async () => {
    expect(await keep({ "cni.dev/valid-attachments": [] })).toEqual([]);
  });

  test.for([{}, { "cni.dev/valid-attachments": null }])(
    "X4 an absent list, %j, is no list: nothing may be freed",
    async (more) => {
      expect(await keep(more)).toBe(false);
    },
  );

  test.for([
    [{ "cni.dev/valid-attachments": {} }, "cni.dev/valid-attachments: an object is not a list"],
    [{ "cni.dev/valid-attachments": [{ containerID: "c1" }] }, "cni.dev/valid-attachments[0].ifname: it is missing"],
    [{ "cni.dev/valid-attachments": [written[0], "c2"] }, 'cni.dev/valid-attachments[1]: "c2" is not an object'],
  ] as const)("X4 frees nothing where the list cannot be read: %j", async ([more, msg]) => {
    expect(await refused("GC", config("1.1.0", more))).toMatchObject({ code: 7, msg });
  });

  test("X3 tells all errors at the end", async () => {
    const errors = [new CniError("store", "Cannot release fd00::2"), new CniError("kernel", "Cannot delete hx1")];
    const { stdout } = await run("GC", config(), {}, new AggregateError(errors));
    expect(JSON.parse(stdout)).toMatchObject({
      code: 105,
      msg: "2 failures: Cannot release fd00::2; Cannot delete hx1",
    });
  });

  test("X5 needs no container variables", async () => {
    const none = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined };
    expect(await requested("GC", config(), none)).toMatchObject({ verb: "GC" });
  });
});
