// Who of the cluster is reached from this node, and how fast: the node itself and one of its pods ask every other node and one pod of each, over
// both families. What to ask is decided here, `ping` asks; nothing is asked but on request.
import type { ClusterView } from "../cluster/view.ts";
import { type Address, type Family, families } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { PolicyPod } from "../policy/policy-view.ts";
import { nodeHolding } from "./flow-ends.ts";

export interface Question {
  readonly from: "node" | "pod";
  /** The node that is asked, or whose pod is. */
  readonly node: string;
  readonly to: string;
  readonly family: Family;
  readonly address: Address;
}

export interface MeshAnswer extends Question {
  readonly reached: boolean;
  /** On average, where any came back. */
  readonly roundTripMs?: number;
  readonly lostPercent: number;
}

export interface MeshInput {
  readonly view: ClusterView;
  readonly node: string;
  /** Families in which a pod of this node can ask; none where there is no pod, or its namespace is not visible here. */
  readonly podFamilies: readonly Family[];
}

/** The node's own addresses in the cluster tell which families it speaks. */
export function questionsOf({ view, node, podFamilies }: MeshInput): readonly Question[] {
  const own = view.nodes.find(({ name }) => name === node)?.addresses.map(({ family }) => family) ?? [];
  const pods = [...(view.policies?.pods.values() ?? [])];
  return view.nodes
    .filter(({ name }) => name !== node)
    .flatMap(({ name, addresses }) => {
      const pod = pods.find(
        (each) => (each.node ?? nodeHolding(each.addresses, view)) === name && each.addresses.length > 0,
      );
      return [
        ...asked({ from: "node", node: name, to: `node ${name}`, addresses }, own),
        ...(pod === undefined
          ? []
          : asked({ from: "pod", node: name, to: nameOf(pod), addresses: pod.addresses }, podFamilies)),
      ];
    });
}

function nameOf({ namespace, name }: PolicyPod): string {
  return `pod ${namespace}/${name}`;
}

type Target = Omit<Question, "family" | "address"> & { readonly addresses: readonly Address[] };

/** One address of each family both sides have. */
function asked({ addresses, ...target }: Target, spoken: readonly Family[]): Question[] {
  return families.flatMap((family) => {
    const address = addresses.find((each) => each.family === family);
    return address === undefined || !spoken.includes(family) ? [] : [{ ...target, family, address }];
  });
}

/** Three packets tell a lossy way from a lossless one often enough, and take half a second. */
const packets = 3;
const timeoutMs = 10_000;

/** Of a question of a pod `podNamespace` is the path of its network namespace. */
export async function ask(kernel: Kernel, question: Question, podNamespace?: string): Promise<MeshAnswer> {
  const ping = ["-n", "-q", "-c", `${packets}`, "-i", "0.2", "-W", "1", `${question.address}`];
  const { stdout, stderr, code } =
    question.from === "pod" && podNamespace !== undefined
      ? await kernel.run("nsenter", [`--net=${podNamespace}`, "ping", ...ping], { timeoutMs })
      : await kernel.run("ping", ping, { timeoutMs });
  const [, lost] = /(\d+(?:\.\d+)?)% packet loss/.exec(stdout) ?? [];
  // "Network is unreachable" is an answer, too: none was sent.
  if (lost === undefined && code > 2) throw new Error(`Cannot run ping: ${stderr.trim() || `exit code ${code}`}`);
  const [, average] = /= [\d.]+\/([\d.]+)\//.exec(stdout) ?? [];
  return {
    ...question,
    reached: average !== undefined,
    ...(average === undefined ? {} : { roundTripMs: Number(average) }),
    lostPercent: Number(lost ?? 100),
  };
}
