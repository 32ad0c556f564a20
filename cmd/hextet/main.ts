// The CNI executable: environment and standard input in, one JSON document and an exit code out. Its name says which plugin it is:
// hextet, hextet-ipam or loopback. It ends the process itself, because taking V8 down in good order costs more than answering.
import { readFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { type Answer, serve } from "../../src/cni/dispatch.ts";
import type { Input } from "../../src/cni/request.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import { createLog, type Log } from "../../src/log/log.ts";
import { standaloneHost } from "../../src/plugin/host.ts";
import { isPluginName, pluginNamed } from "../../src/plugin/plugins.ts";

async function main(): Promise<void> {
  const log = createLog();
  const { stdout, code, delivered } = await answerTo({ environment: process.env, stdin: readStdin() }, { log });
  try {
    writeAll(stdout);
  } catch (error) {
    // Who asked is gone, or its disk is full: it takes this for a failure, and calls again.
    log.error("answer not delivered", { error: String(error) });
    process.exit(1);
  }
  delivered?.();
  process.exit(code);
}

/** The build rehearses it with a model of the kernel (cmd/dev/build/rehearsal.ts). */
export function answerTo(input: Input, { log, kernel = linux }: { log: Log; kernel?: Kernel }): Promise<Answer> {
  const program = basename(process.argv[1] ?? "");
  const plugin = pluginNamed(isPluginName(program) ? program : "hextet", standaloneHost(log, kernel));
  return serve(input, plugin, log);
}

function readStdin(): string | Error {
  try {
    return readFileSync(0, "utf8");
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** A pipe takes what fits; the runtime reads the rest as it goes. */
function writeAll(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
}

void main();
