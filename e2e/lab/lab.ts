// The lab as a whole: makes a topology's machines inside an enclosure, has each node run its program, attaches pods, and can be joined
// by a later process. It knows nothing of what the program does but that it writes a network configuration.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../runtimes/eventually.ts";
import { Enclosure, type EnclosureId } from "./enclosure.ts";
import { agentFile, clusterFile, hostsFile, paths } from "./files.ts";
import { linkCommands, radvdConfiguration } from "./instructions.ts";
import { type MachineId, type Program, RunningMachine } from "./machine.ts";
import { ipBatch, run } from "./namespaces.ts";
import { networkFilesOf, Pod, type PodId, runtimeOf } from "./pod.ts";
import { requirePrograms } from "./requirements.ts";
import { type Machine, machinesOf, type Topology, type TopologyOptions } from "./topology.ts";
import { topologyOf } from "./wirings.ts";

export interface LabOptions extends TopologyOptions {
  readonly podsPerNode: number;
  /** What every node runs, as a command line; bare nodes run nothing and get no pods by themselves. */
  readonly program?: readonly string[];
  /** The text of every node's agent.yaml, where the lab's own is not wanted. */
  readonly agentConfiguration?: string;
  /** A directory with bin/ and lib/, to be installed in every node's /opt/cni/bin. */
  readonly build?: string;
}

/** What another process needs to know to join. */
export interface LabId {
  readonly options: LabOptions;
  readonly enclosure: EnclosureId;
  readonly machines: Readonly<Record<string, MachineId>>;
  readonly programs: Readonly<Record<string, Program>>;
  readonly pods: readonly PodId[];
}

/** Names the log of what a node runs. */
const programName = "agent";
const programLimitMs = 30_000;

export class Lab implements AsyncDisposable {
  readonly options: LabOptions;
  readonly topology: Topology;
  readonly enclosure: Enclosure;
  readonly #machines = new Map<string, RunningMachine>();
  readonly #programs = new Map<string, Program>();
  #pods: readonly Pod[] = [];

  private constructor(options: LabOptions, topology: Topology, enclosure: Enclosure) {
    this.options = options;
    this.topology = topology;
    this.enclosure = enclosure;
  }

  /** It ends with the caller, until the enclosure is told to stay. */
  static async start(options: LabOptions, onEnclosure: (id: EnclosureId) => void = () => {}): Promise<Lab> {
    const topology = topologyOf(options);
    requirePrograms(topology);
    await using cleanup = new AsyncDisposableStack();
    const lab = new Lab(options, topology, cleanup.use(await Enclosure.start()));
    onEnclosure(lab.enclosure.id);
    await lab.#make();
    cleanup.move();
    return lab;
  }

  static join({ options, enclosure, machines, programs, pods }: LabId): Lab {
    const lab = new Lab(options, topologyOf(options), Enclosure.join(enclosure));
    for (const plan of machinesOf(lab.topology)) {
      const id = machines[plan.name];
      if (id !== undefined) lab.#machines.set(plan.name, new RunningMachine(plan, id, lab.enclosure));
    }
    for (const [name, program] of Object.entries(programs)) lab.#programs.set(name, program);
    lab.#pods = pods.map((id) => Pod.known(lab.machine(id.node), id));
    return lab;
  }

  get id(): LabId {
    const { options, enclosure } = this;
    return {
      options,
      enclosure: enclosure.id,
      machines: Object.fromEntries([...this.#machines].map(([name, { id }]) => [name, id])),
      programs: Object.fromEntries(this.#programs),
      pods: this.#pods.map(({ id }) => id),
    };
  }

  /** By node, and in the order of attaching. */
  get pods(): readonly Pod[] {
    return this.nodes.flatMap((node) => this.#pods.filter((pod) => pod.node === node));
  }

  /** All machines, the nodes first. */
  get machines(): readonly RunningMachine[] {
    const [router, outside, ...nodes] = machinesOf(this.topology).map(({ name }) => this.machine(name));
    return [...nodes, router, outside].filter((each) => each !== undefined);
  }

  machine(name: string): RunningMachine {
    const found = this.#machines.get(name);
    if (found === undefined)
      throw new Error(`There is no machine ${name}; there are ${[...this.#machines.keys()].join(", ")}`);
    return found;
  }

  get outside(): RunningMachine {
    return this.machine(this.topology.outside.name);
  }

  /** The nodes, in their order. */
  get nodes(): readonly RunningMachine[] {
    return this.topology.nodes.map(({ name }) => this.machine(name));
  }

  /** What a node runs; absent on a bare one. */
  programOf(node: RunningMachine): Program | undefined {
    return this.#programs.get(node.name);
  }

  /** Attaches a pod by the network configuration its node has now. */
  async addPod(node: RunningMachine, name: string): Promise<Pod> {
    const pod = await Pod.attach(node, name, this.runtimeOf(node));
    this.#pods = [...this.#pods, pod];
    this.#writeHosts();
    return pod;
  }

  async removePod(pod: Pod): Promise<void> {
    await pod.detach(this.runtimeOf(pod.node));
    this.#forgetPods((each) => each === pod);
  }

  runtimeOf(node: RunningMachine) {
    return runtimeOf(node, this.enclosure.path("cni", node.name));
  }

  /** Attaches so many pods to every node, the nodes at the same time. */
  async addPods(perNode: number): Promise<void> {
    const names = Array.from({ length: perNode }, (_, at) => at + 1);
    await Promise.all(
      this.nodes.map(async (node) => {
        for (const number of names) await this.addPod(node, `${node.name}-${number}`);
      }),
    );
  }

  /** Starts what the nodes run, unless it is given another command, and waits until it has written a network configuration. */
  async startProgram(node: RunningMachine, command = this.options.program): Promise<void> {
    if (command === undefined) return;
    const program = await node.start(programName, command);
    this.#programs.set(node.name, program);
    await eventually(
      `the program of ${node.name} writes a network into ${paths.networks}`,
      () => {
        if (networkFilesOf(node).length > 0) return true;
        if (node.hasProgram(program)) return undefined;
        throw new Error(`${command.join(" ")} ended on ${node.name}: ${node.log(programName).trim()}`);
      },
      programLimitMs,
    );
  }

  /**
   * Cuts a node's power and switches it on again: its disk stays, its pods and all other state are gone. As on any host, the network
   * its program wrote before is there before the program is.
   */
  async restart(node: RunningMachine): Promise<RunningMachine> {
    await node.switchOff();
    this.#forgetPods((pod) => pod.node === node);
    this.#programs.delete(node.name);
    const again = await this.#switchOn(node.plan);
    await again.connect();
    await this.#awaitAddresses(again);
    await this.startProgram(again);
    return again;
  }

  log(node: RunningMachine): string {
    return node.log(programName);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.enclosure[Symbol.asyncDispose]();
  }

  async #make(): Promise<void> {
    const { topology, options } = this;
    await ipBatch(this.enclosure.wires, linkCommands(topology));
    this.#writeHosts();
    await Promise.all([this.#install(), ...machinesOf(topology).map((plan) => this.#switchOn(plan))]);
    const router = this.machine(topology.router.name);
    await Promise.all([router.connect(), this.outside.connect()]);
    await advertise(router);
    await Promise.all(this.nodes.map((node) => this.#prepare(node)));
    if (options.program !== undefined) await this.addPods(options.podsPerNode);
  }

  async #prepare(node: RunningMachine): Promise<void> {
    const { routedBy = "nodes", agentConfiguration = agentFile(routedBy) } = this.options;
    await node.connect();
    node.write(paths.cluster, clusterFile(this.topology));
    node.write(paths.agent, agentConfiguration);
    await this.#awaitAddresses(node);
    await this.startProgram(node);
  }

  async #switchOn(plan: Machine): Promise<RunningMachine> {
    const machine = await RunningMachine.start(plan, this.enclosure);
    this.#machines.set(plan.name, machine);
    return machine;
  }

  /** Once for all nodes, which see it below files of their own. */
  async #install(): Promise<void> {
    const { build } = this.options;
    if (build === undefined) return;
    await run(this.enclosure.place, [join(build, "bin/hextetctl"), "install", "--bin-dir", "/run/lab/bin"]);
  }

  async #awaitAddresses(node: RunningMachine): Promise<void> {
    const wanted = node.plan.ports.flatMap(({ autoconfigured }) =>
      autoconfigured === undefined ? [] : [autoconfigured],
    );
    for (const address of wanted) {
      await eventually(`${node.name} gives itself ${address}`, async () => {
        const text = await node.run("ip", "-6", "-oneline", "address", "show", "-tentative");
        return text.includes(` ${address} `) ? true : undefined;
      });
    }
  }

  #forgetPods(gone: (pod: Pod) => boolean): void {
    this.#pods = this.#pods.filter((pod) => !gone(pod));
    this.#writeHosts();
  }

  #writeHosts(): void {
    mkdirSync(this.enclosure.path("cni"), { recursive: true });
    writeFileSync(this.enclosure.path("hosts"), hostsFile(this.topology, this.#pods));
  }
}

/** Runs radvd on a router that advertises, until it listens: a node that asks before that asks again seconds later. */
async function advertise(router: RunningMachine): Promise<void> {
  const { advertises } = router.plan;
  if (advertises === undefined) return;
  const file = "/run/radvd.conf";
  await run(router.place, ["sh", "-c", `cat > ${file}`], { stdin: radvdConfiguration(advertises) });
  const radvd = await router.start("radvd", ["radvd", "-n", "-m", "stderr", "-C", file, "-p", "/run/radvd.pid"]);
  await eventually("radvd listens", async () => {
    if (!router.hasProgram(radvd)) throw new Error(`radvd ended: ${router.log("radvd").trim()}`);
    // 3A is ICMPv6.
    return /:003A /.test(await router.run("cat", "/proc/net/raw6")) ? true : undefined;
  });
}
