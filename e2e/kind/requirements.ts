// What must be there before anything is made: programs, and a Docker that answers. What is missing is told with how to get it.
import type { Options } from "./options.ts";
import { goOn, runProgram } from "./program.ts";

const programs = {
  docker: {
    args: ["version", "--format", "{{.Server.Version}}"],
    help: "install Docker, start its daemon, and let this user ask it",
  },
  kind: {
    args: ["version"],
    help: "https://kind.sigs.k8s.io/docs/user/quick-start/#installation, or go install sigs.k8s.io/kind@latest",
  },
  kubectl: { args: ["version", "--client"], help: "https://kubernetes.io/docs/tasks/tools/" },
} as const;

/** A sentence for each thing that is missing. */
export async function missingFor({ kubeconfig }: Options): Promise<readonly string[]> {
  const wanted = kubeconfig === undefined ? (["docker", "kind", "kubectl"] as const) : (["kubectl"] as const);
  const found = wanted.map(async (name) => {
    const { args, help } = programs[name];
    try {
      await runProgram(name, args);
      return [];
    } catch (error) {
      goOn();
      const text = error instanceof Error ? error.message : String(error);
      const why = text.includes("ENOENT") ? "is missing" : `does not answer (${text.split("\n").at(-1)})`;
      return [`${name} ${why}: ${help}`];
    }
  });
  return (await Promise.all(found)).flat();
}
