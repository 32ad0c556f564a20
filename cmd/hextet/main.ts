// The CNI executable: environment and standard input in, one JSON document and an exit code out. It ends the process itself,
// because taking V8 down in good order costs more than answering.
import { readFileSync, writeSync } from "node:fs";
import { CniError } from "../../src/cni/cni-error.ts";
import { readVerb } from "../../src/cni/environment.ts";
import { newest, versions } from "../../src/cni/versions.ts";

function answer(stdin: string): { readonly document: object; readonly code: 0 | 1 } {
  try {
    const verb = readVerb(process.env);
    if (verb !== "VERSION") throw new CniError("notAvailable", `This build answers VERSION, not ${verb}`);
    return { document: { cniVersion: askedVersion(stdin), supportedVersions: versions }, code: 0 };
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return { document: { cniVersion: newest, code: error.code, msg: error.message, details: error.details }, code: 1 };
  }
}

/** The answer to VERSION repeats the version it was asked in, also one we do not speak. */
function askedVersion(stdin: string): unknown {
  try {
    const config: unknown = JSON.parse(stdin);
    return typeof config === "object" && config !== null && "cniVersion" in config ? config.cniVersion : newest;
  } catch {
    return newest;
  }
}

const { document, code } = answer(readFileSync(0, "utf8"));
writeSync(1, `${JSON.stringify(document)}\n`);
process.exit(code);
