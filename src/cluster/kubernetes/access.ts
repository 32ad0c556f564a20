// How the agent reaches an API server and proves who it is. Credentials rotate while the agent runs (a service account's token within
// the hour, the kubelet's certificate within the year), so they are asked for before every request.

export interface Access {
  /** Throws an ApiFailure where they cannot be had. */
  credentials(request: CredentialsRequest): Promise<Credentials>;
}

export interface CredentialsRequest {
  /** The server did not accept the former ones: nothing that was kept may be used. */
  readonly anew: boolean;
}

export interface Credentials {
  /** Base addresses of API servers, the preferred one first. */
  readonly servers: readonly URL[];
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  /** Through which servers are reached. */
  readonly proxy?: string;
}

/** As node:tls names them. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}
