// The API server's clock: the Date of any answer, the refusal of an unknown caller included.
import { get } from "node:https";
import type { AgentConfig } from "../../agent/config.ts";
import { kubeconfigAccess } from "../../cluster/kubernetes/kubeconfig.ts";
import { serviceAccountAccess } from "../../cluster/kubernetes/service-account.ts";

const timeoutMs = 3_000;

export async function readAheadOfServer(
  { source, kubernetes }: AgentConfig["cluster"],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  if (source !== "kubernetes") return undefined;
  const { credentials, apiServers } = kubernetes;
  const access =
    credentials === "service-account"
      ? serviceAccountAccess({ apiServers, environment })
      : kubeconfigAccess({ path: credentials, apiServers, environment });
  const { servers, tls } = await access.credentials({ anew: false });
  const [server] = servers;
  if (server === undefined) return undefined;
  const date = await dateOf(new URL("/version", server), tls);
  return Date.now() - date;
}

function dateOf(url: URL, tls: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...tls, timeout: timeoutMs, agent: false }, (response) => {
      response.resume();
      const { date } = response.headers;
      if (date === undefined) reject(new Error(`${url.origin} does not say what time it has`));
      else resolve(Date.parse(date));
    });
    request.on("timeout", () => request.destroy(new Error(`${url.origin} does not answer`)));
    request.on("error", (error) => reject(new Error(`Cannot ask ${url.origin} for its time: ${error.message}`)));
  });
}
