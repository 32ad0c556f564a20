// An address and a port to listen on, as people write it: an IPv6 address in brackets.
import { Address } from "../ip/address.ts";

const example = "[::]:16128";

export class Endpoint {
  readonly address: Address;
  readonly port: number;

  constructor(address: Address, port: number) {
    this.address = address;
    this.port = port;
  }

  static parse(text: string): Endpoint {
    const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d+)$/.exec(text) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) throw fault(text, fixOf(text));
    const address = Address.parse(host);
    if (address.family === "v4" && bracketed !== undefined) {
      throw fault(text, `only an IPv6 address stands in brackets; write ${address}:${digits}`);
    }
    const port = Number(digits);
    if (port < 1 || port > 65535 || digits.startsWith("0")) {
      throw fault(text, `its port ${digits} is not a number from 1 to 65535`);
    }
    return new Endpoint(address, port);
  }

  equals(other: Endpoint): boolean {
    return this.port === other.port && this.address.equals(other.address);
  }

  toString(): string {
    return this.address.withPort(this.port);
  }

  toJSON(): string {
    return this.toString();
  }
}

/** What to write instead, as near as possible to what was meant. */
function fixOf(text: string): string {
  const end = text.lastIndexOf(":");
  const [host, port] = [text.slice(0, Math.max(end, 0)), text.slice(end + 1)];
  if (/^:?\d+$/.test(text)) return `write an address before the port: [::]:${port} for all of the host`;
  if (isAddress(text, "v4")) return `it has no port; write ${text}:16128`;
  if (/^\[.*\]$/.test(text)) return `it has no port; write ${text}:16128`;
  if (/^\d{1,5}$/.test(port) && isAddress(host, "v6")) {
    return `an IPv6 address stands in brackets; write [${host}]:${port}`;
  }
  return `write an IPv6 address in brackets and a port, as in ${example}`;
}

function isAddress(text: string, family: "v4" | "v6"): boolean {
  try {
    return Address.parse(text).family === family;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function fault(text: string, why: string): SyntaxError {
  return new SyntaxError(`${JSON.stringify(text)} cannot be listened on: ${why}`);
}
