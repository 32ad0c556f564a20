// What a page in Markdown refers to, and by which names its headings can be referred to. Only what this repository writes is read: links
// in brackets and parentheses, headings with hashes; names of headings are made as GitHub makes them.

export interface Link {
  readonly line: number;
  /** As it is written: a path, with or without the name of a heading, or that alone after a `#`. */
  readonly target: string;
}

/** Links to other pages and files; those to the world outside are left out, and so is what stands in code. */
export function linksOf(text: string): readonly Link[] {
  return withoutCode(text).flatMap((content, at) =>
    [...content.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target = ""]) =>
      /^[a-z]+:/.test(target) ? [] : [{ line: at + 1, target }],
    ),
  );
}

/** The names of a page's headings; one that comes again gets a number. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of withoutCode(text)) {
    const [, heading] = /^#{1,6} +(.*?) *$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const name = anchorOf(heading);
    const again = [...anchors].filter((each) => each === name || new RegExp(`^${name}-\\d+$`).test(each)).length;
    anchors.add(again === 0 ? name : `${name}-${again}`);
  }
  return anchors;
}

function anchorOf(heading: string): string {
  const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return shown
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

/** Lines of the page, those between fences empty. */
function withoutCode(text: string): readonly string[] {
  let inside = false;
  return text.split("\n").map((line) => {
    const fence = line.trimStart().startsWith("```");
    if (fence) inside = !inside;
    return fence || inside ? "" : line;
  });
}
