// podman with its CNI backend inside a machine: the version of Debian 12 reads /etc/cni/net.d as an administrator left it. One
// container is started, reloaded, restarted and removed by the words a user would type.
import { image, makeImage, untilServing } from "./image.ts";
import type { Machine } from "./machine.ts";
import { networkName } from "./networks.ts";
import type { Container } from "./observe.ts";
import type { Pause } from "./pause.ts";
import { demand } from "./programs.ts";

// Without cgroups: the machine that runs the tests may mix both cgroup versions or lend none of its controllers, and a network
// needs none. Only crun runs containers without. Events and logs go to files and AppArmor stays out of it, because the host's
// journal and the profiles in the host's kernel are not the machine's own.
const containersConf = `
[containers]
apparmor_profile = "unconfined"
cgroups = "disabled"
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
cni_plugin_dirs = ["/opt/cni/bin"]
network_backend = "cni"
`;

// vfs needs nothing of the file system below, and busybox is small.
const storageConf = `
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
`;

export interface Start {
  /** As --network takes it: the name, or with what is asked for "pods:ip=fd00::7,mac=...". */
  readonly network?: string;
  /** As -p takes them: "8080:80", "[::1]:8080:80/udp". */
  readonly ports?: readonly string[];
  readonly options?: readonly string[];
}

export class Podman {
  readonly #machine: Machine;

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  static async install(machine: Machine): Promise<Podman> {
    demand("/usr/bin/conmon", "/usr/bin/crun", "/usr/bin/podman");
    machine.write("/etc/containers/containers.conf", containersConf);
    machine.write("/etc/containers/storage.conf", storageConf);
    machine.write("/etc/containers/policy.json", { default: [{ type: "insecureAcceptAnything" }] });
    const podman = new Podman(machine);
    await podman.run("load", "--quiet", "--input", await makeImage(machine));
    return podman;
  }

  run(...args: readonly string[]): Promise<string> {
    return this.#machine.run("podman", ...args);
  }

  /** Starts a container that serves its own name on port 80. */
  async start(name: string, start: Start = {}): Promise<Container> {
    await this.run(...startArguments(name, start));
    return this.container(name);
  }

  /** Starts a container, and kills podman when the network plugin has done its work and podman does not know it yet. */
  async killInAdd(name: string, pause: Pause): Promise<void> {
    pause.hold();
    const podman = this.#machine.start("podman", ...startArguments(name, {}));
    await pause.reached();
    podman.kill("SIGKILL");
    await podman.ended;
    await pause.release();
  }

  /** Removes a container whose start was broken off. It ends with "device or resource busy", and the container is gone. */
  async forget(name: string): Promise<void> {
    await this.#machine.start("podman", "rm", "--force", "--time", "0", name).ended;
  }

  /** Removes the namespaces podman itself has forgotten: those nothing runs in. */
  async removeLostNamespaces(): Promise<void> {
    const each = 'name=${path##*/}; [ -n "$(ip netns pids "$name")" ] || ip netns delete "$name"';
    await this.#machine.run("sh", "-c", `for path in /run/netns/netns-*; do ${each}; done`);
  }

  /** A running container, as soon as it serves. */
  async container(name: string): Promise<Container> {
    const [id = "", pid = ""] = (await this.run("inspect", "--format", "{{.Id}} {{.State.Pid}}", name))
      .trim()
      .split(" ");
    await untilServing(this.#machine, pid);
    return { id, netns: `/proc/${pid}/ns/net`, run: (...command) => this.run("exec", name, ...command) };
  }
}

function startArguments(name: string, { network = networkName, ports = [], options = [] }: Start): string[] {
  const published = ports.flatMap((port) => ["--publish", port]);
  // busybox asks for a raw socket to ping, which podman no longer grants by itself.
  const rights = ["--cap-add", "NET_RAW"];
  return [
    "run",
    "--detach",
    "--name",
    name,
    "--network",
    network,
    ...rights,
    ...published,
    ...options,
    image,
    "serve",
    name,
  ];
}
