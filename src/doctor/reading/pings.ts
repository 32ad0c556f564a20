// One ping as a value: what was answered, by whom, in the words of iputils. https://github.com/iputils/iputils
import type { Address } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isGone } from "../../netlink/kernel-error.ts";

export interface PingOptions {
  readonly link?: string;
  /** Of the whole packet, which must not be cut up. */
  readonly bytes?: number;
  readonly hopLimit?: number;
}

export interface PingResult {
  readonly answered: boolean;
  /** The first error that came instead. */
  readonly error?: { readonly from: string; readonly words: string };
}

/** A lost packet is no fault yet: it is asked again until then. */
const secondsToWait = 2;
const headers = { v6: 40 + 8, v4: 20 + 8 } as const;

export async function ping(kernel: Kernel, address: Address, options: PingOptions = {}): Promise<PingResult> {
  const { link, bytes, hopLimit } = options;
  const args = [
    address.family === "v6" ? "-6" : "-4",
    "-n",
    "-c1",
    `-w${secondsToWait}`,
    "-i0.5",
    ...(link === undefined ? [] : ["-I", link]),
    ...(bytes === undefined ? [] : ["-M", "do", "-s", `${bytes - headers[address.family]}`]),
    ...(hopLimit === undefined ? [] : ["-t", `${hopLimit}`]),
    `${address}`,
  ];
  try {
    const { code, stdout, stderr } = await kernel.run("ping", args, { timeoutMs: (secondsToWait + 5) * 1000 });
    const error = errorIn(`${stdout}\n${stderr}`);
    return { answered: code === 0 && / bytes from /.test(stdout), ...(error === undefined ? {} : { error }) };
  } catch (error) {
    if (!isGone(error)) throw error;
    throw new Error("ping is not installed: install the Debian package iputils-ping");
  }
}

/** `From 2001:db8::1 icmp_seq=1 Time exceeded: Hop limit`, or a refusal by this host itself. */
export function errorIn(output: string): PingResult["error"] {
  const [, from, words] = /^From (\S+?):? icmp_seq=\d+ (.+)$/m.exec(output) ?? [];
  if (from !== undefined && words !== undefined) return { from, words };
  const [, local] = /(message too long.*|Network is unreachable|Operation not permitted)/i.exec(output) ?? [];
  return local === undefined ? undefined : { from: "", words: local };
}

export function isTooBig({ error }: PingResult): boolean {
  return error !== undefined && /too big|too long|frag needed/i.test(error.words);
}
