// Reads the agent's configuration from its file. All faults are told at once, each with line and column; the agent does not start
// with a configuration that has any.
import { readFile } from "node:fs/promises";
import { ConfigError } from "../config/config-error.ts";
import { freeze, oneError } from "../config/parse.ts";
import { YamlDocument } from "../config/yaml-document.ts";
import { codeOf } from "../kernel/system-error.ts";
import { type AgentConfig, agentSchema } from "./config.ts";

export const defaultConfigFile = "/etc/hextet/agent.yaml";

export interface ConfigSource {
  readonly file: string;
  /** The default file may be: every key has a default. */
  readonly mayBeMissing?: boolean;
  /** What the node is called where the file does not say. */
  readonly hostName: string;
}

export async function loadAgentConfig(source: ConfigSource): Promise<AgentConfig> {
  return readAgentConfig(await textOf(source), source);
}

async function textOf({ file, mayBeMissing = false }: ConfigSource): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isMissing = codeOf(error) === "ENOENT";
    if (isMissing && mayBeMissing) return "";
    const fix = isMissing ? "write it, or name another file" : "let the agent's user read it, or name another file";
    throw new ConfigError("", `Cannot read the configuration ${file}: ${error.message}: ${fix}`, { cause: error });
  }
}

export function readAgentConfig(text: string, { file, hostName }: ConfigSource): AgentConfig {
  const document = new YamlDocument(file, text);
  if (document.faults.length > 0) throw oneError(document.faults);
  const { value, faults } = document.read(agentSchema(hostName), document.value);
  if (value === undefined) throw oneError(faults);
  return freeze(value);
}
