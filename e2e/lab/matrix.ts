// Who reaches whom: every endpoint pings every other, each address of it, all at the same time, and the answers as a table per
// family. Measuring and printing are apart; what should be reached is for the caller to say.
import { type Address, type Family, families, familyName } from "../../src/ip/address.ts";
import { table } from "../table.ts";
import { type Place, run } from "./namespaces.ts";

export interface Endpoint {
  readonly name: string;
  readonly place: Place;
  readonly addresses: readonly Address[];
}

/** One question and its answer. */
export interface Ping {
  readonly from: string;
  readonly to: string;
  readonly address: Address;
  readonly reached: boolean;
}

/**
 * Asks again every 0.2 s for 2 s, so that a lost first packet is no fault, and what answers does so at once. Arguments: addresses;
 * it prints those that answered.
 */
const script = `
for address; do
  { ping -n -q -c 1 -w 2 -i 0.2 "$address" >/dev/null 2>&1 && echo "$address"; } &
done
wait
`;

/** More than these tell no more. */
const failuresTold = 10;

/** Every source asks every address of all the others, as far as it has that family itself. */
export async function pingAll(
  sources: readonly Endpoint[],
  targets: readonly Endpoint[] = sources,
): Promise<readonly Ping[]> {
  const rows = await Promise.all(sources.map((source) => pingFrom(source, targets)));
  return rows.flat();
}

async function pingFrom(source: Endpoint, targets: readonly Endpoint[]): Promise<Ping[]> {
  const own = new Set(source.addresses.map(({ family }) => family));
  const others = targets.filter(({ name }) => name !== source.name);
  const wanted = others.flatMap(({ name, addresses }) => addresses.map((address) => ({ to: name, address })));
  const asked = wanted.filter(({ address }) => own.has(address.family));
  if (asked.length === 0) return [];
  const answer = await run(source.place, ["sh", "-c", script, "sh", ...asked.map(({ address }) => `${address}`)]);
  const reached = new Set(answer.split("\n"));
  return asked.map((each) => ({ from: source.name, ...each, reached: reached.has(`${each.address}`) }));
}

/** A table per family there is, sources down and targets across, and below them what did not answer. */
export function printMatrix(pings: readonly Ping[]): string {
  const parts = families.flatMap((family) => {
    const ofFamily = pings.filter(({ address }) => address.family === family);
    return ofFamily.length === 0 ? [] : [printFamily(family, ofFamily)];
  });
  return [...parts, summaryOf(pings)].join("\n\n");
}

function summaryOf(pings: readonly Ping[]): string {
  const failed = pings.filter(({ reached }) => !reached);
  if (failed.length === 0) return `All ${pings.length} pings were answered.`;
  const told = failed.slice(0, failuresTold).map(({ from, to, address }) => `  ${from} to ${to} at ${address}`);
  const more = failed.length > failuresTold ? [`  and ${failed.length - failuresTold} more`] : [];
  return [`${failed.length} of ${pings.length} pings were not answered:`, ...told, ...more].join("\n");
}

function printFamily(family: Family, pings: readonly Ping[]): string {
  const sources = [...new Set(pings.map(({ from }) => from))];
  const targets = [...new Set(pings.map(({ to }) => to))];
  // In the order of the sources, so that the table's diagonal is what is not asked.
  const across = [
    ...sources.filter((each) => targets.includes(each)),
    ...targets.filter((each) => !sources.includes(each)),
  ];
  const rows = sources.map((from) => {
    return [from, ...across.map((to) => cellOf(pings.filter((each) => each.from === from && each.to === to)))];
  });
  return table([[`${familyName(family)} from`, ...across], ...rows]);
}

/** Of all addresses a target has in the family. */
function cellOf(pings: readonly Ping[]): string {
  if (pings.length === 0) return "-";
  return pings.every(({ reached }) => reached) ? "yes" : pings.some(({ reached }) => reached) ? "part" : "NO";
}
