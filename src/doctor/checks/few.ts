// The first of many, so that a sentence stays one.

export function few(texts: readonly string[]): string {
  const more = texts.length > 3 ? ` and ${texts.length - 3} more` : "";
  return `${texts.slice(0, 3).join(", ")}${more}`;
}
