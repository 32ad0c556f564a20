// Results of reading what comes again and again: a node's networks are few, and a runtime sends the same configuration with every call.

/** The same function, which keeps its last results. It must be pure, its result immutable, and its input JSON; what it throws is not kept. */
export function remembered<A, T>(read: (input: A) => T, limit = 16): (input: A) => T {
  const results = new Map<string, { readonly result: T }>();
  return (input) => {
    const key = JSON.stringify(input);
    const known = results.get(key);
    if (known !== undefined) return known.result;
    const result = read(input);
    const [oldest] = results.keys();
    if (results.size === limit && oldest !== undefined) results.delete(oldest);
    results.set(key, { result });
    return result;
  };
}
