"""The test in a C file: the numbers of the page, or numbers drawn and compared with central differences.

Owns `test_of`.  May import: written, problem, tables.rules, tables.targets, tensors.shapes, emission.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from derive.arithmetic import Key
from derive.emission.comments import folded
from derive.emission.formulas import signed
from derive.emission.interfaces import Interface
from derive.emission.programs import Program
from derive.emission.pythontests import unknown_of
from derive.emission.spellings import Spellings
from derive.emission.strays import SMALL
from derive.emission.trials import (
    KINK,
    ROUGH,
    STEP,
    Draw,
    Values,
    draws_of,
    given_numbers,
    is_numbered,
    near_of,
    shortest,
    sizes_of,
    trials_of,
)
from derive.problem import Numbers
from derive.tables.rules import COUNT
from derive.tables.targets import Target
from derive.tensors.shapes import size_value
from derive.written import Later, Number, Partial

COUNTS = """static double furthest = 0.0;
static int compared = 0, different = 0;"""

COMPARE = f"""static void compare(
    const char *what, const char *name, int count, const double *found, const double *expected, double near
)
{{
    for (int place = 0; place < count; place++) {{
        if (isnan(expected[place])) {{
            continue;
        }}
        const double distance = fabs(found[place] - expected[place])/(fabs(expected[place]) + {SMALL});
        if (!(distance <= near)) {{
            printf("  %s: %s is %.15g here and should be %.15g\\n", what, name, found[place], expected[place]);
            different++;
        }}
        furthest = distance > furthest ? distance : furthest;
    }}
    compared++;
}}"""

REPORT = """static void report(const char *what)
{
    printf("%s: %d compared, largest relative difference %.1e\\n", what, compared, furthest);
    compared = 0;
    furthest = 0.0;
}"""

UNIFORM = """static double uniform(double low, double high)
{
    static unsigned long long state = 1;
    state = state*6364136223846793005ULL + 1442695040888963407ULL;
    return low + (high - low)*(double)(state >> 11)/9007199254740992.0;
}"""

NUMBER = """static double number(int mixed)
{
    const double sign = mixed && uniform(0.0, 1.0) < 0.5 ? -1.0 : 1.0;
    return sign*uniform(0.2, 0.9);
}"""

FILL = """static void fill(double *values, int count, int mixed)
{
    for (int place = 0; place < count; place++) {
        values[place] = number(mixed);
    }
}"""

FINITE = """static int all_finite(const double *values, int count)
{
    for (int place = 0; place < count; place++) {
        if (!isfinite(values[place])) {
            return 0;
        }
    }
    return 1;
}"""

LEVEL = """/* Add the same to all values along one axis, so that they add up to a total. */
static void level(double *values, int before, int length, int behind, double total)
{
    for (int first = 0; first < before; first++) {
        for (int last = 0; last < behind; last++) {
            double missing = total;
            for (int place = 0; place < length; place++) {
                missing -= values[(first*length + place)*behind + last];
            }
            for (int place = 0; place < length; place++) {
                values[(first*length + place)*behind + last] += missing/length;
            }
        }
    }
}"""

SQUARES = """/* Half the sum of squared distances from 1/3: it stands in for a loss of which nothing is known. */
static double squares(const double *values, int count)
{
    double total = 0.0;
    for (int place = 0; place < count; place++) {
        total += pow(values[place] - 1.0/3.0, 2.0)/2.0;
    }
    return total;
}"""


FUNCTIONS = {
    "uniform": UNIFORM,
    "number": NUMBER,
    "fill": FILL,
    "level": LEVEL,
    "squares": SQUARES,
    "all_finite": FINITE,
    "compare": COMPARE,
    "report": REPORT,
}
"""What a test may call, those that others call first."""


def test_of(program: Program, spellings: Spellings, interface: Interface, target: Target) -> list[str]:
    """The functions below those of the page; the last is main."""
    return _Tester(program, spellings, interface, target).functions()


class _Tester:
    def __init__(self, program: Program, spellings: Spellings, interface: Interface, target: Target) -> None:
        self.program, self.spellings, self.interface, self.target = program, spellings, interface, target
        self.sizes = sizes_of(program)
        self.variable = spellings.variables()
        self.near = near_of(program)
        self.unknown = unknown_of(program)
        self.row, self.smooth = self.variable("row"), self.variable("smooth")

    def functions(self) -> list[str]:
        """Those that main calls, and main."""
        numbered = is_numbered(self.program)
        body = list(self.page() if numbered else self.drawn())
        main = self.main(body, f"all agree with {'the page' if numbered else 'central differences'}")
        parts = [main]
        for name, part in reversed(FUNCTIONS.items()):
            if any(f"{name}(" in other for other in parts):
                parts.insert(0, part)
        return [COUNTS, *parts]

    def main(self, body: list[str], agreed: str) -> str:
        """The test itself."""
        end = [f'puts(different ? "DIFFERENT" : "{agreed}");', "return different ? 1 : 0;"]
        return "\n".join(["int main(void)", "{", *(f"    {line}" for line in (*self.declared(), *body, *end)), "}"])

    def declared(self) -> Iterator[str]:
        """The record and the arrays, with the numbers of the page."""
        given = given_numbers(self.program)
        known = [name for name in given if not self.program.shapes.get(name) and name in self.interface.keys]
        if self.interface.members:
            items = [f".{self.spellings.of(name)} = {self.typed(name, given[name])}" for name in known]
            yield from folded("Numbers numbers = {", items or ["0"], "};")
        for key in self.interface.arrays:
            value = given.get(key) if isinstance(key, str) else None
            start = "" if value is None else f" = {self.typed(str(key), value)}"
            yield f"static {self.interface.declared(key, self.sizes)}{start};"

    def typed(self, name: str, value: Numbers) -> str:
        """Numbers as they are typed, arrays in braces."""
        if not isinstance(value, Number):
            return f"{{{', '.join(self.typed(name, item) for item in value)}}}"
        arrays = self.program.problem.arrays
        return value.text if arrays is not None and name in arrays.integers else signed(value, self.target)

    def call(self, name: str) -> str:
        """A call of one of the functions."""
        function = next(function for function in self.program.functions if function.name == name)
        return self.interface.call(function, self.sizes)

    # --- the page -----------------------------------------------------------------------------------------------------

    def page(self) -> Iterator[str]:
        """The lines that compare with the page."""
        examples, counts = self.program.problem.examples, self.program.problem.train.counts
        for updates, trial in enumerate(trials_of(self.program)):
            if examples:
                for name, number in examples[updates % len(examples)].items():
                    yield f"numbers.{self.spellings.of(name)} = {signed(number, self.target)};"
            if counts and COUNT in self.interface.keys:
                yield f"numbers.{self.spellings.of(COUNT)} = {updates + 1}.0;"
            yield from (self.call("forward"), self.call("backward"))
            for name, values in trial.expected.items():
                told = f"{name} {updates + 1}" if name == "update" else name
                if name == "update":
                    yield self.call(name)
                kept = [key for key in values if name != "update" or isinstance(key, Later)]
                for key in kept:
                    yield self.compared(told, key, values[key])
                yield f'report("{told}");'

    def compared(self, told: str, key: Key, value: Values) -> str:
        """The line that compares one result."""
        numbers = list(_flat(value))
        expected = f"(const double[]){{{', '.join(numbers)}}}"
        result = f'"{told}", "{self.interface.member(key)}", {len(numbers)}, {self.interface.flat(key)}'
        return f"compare({result}, {expected}, {self.near:.0e});"

    # --- numbers drawn ------------------------------------------------------------------------------------------------

    def drawn(self) -> Iterator[str]:
        """The lines that draw numbers and compare with central differences."""
        tried, place = self.variable("tried"), self.variable("place")
        mixed, found = self.variable("mixed"), self.variable("found")
        yield f"int {found} = 0;"
        yield f"for (int {tried} = 0; {tried} < 100 && !{found}; {tried}++) {{"
        if any(not draw.below for draw in draws_of(self.program)):
            yield f"    const int {mixed} = {tried} % 2 == 0;"
        for draw in draws_of(self.program):
            yield f"    {self.draw(draw, place, mixed)}"
        yield from (f"    {line}" for line in self.facts())
        yield f"    {self.call('forward')}"
        checks = [f"all_finite({self.flat(goal)}, {self.length(goal)})" for goal in self.program.forward.goals]
        yield f"    {found} = {' && '.join(checks) or '1'};"
        yield from ("}", f"if (!{found}) {{")
        yield '    puts("no numbers were found at which the forward pass has a value");'
        yield from ("    return 1;", "}")
        for key in self.program.upstream:
            if not self.program.shape(key):
                yield f"numbers.{self.spellings.of(key)} = numbers.{self.spellings.of(key.wrt)} - 1.0/3.0;"
                continue
            yield f"for (int {place} = 0; {place} < {self.length(key)}; {place}++) {{"
            yield f"    ({self.flat(key)})[{place}] = ({self.flat(key.wrt)})[{place}] - 1.0/3.0;"
            yield "}"
        yield self.call("backward")
        names = [self.variable(name) for name in ("entry", "here", "above", "below", "middle", "column")]
        for goal in self.program.backward.goals:
            if isinstance(goal, Partial) and goal.wrt in self.program.problem.network.free_set:
                yield from self.differences(goal, place, names)
        yield 'report("backward");'
        if self.program.update is not None:  # there is nothing to compare it with
            yield self.call("update")

    def flat(self, key: Key) -> str:
        return self.interface.flat(key)

    def length(self, key: Key) -> int:
        return self.interface.length(key, self.sizes)

    def draw(self, draw: Draw, place: str, mixed: str) -> str:
        """The line that draws one quantity."""
        if not draw.shape:
            return f"numbers.{self.spellings.of(draw.name)} = number({mixed});"
        flat, count = self.flat(draw.name), prod(draw.shape)
        if draw.below:
            return f"for (int {place} = 0; {place} < {count}; {place}++) ({flat})[{place}] = (int)uniform(0.0, {draw.below}.0);"
        return f"fill({flat}, {count}, {mixed});"

    def facts(self) -> Iterator[str]:
        """What the page assumes of its data, made true."""
        arrays = self.program.problem.arrays
        for fact in arrays.facts if arrays is not None else ():
            lengths = [size_value(size, self.sizes) or 1 for size in self.program.shapes[fact.name]]
            parts = (prod(lengths[: fact.axis]), lengths[fact.axis], prod(lengths[fact.axis + 1 :]))
            total = f"{fact.total.numerator}.0/{fact.total.denominator}.0"
            yield f"level({self.flat(fact.name)}, {', '.join(map(str, parts))}, {total});"

    def differences(self, key: Partial, place: str, names: Sequence[str]) -> Iterator[str]:
        """The lines that compare one derivative with differences, entry by entry."""
        entry, here, above, below, middle, column = names
        columns, rows, smooth = self.length(key.wrt), self.length(key.of), self.smooth
        yield f"for (int {place} = 0; {place} < {columns}; {place}++) {{"
        buffers = ", ".join(f"{name}[{rows}]" for name in (above, below, middle, column))
        yield f"    double *{entry} = {self.flat(key.wrt)} + {place}, {buffers};"
        yield f"    const double {here} = *{entry};"
        for side, step in ((above, f" + {STEP}"), (below, f" - {STEP}"), (middle, "")):
            yield f"    *{entry} = {here}{step};"
            yield f"    {self.call('forward')}"
            yield from (f"    {line}" for line in self.read(key.of, side, rows))
        yield f"    for (int {self.row} = 0; {self.row} < {rows}; {self.row}++) {{"
        bend = f"fabs({above}[{self.row}] - 2.0*{middle}[{self.row}] + {below}[{self.row}])"
        yield f"        const int {smooth} = {bend} <= {KINK}*(1.0 + fabs({middle}[{self.row}]));"
        slope = f"({above}[{self.row}] - {below}[{self.row}])/(2.0*{STEP})"
        yield f"        {above}[{self.row}] = {smooth} ? {slope} : NAN;  /* at a kink there is nothing to compare with */"
        yield f"        {column}[{self.row}] = ({self.flat(key)})[{self.row}*{columns} + {place}];"
        yield "    }"
        yield f'    compare("backward", "{self.spellings.of(key)}", {rows}, {column}, {above}, {ROUGH});'
        yield "}"

    def read(self, of: str, side: str, rows: int) -> Iterator[str]:
        """The lines that keep a result of the forward pass."""
        if self.unknown and of == self.program.problem.train.loss:
            yield f"{side}[0] = {' + '.join(f'squares({self.flat(name)}, {self.length(name)})' for name in self.unknown)};"
        else:
            yield f"for (int {self.row} = 0; {self.row} < {rows}; {self.row}++) {{"
            yield f"    {side}[{self.row}] = ({self.flat(of)})[{self.row}];"
            yield "}"


def _flat(value: Values) -> Iterator[str]:
    """The floats nearest to some values, one behind the other."""
    if isinstance(value, tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield shortest(value)
