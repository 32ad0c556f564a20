// The values that configurations are made of, as valibot schemas: each reads a text into a value of src/ip, or checks a
// name. Every other schema of the project is put together from these.
import * as v from "valibot";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { text } from "./parse.ts";

/** `2001:db8::1` */
export function address() {
  return text((word) => Address.parse(word));
}

/** `2001:db8::/64`; host bits are refused. */
export function prefix() {
  return text((word) => Prefix.parse(word));
}

/** `2001:db8::1/64`; host bits belong to it. */
export function interfaceAddress() {
  return text((word) => InterfaceAddress.parse(word));
}

export function mac() {
  return text((word) => Mac.parse(word));
}

export function interfaceName() {
  return text((name) => {
    const why = faultOfInterfaceName(name);
    if (why !== undefined) throw new SyntaxError(`${JSON.stringify(name)} cannot be an interface name: ${why}`);
    return name;
  });
}

/** A whole number within these bounds. */
export function integer(least: number, most: number) {
  return v.pipe(
    v.number(),
    v.check(
      (number) => Number.isInteger(number) && number >= least && number <= most,
      (issue) => `${issue.received} is not a whole number from ${least} to ${most}`,
    ),
  );
}

/** Why the kernel would not take the name (dev_valid_name in net/core/dev.c), or would not take it literally. */
export function faultOfInterfaceName(name: string): string | undefined {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0) return "it is empty";
  if (bytes.length > 15) return `it has ${bytes.length} bytes, and the kernel takes at most 15`;
  if (name === "." || name === "..") return "it is the name of a directory";
  // Below /proc/sys/net, where a link has its settings under its name.
  if (name === "all" || name === "default") return "it is what the kernel calls the settings of all links";
  if (/[/:]/.test(name)) return "it contains / or :";
  // The kernel's isspace() looks at bytes and counts 0xa0, which occurs inside UTF-8 sequences.
  if (bytes.some((byte) => byte <= 0x20 || byte === 0x7f || byte === 0xa0))
    return "it contains white space or a control character";
  if (name.includes("%")) return "it contains %, which the kernel replaces by a number";
  return undefined;
}
