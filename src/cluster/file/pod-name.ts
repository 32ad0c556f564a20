// Names of pods and namespaces as cluster files write them: `shop/web-0`, and a bare `web-0` in the namespace `default`.

export const defaultNamespace = "default";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export function podNameOf(written: string): PodName | { readonly fault: string } {
  const parts = written.split("/");
  const [namespace = "", name = ""] = parts.length === 1 ? [defaultNamespace, written] : parts;
  const why = parts.length > 2 ? "it has more than one slash" : (faultOfNamespace(namespace) ?? faultOfName(name));
  if (why === undefined) return { namespace, name };
  return { fault: `${JSON.stringify(written)} is no pod's name: ${why}; write <namespace>/<name>` };
}

/** RFC 1123, as Kubernetes has it. */
export function faultOfNamespace(name: string): string | undefined {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return undefined;
  return `${JSON.stringify(name)} cannot be a namespace; write at most 63 small letters, digits and hyphens`;
}

/** Wider than in Kubernetes: container engines allow capitals and underscores. */
function faultOfName(name: string): string | undefined {
  if (/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/.test(name)) return undefined;
  return `${JSON.stringify(name)} cannot be a name`;
}
