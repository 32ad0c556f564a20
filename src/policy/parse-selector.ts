// Labels and label selectors as Kubernetes writes them. An expression that is not understood is left out, which makes a selector match
// more than was meant: whoever reads one is told and must stay on the closed side.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/
import * as v from "valibot";
import { closedObject } from "../config/parse.ts";
import type { Findings } from "./findings.ts";
import type { Expression, Labels, Selector } from "./network-policy.ts";

export const everything: Selector = { labels: {}, expressions: [] };

/** Not v.record(): that leaves out keys like `constructor`, which are labels like any other. */
export function labels() {
  return v.pipe(
    v.custom<object>(
      (input) => typeof input === "object" && input !== null && !Array.isArray(input),
      "it is not a map of labels",
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }): Labels => {
      const strangers = Object.entries(dataset.value).filter(([, value]) => typeof value !== "string");
      for (const [key, value] of strangers) {
        const item = { type: "unknown", origin: "value", input: dataset.value, key, value } as const;
        const written = value === null ? "nothing" : JSON.stringify(value);
        addIssue({ message: `${written} is not a string; put it in quotes`, path: [item] });
      }
      return strangers.length > 0 ? NEVER : Object.fromEntries(Object.entries(dataset.value));
    }),
  );
}

const words = v.pipe(v.nullish(v.array(v.string()), []));
const label = v.pipe(v.string(), v.nonEmpty("it is empty; write the key of a label"));

const expressionSchema = v.pipe(
  closedObject({ key: label, operator: v.picklist(["In", "NotIn", "Exists", "DoesNotExist"]), values: words }),
  v.rawTransform(({ dataset, addIssue, NEVER }): Expression => {
    const { key, operator, values } = dataset.value;
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && values.length > 0) return { key, operator, values };
    if (!takesValues && values.length === 0) return { key, operator };
    const message = takesValues
      ? `${operator} needs values; write at least one`
      : `${operator} takes no values; leave them out`;
    addIssue({
      message,
      path: [{ type: "unknown", origin: "value", input: dataset.value, key: "values", value: values }],
    });
    return NEVER;
  }),
);

const selectorParts = { matchLabels: v.optional(v.unknown()), matchExpressions: v.optional(v.unknown()) };

export interface ReadSelector {
  /** Matches at least what was meant. */
  readonly selector: Selector;
  /** Whether it matches nothing else. */
  readonly isWhole: boolean;
}

/** Absent and null stand for the empty selector, as in the API. */
export function readSelector(part: unknown, at: readonly (string | number)[], findings: Findings): ReadSelector {
  const before = findings.faults.length;
  const members = partsOf(part ?? {}, at, findings);
  const matchLabels = findings.read(v.nullish(labels(), {}), members.matchLabels, [...at, "matchLabels"]);
  const list = findings.read(v.nullish(v.array(v.unknown()), []), members.matchExpressions, [
    ...at,
    "matchExpressions",
  ]);
  const expressions = (list ?? []).map((each, index) =>
    findings.read(expressionSchema, each, [...at, "matchExpressions", index]),
  );
  const selector = { labels: matchLabels ?? {}, expressions: expressions.filter((each) => each !== undefined) };
  return { selector, isWhole: findings.faults.length === before };
}

function partsOf(part: unknown, at: readonly (string | number)[], findings: Findings) {
  const members = findings.read(closedObject(selectorParts), part, at);
  if (members !== undefined) return members;
  // Beside a key nobody knows, those that are known still narrow the selector.
  const isMap = typeof part === "object" && part !== null && !Array.isArray(part);
  const known: Partial<Record<keyof typeof selectorParts, unknown>> = isMap ? part : {};
  return { matchLabels: known.matchLabels, matchExpressions: known.matchExpressions };
}
