// Whether a set in the kernel holds what it is to hold. Programs print addresses a little differently than we do, and may print prefixes
// that touch as one range: so prefixes are compared by the addresses they cover.
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";

/** How many are missing and how many are too many; nothing where none. */
export function compareElements(wanted: ReadonlySet<string>, found: readonly string[]): string | undefined {
  const spelled = new Set(found.map((element) => (wanted.has(element) ? element : respelled(element))));
  const missing = [...wanted].filter((element) => !spelled.has(element)).length;
  const foreign = [...spelled].filter((element) => !wanted.has(element)).length;
  return missing + foreign === 0 ? undefined : `${missing} elements are missing and ${foreign} are not ours`;
}

/** With addresses as we print them: one alone, two of a pair, one of an endpoint (`fd00::1,tcp:80`), one and a chain behind a blank. */
export function respelled(element: string): string {
  const [, separator = ""] = /([, ])/.exec(element) ?? [];
  if (separator === "") return Address.parse(element).toString();
  const [first = "", second = ""] = element.split(separator);
  const isPair = separator === "," && !/^[a-z]+:\d+$/.test(second);
  return `${Address.parse(first)}${separator}${isPair ? Address.parse(second) : second}`;
}

/** First and last address. */
export type Span = readonly [first: bigint, last: bigint];

export function spanOf(prefix: string): Span {
  if (!prefix.includes("/")) return addressSpan(prefix);
  const { first, last } = Prefix.parse(prefix);
  return [first.value, last.value];
}

export function addressSpan(first: string, last = first): Span {
  return [Address.parse(first).value, Address.parse(last).value];
}

export function compareSpans(wanted: readonly Span[], found: readonly Span[]): string | undefined {
  return spansText(wanted) === spansText(found) ? undefined : "it does not cover the prefixes that it is to cover";
}

function spansText(spans: readonly Span[]): string {
  const joined: [bigint, bigint][] = [];
  for (const [first, last] of spans.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1n) before[1] = before[1] > last ? before[1] : last;
    else joined.push([first, last]);
  }
  return joined.join(" ");
}
