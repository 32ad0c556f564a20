// A plugin that stands in front of another and holds its answer back on request, so that a runtime can be killed at the one moment
// that matters: the plugin has done its work, and nobody has heard of it.
import type { PluginConfig } from "../conformance/runtime.ts";
import { eventually } from "./eventually.ts";
import type { Machine } from "./machine.ts";

const directory = "/run/pause";

export class Pause {
  readonly #machine: Machine;

  /** Installs the plugin `pausing`, which calls `type`. */
  constructor(machine: Machine, type: string) {
    this.#machine = machine;
    machine.write(`${directory}/README`, "held: answers are held back; reached: one is\n");
    machine.write("/opt/cni/bin/pausing", scriptFor(type), 0o755);
  }

  hold(): void {
    this.#machine.write(`${directory}/held`, "");
  }

  /** Resolves when the plugin has finished an ADD whose answer is held back. */
  async reached(): Promise<void> {
    await eventually("a plugin holds its answer back", () => this.#machine.has(`${directory}/reached`) || undefined);
  }

  async release(): Promise<void> {
    await this.#machine.run("rm", `${directory}/held`, `${directory}/reached`);
  }
}

/** The same plugin behind the pause. */
export function paused(main: PluginConfig): PluginConfig {
  return { ...main, type: "pausing" };
}

function scriptFor(type: string): string {
  return `#!/bin/sh
answer=$(/opt/cni/bin/${type})
code=$?
if [ "$CNI_COMMAND" = ADD ] && [ -e ${directory}/held ]; then
  touch ${directory}/reached
  while [ -e ${directory}/held ]; do sleep 0.05; done
fi
[ -z "$answer" ] || echo "$answer"
exit $code
`;
}
