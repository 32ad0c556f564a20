// Where the agent's view of its cluster comes from, by its configuration.
import { FileSource } from "../cluster/file/file-source.ts";
import { kubeconfigAccess } from "../cluster/kubernetes/kubeconfig.ts";
import { KubernetesSource } from "../cluster/kubernetes/kubernetes-source.ts";
import { serviceAccountAccess } from "../cluster/kubernetes/service-account.ts";
import type { ClusterSource } from "../cluster/view.ts";
import type { Log } from "../log/log.ts";
import type { ClusterOrigin } from "./config.ts";

export interface ClusterSourceOptions {
  readonly cluster: ClusterOrigin;
  readonly log: Log;
  /** Says where Kubernetes is, and is handed to programs that give credentials. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly withPolicies: boolean;
}

export function createClusterSource({ cluster, log, environment, withPolicies }: ClusterSourceOptions): ClusterSource {
  if (cluster.source === "file") return new FileSource({ path: cluster.file, log });
  const { credentials, apiServers } = cluster.kubernetes;
  const access =
    credentials === "service-account"
      ? serviceAccountAccess({ apiServers, environment })
      : kubeconfigAccess({ path: credentials, apiServers, environment });
  return new KubernetesSource({ access, log, withPolicies });
}
