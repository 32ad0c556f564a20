// One way to break a node, in the words of a shell, and what the doctor must say of it. Each is undone again, so that all can follow one
// another on one node.

export interface Breakage {
  /** The check that must find it, and in what words. */
  readonly id: string;
  readonly seen: RegExp;
  /** A problem, where nothing is said. */
  readonly severity?: "problem" | "warning";
  /** What it brings with it. */
  readonly also?: readonly string[];
  /** Where, if not on alpha. */
  readonly at?: string;
  readonly break: string;
  readonly undo: string;
  /** `--fix` mends it; what is then left to undo does no harm. */
  readonly mended?: true;
  /** Before the doctor's command line. */
  readonly within?: readonly string[];
}

export function set(name: string, value: string, before: string): Pick<Breakage, "break" | "undo"> {
  return { break: `echo ${value} > /proc/sys/${name}`, undo: `echo ${before} > /proc/sys/${name}` };
}
