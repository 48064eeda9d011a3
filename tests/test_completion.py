"""Completion tried in the shells themselves, and the manual page in the programs that read it."""

import os
import re
import runpy
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from conftest import PLACE, missing

from derive.arguments import commands, top_options
from derive.completions import completion_script
from derive.manpages import escaped, man_page
from derive.options import COMMANDS

# --- completion --------------------------------------------------------------------------------------------------------

COMPLETED = [  # what is typed in a folder with answers.txt, net.toml and page.tex; what it can become
    ("derive ", set(COMMANDS)),
    ("derive sh", {"show"}),
    ("derive show q", {"q1", "q2", "q3"}),
    ("derive show --wrt w5 --hessian q", {"q1", "q2", "q3"}),
    ("derive show ne", {"nesterov", "net.toml"}),
    ("derive show q1 -o pa", {"page.tex"}),
    ("derive show --fr", {"--fragment"}),
    ("derive show q1 --format m", {"markdown"}),
    ("derive key q2 --carry ", {"full", "hand"}),
    ("derive check q", {"q1", "q2", "q3"}),
    ("derive check q1 an", {"answers.txt"}),
    ("derive check q1 answers.txt --format c", {"csv"}),
    ("derive explain ch", {"chain-rule", "chain-rule-sum"}),
    ("derive explain missing-", {"missing-slope", "missing-path", "missing-factor", "missing-rate"}),
    ("derive new --loss cr", {"cross_entropy"}),
    ("derive new --rule adam", {"adam", "adamw"}),
    ("derive completion ", {"bash", "zsh", "fish"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("folder")
    for name in ("answers.txt", "net.toml", "page.tex"):
        (path / name).write_text("", encoding="utf-8")
    for shell in ("bash", "zsh", "fish"):
        (path / f".{shell}").mkdir()
        (path / f".{shell}" / "_derive").write_text(completion_script(shell), encoding="utf-8")
    return path


@missing("bash")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_bash(line, expected, folder):
    words = line.split(" ")
    program = 'source .bash/_derive; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _derive; printf "%s\\n" "${COMPREPLY[@]}"; complete -p derive'
    done = subprocess.run(["bash", "-c", program, "bash", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    *found, registered = done.stdout.splitlines()
    assert (set(found), done.stderr, registered) == (expected, "", "complete -F _derive derive")


@missing("bash")
def test_completion_in_bash_behind_an_equals_sign(folder):
    """Bash makes three words of --format=mark."""
    program = 'source .bash/_derive; COMP_WORDS=(derive show q1 --format = mark); COMP_CWORD=5; _derive; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("markdown\n", "")


@missing("fish")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_fish(line, expected, folder):
    program = "source .fish/_derive; complete -C $argv[1]"
    done = subprocess.run(["fish", "-N", "-c", program, line], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ({found.split("\t")[0] for found in done.stdout.splitlines()}, done.stderr) == (expected, "")


@missing("zsh")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_zsh(line, expected, folder):
    """On a terminal, as zsh completes nowhere else: what it writes when the Tab key is hit twice."""
    pytest.importorskip("termios")
    ours, theirs = os.openpty()
    setup = "PS1=; autoload -Uz compinit; compinit -u -D; fpath=($PWD/.zsh $fpath); autoload -Uz _derive; compdef _derive derive; LISTMAX=0; unsetopt beep; echo REA''DY\n"
    with subprocess.Popen(["zsh", "-f", "-i"], cwd=folder, env={**PLACE, "TERM": "dumb", "COLUMNS": "80"}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as shell:
        os.close(theirs)
        os.set_blocking(ours, False)

        def hear(until):
            said, end = "", time.monotonic() + 20
            while not until(said) and time.monotonic() < end:
                try:
                    said += os.read(ours, 65536).decode()
                except BlockingIOError:
                    time.sleep(0.01)
            return said

        os.write(ours, setup.encode())
        hear(lambda said: "READY" in said)
        os.write(ours, line.encode() + b"\t\t")
        heard = hear(lambda said: all(word in said for word in expected))
        shell.kill()
    os.close(ours)
    assert {word for word in expected if word in heard} == expected, heard
    assert "command not found" not in heard


def test_a_flag_takes_a_value_in_every_command_or_in_none():
    """The scripts rely on it to count arguments."""
    taking = {flag for command in commands() for option in command.options if option.metavar for flag in option.flags}
    bare = {flag for command in commands() for option in command.options if not option.metavar for flag in option.flags}
    assert not taking & bare
    assert len(taking) > 10


# --- the manual page ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    path = tmp_path_factory.mktemp("man") / "derive.1"
    path.write_text(man_page(), encoding="utf-8")
    return path


LINTERS = [["groff", "-ww", "-man", "-Tutf8", "-z"], ["man", "--warnings", "-l"], ["mandoc", "-T", "lint", "-W", "warning"]]


@pytest.mark.parametrize("linter", [pytest.param(linter, marks=missing(linter[0]), id=linter[0]) for linter in LINTERS])
def test_the_manual_page_has_no_fault(linter, manual):
    environment = {**PLACE, "MANPAGER": "cat", "PAGER": "cat"}
    done = subprocess.run([*linter, manual], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@missing("man")
def test_the_manual_page_says_what_help_says(manual):
    environment = {**PLACE, "MANPAGER": "cat", "MANWIDTH": "10000", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": "", "GROFF_NO_SGR": "1"}
    done = subprocess.run(["man", "-l", manual], env=environment, capture_output=True, text=True, timeout=60, check=False)
    text = " ".join(re.sub(".\b", "", done.stdout).replace("‐\n", "").split())
    for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"):
        assert f" {part} " in text
    for command in commands():
        assert f"derive {command.name}" in text
        assert command.description in text
        for argument in (*command.options, *command.positional, *top_options()):
            assert argument.help in text, argument
            assert all(flag in text for flag in argument.flags)
    for name in ("NO_COLOR", "FORCE_COLOR", "BROWSER"):
        assert name in text


def test_roff_is_escaped():
    """A line of text is never a request, and a backslash never an escape."""
    for text in (".br", "'br", "a\\fBb", "a\nb"):
        line = escaped(text)
        assert "\n" not in line
        assert line[0] not in ".'"
        assert not re.search(r"\\(?![e\-&(\[])", line)
    requests = {line.split()[0] for line in man_page().splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".br"}


def test_the_commands_print_what_is_shipped(run):
    assert run("man") == (0, man_page(), "")
    for shell in ("bash", "zsh", "fish"):
        assert run("completion", shell) == (0, completion_script(shell), "")


HOOK = Path(__file__).parent.parent / ".hatch.py"


def test_the_wheel_brings_the_manual_page_and_the_completions(monkeypatch):
    """The hook is run as the build does, on a stand-in for the class of the build backend."""
    interface = types.ModuleType("interface")
    interface.BuildHookInterface = type("BuildHookInterface", (), {"root": str(HOOK.parent)})
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", interface)
    monkeypatch.setattr(sys, "path", list(sys.path))
    hook, data = runpy.run_path(str(HOOK))["SharedPages"](), {"shared_data": {}}
    hook.initialize("standard", data)
    found = {place: Path(path).read_text(encoding="utf-8") for path, place in data["shared_data"].items()}
    hook.finalize("standard", data, "")
    assert found.pop("share/man/man1/derive.1") == man_page()
    assert set(found.values()) == {completion_script(shell) for shell in ("bash", "zsh", "fish")}
    assert not any(Path(path).exists() for path in data["shared_data"])
