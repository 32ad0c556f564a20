// containerd inside a machine, driven by ctr: `ctr run --cni` reads /etc/cni/net.d, calls ADD once the task has a namespace, and
// DEL, without a namespace, when the task has ended. Only its own directories are used; nothing is pulled.
import { eventually } from "./eventually.ts";
import { image, makeImage, untilServing } from "./image.ts";
import type { Machine, Running } from "./machine.ts";
import type { Container } from "./observe.ts";
import { demand } from "./programs.ts";

// The Kubernetes side of containerd and the snapshotters of other file systems are not needed. oom_score stays as it is, because
// lowering it needs CAP_SYS_RESOURCE, which a machine inside a container does not have.
const config = `
version = 2
oom_score = 0
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
`;

export interface Started extends Container {
  /** Stays until the task ends, and calls DEL then. */
  readonly ctr: Running;
  readonly name: string;
}

export class Containerd {
  readonly #machine: Machine;
  #daemon: Running;

  private constructor(machine: Machine, daemon: Running) {
    this.#machine = machine;
    this.#daemon = daemon;
  }

  static async start(machine: Machine, configuration = config): Promise<Containerd> {
    demand("/usr/bin/containerd", "/usr/bin/ctr", "/usr/sbin/runc");
    machine.write("/etc/containerd/config.toml", configuration);
    const containerd = new Containerd(machine, startDaemon(machine));
    await containerd.#answers();
    await containerd.run("image", "import", await makeImage(machine));
    return containerd;
  }

  run(...args: readonly string[]): Promise<string> {
    return this.#machine.run("ctr", ...args);
  }

  /** Starts a container that serves its own name on port 80, with a ctr that stays until the task ends. */
  begin(name: string): Running {
    // runc always makes a cgroup: below the machine's name it is taken back with the machine, and without ctr's own number of
    // shares it needs no controller, which a host of mixed cgroup versions has elsewhere.
    const cgroup = ["--cgroup", `/${this.#machine.name}/${name}`, "--cpu-shares", "0"];
    const args = ["run", "--cni", "--rm", "--snapshotter", "native", ...cgroup, image, name, "serve", name];
    return this.#machine.start("ctr", ...args);
  }

  /** As begin(), and waits until the container answers. */
  async start(name: string): Promise<Started> {
    const ctr = this.begin(name);
    const failed = ctr.ended.then(({ code, stderr }) => {
      throw new Error(`ctr run ${name} ended with ${code}: ${stderr.trim()}`);
    });
    failed.catch(() => {});
    const pid = await Promise.race([this.#pidOf(name), failed]);
    await untilServing(this.#machine, pid);
    return { ...this.#container(name, pid), ctr, name };
  }

  /** Kills the container's task and waits until ctr has cleaned up after it. */
  async kill({ name, ctr }: Started): Promise<void> {
    await this.run("task", "kill", "--signal", "KILL", name);
    await ctr.ended;
  }

  #container(name: string, pid: string): Container {
    const exec = ["task", "exec", "--exec-id", `exec-${name}`, name];
    return { id: `default-${name}`, netns: `/proc/${pid}/ns/net`, run: (...command) => this.run(...exec, ...command) };
  }

  /** Ends containerd as a crash would, and starts it again; tasks go on. */
  async crash(): Promise<void> {
    this.#daemon.kill("SIGKILL");
    await this.#daemon.ended;
    this.#daemon = startDaemon(this.#machine);
    await this.#answers();
  }

  async #answers(): Promise<void> {
    await eventually("containerd answers ctr", async () => {
      const { code } = await this.#machine.start("ctr", "version").ended;
      return code === 0 ? true : undefined;
    });
  }

  /** ctr calls ADD between making the task and starting it. */
  async #pidOf(name: string): Promise<string> {
    return eventually(`the task ${name} runs`, async () => {
      const lines = (await this.run("task", "list")).split("\n").map((line) => line.trim().split(/\s+/));
      return lines.find(([task, , status]) => task === name && status === "RUNNING")?.[1];
    });
  }
}

/**
 * Its log goes to a file of the machine, since nobody reads its standard error. Where nothing is said of a container's cgroup runc makes
 * one beside its own, which therefore is below the machine's name and taken back with the machine.
 */
function startDaemon(machine: Machine): Running {
  const cgroup = `/sys/fs/cgroup/${machine.name}/containerd`;
  const steps = [
    `mkdir -p ${cgroup}`,
    `echo $$ > ${cgroup}/cgroup.procs`,
    "exec containerd >> /var/log/containerd.log 2>&1",
  ];
  return machine.start("sh", "-c", steps.join(" && "));
}
