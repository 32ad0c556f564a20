// What standard input must hold, by the statements G5 to G9 of the conformance list.
import { describe, expect, test } from "vitest";
import { config, everything, prevResult, refused, requested, silentVerbs } from "./recorded-call.ts";

describe("G5", () => {
  test.for(["", " ", "{", "name=pods", "[]", "5", "null", '"text"', `${"[".repeat(1e5)}${"]".repeat(1e5)}`])(
    "refuses %j on stdin with code 6",
    async (stdin) => {
      for (const verb of ["ADD", ...silentVerbs]) expect((await refused(verb, stdin)).code).toBe(6);
    },
  );

  test("refuses 100,000 objects in one another with code 6", async () => {
    const deep = '{"a":'.repeat(1e5) + "1" + "}".repeat(1e5);
    expect(await refused("ADD", deep)).toMatchObject({
      code: 6,
      msg: expect.stringContaining("nested deeper than 64"),
    });
  });

  test("tells of a stdin that cannot be read with code 5", async () => {
    const error = await refused("ADD", new Error("EIO: i/o error, read"));
    expect(error).toMatchObject({ code: 5 });
    expect(error.msg).toBe("Cannot read the network configuration from standard input: EIO: i/o error, read");
  });

  test.for([undefined, "", "-pods", "po/ds", "po ds", "..", 5, ["pods"]])(
    "refuses the name %j with code 7",
    async (name) => {
      for (const verb of ["ADD", ...silentVerbs]) {
        const error = await refused(verb, config("1.1.0", { ...everything, name }));
        expect(error).toMatchObject({ code: 7 });
        expect(error.msg).toMatch(/^name: /);
      }
    },
  );
});

describe("G6", () => {
  test.for(["0.1.0", "0.2.0", "0.5.0", "1.2.0", "9.9.9"])("refuses cniVersion %s with code 1", async (cniVersion) => {
    for (const verb of ["ADD", ...silentVerbs]) {
      const error = await refused(verb, JSON.stringify({ cniVersion, name: "pods" }));
      expect(error).toMatchObject({ code: 1, details: "Supported are 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0" });
      expect(error.msg).toContain(cniVersion);
    }
  });

  test("refuses a capability nobody acts on with code 2, its key and value in the message", async () => {
    const error = await refused("ADD", config("1.1.0", { runtimeConfig: { deviceID: "0000:04:00.5" } }));
    expect(error).toMatchObject({ code: 2, msg: 'runtimeConfig.deviceID: "0000:04:00.5" is not supported' });
  });

  test("tells all faults of the configuration at once with code 7 and their paths", async () => {
    const runtimeConfig = { mac: "x", portMappings: [{ hostPort: 8080 }] };
    const wrong = { name: "-", runtimeConfig, args: { cni: { ips: [5] } }, prevResult: { ips: [{}] } };
    const { code, msg } = await refused("ADD", config("1.1.0", wrong));
    expect(code).toBe(7);
    for (const path of [
      "name",
      "runtimeConfig.mac",
      "runtimeConfig.portMappings[0].containerPort",
      "args.cni.ips[0]",
      "prevResult.ips[0].address",
    ]) {
      expect(msg).toContain(`${path}: `);
    }
    expect(msg).toMatch(/^5 faults: /);
  });
});

describe("G8", () => {
  test("keeps the plugin's own keys as they are, known or not, and none of the protocol's", async () => {
    const own = { mode: "routed", ipam: { type: "x", ranges: [[{ subnet: "fd00::/64" }]] }, dns: {}, colour: ["red"] };
    const protocol = {
      capabilities: { ips: true },
      cniVersions: ["1.1.0"],
      disableCheck: true,
      args: {},
      runtimeConfig: {},
      prevResult,
      "cni.dev/valid-attachments": [],
      "cni.dev/other": 5,
    };
    for (const verb of ["ADD", ...silentVerbs]) {
      const request = await requested(verb, config("1.1.0", { ...own, ...protocol }));
      expect(request).toMatchObject({ config: { name: "pods", type: "hextet", cniVersion: "1.1.0" } });
      expect("config" in request && request.config.own).toEqual(own);
    }
  });

  test("takes a key that is null for one that is absent, at any depth, as Go writes it", async () => {
    const nulls = { prevResult: null, runtimeConfig: { ips: null, dns: null }, args: null, ipam: { routes: null } };
    const request = await requested("ADD", config("1.1.0", nulls));
    expect(request).toMatchObject({ config: { runtimeConfig: {}, args: {}, own: { ipam: {} } } });
    expect("previous" in request).toBe(false);
  });

  test("a key named __proto__ is a key like any other", async () => {
    const request = await requested("ADD", '{"cniVersion":"1.1.0","name":"pods","__proto__":{"mode":"bridge"}}');
    expect("config" in request && Object.keys(request.config.own)).toEqual(["__proto__"]);
    expect("config" in request && request.config.own["mode"]).toBeUndefined();
  });
});

describe("G9", () => {
  test("reads pod, address and MAC of CNI_ARGS", async () => {
    const args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;IP=fd00::5;MAC=02:00:00:00:00:07;X=Y";
    expect(await requested("ADD", config(), { CNI_ARGS: args })).toMatchObject({
      pod: { namespace: "shop", name: "web-0" },
      requestedAddresses: [{ from: "CNI_ARGS IP" }],
      requestedMac: { from: "CNI_ARGS MAC" },
    });
  });

  test("args.cni.ips wins over CNI_ARGS IP", async () => {
    const asking = config("1.1.0", { args: { cni: { ips: ["10.2.2.42/24", "2001:db8::5"] } } });
    const request = await requested("ADD", asking, { CNI_ARGS: "IP=10.0.0.1" });
    expect(request).toMatchObject({ requestedAddresses: [{ from: "args.cni.ips[0]" }, { from: "args.cni.ips[1]" }] });
  });

  test("reads labels of args.cni, and lets others' args alone", async () => {
    const args = { cni: { labels: [{ key: "app", value: "web" }] }, "org.example": { any: ["thing"] } };
    const request = await requested("ADD", config("1.1.0", { args }));
    expect("config" in request && request.config.args).toEqual({ labels: [{ key: "app", value: "web" }] });
  });

  test("refuses an unknown key without IgnoreUnknown", async () => {
    expect(await refused("ADD", config(), { CNI_ARGS: "FOO=BAR" })).toMatchObject({ code: 4 });
  });
});
