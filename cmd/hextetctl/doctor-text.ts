// A diagnosis for people and for programs: problems first, then warnings, and what is well in one line. Pure.
import type { Diagnosis, Found } from "../../src/doctor/diagnosis.ts";
import { commandOf, isSafe, type Remedy } from "../../src/doctor/finding.ts";
import type { Mended } from "../../src/doctor/mending.ts";
import { type Color, facts, paint, type Style } from "./table.ts";

const colors = { problem: "red", warning: "yellow" } as const satisfies Record<Found["severity"], Color>;

export function describeDiagnosis(diagnosis: Diagnosis, style: Style): string {
  const { findings, well, unseen } = diagnosis;
  const parts = findings.map((found) => describeFinding(found, style));
  const reasons = Map.groupBy(unseen, ({ why }) => why);
  const dark = [...reasons].map(
    ([why, all]) => `${paint(style, "yellow", "not seen")}  ${all.map(({ id }) => id).join(", ")}: ${why}`,
  );
  const fine = well.length === 0 ? [] : [`${paint(style, "green", "well")}  ${well.join(", ")}`];
  return [...parts, ...dark, ...fine, summaryOf(diagnosis)].join("\n\n");
}

function describeFinding({ check, severity, seen, remedies }: Found, style: Style): string {
  const heading = `${paint(style, colors[severity], severity.toUpperCase())}  ${paint(style, "bold", check.id)}`;
  const does = remedies.map((remedy, at): [string, string] => [at === 0 ? "do" : "", lineOf(remedy)]);
  return `${heading}\n${indented(facts([["seen", seen], ["why", check.why], ...does]))}`;
}

function lineOf(remedy: Remedy): string {
  return isSafe(remedy) ? `${commandOf(remedy)}   (doctor --fix does it)` : commandOf(remedy);
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

function summaryOf({ findings, well, unseen }: Diagnosis): string {
  const problems = findings.filter(({ severity }) => severity === "problem").length;
  const parts = [
    counted(problems, "problem"),
    counted(findings.length - problems, "warning"),
    `${counted(well.length, "check")} found nothing`,
    ...(unseen.length === 0 ? [] : [`${unseen.length} could not look`]),
  ];
  return parts.join(", ");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function describeMended(mended: readonly Mended[], style: Style): string {
  return mended
    .map(({ command, failure }) =>
      failure === undefined
        ? `${paint(style, "green", "done")}    ${command}`
        : `${paint(style, "red", "failed")}  ${command}: ${failure}`,
    )
    .join("\n");
}

/** Its keys are promised by docs/doctor.md. */
export function valueOf({ findings, well, unseen }: Diagnosis) {
  return {
    findings: findings.map(({ check, severity, seen, remedies }) => ({
      id: check.id,
      severity,
      seen,
      why: check.why,
      remedies: remedies.map((remedy) => ({ command: commandOf(remedy), safe: isSafe(remedy) })),
    })),
    well,
    unseen,
  };
}
