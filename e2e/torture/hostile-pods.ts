// Pods that may change their own network (NET_ADMIN) and do their worst before they end: whatever they have made of their interface, and
// whatever names they have taken, DEL takes the attachment away, and with it the lease. An ADD after that, in the same namespace, is made or
// says what stands in its way.
import type { Agent } from "../agent/agent.ts";
import type { Families } from "../agent/agent-node.ts";
import type { Pod } from "../conformance/node.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

interface Act {
  readonly name: string;
  /** Commands of `ip`; FABRIC is another namespace. */
  readonly commands: readonly string[];
}

const acts: readonly Act[] = [
  { name: "changes its MAC", commands: ["link set eth0 address 02:bb:bb:bb:bb:01"] },
  { name: "adds addresses", commands: ["address add fd00:bad::1/64 dev eth0", "address add 198.51.100.7/24 dev eth0"] },
  { name: "makes a macvlan", commands: ["link add link eth0 name mac0 type macvlan mode bridge"] },
  { name: "makes it a port of a bridge", commands: ["link add br0 type bridge", "link set eth0 master br0"] },
  { name: "sets its link down", commands: ["link set eth0 down"] },
  { name: "deletes its interface", commands: ["link delete eth0"] },
  { name: "renames its interface", commands: ["link set eth0 name lan0"] },
  { name: "gives it a second name", commands: ["link property add dev eth0 altname lan0"] },
  { name: "puts another in its place", commands: ["link set eth0 name lan0", "link add eth0 type ifb"] },
  { name: "moves it to another namespace", commands: ["link set eth0 name lan0", "link set lan0 netns FABRIC"] },
  { name: "writes our alias of another on it", commands: ["link set eth0 alias hextet\\ pods/another/eth0"] },
  { name: "shuns its gateways", commands: ["neigh flush nud permanent dev eth0", "route flush table main"] },
  {
    name: "takes the names of what is out of use",
    commands: Array.from({ length: 8 }, (_, at) => `link add hxgone${(at + 1).toString(16)} type ifb`),
  },
];

export async function* hostilePods({ families, build, short }: Settings): AsyncGenerator<Row> {
  const columns = short ? families.slice(-1) : families;
  const workers = short ? (["agent"] as const) : (["executable", "agent"] as const);
  for (const one of columns) for (const worker of workers) yield await tryAll(one, worker, build);
}

async function tryAll(families: Families, worker: "executable" | "agent", build: string): Promise<Row> {
  const ledger = new Ledger({
    fault: `a pod with NET_ADMIN changes its own network (DEL by the ${worker})`,
    how: `${acts.length} ways: MAC, addresses, macvlan, bridge, names, routes, another namespace`,
    columns: families,
  });
  await using subject = new Subject({ families, build, config: "firewall: { policies: false }" });
  const agent = worker === "agent" ? await subject.served.start() : undefined;
  const standing = subject.container(subject.node.pod());
  await subject.node.runtime.add(subject.list, standing);
  for (const act of acts) await tryOne({ subject, ledger, standing, agent, act });
  return ledger.row;
}

interface Trial {
  readonly subject: Subject;
  readonly ledger: Ledger;
  readonly standing: Container;
  readonly agent: Agent | undefined;
  readonly act: Act;
}

async function tryOne({ subject, ledger, standing, agent, act }: Trial): Promise<void> {
  const what = `a pod that ${act.name}`;
  const { runtime, fabric } = subject.node;
  const pod = subject.node.pod();
  const container = subject.container(pod);
  await runtime.add(subject.list, container);
  for (const command of act.commands) perform(pod, command.replace("FABRIC", fabric.path));
  ledger.fault();
  await ledger
    .recover(() => runtime.del(subject.list, container))
    .catch((error: Error) => ledger.lost(`${what}: ${error.message}`));
  await subject.audit(ledger, what, standing);
  if (fabric.run("ip", "link").includes("lan0")) ledger.leaked(`${what}: its interface is in another namespace`);
  if (agent !== undefined && !agent.served(container.containerId).includes("DEL"))
    ledger.lost(`${what}: the agent had no part in it`);
  await attachAgain({ subject, ledger, standing, what, container: subject.container(pod) });
}

function perform({ namespace }: Pod, command: string): void {
  namespace.run("ip", ...command.split(/(?<!\\) /).map((word) => word.replace("\\ ", " ")));
}

interface Again {
  readonly subject: Subject;
  readonly ledger: Ledger;
  readonly standing: Container;
  readonly what: string;
  readonly container: Container;
}

async function attachAgain({ subject, ledger, standing, what, container }: Again): Promise<void> {
  const { runtime } = subject.node;
  try {
    await runtime.add(subject.list, container);
    await subject.expectWhole(ledger, `${what}, attached again`, container);
  } catch (error) {
    if (!(error instanceof PluginFailure)) throw error;
    if (!error.msg.includes("eth0")) ledger.lost(`${what}, attached again: ${error.message}`);
  }
  await runtime.del(subject.list, container);
  await subject.audit(ledger, `${what}, attached again and taken away`, standing);
}
