// One call of a plugin from beginning to end: what the runtime sent in, what the plugin made of it, what goes to standard
// output and which exit code. It has no globals and does not exit, so that the agent serves many calls in one process.
import { type Log, silent } from "../log/log.ts";
import { isDefect, printError, reportOf } from "./report.ts";
import {
  type AddRequest,
  type CheckRequest,
  type DelRequest,
  type GcRequest,
  type Input,
  type Request,
  readRequest,
  type StatusRequest,
} from "./request.ts";
import type { Result } from "./result.ts";
import { printResult } from "./result-json.ts";
import { isVersion, newest, type Version, versions } from "./versions.ts";

/** The verbs that need somebody who knows pods. Each rejects with the error to report. */
export interface Plugin {
  add(request: AddRequest): Promise<Added>;
  del(request: DelRequest): Promise<void>;
  check(request: CheckRequest): Promise<void>;
  gc(request: GcRequest): Promise<void>;
  status(request: StatusRequest): Promise<void>;
}

export interface Added {
  readonly result: Result;
  /** To be called once the runtime has the result. Until then a repeated ADD may start over. */
  readonly delivered?: () => void;
  /** To be called instead where the runtime can not be given the result: takes everything back. */
  readonly withdraw?: () => Promise<void>;
}

export interface Answer {
  readonly stdout: string;
  readonly code: 0 | 1;
  /** To be called by whoever has handed `stdout` to the runtime. */
  readonly delivered?: () => void;
  /** To be called by whoever could not. */
  readonly withdraw?: () => Promise<void>;
}

export async function serve(input: Input, plugin: Plugin, log: Log = silent): Promise<Answer> {
  try {
    const { document, ...rest } = await answer(readRequest(input), plugin, log);
    return { stdout: document === undefined ? "" : `${document}\n`, code: 0, ...rest };
  } catch (error) {
    const stack = isDefect(error) && error instanceof Error ? { stack: error.stack } : {};
    log.error("request failed", { verb: input.environment["CNI_COMMAND"], error: reportOf(error), ...stack });
    return { stdout: `${printError(error, versionFor(input.stdin))}\n`, code: 1 };
  }
}

interface Outcome {
  /** Absent where the verb's success has nothing to say. */
  readonly document?: string;
  readonly delivered?: () => void;
  readonly withdraw?: () => Promise<void>;
}

async function answer(request: Request, plugin: Plugin, log: Log): Promise<Outcome> {
  switch (request.verb) {
    case "ADD": {
      const { result, ...rest } = await plugin.add(request);
      return { document: printResult(result, request.config.cniVersion), ...rest };
    }
    case "DEL":
      for (const fault of request.ignored) log.warning("fault of the configuration ignored", { fault });
      await plugin.del(request);
      return {};
    case "CHECK":
      await plugin.check(request);
      return {};
    case "GC":
      await plugin.gc(request);
      return {};
    case "STATUS":
      await plugin.status(request);
      return {};
    case "VERSION":
      return { document: JSON.stringify({ cniVersion: request.cniVersion, supportedVersions: versions }) };
  }
}

/** The version an error is printed in: the configuration's, where that can be read at all. */
function versionFor(stdin: string | Error): Version {
  try {
    const document: unknown = stdin instanceof Error ? undefined : JSON.parse(stdin);
    const version =
      typeof document === "object" && document !== null && "cniVersion" in document && document.cniVersion;
    return isVersion(version) ? version : newest;
  } catch {
    return newest;
  }
}
