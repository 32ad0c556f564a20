// Writes a plain value as YAML, for people who pipe it on.
import { stringify } from "yaml";

export function printYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
