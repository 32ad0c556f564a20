// Another plugin, executed by the rules of the specification (section 4, "Plugin Delegation"): found by CNI_PATH, given the
// same environment and the whole configuration. What it answers becomes a Result, or an error that names it and keeps its
// code. A plugin that does not speak our version is asked which it does, and spoken to in the newest both know.
import { statSync } from "node:fs";
import { ConfigError } from "../config/config-error.ts";
import type { Kernel, RunResult } from "../kernel/kernel.ts";
import { type Log, silent } from "../log/log.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { CniError, reasonCodes } from "./cni-error.ts";
import { type Document, readDocument } from "./network-config.ts";
import type { Received } from "./request.ts";
import type { Result } from "./result.ts";
import { readResult, resultJson } from "./result-json.ts";
import { hasVerb, highestCommon, isVersion, readVersion, type Verb, type Version, versions } from "./versions.ts";

/** `type` is the file name of the plugin, as in `ipam.type`. */
export interface Delegates {
  /** Executes ADD; where that fails it executes DEL before it rejects. */
  readonly add: (type: string, received: Received) => Promise<Result>;
  readonly del: (type: string, received: Received) => Promise<void>;
  readonly check: (type: string, received: Received) => Promise<void>;
  readonly gc: (type: string, received: Received) => Promise<void>;
  readonly status: (type: string, received: Received) => Promise<void>;
}

export interface DelegateTools {
  readonly run: Kernel["run"];
  /** Takes what a plugin wrote to standard error, which goes to ours. */
  readonly stderr: (text: string) => void;
  readonly log?: Log;
  readonly isFile?: (path: string) => boolean;
  /** The default is less than the two minutes a kubelet waits, and more than a DHCP server needs. */
  readonly timeoutMs?: number;
  /** Versions found out, by path; a process that lives longer than one call keeps them. */
  readonly spoken?: Map<string, Version>;
}

interface Call extends Required<DelegateTools> {
  readonly type: string;
  readonly path: string;
  readonly received: Received;
  readonly document: Document;
  readonly version: Version;
}

export function createDelegates(tools: DelegateTools): Delegates {
  const defaults = { log: silent, isFile, timeoutMs: 90_000, spoken: new Map<string, Version>() };
  const all = { ...defaults, ...tools };
  const quietly = (verb: Verb) => async (type: string, received: Received) => {
    await execute(callOf(all, type, received), verb);
  };
  return {
    add: async (type, received) => await add(callOf(all, type, received)),
    del: quietly("DEL"),
    check: quietly("CHECK"),
    gc: quietly("GC"),
    status: quietly("STATUS"),
  };
}

async function add(call: Call): Promise<Result> {
  try {
    const answer = await execute(call, "ADD");
    if (answer === undefined) throw failed(call, "it has no ADD");
    return resultOf(call, answer);
  } catch (error) {
    await undo(call);
    throw error;
  }
}

async function undo(call: Call): Promise<void> {
  try {
    await execute(call, "DEL");
  } catch (error) {
    call.log.warning("delegate could not undo its failed ADD", { plugin: call.type, error });
  }
}

function callOf(tools: Required<DelegateTools>, type: string, received: Received): Call {
  const document = readDocument(received.stdin);
  const path = find(tools, type, received.environment["CNI_PATH"] ?? "");
  return { ...tools, type, path, received, document, version: readVersion(document["cniVersion"]) };
}

function find(tools: Required<DelegateTools>, type: string, searchPath: string): string {
  if (!/^[^/\0]+$/.test(type) || type === "." || type === "..") {
    throw new CniError("invalidConfig", `${JSON.stringify(type)} cannot be the type of a plugin: it is a file name`);
  }
  const directories = searchPath.split(":").filter((directory) => directory !== "");
  if (directories.length === 0) {
    throw new CniError("invalidEnvironment", `Cannot find plugin ${type}: CNI_PATH is missing`);
  }
  const path = directories.map((directory) => `${directory}/${type}`).find(tools.isFile);
  if (path !== undefined) return path;
  throw new CniError("delegateFailed", `Cannot find plugin ${type} in ${directories.join(", ")}`, {
    details: "Install it there, or name another plugin in the configuration",
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

interface Spoken {
  readonly stdout: string;
  readonly version: Version;
}

/** The answer to the verb; nothing where the plugin speaks no version that has it, so that there is nothing to execute. */
async function execute(call: Call, verb: Verb): Promise<Spoken | undefined> {
  const known = call.spoken.get(call.path);
  const first = known === undefined ? call.version : highestCommon(call.version, upTo(known));
  if (first === undefined || !hasVerb(first, verb)) return undefined;
  const answer = await runIn(call, verb, first);
  if (answer.code === 0) return { stdout: answer.stdout, version: first };
  const common = mayBeAboutVersion(answer, verb) ? await commonVersion(call) : undefined;
  if (common === undefined || common === first) throw errorOf(call, answer);
  call.spoken.set(call.path, common);
  call.log.debug("delegate speaks an older version", { plugin: call.type, version: common });
  if (!hasVerb(common, verb)) return undefined;
  const second = await runIn(call, verb, common);
  if (second.code === 0) return { stdout: second.stdout, version: common };
  throw errorOf(call, second);
}

/** Plugins made before a verb was invented refuse it for other reasons, before they look at the version. */
function mayBeAboutVersion(answer: RunResult, verb: Verb): boolean {
  if (answer.timedOut || answer.signal !== undefined) return false;
  return toldBy(answer.stdout)?.code === reasonCodes.incompatibleVersion || !hasVerb("0.3.0", verb);
}

/** Nothing where it speaks none of ours, or does not even say which: what it refused first is the better error then. */
async function commonVersion(call: Call): Promise<Version | undefined> {
  try {
    const answer = await run(call, "VERSION", JSON.stringify({ cniVersion: call.version }));
    const { supportedVersions } = decode(call, answer.stdout);
    return Array.isArray(supportedVersions) ? highestCommon(call.version, supportedVersions) : undefined;
  } catch (error) {
    call.log.debug("delegate does not tell its versions", { plugin: call.type, error });
    return undefined;
  }
}

function upTo(version: Version): readonly Version[] {
  return versions.slice(0, versions.indexOf(version) + 1);
}

function runIn(call: Call, verb: Verb, version: Version): Promise<RunResult> {
  const stdin = version === call.version ? call.received.stdin : JSON.stringify(convert(call, version));
  return run(call, verb, stdin);
}

/** A prevResult that cannot be read has been refused before, or DEL goes on without it. */
function convert({ document, version }: Call, to: Version): Document {
  const { prevResult, ...rest } = document;
  const converted = { ...rest, cniVersion: to };
  if (prevResult === undefined) return converted;
  try {
    return { ...converted, prevResult: resultJson(readResult(prevResult, version, "prevResult"), to) };
  } catch (error) {
    if (error instanceof ConfigError) return converted;
    throw error;
  }
}

async function run(call: Call, verb: Verb, stdin: string): Promise<RunResult> {
  const received = Object.entries(call.received.environment);
  const env = Object.fromEntries(received.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  try {
    const answer = await call.run(call.path, [], {
      stdin,
      env: { ...env, CNI_COMMAND: verb },
      timeoutMs: call.timeoutMs,
    });
    if (answer.stderr !== "") call.stderr(answer.stderr);
    return answer;
  } catch (error) {
    // Somebody is writing the file at this moment, and will have done in the next.
    const reason = error instanceof KernelError && error.code === "ETXTBSY" ? "tryAgainLater" : "delegateFailed";
    const why = error instanceof Error ? error.message : String(error);
    throw new CniError(reason, `Cannot execute plugin ${call.type}: ${why}`, { cause: error });
  }
}

function resultOf(call: Call, { stdout, version }: Spoken): Result {
  const answer = decode(call, stdout);
  const said = answer["cniVersion"];
  try {
    return readResult(answer, isVersion(said) ? said : version, "");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw failed(call, `its result cannot be used: ${error.message}`, { cause: error });
  }
}

function decode(call: Call, stdout: string): Document {
  try {
    return readDocument(stdout);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw failed(call, "its answer is not a JSON object", { cause: error, details: tail(stdout) });
  }
}

/** Why a run failed: in the plugin's words and with its code where it printed an error, else in ours. */
function errorOf(call: Call, answer: RunResult): CniError {
  const details = tail(answer.stderr || answer.stdout);
  if (answer.timedOut)
    return failed(call, `it did not end within ${call.timeoutMs / 1000} s and was killed`, { details });
  if (answer.signal !== undefined) return failed(call, `it was ended by ${answer.signal}`, { details });
  const told = toldBy(answer.stdout);
  if (told === undefined) return failed(call, `it ended with exit code ${answer.code} and told no error`, { details });
  return failed(call, told.msg, told);
}

interface Told {
  readonly msg: string;
  readonly code?: number;
  readonly details?: string;
}

function toldBy(stdout: string): Told | undefined {
  try {
    const { code, msg, details } = readDocument(stdout);
    if (typeof msg !== "string" || msg === "") return undefined;
    return {
      msg,
      ...(Number.isSafeInteger(code) && Number(code) > 0 ? { code: Number(code) } : {}),
      ...(typeof details === "string" && details !== "" ? { details } : {}),
    };
  } catch {
    return undefined;
  }
}

function failed(call: Call, why: string, options: { code?: number; details?: string; cause?: unknown } = {}): CniError {
  const { details, ...rest } = options;
  return new CniError("delegateFailed", `Plugin ${call.type}: ${why}`, { ...rest, ...(details ? { details } : {}) });
}

/** The last lines, which say why. */
function tail(text: string): string {
  return text.trim().slice(-500);
}
