// One call of the plugin as a runtime makes it: environment and configuration, from text to answer. What would touch the kernel is left
// out; every part that reads the configuration is in. The answer must be one a runtime can read, and say what is wrong.
import assert from "node:assert/strict";
import * as v from "valibot";
import { type Plugin, serve } from "../../../../src/cni/dispatch.ts";
import type { AddRequest, CheckRequest } from "../../../../src/cni/request.ts";
import type { Result } from "../../../../src/cni/result.ts";
import { readResult, resultJson } from "../../../../src/cni/result-json.ts";
import { isVersion, verbs } from "../../../../src/cni/versions.ts";
import { parseIpam } from "../../../../src/ipam/config/config.ts";
import { ipamWarnings } from "../../../../src/ipam/config/config-warnings.ts";
import { silent } from "../../../../src/log/log.ts";
import { bandwidthOf } from "../../../../src/plugin/bandwidth.ts";
import { explained } from "../../../../src/plugin/explain.ts";
import { dataDirOf, ipamKindOf, tolerantKindOf } from "../../../../src/plugin/ipam-section.ts";
import { modeOf, readSettings, tolerantSettings } from "../../../../src/plugin/settings.ts";
import { wantedPorts } from "../../../../src/plugin/wanted-ports.ts";
import { podNetwork } from "../../../../src/pod/pod-network.ts";
import { changeValue } from "../json-mutation.ts";
import { Finding, type Target } from "../target.ts";
import { cniDictionary, cniSeeds } from "./cni-samples.ts";

const errorSchema = v.strictObject({
  cniVersion: v.string(),
  code: v.pipe(v.number(), v.integer(), v.minValue(1)),
  msg: v.pipe(v.string(), v.minLength(8)),
  details: v.exactOptional(v.string()),
});

export async function open(): Promise<Target> {
  return {
    seeds: cniSeeds(),
    dictionary: cniDictionary,
    mutators: [changeValue],
    run: tryCall,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** `environment` is a member of the document, so that all of a call is one text. */
async function tryCall(input: Uint8Array): Promise<void> {
  const stdin = Buffer.from(input).toString("utf8");
  const environment = environmentIn(stdin);
  const { stdout, code } = await serve({ environment, stdin }, plugin, silent);
  if (code !== 0) judgeError(stdout);
  else if (environment["CNI_COMMAND"] === "ADD") judgeResult(stdout);
  else if (environment["CNI_COMMAND"] !== "VERSION" && stdout !== "") throw new Finding(`It printed ${stdout}`);
}

function environmentIn(stdin: string): Readonly<Record<string, string>> {
  const usual = {
    CNI_COMMAND: verbs[stdin.length % verbs.length] ?? "ADD",
    CNI_CONTAINERID: "one",
    CNI_NETNS: "/run/netns/pod1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
  };
  const parsed = v.safeParse(v.object({ environment: v.record(v.string(), v.string()) }), jsonOf(stdin));
  return parsed.success ? { ...usual, ...parsed.output.environment } : usual;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const plugin: Plugin = {
  add: (request) => explained(async () => ({ result: answerTo(request) })),
  check: (request) => explained(async () => void answerTo(request)),
  del: (request) => explained(async () => readTolerantly(request.config.own, () => tolerantSettings(request.config))),
  gc: (request) => explained(async () => readTolerantly(request.config.own, () => tolerantSettings(request.config))),
  status: (request) =>
    explained(async () => {
      readSettings(silent, request.config);
      if (ipamKindOf(request.config.own).kind === "leases") parseIpam(request.config.own["ipam"]);
    }),
};

function readTolerantly(own: Readonly<Record<string, unknown>>, settings: () => unknown): void {
  settings();
  tolerantKindOf(own);
  dataDirOf(own);
}

/** As the plugin decides it, with the first addresses of the ranges. */
function answerTo(request: AddRequest | CheckRequest): Result {
  const { config, target, previous, requestedMac } = request;
  const settings = readSettings(silent, config);
  const kind = ipamKindOf(config.own);
  const section = config.own["ipam"];
  const { ipRanges, portMappings = [] } = config.runtimeConfig;
  const ipam = kind.kind === "leases" ? parseIpam(section, ipRanges === undefined ? {} : { ipRanges }) : undefined;
  if (ipam !== undefined && typeof section === "object" && section !== null) ipamWarnings(section, ipam);
  const addresses = previous?.ips ?? [];
  const network = podNetwork({
    attachment: target,
    mode: modeOf(settings, { gateways: [], slaac: kind.kind === "slaac" }),
    addresses,
    ...(ipam?.routes === undefined ? {} : { routes: ipam.routes }),
    ...(settings.mtu === undefined ? {} : { mtu: settings.mtu }),
    ...(requestedMac === undefined ? {} : { mac: requestedMac.mac }),
    ...bandwidthOf(config.runtimeConfig),
    sysctls: settings.sysctl,
  });
  wantedPorts(portMappings, network);
  return { ...(previous ?? { interfaces: [], routes: [] }), ips: addresses };
}

/** Codes from 1 on, 999 never: that is a defect. */
function judgeError(stdout: string): void {
  const parsed = v.safeParse(errorSchema, JSON.parse(stdout));
  if (!parsed.success) throw new Finding(`Not a valid error: ${stdout}`);
  const { code, msg } = parsed.output;
  if (code === 999 || /\n\s+at |undefined|\[object/.test(msg.replace(/"(?:[^"\\]|\\.)*"/g, "")))
    throw new Finding(`A defect: ${stdout.slice(0, 400)}`);
}

/** What was printed reads back as what it was. */
function judgeResult(stdout: string): void {
  const document: unknown = JSON.parse(stdout);
  const { cniVersion } = v.parse(v.object({ cniVersion: v.string() }), document);
  if (!isVersion(cniVersion)) throw new Finding(`A result of version ${cniVersion}`);
  const result = readResult(document, cniVersion, "");
  const again = readResult(JSON.parse(JSON.stringify(resultJson(result, cniVersion))), cniVersion, "");
  assert.deepStrictEqual(again, result);
}
