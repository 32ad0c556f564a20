// An agent that cannot keep up with what the kernel tells: it is stopped, links change until its socket has no room left, and then others
// take away what it keeps. When it goes on it has heard of none of that, knows that it has not, and looks at everything.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Families } from "../agent/agent-node.ts";
import { eventually } from "../runtimes/eventually.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

const changesAtOnce = 2000;
const said = "changes of the kernel were not all heard, so all is looked at";

export async function* overrun({ families, build, short }: Settings): AsyncGenerator<Row> {
  for (const columns of short ? families.slice(-1) : families) yield await overrunOne(columns, build);
}

async function overrunOne(families: Families, build: string): Promise<Row> {
  const how = "SIGSTOP, link changes until messages are dropped, its routes removed, SIGCONT";
  const ledger = new Ledger({ fault: "the agent's netlink socket overruns", how, columns: families });
  await using subject = new Subject({ families, build, config: "firewall: { policies: false }" });
  const agent = await subject.served.start();
  await agent.says("network configuration written");
  const container = subject.container(subject.node.pod());
  await subject.node.runtime.add(subject.list, container);
  const before = routesOfNode(subject);
  agent.signal("SIGSTOP");
  const changes = await changeUntilDropped(subject);
  for (const family of ["-4", "-6"])
    subject.node.host.run("ip", family, "route", "flush", "proto", "72", "metric", "4096");
  agent.signal("SIGCONT");
  ledger.fault();
  await ledger.recover(() =>
    eventually("its routes are back", () => (routesOfNode(subject) === before ? true : undefined)),
  );
  // Its word of it may take longer than the routes.
  const told = () => agent.lines.filter(({ message }) => message === said).length;
  await eventually("the agent says that it had not heard everything", () => (told() > 0 ? true : undefined));
  await subject.expectWhole(ledger, "afterwards", container);
  await subject.node.runtime.del(subject.list, container);
  await subject.audit(ledger, "afterwards");
  if (told() !== 1) ledger.lost(`the agent told ${told()} times that it had not heard everything`);
  ledger.remark(`${changes} changes of a link`);
  return ledger.row;
}

function routesOfNode({ node: { host } }: Subject): string {
  const shown = (family: string) => host.run("ip", family, "route", "show", "proto", "72", "metric", "4096");
  return shown("-4") + shown("-6");
}

async function changeUntilDropped(subject: Subject): Promise<number> {
  const { host } = subject.node;
  host.run("ip", "link", "add", "noise0", "up", "type", "ifb");
  let changes = 0;
  for (; dropped(subject) === 0; changes += changesAtOnce) {
    const lines = Array.from({ length: changesAtOnce }, (_, at) => `link set noise0 alias noise-${changes + at}`);
    const batch = spawn("nsenter", [`--net=${host.path}`, "ip", "-batch", "-"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    batch.stdin.end(`${lines.join("\n")}\n`);
    await once(batch, "close");
  }
  return changes;
}

/** Of messages to sockets of this node, of which the agent has those that stay, by the kernel's own count. */
function dropped({ node: { host } }: Subject): number {
  const [head = "", ...lines] = host.run("cat", "/proc/net/netlink").trim().split("\n");
  const at = head.trim().split(/\s+/).indexOf("Drops");
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[at]), 0);
}
