// What policy needs of an object's metadata. Names become parts of keys and counters, so that they are checked; anything else in an
// object is of no concern here.
import * as v from "valibot";
import { openObject, text } from "../config/parse.ts";
import type { Findings } from "./findings.ts";
import { labels } from "./parse-selector.ts";

/** Wider than what Kubernetes allows, because containers outside of it have names as well. */
export function objectName() {
  return text((word) => {
    if (/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/.test(word)) return word;
    throw new SyntaxError(
      `${JSON.stringify(word)} is no name; write at most 253 letters, digits, hyphens and dots, at the ends a letter or digit`,
    );
  });
}

const metadataSchema = openObject({
  metadata: openObject({
    name: objectName(),
    namespace: v.nullish(objectName()),
    uid: v.nullish(v.string()),
    labels: v.nullish(labels(), {}),
    annotations: v.optional(v.unknown()),
  }),
  spec: v.optional(v.unknown()),
  status: v.optional(v.unknown()),
});

export function readMetadata(object: unknown, findings: Findings) {
  const read = findings.read(metadataSchema, object, []);
  if (read === undefined) return undefined;
  const { namespace, uid, ...others } = read.metadata;
  return {
    ...others,
    spec: read.spec,
    status: read.status,
    ...(typeof namespace === "string" ? { namespace } : {}),
    ...(typeof uid === "string" ? { uid } : {}),
  };
}
