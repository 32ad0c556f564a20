// What a node may be called, in cluster files and in the agent's own configuration.

/** Why this cannot be a node's name; absent where it can: a host name (RFC 1123), with the underscore people use all the same. */
export function faultOfNodeName(name: string): string | undefined {
  if (name.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name)) return undefined;
  return `${JSON.stringify(name)} cannot be a node's name; write letters, digits, dots and hyphens, as in node-1`;
}
