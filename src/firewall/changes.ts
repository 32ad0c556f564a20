// What differs between the sets and chains of two rulesets, as plain lists. Printers turn them into commands; content that is the very
// same object is taken as the same without a look, which makes the difference as cheap as what changed.

export interface ElementChanges<T> {
  readonly added: readonly T[];
  readonly removed: readonly string[];
}

const none = { added: [], removed: [] };

export function elementChanges(before: ReadonlySet<string>, after: ReadonlySet<string>): ElementChanges<string> {
  if (before === after) return none;
  return {
    added: [...after].filter((element) => !before.has(element)),
    removed: [...before].filter((element) => !after.has(element)),
  };
}

/** An element that leads to another chain than before is removed and added. */
export function mappingChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ElementChanges<readonly [string, string]> {
  if (before === after) return none;
  return {
    added: [...after].filter(([address, chain]) => before.get(address) !== chain),
    removed: [...before].flatMap(([address, chain]) => (after.get(address) === chain ? [] : [address])),
  };
}

export interface NameChanges {
  readonly added: readonly string[];
  readonly kept: readonly string[];
  readonly removed: readonly string[];
}

interface Names {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

export function nameChanges(before: Names, after: Names): NameChanges {
  const names = [...after.keys()];
  return {
    added: names.filter((name) => !before.has(name)),
    kept: names.filter((name) => before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  };
}

/** What is not known is the same as nothing. */
export function sameLines(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one === other || (one?.length === other.length && one.every((line, at) => line === other[at]));
}
