// Bytecode of a bundle, as V8 keeps it between processes. All functions are compiled, so none is at run time; V8 checks a hash
// of its version and flags before it uses the bytecode, and compiles from source where they differ.
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

export function compile(source: string): Buffer {
  setFlagsFromString("--no-lazy");
  const script = new Script(source);
  setFlagsFromString("--lazy"); // the flags' hash goes into the bytecode, and must be that of a plain start
  return script.createCachedData();
}
