// What a reflector has to know of a kind of object: where the API has it, and how one becomes a small value. Only the value stays in
// memory; what cannot be read of an object is said of that object and stops no other.
import * as v from "valibot";
import { describe, pathOf } from "../../config/parse.ts";

export interface Resource<T> {
  /** As in `Node`, for people. */
  readonly kind: string;
  /** As RBAC has it. */
  readonly name: string;
  /** Of the list, as in `/api/v1/nodes`. */
  readonly path: string;
  readonly fieldSelector?: string;
  read(object: unknown, meta: ObjectMeta): Reading<T>;
}

export interface Reading<T> {
  /** Absent where the object is of no use or no concern. */
  readonly value?: T;
  /** What is wrong with the object, each with the field. */
  readonly remarks: readonly string[];
}

/** What tells objects, and their versions, apart. */
export interface ObjectMeta {
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

const metaSchema = v.object({
  metadata: v.object({
    name: v.pipe(v.string(), v.nonEmpty()),
    namespace: v.optional(v.string()),
    uid: v.optional(v.string(), ""),
  }),
});

/** Throws a SyntaxError where this is no object of the API at all. */
export function metaOf(object: unknown): ObjectMeta {
  const parsed = v.safeParse(metaSchema, object);
  if (!parsed.success) throw new SyntaxError("an object has no metadata.name");
  const { name, namespace, uid } = parsed.output.metadata;
  return { name, uid, ...(namespace === undefined ? {} : { namespace }) };
}

const versionSchema = v.object({ metadata: v.object({ resourceVersion: v.pipe(v.string(), v.nonEmpty()) }) });

/** Of an object, a bookmark or a list. */
export function versionOf(object: unknown): string {
  const parsed = v.safeParse(versionSchema, object);
  if (!parsed.success) throw new SyntaxError("an object has no metadata.resourceVersion");
  return parsed.output.metadata.resourceVersion;
}

/** Unique among the objects of one resource. */
export function keyOf({ namespace, name }: ObjectMeta): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Each fault with the field, in a row of remarks. */
export function faultsOfObject(issues: readonly v.BaseIssue<unknown>[]): readonly string[] {
  return issues.map((issue) => `${pathOf(issue.path ?? [])}: ${describe(issue)}; the object is left out`);
}

/** What can be read; otherwise nothing, and a remark. */
export function readable<T>(field: string, remarks: string[], read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    remarks.push(`${field}: ${error.message}; it is left out`);
    return [];
  }
}
