// A fault in something a person wrote: a network configuration, an agent file, an argument. It names the key, says what
// is wrong with its value, and how to write it right.

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Where the fault is, as in `ipam.ranges[0][1].subnet`; empty when it is in the document as a whole. */
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(path === "" ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}
