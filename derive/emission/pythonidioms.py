"""What the test of a Python file is written with, and where libraries differ in it.

Owns `Idiom`, `IDIOMS` and the functions that every test has.  To add a library that computes with arrays, add a row.  May import:
emission.strays.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.emission.strays import SMALL

PICK = '''def pick(function, numbers):
    """The numbers that a function takes."""
    return {name: numbers[name] for name in inspect.signature(function).parameters}'''

COMPARE = f'''def compare(what, found, expected, near, where):
    """How many results are not what they should be; what was compared is printed."""
    furthest, wrong = 0.0, 0
    for name, number in expected.items():
        difference = distance(found[name], number)
        furthest = max(furthest, difference)
        if not difference <= near:
            print(f"  {{what}}: {{name}} is {{found[name]}} here, {{number}} {{where}}")
            wrong += 1
    print(f"{{what}}: {{len(expected)}} compared, largest relative difference {{furthest:.1e}}")
    return wrong


def distance(one, other):
    """How far two results are apart, as a part of the second; a small one counts as {SMALL}."""
'''
"""Without the body of the last function."""

CLOSE = """if __name__ == "__main__":
    sys.exit(main())"""

DIFFERENCE = '''def differences(of, wrt, numbers):
    """A derivative by a central difference; nan, which is not compared, where it is another on either side."""
    below, here, above = (result(of, numbers | {wrt: numbers[wrt] + step}) for step in (-STEP, 0, STEP))
    return (above - below)/(2*STEP) if abs(above - 2*here + below) <= KINK*(1 + abs(here)) else math.nan'''

DIFFERENCES = '''def differences(of, wrt, numbers):
    """A derivative by central differences, entry by entry; nan, which is not compared, where it is another on either side."""
    middle, columns = HERE, []
    for place in itertools.product(*map(range, middle.shape)):
        step = LIBRARY.zeros_like(middle)
        step[place] = STEP
        below, here, above = (result(of, numbers | {wrt: middle + side}) for side in (-step, 0*step, step))
        smooth = abs(above - 2*here + below) <= KINK*(1 + abs(here))
        columns.append(LIBRARY.where(smooth, (above - below)/(2*STEP), math.nan))
    return LIBRARY.stack(columns, -1).reshape((*columns[0].shape, *middle.shape))'''


def _differences(library: str, here: str) -> str:
    return DIFFERENCES.replace("LIBRARY", library).replace("HERE", here)


@dataclass(frozen=True)
class Idiom:
    """How one library says what a test needs.

    `distance` is the body of the function that says how far results are apart.  `source` gives random numbers from a seed, `drawn`
    takes one or a `shape` of them with signs from `signs`, `places` a shape of whole ones `below` a length.  `finite` is true where
    every value is a number.  `number` makes a number of what a formula gave, `keep` says how a sum keeps an axis, `quiet` keeps the
    library from warning, `above` is a function that the others need.  `autograd` is the function that asks the library for a
    derivative, where it has one; then numbers are its tensors, not Python's.
    """

    distance: str
    source: str
    drawn: str
    places: str
    finite: str
    differences: str = DIFFERENCE
    number: str = "{0}"
    keep: str = ""
    quiet: str = ""
    above: str = ""
    autograd: str = ""


IDIOMS: dict[str, Idiom] = {
    "": Idiom(
        distance=f"    return 0.0 if other != other else abs(one - other)/(abs(other) + {SMALL})",
        source="random.Random({0})",
        drawn="source.choice(signs)*source.uniform(0.2, 0.9)",
        places="",
        finite="all(math.isfinite(value) for value in values.values())",
    ),
    "np": Idiom(
        distance=f"""    one, other = np.asarray(one), np.asarray(other)
    parts = np.where(np.isnan(other), 0.0, np.abs(one - other)/(np.abs(other) + {SMALL}))
    return np.max(parts) if one.shape == other.shape else math.inf""",
        source="np.random.default_rng({0})",
        drawn="np.asarray(source.choice(signs, shape)*source.uniform(0.2, 0.9, shape))",
        places="source.integers(0, below, shape)",
        finite="all(np.all(np.isfinite(value)) for value in values.values())",
        differences=_differences("np", "np.asarray(numbers[wrt], dtype=float)"),
        number="np.asarray({0})",
        keep="axis={0}, keepdims=True",
        quiet='np.seterr(all="ignore")',
    ),
    "torch": Idiom(
        distance=f"""    one, other = tensor(one), tensor(other)
    parts = torch.where(torch.isnan(other), 0.0, torch.abs(one - other)/(torch.abs(other) + {SMALL}))
    return torch.max(parts).item() if one.shape == other.shape else math.inf""",
        source="torch.Generator().manual_seed({0})",
        drawn="tensor(signs)[torch.randint(len(signs), shape, generator=source)]*(0.2 + 0.7*torch.rand(shape, generator=source))",
        places="torch.randint(0, below, shape, generator=source)",
        finite="all(torch.all(torch.isfinite(tensor(value))) for value in values.values())",
        differences=_differences("torch", "tensor(numbers[wrt])"),
        number="tensor({0})",
        keep="dim={0}, keepdim=True",
        above='''def tensor(numbers):
    """Numbers as PyTorch has them, all digits of a float."""
    return torch.as_tensor(numbers, dtype=torch.float64)''',
        autograd='''def autograd(of, wrt, numbers):
    """A derivative by PyTorch's autograd."""
    return torch.autograd.functional.jacobian(lambda there: result(of, numbers | {wrt: there}), numbers[wrt])''',
    ),
}
"""By what the library is called in a file; "" is Python alone."""
