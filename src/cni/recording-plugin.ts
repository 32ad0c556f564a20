// Test support: a plugin that does nothing but remember what it was asked, and answers what it was told to.
import type { Plugin } from "./dispatch.ts";
import type { Request } from "./request.ts";
import type { Result } from "./result.ts";

export interface RecordingPlugin extends Plugin {
  readonly requests: readonly Request[];
}

export function recordingPlugin(outcome: Result | Error = { interfaces: [], ips: [], routes: [] }): RecordingPlugin {
  const requests: Request[] = [];
  const record = async (request: Request): Promise<Result> => {
    requests.push(request);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const quietly = async (request: Request): Promise<void> => {
    await record(request);
  };
  const add = async (request: Request) => ({ result: await record(request) });
  return { requests, add, del: quietly, check: quietly, gc: quietly, status: quietly };
}
