// Why a request to the Kubernetes API was of no use, in one sentence with the fix. Callers ask for the kind and the status; nobody
// compares messages. The verbs and resources are those of RBAC, so that the sentence names what to grant.

import { codeOf } from "../../kernel/system-error.ts";

/** What to do differs by kind: wait, grant a right, repair a certificate, correct the configuration. */
export type FailureKind = "unreachable" | "busy" | "garbled" | "denied" | "untrusted" | "misconfigured";

export interface FailureDetails extends ErrorOptions {
  readonly kind: FailureKind;
  readonly status?: number;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs?: number;
}

export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly kind: FailureKind;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { kind, status, retryAfterMs, ...options }: FailureDetails) {
    super(message, options);
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The resource version, or the token of the next page, is too old for the server: read everything anew. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 410;
}

/** The credentials may have been replaced since they were read. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 401;
}

/** What was asked for. */
export interface Question {
  readonly verb: "list" | "watch";
  /** As RBAC has it: `nodes`, or `networkpolicies.networking.k8s.io`. */
  readonly resource: string;
}

/** What a server answered instead, by its status line and as far as it said why (meta/v1 Status). */
export interface Refusal {
  readonly server: string;
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs?: number;
}

export function failureOfStatus({ verb, resource }: Question, refusal: Refusal): ApiFailure {
  const { server, status, message, retryAfterMs } = refusal;
  const said = message === "" ? `${status}` : `${status}, ${message}`;
  const details = { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const cannot = `Cannot ${verb} ${resource} at ${server}`;
  if (status === 401) {
    return new ApiFailure(
      `${cannot}: the server does not accept the agent's credentials (${said}): see that its service account's token is ` +
        "mounted and not expired, or that cluster.kubernetes.credentials names a kubeconfig whose user the cluster knows",
      { ...details, kind: "denied" },
    );
  }
  if (status === 403) {
    return new ApiFailure(
      `${cannot}: RBAC does not allow it (${said}): grant the verbs list and watch on ${resource} in the ClusterRole of the agent`,
      { ...details, kind: "denied" },
    );
  }
  if (status === 404) {
    return new ApiFailure(
      `${cannot}: the server does not have it (${said}): see that this is a Kubernetes API server`,
      {
        ...details,
        kind: "misconfigured",
      },
    );
  }
  return new ApiFailure(`${cannot}: the server answers ${said}: see the API server's log if this lasts`, {
    ...details,
    kind: "busy",
  });
}

/** Why there was no answer from any server. */
export function failureOfConnection(
  tried: readonly { readonly server: string; readonly error: unknown }[],
): ApiFailure {
  const reasons = tried.map(({ server, error }) => `${server}: ${reasonOf(error)}`).join("; ");
  const untrusted = tried.find(({ error }) => certificateFixes[codeOf(error) ?? ""] !== undefined);
  const cause = new AggregateError(tried.map(({ error }) => error));
  if (untrusted !== undefined) {
    const fix = certificateFixes[codeOf(untrusted.error) ?? ""];
    return new ApiFailure(`Cannot trust the Kubernetes API at ${reasons}: ${fix}`, { kind: "untrusted", cause });
  }
  const fix =
    "see that the API server runs and that this node has a route to it, or name others in cluster.kubernetes.apiServers";
  return new ApiFailure(`Cannot reach the Kubernetes API at ${reasons}: ${fix}`, { kind: "unreachable", cause });
}

const wrongAuthority =
  "its certificate is not signed by the authority in the service account's ca.crt or in the kubeconfig; " +
  "give the cluster's certificate-authority";
/** By the codes of OpenSSL and Node. */
const certificateFixes: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: wrongAuthority,
  UNABLE_TO_GET_ISSUER_CERT: wrongAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: wrongAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: wrongAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: wrongAuthority,
  CERT_SIGNATURE_FAILURE: wrongAuthority,
  CERT_HAS_EXPIRED: "renew its certificate, or correct this node's clock",
  CERT_NOT_YET_VALID: "correct this node's clock",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "use a name or address that is in its certificate, or set tls-server-name in the kubeconfig",
  EPROTO: "see that the address is one that speaks TLS",
};

/** `connect ECONNREFUSED ::1:6443` says the address again, without brackets. */
function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const words = code === undefined ? undefined : plainWords[code];
  if (words !== undefined) return words;
  const [inner] = error instanceof AggregateError ? error.errors : [];
  if (inner !== undefined) return reasonOf(inner);
  // Node's advice on options of its command line helps nobody here.
  return error instanceof Error ? error.message.replace(/; if the root CA is installed locally.*$/, "") : String(error);
}

const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed without an answer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ENOTFOUND: "the name is unknown",
  EAI_AGAIN: "the name cannot be looked up now",
};
