// An IPAM plugin that takes its time: a shell script that says who has come in, waits until a file opens the gate, and answers. With it
// a test knows that calls are under way, and whether two of them met.
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../runtimes/eventually.ts";

const script = (directory: string) => `#!/bin/sh
# Nobody else of this container may be inside.
inside=${directory}/inside/$CNI_CONTAINERID
mkdir "$inside" || echo "$CNI_CONTAINERID" >> ${directory}/met
for attempt in $(seq 1200); do [ -e ${directory}/open ] && break; sleep 0.05; done
rmdir "$inside"
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"1.0.0","ips":[{"address":"fd00:99::2/64","gateway":"fd00:99::1"}]}'
`;

export class Gate {
  readonly type = "gate";
  readonly #directory: string;

  /** Installs it among the plugins. */
  constructor(binDirectory: string) {
    this.#directory = join(binDirectory, "gate-state");
    mkdirSync(join(this.#directory, "inside"), { recursive: true });
    writeFileSync(join(binDirectory, this.type), script(this.#directory));
    chmodSync(join(binDirectory, this.type), 0o755);
  }

  /** Waits until so many calls are inside at the same time. */
  async holds(count: number): Promise<void> {
    const inside = () => readdirSync(join(this.#directory, "inside")).length;
    await eventually(`${count} calls are inside`, () => (inside() === count ? true : undefined));
  }

  open(): void {
    writeFileSync(join(this.#directory, "open"), "");
  }

  /** Whether two calls of one container were inside at the same time. */
  get met(): boolean {
    return existsSync(join(this.#directory, "met"));
  }
}
