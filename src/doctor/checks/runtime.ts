// Whether what runs and what is installed belong together: configuration, cluster, executables, the network's file and the agent.
import type { AgentFacts } from "../facts.ts";
import { type Check, command, type Finding, problem, warning } from "../finding.ts";
import { known, Unseen } from "../reading.ts";
import { remediesIn } from "./faults.ts";

const agentPod = "pod -l app.kubernetes.io/name=hextet --field-selector spec.nodeName=NODE";

export const restartAgent = command("systemctl restart hextet-agent", `kubectl -n kube-system delete ${agentPod}`);
export const startAgent = command(
  "systemctl start hextet-agent",
  `see why its pod does not run: kubectl -n kube-system describe ${agentPod}`,
);

const configuration: Check = {
  id: "configuration",
  why: "the agent does not start with a configuration that has a fault",
  look({ config }) {
    if (!("unseen" in config)) return [];
    // Not being allowed to read it says nothing of what is in it.
    if (config.unseen.startsWith("Cannot read")) throw new Unseen(config.unseen);
    return [problem(config.unseen)];
  },
};

const cluster: Check = {
  id: "cluster",
  why: "nodes, prefixes and policies are known from the cluster file, or from Kubernetes",
  look(facts) {
    const { fault } = known(facts.cluster);
    return fault === undefined ? [] : [problem(fault)];
  },
};

const installation: Check = {
  id: "installation",
  why: "the container runtime executes the plugins in its binary directory for every pod",
  look(facts) {
    const { directory, buildId, whole, missing } = known(facts.installation);
    const install = command(`hextetctl install --bin-dir ${directory}`);
    if (buildId === undefined) return [problem(`Hextet is not installed in ${directory}`, install)];
    const damaged = whole ? [] : [problem(`Build ${buildId} in ${directory} is not whole`, install)];
    return [...damaged, ...missing.map((name) => problem(`${directory}/${name} is missing, or not Hextet's`, install))];
  },
};

const networkFile: Check = {
  id: "network-file",
  why: "the container runtime has the network only where its file is in the directory it looks into",
  look(facts) {
    const { directory, fileName, written } = known(facts.networks);
    if (written) return [];
    return [problem(`${directory}/${fileName} is not there, so pods are not attached by Hextet`, restartAgent)];
  },
};

const otherNetworks: Check = {
  id: "other-networks",
  why: "the container runtime takes the first file by name, whoever wrote it",
  look(facts) {
    return known(facts.networks).faults.map((sentence) => {
      const [path = ""] = sentence.split(" ");
      return problem(sentence, command(`mv ${path} ${path}.unused`));
    });
  },
};

/** Interfaces that other network plugins make for themselves. */
const foreignLinks =
  /^(?:cni\d|flannel(?:-v6)?\.\d+|cali[0-9a-f]{11}|vxlan(?:-v6)?\.calico|cilium_(?:host|net|vxlan)|weave|kube-bridge|antrea-gw0|ovn-k8s-mp0)$/;

const secondPlugin: Check = {
  id: "second-plugin",
  why: "routes and rules that another network plugin left behind may take packets of Hextet's pods",
  look(facts) {
    const names = known(facts.host).links.map(({ name }) => name);
    return names
      .filter((name) => foreignLinks.test(name))
      .map((name) => warning(`The interface ${name} is another network plugin's`, command(`ip link delete ${name}`)));
  },
};

const agentRunning: Check = {
  id: "agent-running",
  why: "pods are attached without the agent, but routes, policies and prefixes stay as they were when it ended",
  look(facts) {
    const { socket, state } = known(facts.agent);
    switch (state) {
      case "absent":
        return [problem(`No agent runs: there is no socket ${socket}`, startAgent)];
      case "refused":
        return [problem(`No agent runs: nobody listens at ${socket}`, startAgent)];
      case "silent":
        return [problem(`The agent hangs: it does not answer at ${socket}`, restartAgent)];
      case "served":
      case "declined":
        return [];
    }
  },
};

const agentBuild: Check = {
  id: "agent-build",
  why: "an agent of another build declines every call, and pods are attached by the slower standalone runtime",
  look(facts) {
    const { state } = known(facts.agent);
    if (state !== "declined") return [];
    const { buildId = "unknown" } = known(facts.installation);
    return [warning(`The agent is of another build than the installed executable (${buildId})`, restartAgent)];
  },
};

const agentSocket: Check = {
  id: "agent-socket",
  why: "who can call the agent can change the node's network",
  look: (facts) => openDoors(known(facts.agent)),
};

function openDoors({ socket, mode, owner, directoryMode }: AgentFacts): Finding[] {
  const directory = socket.slice(0, socket.lastIndexOf("/")) || "/";
  const found: Finding[] = [];
  if (mode !== undefined && (mode & 0o077) !== 0) {
    found.push(
      problem(`${socket} has mode ${mode.toString(8)}: others may call`, { kind: "mode", path: socket, mode: 0o600 }),
    );
  }
  if (owner !== undefined && owner !== 0)
    found.push(problem(`${socket} belongs to user ${owner}`, command(`chown root ${socket}`)));
  if (directoryMode !== undefined && (directoryMode & 0o022) !== 0) {
    const seen = `${directory} has mode ${directoryMode.toString(8)}: others may put a socket of their own there`;
    found.push(problem(seen, { kind: "mode", path: directory, mode: 0o700 }));
  }
  return found;
}

const agentFaults: Check = {
  id: "agent-faults",
  why: "the agent tells what keeps the node from being as it must be",
  look: (facts) => (known(facts.agentFaults) ?? []).map((line) => problem(line, ...remediesIn(line))),
};

export const runtimeChecks: readonly Check[] = [
  configuration,
  cluster,
  installation,
  networkFile,
  otherNetworks,
  secondPlugin,
  agentRunning,
  agentBuild,
  agentSocket,
];

/** Last, as what others tell as well is told by them. */
export const lastChecks: readonly Check[] = [agentFaults];
