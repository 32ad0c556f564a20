// What a runtime asks for, read from the environment and standard input into one of six values. Nothing behind this file
// looks at CNI_ variables or at JSON; whatever is wrong with them is said here, by a CniError or a ConfigError.

import * as v from "valibot";
import { ConfigError } from "../config/config-error.ts";
import { openObject, parse } from "../config/parse.ts";
import type { Attachment } from "../ipam/attachment.ts";
import { type CniArgs, type PodIdentity, parseCniArgs } from "./args.ts";
import { CniError } from "./cni-error.ts";
import { type Environment, readVerb } from "./environment.ts";
import {
  type Document,
  type NetworkConfig,
  type ReadConfig,
  readDocument,
  readNetworkConfig,
} from "./network-config.ts";
import { type RequestedAddress, type RequestedMac, requestedAddresses, requestedMac } from "./requested.ts";
import type { Result } from "./result.ts";
import { newest, requireVerb } from "./versions.ts";

/** What came from the runtime, as delegates get it. */
export interface Input {
  readonly environment: Environment;
  /** The text on standard input, or why it could not be read. */
  readonly stdin: string | Error;
}

export interface Received {
  readonly environment: Environment;
  readonly stdin: string;
}

interface OfNetwork {
  readonly config: NetworkConfig;
  readonly received: Received;
}

interface OfAttachment extends OfNetwork {
  readonly target: Attachment;
  /** Who the container is, where the runtime says so. */
  readonly pod?: PodIdentity;
  readonly requestedAddresses: readonly RequestedAddress[];
  readonly requestedMac?: RequestedMac;
  /** CNI_NETNS_OVERRIDE: the namespace may be the one the plugin runs in, which is a mistake otherwise. */
  readonly ownNamespaceAllowed: boolean;
}

export interface AddRequest extends OfAttachment {
  readonly verb: "ADD";
  readonly netns: string;
  readonly previous?: Result;
}

export interface CheckRequest extends OfAttachment {
  readonly verb: "CHECK";
  readonly netns: string;
  readonly previous: Result;
}

export interface DelRequest extends OfAttachment {
  readonly verb: "DEL";
  readonly netns?: string;
  readonly previous?: Result;
  /** Faults of the configuration that freeing goes on in spite of, for the log. */
  readonly ignored: readonly string[];
}

export interface GcRequest extends OfNetwork {
  readonly verb: "GC";
  /** The attachments still valid; absent where the runtime did not say, and then nothing may be freed. */
  readonly keep?: readonly Attachment[];
}

export interface StatusRequest extends OfNetwork {
  readonly verb: "STATUS";
}

export interface VersionRequest {
  readonly verb: "VERSION";
  /** As on input, whatever it is: the answer repeats it. */
  readonly cniVersion: string;
}

export type Request = AddRequest | CheckRequest | DelRequest | GcRequest | StatusRequest | VersionRequest;

export function readRequest({ environment, stdin }: Input): Request {
  const verb = readVerb(environment);
  if (verb === "VERSION") return { verb, cniVersion: versionOn(stdin) };
  if (stdin instanceof Error) {
    const message = `Cannot read the network configuration from standard input: ${stdin.message}`;
    throw new CniError("io", message, { cause: stdin });
  }
  const document = readDocument(stdin);
  const read = readNetworkConfig(document, verb);
  requireVerb(read.config.cniVersion, verb);
  const of = { config: read.config, received: { environment, stdin } };
  if (verb === "STATUS") return { verb, ...of };
  if (verb === "GC") return { verb, ...of, ...keepOf(document, of.config.name) };
  return attachmentRequest(verb, of, read);
}

function attachmentRequest(verb: "ADD" | "CHECK" | "DEL", of: OfNetwork, read: ReadConfig): Request {
  const { CNI_NETNS: netns = "", CNI_ARGS: args = "" } = of.received.environment;
  const { previous, ignored } = read;
  const passed = previous === undefined ? {} : { previous };
  if (verb === "ADD") return { verb, netns, ...passed, ...attachmentOf(of, parseCniArgs(args)) };
  if (verb === "DEL") {
    const { cniArgs, faults } = argsForDel(args);
    const all = { ignored: [...ignored, ...faults], ...(netns === "" ? {} : { netns }) };
    return { verb, ...all, ...passed, ...attachmentOf(of, cniArgs) };
  }
  if (previous !== undefined) return { verb, netns, previous, ...attachmentOf(of, parseCniArgs(args)) };
  throw new ConfigError("prevResult", "it is missing; CHECK compares with the result of ADD, which the runtime keeps");
}

function attachmentOf(of: OfNetwork, cniArgs: CniArgs): OfAttachment {
  const { config, received } = of;
  const places = { runtimeConfig: config.runtimeConfig, args: config.args, cniArgs };
  const mac = requestedMac(places);
  const { CNI_CONTAINERID: containerId = "", CNI_IFNAME: interfaceName = "" } = received.environment;
  const override = received.environment["CNI_NETNS_OVERRIDE"]?.toUpperCase();
  return {
    ...of,
    target: { network: config.name, containerId, interfaceName },
    ...(cniArgs.pod === undefined ? {} : { pod: cniArgs.pod }),
    requestedAddresses: requestedAddresses(places),
    ...(mac === undefined ? {} : { requestedMac: mac }),
    ownNamespaceAllowed: override === "TRUE" || override === "1",
  };
}

/** DEL frees what the attachment holds, whatever stands in CNI_ARGS. */
function argsForDel(args: string): { readonly cniArgs: CniArgs; readonly faults: readonly string[] } {
  try {
    return { cniArgs: parseCniArgs(args), faults: [] };
  } catch (error) {
    if (error instanceof CniError) return { cniArgs: {}, faults: [error.message] };
    throw error;
  }
}

const keepSchema = v.array(openObject({ containerID: v.string(), ifname: v.string() }));

/** The key was first published as `cni.dev/attachments`; libraries of that time send only that one. */
function keepOf(document: Document, network: string): { readonly keep?: readonly Attachment[] } {
  const keys = ["cni.dev/valid-attachments", "cni.dev/attachments"];
  const key = keys.find((each) => document[each] !== undefined);
  if (key === undefined) return {};
  const keep = parse(keepSchema, document[key], key);
  return {
    keep: keep.map(({ containerID, ifname }) => ({ network, containerId: containerID, interfaceName: ifname })),
  };
}

function versionOn(stdin: string | Error): string {
  try {
    const version = readDocument(stdin instanceof Error ? "" : stdin)["cniVersion"];
    return typeof version === "string" ? version : newest;
  } catch (error) {
    if (error instanceof CniError) return newest;
    throw error;
  }
}
