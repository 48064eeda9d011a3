"""The README's examples are real: its commands print what it shows, its problem file works, its Python is a doctest."""

import doctest
import re
from pathlib import Path

import pytest

import derive
from derive.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ derive (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), CONSOLE)
def test_commands_print_what_is_shown(command, shown, capsys):
    assert main(command.split()) == 0
    printed = capsys.readouterr().out
    for piece in shown.split("…\n"):
        assert piece.strip("\n") in printed


def test_the_problem_files_work():
    named, arrays = (derive.derive(derive.load_text(source)) for source in re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
    assert [answer.values is not None for answer in named.answers] == [True, True, True]
    assert {step.goal.wrt for step in arrays.partials} > {"W", "b", "w"}


def test_python_is_a_doctest():
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    test = doctest.DocTestParser().get_doctest(source, {}, "README", "README.md", 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_function_is_listed():
    from derive.tables.ops import OPS

    assert [name for name in OPS if name not in README] == []


def test_every_rule_is_listed_with_its_numbers():
    from derive.tables.rules import RULES

    rows = {name: next(row for row in README.splitlines() if row.startswith(f'| `"{name}"` |')) for name in RULES}
    for rule in RULES.values():
        said = rows["adam"] + rows[rule.name] if "those of `adam`" in rows[rule.name] else rows[rule.name]
        typed = [f"`{number.name} = {number.default}`" for number in rule.numbers if number.default]
        assert [number for number in typed if number not in said] == []
