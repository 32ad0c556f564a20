// `hextetctl completion`: what a shell needs so that it completes commands and options. Each shell's script asks this program, by the hidden
// command `complete`, what may follow; so the table of commands is the only place that knows.
import { type Command, type Option, UsageError } from "./command.ts";

const scripts = {
  bash: `_hextetctl() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(hextetctl complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hextetctl hextetctl`,
  zsh: `#compdef hextetctl
_hextetctl() {
  local -a words_there
  words_there=(\${(f)"$(hextetctl complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#words_there} )); then compadd -- $words_there; else _files; fi
}
# As a file in fpath this is the function's body, read when it is called first; sourced, it only declares it.
if [[ \${funcstack[1]} == _hextetctl ]]; then _hextetctl; else compdef _hextetctl hextetctl; fi`,
  fish: `function __hextetctl_complete
  set -l given (commandline -opc) (commandline -ct)
  set -l words (hextetctl complete -- $given[2..-1] 2>/dev/null)
  if set -q words[1]; printf '%s\\n' $words; else; __fish_complete_path (commandline -ct); end
end
complete -c hextetctl -f -a '(__hextetctl_complete)'`,
} as const;
type Shell = keyof typeof scripts;

export const completionCommand: Command = {
  name: "completion",
  summary: "print what a shell needs to complete commands and options",
  operands: "bash|zsh|fish",
  examples: [
    ["completion bash > /etc/bash_completion.d/hextetctl", "for every bash from now on"],
    ["completion zsh > /usr/share/zsh/site-functions/_hextetctl", "for zsh"],
    ["completion fish > /etc/fish/completions/hextetctl.fish", "for fish"],
  ],
  run(call) {
    const [word, ...more] = call.operands;
    if (word === undefined || !isShell(word) || more.length > 0) {
      throw new UsageError(`completion needs a shell: ${Object.keys(scripts).join(", ")}`);
    }
    call.print(scripts[word]);
    return 0;
  },
};

function isShell(word: string): word is Shell {
  return Object.hasOwn(scripts, word);
}

/** Its operands are the words after the program's name, the last of them being written. */
export function completeCommand(commands: readonly Command[]): Command {
  return {
    name: "complete",
    summary: "print what may follow",
    operands: "WORD...",
    verbatim: true,
    hidden: true,
    run(call) {
      for (const word of candidates(commands, call.operands)) call.print(word);
      return 0;
    },
  };
}

/** What the last of the words may become. */
export function candidates(commands: readonly Command[], given: readonly string[]): readonly string[] {
  const current = given.at(-1) ?? "";
  const before = given.slice(0, -1);
  return possible(commands, before, current).filter((word) => word.startsWith(current));
}

function possible(commands: readonly Command[], before: readonly string[], current: string): readonly string[] {
  const shown = commands.filter(({ hidden }) => hidden === undefined);
  const [first, second] = before;
  if (first === undefined) return [...firstWords(shown), "help"];
  if (first === "help") return before.length === 1 ? firstWords(shown) : secondWords(shown, second ?? "");
  const command = shown.find(({ name }) => name === `${first} ${second}`) ?? shown.find(({ name }) => name === first);
  if (command === undefined) return before.length === 1 ? secondWords(shown, first) : [];
  const taking = optionNamed(command, before.at(-1) ?? "");
  if (taking?.value !== undefined) return taking.choices ?? [];
  if (current.startsWith("-")) return optionsOf(command);
  const behind = before.length === 1 ? secondWords(shown, first) : [];
  return command.name === "completion" ? Object.keys(scripts) : behind;
}

function optionNamed({ options = {} }: Command, word: string): Option | undefined {
  return Object.entries(options).find(([name, { short }]) => word === `--${name}` || word === `-${short}`)?.[1];
}

function optionsOf({ options = {} }: Command): readonly string[] {
  return [...Object.keys(options).map((name) => `--${name}`), "--help"];
}

function firstWords(commands: readonly Command[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? name))];
}

function secondWords(commands: readonly Command[], first: string): readonly string[] {
  return commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : []));
}
