"""Completion for bash, zsh and fish: a script for each, made from the parser, that asks nothing of derive when it runs.

Owns `completion_script`.  May import: arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from derive.arguments import Argument, Command, commands, top_options


def completion_script(shell: str) -> str:
    """The script for bash, zsh or fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands(), top_options())


def quoted(text: str) -> str:
    r"""A word of a shell script.

    >>> print(quoted("somebody's"))
    'somebody'\''s'
    """
    return "'" + text.replace("'", "'\\''") + "'"


def filled(template: str, **parts: Iterable[str]) -> str:
    """A script with lines in place of its @marks@, each as deep as the mark; a mark inside a line is one line itself."""
    made = []
    for line in template.splitlines():
        mark = line.strip().strip("@")
        if line.strip() == f"@{mark}@":
            indent = line[: line.index("@")]
            made += [indent + part for part in parts[mark]]
        else:
            made.append(re.sub(r"@(\w+)@", lambda found: "".join(parts[found[1]]), line))
    return "\n".join(made) + "\n"


def valued(all_commands: Iterable[Command]) -> list[str]:
    """The flags behind which a value stands, in whatever command."""
    return sorted({flag for c in all_commands for option in c.options if option.metavar for flag in option.flags})


# --- bash -----------------------------------------------------------------------------------------------------------------

BASH = """# bash completion for derive
_derive() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local command= place=0 k words= files=
    if [[ $word == "=" ]]; then word=; elif [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
    for ((k = 1; k < COMP_CWORD; k++)); do
        case ${COMP_WORDS[k]} in
            @valued@) if [[ ${COMP_WORDS[k+1]} == "=" ]]; then ((k += 2)); else ((k += 1)); fi ;;
            -?*) ;;
            *) if [[ -z $command ]]; then command=${COMP_WORDS[k]}; else ((place += 1)); fi ;;
        esac
    done
    case "$command $before" in
        @values@
        *)
            if [[ $word == -* ]]; then
                case "$command" in
                    @flags@
                esac
            else
                case "$command $place" in
                    @places@
                esac
            fi ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        local IFS=$'\\n'
        COMPREPLY+=($(compgen -f -- "$word"))
    fi
}
complete -F _derive derive
"""


def _bash(all_commands: tuple[Command, ...], top: tuple[Argument, ...]) -> str:
    def setting(argument: Argument) -> str:
        return f"words={quoted(' '.join(argument.words))} files={'1' if argument.files else ''} ;;"

    def flags(options: Iterable[Argument]) -> str:
        return f"words={quoted(' '.join(flag for option in options for flag in option.flags))} ;;"

    takers = [(command, option) for command in all_commands for option in command.options if option.metavar]
    places = [(f'"{c.name} {place}"', argument) for c in all_commands for place, argument in enumerate(c.positional)]
    return filled(
        BASH,
        valued=["|".join(valued(all_commands))],
        values=["|".join(f'"{c.name} {flag}"' for flag in option.flags) + f") {setting(option)}" for c, option in takers],
        flags=[f'"") {flags(top)}', *(f"{command.name}) {flags(command.options)}" for command in all_commands)],
        places=[
            f'" 0") words={quoted(" ".join(command.name for command in all_commands))} ;;',
            *(f"{pattern}) {setting(argument)}" for pattern, argument in places),
        ],
    )


# --- zsh ------------------------------------------------------------------------------------------------------------------

ZSH = """#compdef derive
# zsh completion for derive
_derive() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C \\
        @top@
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            local -a names=(
                @names@
            )
            _describe command names ;;
        rest)
            case $words[1] in
                @cases@
            esac ;;
    esac
}
if [ "$funcstack[1]" = _derive ]; then
    _derive "$@"
else
    compdef _derive derive
fi
"""


def _zsh(all_commands: tuple[Command, ...], top: tuple[Argument, ...]) -> str:
    def case(command: Command) -> Iterator[str]:
        yield f"{command.name}) _arguments \\"
        yield from (f"    {_zsh_option(option)} \\" for option in command.options)
        for place, argument in enumerate(command.positional, start=1):
            optional = "" if argument.required else ":"
            yield f"    {quoted(f'{place}:{optional}{argument.metavar}:{_zsh_action(argument)}')} \\"
        yield "    ;;"

    return filled(
        ZSH,
        top=[f"{_zsh_option(option)} \\" for option in top],
        names=[quoted(f"{command.name}:{command.line}") for command in all_commands],
        cases=[line for command in all_commands for line in case(command)],
    )


def _zsh_option(option: Argument) -> str:
    others = " ".join((*option.excludes, *(() if option.repeated else option.flags)))
    text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    value = f":{option.metavar.replace(':', '')}:{_zsh_action(option)}" if option.metavar else ""
    return " ".join(quoted(f"{'*' if option.repeated else f'({others})'}{flag}[{text}]{value}") for flag in option.flags)


def _zsh_action(argument: Argument) -> str:
    if argument.files:
        return f"{{ compadd -- {' '.join(argument.words)}; _files }}" if argument.words else "_files"
    return f"({' '.join(argument.words)})" if argument.words else " "


# --- fish -----------------------------------------------------------------------------------------------------------------

FISH = """# fish completion for derive
function __derive_at --description 'whether this command is being typed, and this one of its arguments'
    set -l tokens (commandline -poc)
    set -e tokens[1]
    set -l command ''
    set -l place 0
    set -l skip 0
    for token in $tokens
        if test $skip = 1
            set skip 0
            continue
        end
        switch $token
            case @valued@
                set skip 1
            case '-*'
                test $token = -; and set place (math $place + 1)
            case '*'
                if test -z $command
                    set command $token
                else
                    set place (math $place + 1)
                end
        end
    end
    test "$command" = "$argv[1]"; or return 1
    test (count $argv) -lt 2; or test "$place" = "$argv[2]"
end
complete -c derive -f
@lines@
"""


def _fish(all_commands: tuple[Command, ...], top: tuple[Argument, ...]) -> str:
    def lines() -> Iterator[str]:
        nothing = "complete -c derive -n \"__derive_at ''\""
        yield from (f"{nothing} -a {command.name} -d {_fish_text(command.line)}" for command in all_commands)
        yield from (f"{nothing} {_fish_option(option)}" for option in top)
        for command in all_commands:
            for place, argument in enumerate(command.positional):
                words, files = f" -a {quoted(' '.join(argument.words))}" * bool(argument.words), " -F" * argument.files
                yield f"complete -c derive -n '__derive_at {command.name} {place}'{words}{files}"
            yield from (f"complete -c derive -n '__derive_at {command.name}' {_fish_option(option)}" for option in command.options)

    return filled(FISH, valued=[" ".join(valued(all_commands))], lines=list(lines()))


def _fish_option(option: Argument) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    words = f" -a {quoted(' '.join(option.words))}" * bool(option.words)
    value = "" if not option.metavar else " -r -F" if option.files else f" -x{words}"
    return f"{flags}{value} -d {_fish_text(option.help)}"


def _fish_text(text: str) -> str:
    """A word of fish, where a backslash counts inside quotes too."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
