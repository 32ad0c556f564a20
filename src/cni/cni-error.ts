// An error as the specification prints it: a code of its table, one sentence, and details. Everything a plugin throws
// becomes one of these in a single place, report.ts.

/** Reasons and their codes: the specification's table, and ours from 100 on. */
export const reasonCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  undecodable: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  notAvailableLimited: 51,
  kernel: 100,
  addressUnavailable: 101,
  rangeExhausted: 102,
  interfaceExists: 103,
  badNamespace: 104,
  store: 105,
  delegateFailed: 106,
  checkFailed: 107,
  addressInUse: 108,
  portTaken: 109,
  internal: 999,
} as const;
export type Reason = keyof typeof reasonCodes;

export interface CniErrorOptions extends ErrorOptions {
  readonly details?: string;
  /** In place of the reason's code: the code another plugin gave. */
  readonly code?: number;
}

export class CniError extends Error {
  override readonly name = "CniError";
  readonly reason: Reason;
  readonly code: number;
  readonly details?: string;

  constructor(reason: Reason, message: string, options: CniErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.reason = reason;
    this.code = options.code ?? reasonCodes[reason];
    if (options.details !== undefined) this.details = options.details;
  }
}
