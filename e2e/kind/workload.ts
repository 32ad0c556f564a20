// Test pods as objects of the API. All run Hextet's own image: its launcher `hextetctl` finds the runtime beside it, and the script it then
// runs is ours, mounted over hextetctl's. The bytecode of that is covered by an empty file, which Node takes for bytecode of another script.
import { join } from "node:path";
import { bundle } from "../../cmd/dev/build/bundle.ts";

const root = join(import.meta.dirname, "../..");
const library = "/opt/hextet/lib";
export const httpPort = 8080;
export const otherPort = 8081;
export const hostPort = 18_080;

export type Script = "pod" | "stream";

/** The scripts, for pods of this namespace. */
export async function scriptsIn(namespace: string): Promise<object> {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "scripts", namespace },
    data: {
      "pod.cjs": await bundle(root, "e2e/kind/pod-program.ts", "pod"),
      "stream.cjs": await bundle(root, "e2e/lab/stream-program.ts", "stream"),
      none: "",
    },
  };
}

export function namespaceNamed(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

export interface PodPlan {
  readonly image: string;
  readonly script?: Script;
  readonly command?: readonly string[];
  readonly hostNetwork?: boolean;
  readonly hostPort?: number;
  readonly nodeName?: string;
}

const probed = {
  startupProbe: {
    exec: { command: ["hextetctl", "ready"] },
    failureThreshold: 30,
    periodSeconds: 1,
    timeoutSeconds: 20,
  },
  livenessProbe: { httpGet: { path: "/", port: httpPort }, periodSeconds: 5, timeoutSeconds: 10, failureThreshold: 6 },
  readinessProbe: { tcpSocket: { port: httpPort }, periodSeconds: 1, timeoutSeconds: 5 },
};

/** A pod's spec: it serves HTTP and is probed in all three ways, unless it has a command of its own. */
export function podSpec(plan: PodPlan): object {
  const { image, script = "pod", command } = plan;
  const mount = (subPath: string, name: string) => ({
    name: "scripts",
    mountPath: `${library}/${name}`,
    subPath,
    readOnly: true,
  });
  const published = plan.hostPort === undefined ? {} : { hostPort: plan.hostPort };
  const container = {
    name: "main",
    image,
    imagePullPolicy: "IfNotPresent",
    command: ["hextetctl", ...(command ?? ["serve", String(httpPort), String(otherPort)])],
    ports: [{ name: "http", containerPort: httpPort, ...published }],
    volumeMounts: [mount(`${script}.cjs`, "hextetctl.cjs"), mount("none", "hextetctl.bytecode")],
    ...(command === undefined && plan.hostNetwork !== true ? probed : {}),
  };
  return {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    tolerations: [{ operator: "Exists" }],
    ...(plan.hostNetwork === true ? { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" } : {}),
    ...(plan.nodeName === undefined ? {} : { nodeName: plan.nodeName }),
    containers: [container],
    volumes: [{ name: "scripts", configMap: { name: "scripts" } }],
  };
}

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

export function pod(
  { namespace, name }: Place,
  spec: object,
  annotations: Readonly<Record<string, string>> = {},
): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels: { app: name }, annotations }, spec };
}

/** A pod on every node. */
export function daemonSet({ namespace, name }: Place, spec: object): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

export function deployment({ namespace, name }: Place, replicas: number, spec: object): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** Of both families where the cluster has both. */
export function service({ namespace, name }: Place, spec: object): object {
  const common = { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80, targetPort: httpPort }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { ...common, ...spec } };
}
