// What `pods`, `nodes` and `leases` are asked for, from the words of the command line.
import { isFound, parseSearch, type Search, type Searched } from "../../src/inspect/search.ts";
import { type Call, UsageError } from "./command.ts";

/** What each command that looks for something takes. */
export const searchOperands = "[ADDRESS|PREFIX|NAMESPACE/POD|NAME]...";

/** All of the words must fit. */
export function searchOf({ operands }: Pick<Call, "operands">): (one: Searched) => boolean {
  const searches = operands.map(readSearch);
  return (one) => searches.every((search) => isFound(search, one));
}

export function readSearch(word: string): Search {
  try {
    return parseSearch(word);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

/** So that a script sees that there was nothing: grep's exit codes. */
export function codeOf(found: readonly unknown[], { operands }: Pick<Call, "operands">): number {
  return found.length === 0 && operands.length > 0 ? 1 : 0;
}
