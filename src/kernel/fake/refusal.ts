// What the fake kernel answers instead of doing it: an errno, and the words Linux has for it where it has any.

export class Refusal extends Error {
  override readonly name = "Refusal";
  /** ENOENT, EEXIST and so on. */
  readonly code: string;
  /** As in the extended acknowledgement. */
  readonly detail: string | undefined;

  constructor(code: string, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

export function refuse(code: string, detail?: string): never {
  throw new Refusal(code, detail);
}
