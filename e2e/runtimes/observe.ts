// What the tests look at in a machine: the addresses a container really has, the result its runtime keeps, whether addresses and
// ports answer, and everything a departed container could have left behind.
import { readdirSync } from "node:fs";
import * as v from "valibot";
import type { Machine } from "./machine.ts";

/** A container as any of the runtimes gives it to the tests. */
export interface Container {
  /** CNI_CONTAINERID. */
  readonly id: string;
  /** The path of its network namespace in the machine. */
  readonly netns: string;
  /** Runs a program in the container; rejects where it fails. */
  readonly run: (...command: readonly string[]) => Promise<string>;
}

const addressList = v.array(
  v.object({
    ifname: v.optional(v.string()),
    addr_info: v.array(
      v.object({ local: v.string(), prefixlen: v.number(), scope: v.string(), tentative: v.optional(v.boolean()) }),
    ),
  }),
);

/** Every address of the container beyond lo and link-local ones, sorted; a tentative one is said to be. */
export async function addressesOf(machine: Machine, container: Container): Promise<string[]> {
  const text = await machine.run("env", ...entering(container), "ip", "-json", "address");
  const links = v.parse(addressList, JSON.parse(text)).filter(({ ifname }) => ifname !== "lo");
  const addresses = links.flatMap(({ addr_info }) => addr_info).filter(({ scope }) => scope === "global");
  return addresses.map((each) => `${each.local}/${each.prefixlen}${each.tentative ? " tentative" : ""}`).sort();
}

export function withoutLength(address: string): string {
  return address.slice(0, address.indexOf("/"));
}

const cachedResult = v.object({
  containerId: v.string(),
  ifName: v.string(),
  result: v.object({ ips: v.array(v.object({ address: v.string() })) }),
});

/** The addresses of the result libcni keeps for CHECK and DEL, sorted. */
export function resultOf(machine: Machine, network: string, container: Container): string[] {
  const text = machine.read(`/var/lib/cni/results/${network}-${container.id}-eth0`);
  return v
    .parse(cachedResult, JSON.parse(text))
    .result.ips.map(({ address }) => address)
    .sort();
}

/** The results libcni still keeps, by file name. */
export function keptResults(machine: Machine): string[] {
  return machine.has("/var/lib/cni/results") ? readdirSync(machine.path("/var/lib/cni/results")) : [];
}

/** Which of the addresses do not answer this container; the time allows for duplicate address detection on a new bridge. */
export async function unanswered(container: Pick<Container, "run">, addresses: readonly string[]): Promise<string[]> {
  const failures: string[] = [];
  for (const address of addresses) {
    const version = address.includes(":") ? "-6" : "-4";
    await container.run("ping", version, "-c1", "-w5", address).catch(() => failures.push(address));
  }
  return failures;
}

/** What a web server answers, asked from the machine itself, from its neighbor, or out of a container's namespace. */
export async function fetchFrom(
  machine: Machine,
  where: "machine" | "neighbor" | Container,
  address: string,
  port: number,
) {
  // busybox's own wget dies of a segmentation fault where it is linked statically; bash is on every Debian.
  const request = `exec 3<>/dev/tcp/${address}/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  const answer = await machine.run("env", ...entering(where), "timeout", "5", "bash", "-c", request);
  return answer.slice(answer.indexOf("\r\n\r\n")).trim();
}

function entering(where: "machine" | "neighbor" | Container): string[] {
  if (where === "machine") return [];
  if (where === "neighbor") return ["ip", "netns", "exec", "neighbor"];
  return ["nsenter", `--net=${where.netns}`];
}

const looks = [
  "ip -oneline link | sed 's/^[0-9]*: \\([^@:]*\\).*/link \\1/'",
  "ip -oneline address | sed 's/^[0-9]*: \\(.*\\)\\\\.*/address \\1/; s/ tentative//'",
  // Whether a link has a carrier is known a moment after it is up.
  "{ ip -4 route show table all; ip -6 route show table all; } | sed 's/ linkdown//'",
  "ip -4 rule; ip -6 rule",
  "ip neighbor show nud permanent; ip -4 neighbor show proxy; ip -6 neighbor show proxy",
  "tc qdisc show; nft list tables",
  "iptables-save | grep '^-A'; ip6tables-save | grep '^-A'",
  "ls /run/netns",
];

/** Made by the kernel itself out of addresses or for every link, and the tables iptables makes when it is first asked. */
const madeByKernel = / proto kernel | dev lo |^qdisc noqueue |^multicast |^table ip6? (filter|mangle|nat|raw)$/;

/** Everything a container can leave behind in the kernel, one thing a line. */
export async function footprint(machine: Machine): Promise<string[]> {
  const text = await machine.run("sh", "-c", looks.join(";"));
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !madeByKernel.test(line)).sort();
}
