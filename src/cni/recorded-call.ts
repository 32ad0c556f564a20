// Test support: one call of a recording plugin through dispatch.ts, from the environment and the text on standard input
// to the answer. The pod it is about is the same everywhere: eth0 of container c1, in the network pods.
import { expect } from "vitest";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { serve } from "./dispatch.ts";
import type { Environment } from "./environment.ts";
import { recordingPlugin } from "./recording-plugin.ts";
import type { Request } from "./request.ts";
import type { Result } from "./result.ts";
import type { Version } from "./versions.ts";

export const environment: Environment = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/pod1",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
export const target = { network: "pods", containerId: "c1", interfaceName: "eth0" };
export const addresses = { v4: ["10.1.0.2/32"], v6: ["fd00::2/128"], dual: ["fd00::2/128", "10.1.0.2/32"] } as const;
export const result: Result = {
  interfaces: [{ name: "eth0", mac: Mac.parse("02:00:00:00:00:01"), sandbox: "/run/netns/pod1" }],
  ips: addresses.dual.map((text) => ({ address: InterfaceAddress.parse(text), interface: 0 })),
  routes: [],
};
export const prevResult = {
  interfaces: [{ name: "eth0", sandbox: "/run/netns/pod1" }],
  ips: [{ address: "fd00::2/128", interface: 0 }],
};
/** What makes a configuration complete for any verb. */
export const everything = { prevResult, "cni.dev/valid-attachments": [] };
export const silentVerbs = ["DEL", "CHECK", "GC", "STATUS"] as const;

export function config(version: Version = "1.1.0", more: object = {}): string {
  return JSON.stringify({ cniVersion: version, name: "pods", type: "hextet", ...more });
}

export interface Outcome {
  readonly code: 0 | 1;
  readonly stdout: string;
  readonly requests: readonly Request[];
}

export async function run(
  verb: string,
  stdin: string | Error,
  changes: Environment = {},
  outcome: Result | Error = result,
): Promise<Outcome> {
  const plugin = recordingPlugin(outcome);
  const answer = await serve({ environment: { ...environment, CNI_COMMAND: verb, ...changes }, stdin }, plugin);
  return { ...answer, requests: plugin.requests };
}

/** The error of a call that is refused before the plugin is asked. */
export async function refused(verb: string, stdin: string | Error, changes: Environment = {}) {
  const { code, stdout, requests } = await run(verb, stdin, changes);
  expect(requests).toEqual([]);
  expect(code).toBe(1);
  return JSON.parse(stdout);
}

/** What the plugin is asked by a call that is served. */
export async function requested(verb: string, stdin: string, changes: Environment = {}): Promise<Request> {
  const { stdout, requests } = await run(verb, stdin, changes);
  const [request, ...others] = requests;
  if (request === undefined || others.length > 0) throw new Error(`not one request: ${stdout}`);
  return request;
}
