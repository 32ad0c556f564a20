// What a caller asked for beside "an address": particular addresses, a particular MAC. Each comes with the place it was
// asked for in, because who asked for an address that cannot be had must be told where that was.
import * as v from "valibot";
import { text } from "../config/parse.ts";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress } from "../ip/prefix.ts";

/** Where it was asked for: `runtimeConfig.ips[0]`, `args.cni.ips[1]`, `CNI_ARGS IP`. */
export interface FromPlace {
  readonly from: string;
}

/** An address as the conventions have it: with or without a prefix length, `2001:db8::5` or `10.2.2.42/24`. */
export interface AskedAddress {
  readonly address: Address;
  readonly length?: number;
}

export interface RequestedAddress extends AskedAddress, FromPlace {}

export interface RequestedMac extends FromPlace {
  readonly mac: Mac;
}

/** One place after another, each with what it asks for. */
export interface Places {
  readonly runtimeConfig: { readonly ips?: readonly AskedAddress[]; readonly mac?: Mac };
  readonly args: { readonly ips?: readonly AskedAddress[]; readonly mac?: Mac };
  readonly cniArgs: { readonly ips?: readonly AskedAddress[]; readonly mac?: Mac };
}

/** All addresses of runtimeConfig and args, each once; those of CNI_ARGS only where these two ask for none. */
export function requestedAddresses(places: Places): readonly RequestedAddress[] {
  const preferred = [
    ...(places.runtimeConfig.ips ?? []).map((asked, at) => ({ ...asked, from: `runtimeConfig.ips[${at}]` })),
    ...(places.args.ips ?? []).map((asked, at) => ({ ...asked, from: `args.cni.ips[${at}]` })),
  ];
  if (preferred.length > 0) return eachOnce(preferred);
  return eachOnce((places.cniArgs.ips ?? []).map((asked) => ({ ...asked, from: "CNI_ARGS IP" })));
}

/** The MAC of runtimeConfig, else that of args, else that of CNI_ARGS. */
export function requestedMac(places: Places): RequestedMac | undefined {
  const candidates = [
    { mac: places.runtimeConfig.mac, from: "runtimeConfig.mac" },
    { mac: places.args.mac, from: "args.cni.mac" },
    { mac: places.cniArgs.mac, from: "CNI_ARGS MAC" },
  ];
  for (const { mac, from } of candidates) if (mac !== undefined) return { mac, from };
  return undefined;
}

export function parseAskedAddress(word: string): AskedAddress {
  if (!word.includes("/")) return usable({ address: Address.parse(word) });
  const { address, length } = InterfaceAddress.parse(word);
  return usable({ address, length });
}

export function parseAskedMac(word: string): Mac {
  const mac = Mac.parse(word);
  if (mac.isMulticast) throw new SyntaxError(`${mac} is a group's address; the first byte of an interface's is even`);
  if (mac.isZero) throw new SyntaxError(`${mac} cannot be an interface's address; it is all zero`);
  return mac;
}

export function askedAddress() {
  return text(parseAskedAddress);
}

export function askedAddresses() {
  return v.exactOptional(v.array(askedAddress()));
}

export function askedMac() {
  return v.exactOptional(text(parseAskedMac));
}

function usable(asked: AskedAddress): AskedAddress {
  const { address } = asked;
  const kind = address.isMulticast
    ? "a multicast"
    : address.isLoopback
      ? "a loopback"
      : address.isUnspecified
        ? "the unspecified"
        : undefined;
  if (kind === undefined) return asked;
  throw new SyntaxError(`${address} is ${kind} address, which no container can have`);
}

function eachOnce(all: readonly RequestedAddress[]): readonly RequestedAddress[] {
  return all.filter((one, at) => all.findIndex((other) => other.address.equals(one.address)) === at);
}
