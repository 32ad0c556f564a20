// Runs the executable's bundle as calls will run it and keeps the bytecode of what was used: `node OPTIONS rehearsal.ts OUTPUT`, with the
// bundle on standard input. In place of Linux there is the model of it (src/kernel/fake.ts), so that a build needs no privileges and
// changes nothing; what talks to the real kernel, a few small functions, is compiled when it is first used.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { silent } from "../../../src/log/log.ts";
import { fakeNode, POD } from "../../../src/pod/fake-node.ts";
import type * as hextet from "../../hextet/main.ts";

declare const program: typeof hextet;

async function main(output: string): Promise<void> {
  const script = new Script(readFileSync(0, "utf8"));
  Object.assign(globalThis, {
    require: createRequire(import.meta.url),
    __filename: import.meta.filename,
    __dirname: "/",
  });
  // Once evaluated, the bundle answers VERSION, as CNI_COMMAND says, and wants to end the process.
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  Object.defineProperty(process, "exit", { value: resolve });
  script.runInThisContext();
  await answered;
  const directory = mkdtempSync(join(tmpdir(), "hextet-rehearsal-"));
  try {
    await attachAndDetach(directory);
    writeFileSync(output, script.createCachedData());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Twice, since much of the first time is making the database. */
async function attachAndDetach(dataDir: string): Promise<void> {
  const kernel = fakeNode();
  const ranges = [[{ subnet: "fd00::/64" }], [{ subnet: "10.0.0.0/24" }]];
  const config = {
    cniVersion: "1.1.0",
    name: "rehearsal",
    type: "hextet",
    ipam: { type: "hextet-ipam", ranges, dataDir },
  };
  const call = async (verb: string, more = {}): Promise<string> => {
    const environment = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: "one",
      CNI_NETNS: POD,
      CNI_IFNAME: "eth0",
      CNI_PATH: "/",
    };
    const stdin = JSON.stringify({ ...config, ...more });
    const { stdout, code, delivered } = await program.answerTo({ environment, stdin }, { kernel, log: silent });
    if (code !== 0) throw new Error(`Cannot rehearse ${verb}: ${stdout}`);
    delivered?.();
    return stdout;
  };
  for (let round = 0; round < 2; round++) {
    await call("STATUS");
    const prevResult: unknown = JSON.parse(await call("ADD"));
    await call("CHECK", { prevResult });
    await call("DEL", { prevResult });
  }
}

await main(process.argv[2] ?? "");
