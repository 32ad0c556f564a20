// What nft prints with `-j` (man 5 libnftables-json), taken apart without believing anything: what is not there is empty.

/** Each object of a listing, by its kind: `{ "rule": … }`. */
export function listedObjects(text: string): readonly Readonly<Record<string, unknown>>[] {
  return listOf(fieldOf(JSON.parse(text), "nftables")).map(recordOf);
}

export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

export function fieldOf(value: unknown, name: string): unknown {
  return recordOf(value)[name];
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
