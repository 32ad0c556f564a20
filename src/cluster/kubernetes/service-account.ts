// Access with the service account that Kubernetes mounts into the agent's pod. The service address is only the last resort where
// others are configured: before kube-proxy has programmed it nothing answers there.
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Access, Credentials } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";

export interface ServiceAccountOptions {
  /** Configured by the operator, the preferred one first. */
  readonly apiServers: readonly URL[];
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
}

const mountedAt = "/var/run/secrets/kubernetes.io/serviceaccount";

export function serviceAccountAccess({
  apiServers,
  environment,
  directory = mountedAt,
}: ServiceAccountOptions): Access {
  const service = serviceAddress(environment);
  const servers = service === undefined ? apiServers : [...apiServers, service];
  return {
    async credentials(): Promise<Credentials> {
      if (servers.length === 0) throw noServer();
      const [token, ca] = await Promise.all([read(join(directory, "token")), read(join(directory, "ca.crt"))]);
      return { servers, headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

function serviceAddress(environment: ServiceAccountOptions["environment"]): URL | undefined {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = environment;
  if (host === "") return undefined;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const text = `https://${isIPv6(bare) ? `[${bare}]` : bare}:${port === "" ? "443" : port}`;
  if (!URL.canParse(text)) return undefined;
  return new URL(text);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiFailure(
      `Cannot read the service account's ${path}: ${reason}: run the agent in a pod whose service account is mounted ` +
        "(automountServiceAccountToken), or set cluster.kubernetes.credentials to the path of a kubeconfig",
      { kind: "misconfigured", cause: error },
    );
  }
}

function noServer(): ApiFailure {
  return new ApiFailure(
    "Cannot find the Kubernetes API: neither cluster.kubernetes.apiServers nor KUBERNETES_SERVICE_HOST says where it is: " +
      "write its addresses there, as in https://[fd00::1]:6443",
    { kind: "misconfigured" },
  );
}
