"""The reader: what is read and how, what is refused and in which words, and that nothing typed can do more than that."""

import re
import statistics
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from derive.arithmetic import Arithmetic, compile_tree, precision
from derive.errors import FormulaError
from derive.formats.plain import typed
from derive.reader import MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_TOKENS, read_formula
from derive.written import Call, Name, Negative, Nested, Number, Partial, Power, Product, Quotient, Second, Sum

HOUSE = Path(__file__).parent.parent / "derive"
NAMES = ("a", "b", "c", "x", "y", "z", "w")
QUANTITIES = ("L", "w5", "h1", "net_h1", "d")


def refused(*fragments):
    """What the message of a refusal contains."""
    return fragments


ANYTHING = [  # any name may stand in these
    # precedence and the side operators lean to
    ("1+2*3", "1 + 2*3"),
    ("(1+2)*3", "(1 + 2)*3"),
    ("a-b-c", "a - b - c"),
    ("a-(b-c)", "a - (b - c)"),
    ("a/b/c", "a/b/c"),
    ("a/(b/c)", "a/(b/c)"),
    ("a/b*c", "a/b*c"),
    ("a/(b*c)", "a/(b*c)"),
    ("-a^2", "-a^2"),
    ("(-a)^2", "(-a)^2"),
    ("a^b^c", "a^(b^c)"),
    ("(a^b)^c", "(a^b)^c"),
    ("a^-2", "a^(-2)"),
    ("a**2", "a^2"),
    ("2*-3", "2*(-3)"),
    ("-(a+b)", "-(a + b)"),
    ("a >= b", "a >= b"),
    ("ln(a)", "log(a)"),
    ("σ(a)", "sigmoid(a)"),
    ("A.T @ x", "A.T @ x"),
    # products without a sign
    ("2a", "2*a"),
    ("2a^2", "2*a^2"),
    ("a(1-a)", "a*(1 - a)"),
    ("2(a+b)(a-b)", "2*(a + b)*(a - b)"),
    ("(a)b", "a*b"),
    # numbers keep their digits
    ("0.40", "0.40"),
    (".5", "0.5"),
    ("1.", "1"),
    ("2e3", "2e3"),
    ("1e-3", "1e-3"),
    ("2e400", "2e400"),
    ("۰٫۵", "0.5"),
    ("٠٫٥", "0.5"),
    ("۱۲٬۳۴۵", "12345"),
    ("۱۲.۵", "12.5"),
    ("12٫5", "12.5"),
    # typographic operators
    ("a−1", "a - 1"),
    ("a – b", "a - b"),
    ("a·b", "a*b"),
    ("a⋅b", "a*b"),
    ("a×b", "a*b"),
    ("a÷b", "a/b"),
    ("x²", "x^2"),
    ("x¹⁰", "x^10"),
    ("a ≥ b", "a >= b"),
    ("a≤b", "a <= b"),
    # lists
    ("[a, b]", "[a, b]"),
    ("[a,[b,c]]", "[a, [b, c]]"),
    ("mse([y1,y2], [t1,t2])", "mse([y1, y2], [t1, t2])"),
    ("max(a, max(b, c))", "max(a, max(b, c))"),
    ("2*softmax(a, b)[2]", "2*softmax(a, b)[2]"),
    ("softmax(a, b)[3]", refused("a whole number from 1 to 2")),
    ("softmax(a, b)[0]", refused("a whole number from 1 to 2")),
    ("max(a, b)[1]", refused("'[' is not expected here")),
    # two readings: both are shown
    ("1/2a", refused("'1/2a'", "(1/2)*a", "1/(2*a)")),
    ("1/2(a+b)", refused("two ways", "(1/2)*(…)", "1/(2*(…))")),
    ("a/b(c)", refused("two ways", "(a/b)*(…)", "a/(b*(…))")),
    ("a^2b", refused("'a^2b'", "(a^2)*b", "a^(2*b)")),
    ("x²y", refused("two ways", "(x^2)*y", "x^(2*y)")),
    ("a/b c", refused("'b c' is ambiguous", "b*c", "one name without a space")),
    ("a 2", refused("'a 2' is ambiguous", "a*2", "one name without a space")),
    ("2 3", refused("'2 3' is ambiguous", "2*3", "one name without a space")),
    ("2 a", refused("'2 a' is ambiguous", "2*a")),
    ("sin a", refused("'sin a' is ambiguous", "sin*a", "one name without a space")),
    ("2e", refused("'2 e' is ambiguous", "2*e")),
    ("log a", refused("'log' is a function", "log(…)")),
    # not a formula
    ("", refused("is empty")),
    ("   ", refused("is empty")),
    ("a+", refused("ends too early")),
    ("(a", refused("')' is missing")),
    ("[a, b", refused("']' is missing")),
    ("a)", refused("')' is not expected here")),
    ("+a", refused("'+' is not expected here")),
    ("--a", refused("two signs")),
    ("a+-b", refused("two signs in a row: '+-'")),
    ("a>b>c", refused("'>' is not expected here")),
    ("a=b", refused("'=' does not belong")),
    ("(1,5)", refused("not a decimal sign", "1.5")),
    ("max(a)", refused("max takes 2 arguments: max(a, b)")),
    ("exp(a, b)", refused("exp takes 1 argument: exp(z)")),
    ("mse([a, b], [c])", refused("differ in length")),
    ("exp([a])", refused("exp takes no lists")),
    ("partial(a)", refused("partial takes two names")),
    # limits, met and passed
    ("2^400", "2^400"),
    (f"2^{MAX_EXPONENT + 1}", refused("the exponent 401 is over the limit of 400")),
    (f"2^-{MAX_EXPONENT + 1}", refused("over the limit")),
    (f"1e{MAX_EXPONENT + 1}", refused("over the limit")),
    ("1" * MAX_DIGITS, "1" * MAX_DIGITS),
    ("1" * (MAX_DIGITS + 1), refused("more than 40 digits")),
    ("(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1), "a"),
    ("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH, refused("nested more than 60 deep")),
    ("a^" * MAX_DEPTH + "a", refused("powers are nested more than 60 deep")),
    ("a" * (MAX_CHARACTERS + 1), refused("longer than 20,000 characters")),
    ("+".join("a" * (MAX_TOKENS // 2 + 1)), refused("more than 8,000 symbols")),
]

KNOWN = [  # only NAMES may stand in these
    ("a(1-a)", "a*(1 - a)"),
    ("sigmoid(a)", "sigmoid(a)"),
    ("sigmiod(a)", refused("unknown function 'sigmiod'; did you mean 'sigmoid'?")),
    ("sigmoid", refused("'sigmoid' is a function: write sigmoid(…)")),
    ("q", refused("unknown name 'q'")),
    ("dL/dw", refused("unknown name 'dL'")),
]

OF_QUANTITIES = [
    ("dL/dw5", "dL/dw5"),
    ("dh1/dnet_h1", "dh1/dnet_h1"),
    ("-0.5*dL/dw5", "-0.5*dL/dw5"),
    ("dL/dw5@2", "(dL/dw5)@2"),
    ("d/h1", "d/h1"),
    ("h1/w5", "h1/w5"),
    ("w5+", "w5@1"),
    ("(w5+)", "w5@1"),
    ("max(w5+, h1)", "max(w5@1, h1)"),
    ("L@1", "L@1"),
    ("w5@0", "w5@0"),
    ("(L - h1)@3", "(L - h1)@3"),
    ("w5+ - w5", "w5@1 - w5"),
    ("w5+ + w5", "w5@1 + w5"),
    ("w5+ / h1", "w5@1/h1"),
    ("w5+w5", "w5 + w5"),
    ("w5 + w5", "w5 + w5"),
    ("w5+(h1)", "w5 + h1"),
    ("w5+-w5", refused("'+-' is ambiguous", "space after the +")),
    ("w5++w5", refused("'++' is ambiguous", "space after the +")),
    ("w5+*2", refused("'+*' is ambiguous")),
    ("w5 +", refused("ends too early")),
    ("w5@", refused("ends too early")),
    ("w5@1.5", refused("whole number of updates")),
    ("w5@1001", refused("0 to 1000")),
    ("dL/dw9", refused("unknown quantity 'w9' in dL/dw9")),
    ("dL/dnet_h2", refused("unknown quantity 'net_h2'", "did you mean 'net_h1'?")),
    ("dQ/dw5", refused("unknown quantity 'Q' in dQ/dw5")),
]

SECOND = ("L", "w5", "w7", "h1", "dL", "x", "xdy", "y", "ydz", "z", "a", "ada")

OF_SECOND = [
    ("d2L/dw5dw7", Second("L", "w5", "w7")),
    ("d2L / dw5dw7", Second("L", "w5", "w7")),
    ("d2L/dw5dw5", Second("L", "w5", "w5")),
    ("d2L/dw5^2", Second("L", "w5", "w5")),
    ("d2L/dw5**2", Second("L", "w5", "w5")),
    ("(d2L/dw5dw7)^2", Power(Second("L", "w5", "w7"), Number("2"))),
    ("d2L/dw5dw7*h1", Product((Second("L", "w5", "w7"), Name("h1")))),
    ("d2L/dadada", Second("L", "a", "ada")),  # a, ada and ada, a are the same
    ("d(dh1/dw5)/dw7", Nested(Partial("h1", "w5"), Name("w7"))),
    ("d(dh1/dw5)/d(dh1/dw7)", Nested(Partial("h1", "w5"), Partial("h1", "w7"))),
    ("partial(dh1/dw5, w7)", Nested(Partial("h1", "w5"), Name("w7"), direct=True)),
    ("partial(L, w5)", Partial("L", "w5", direct=True)),
    ("dL/dw5", Quotient(Name("dL"), Name("dw5"))),  # dL is a name here, so this is no derivative
    ("d2L/dxdydz", refused("more than one way", "x, ydz or xdy, z")),
    ("d2L/dw5", refused("is by two quantities: d2L/dAdB, or d2L/dA^2")),
    ("d2L/dw5dw9", refused("is by two quantities")),
    ("d2L/dw5^3", refused("is by two quantities")),
    ("d2Q/dw5dw7", refused("unknown quantity 'Q' in d2Q/dw5dw7")),
    ("d(L)/dw5", refused("behind d( stands a derivative")),
    ("d(dh1/dw5)/w7", refused("stands the d of a quantity, not 'w7'")),
    ("d(dh1/dw5)*w7", refused("'/' is missing before '*'")),
    ("d(dh1/dw5)/d", refused("not 'd'")),
]


def short(value):
    return None if not isinstance(value, str) else value if len(value) < 40 else f"{value[:12]}…{len(value)}"


CASES = [
    *((text, wanted, None, False) for text, wanted in ANYTHING),
    *((text, wanted, NAMES, False) for text, wanted in KNOWN),
    *((text, wanted, QUANTITIES, True) for text, wanted in OF_QUANTITIES),
]


IDS = [f"{n}-{short(case[0])}" for n, case in enumerate(CASES)]


@pytest.mark.parametrize(("text", "wanted", "names", "quantities"), CASES, ids=IDS)
def test_reading(text, wanted, names, quantities):
    if isinstance(wanted, str):
        assert typed(read_formula(text, names, quantities=quantities)) == wanted
        return
    with pytest.raises(FormulaError) as caught:
        read_formula(text, names, quantities=quantities)
    message = str(caught.value)
    assert all(fragment in message for fragment in wanted), message
    assert "\n" not in message
    assert caught.value.position is None or 1 <= caught.value.position <= len(text) + 1


@pytest.mark.parametrize(("text", "wanted"), OF_SECOND, ids=[text for text, _ in OF_SECOND])
def test_reading_second_derivatives(text, wanted):
    known = SECOND if text != "dL/dw5" else (*SECOND, "dw5")
    if isinstance(wanted, tuple):
        with pytest.raises(FormulaError) as caught:
            read_formula(text, known, quantities=True)
        assert all(fragment in str(caught.value) for fragment in wanted), str(caught.value)
    else:
        read = read_formula(text, known, quantities=True)
        assert read == wanted
        assert read_formula(typed(read), known, quantities=True) == wanted


def test_a_name_that_looks_like_a_second_derivative_is_a_name():
    """What was a quotient of two names, or a product, before there were second derivatives stays one."""
    known = ("d2L", "dw5dw7", "w5", "w7", "L", "d")
    assert read_formula("d2L/dw5dw7", known, quantities=True) == Quotient(Name("d2L"), Name("dw5dw7"))
    assert read_formula("d(w5)/w7", known, quantities=True) == Quotient(Product((Name("d"), Name("w5"))), Name("w7"))


@pytest.mark.parametrize(
    ("text", "position"),
    [("a + ?", 5), ("a @", 4), ("(a", 3), ("a)", 2), ("a $ b", 3), ("a + max(b)", 5), ("2*2^401", 4)],
)
def test_a_refusal_points_at_its_place(text, position):
    with pytest.raises(FormulaError) as caught:
        read_formula(text, NAMES)
    assert caught.value.position == position


REFUSE, ACCEPT = False, True
BIDI = "\u200f\u200e\u200c\u2066\u2067\u2068\u2069"
ATTACKS = [  # the row of the attack list, what happens, the formulas; a string instead of a verdict is in the message
    (1, REFUSE, ["__import__('os').system('id')"]),
    (2, "'.' does not belong", ["a.__class__.__mro__[-1].__subclasses__()"]),
    (3, REFUSE, ["lambda: 0", "[i for i in a]", "a if a else b"]),
    (4, "quotes do not belong", ["'abc'", '"abc"', "`x`", "f'{a}'"]),
    (5, "unknown function", ["eval(a)", "exec(a)", "open(a)", "Symbol(a)", "sympify(a)"]),
    (8, "too large", ["9**9**9**9", "2^2^2^2^2^2", "10^10^10"]),
    (9, ACCEPT, ["(((2^400)^400)^400)^400"]),
    (10, ACCEPT, ["exp(exp(exp(exp(100))))"]),
    (11, "over the limit", ["1e999999999", "1e-999999999"]),
    (12, "more than 40 digits", ["1" * 10_000, "7" * 41, "0." + "1" * 41]),
    (13, REFUSE, ["factorial(10^7)", "a!", "gamma(10^9)"]),
    (14, REFUSE, ["(" * 5000 + "a" + ")" * 5000, "-" * 20_000 + "a", "+".join("a" * 20_000), "a" * 100_000, "[" * 3000]),
    (17, REFUSE, ["oo", "inf", "nan", "zoo", "∞", "I", "i", "j"]),
    (18, "write 1.5", ["1,5"]),
    (19, ACCEPT, ["۰٫۵", "٠٫٥", "۱۲٬۳۴۵"]),
    (20, ACCEPT, ["۱۲.۵", "12٫5"]),
    (21, ACCEPT, ["a−1", "a·b", "a×b", "a÷b", "x²"]),
    (22, "U+0430 CYRILLIC", ["а", "a + а"]),
    (22, "U+FF58 FULLWIDTH", ["ｘ"]),
    (22, "U+1D431 MATHEMATICAL BOLD", ["𝐱"]),
    (22, "U+0301 COMBINING", ["a\u0301"]),
    (23, ACCEPT, [f"a{mark}+{mark}b" for mark in BIDI]),
    (24, "U+202E", ["a\u202eb", "\u202ea"]),
    (25, "U+0000", ["a\0", "\0a"]),
    (25, "U+001B", ["a\x1b[2J"]),
    (25, "U+0007", ["\x07a"]),
    (26, REFUSE, ["1/2a", "a/b c", "a 2", "2e", "sin a", "sin^2 x", "2 3"]),
    (27, ACCEPT, ["a(1-a)", "2a"]),
    (27, REFUSE, [")(", "a++b", "a**", "a^^2", "a//b", "a%b", "a&b", "~a"]),
    (28, REFUSE, ["a==b", "a=1", "a:=1", "a;b", "a#b"]),
]


def fastest(text):
    """The outcome, and the best of three times: a busy machine is no fault of the reader."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        try:
            outcome = read_formula(text, NAMES)
        except FormulaError as error:
            outcome = error
        times.append(time.perf_counter() - started)
    return outcome, min(times)


@pytest.mark.parametrize(
    ("verdict", "text"),
    [pytest.param(verdict, text, id=f"row{row}-{n}") for row, verdict, texts in ATTACKS for n, text in enumerate(texts)],
)
def test_attacks(verdict, text):
    outcome, seconds = fastest(text)
    assert seconds < 0.2  # 50 ms on a quiet machine
    assert isinstance(outcome, FormulaError) == (verdict is not ACCEPT), outcome
    if isinstance(verdict, str):
        assert verdict in str(outcome)
    if verdict is not ACCEPT:
        assert str(outcome).isprintable()
        assert len(str(outcome)) < 200


@pytest.mark.parametrize("name", ["E", "I", "N", "S", "Q", "O", "beta", "gamma", "zeta", "lambda", "is", "pi"])
def test_no_name_means_anything_of_its_own(name):
    """Attack row 7."""
    assert read_formula(f"{name} + 1", [name]) == Sum((Name(name), Number("1")))
    assert compile_tree(read_formula(f"2{name}" if name != "E" else "2*E", [name]))({name: Decimal(3)}) == 6


@pytest.mark.parametrize(
    "text",
    ["(((2^400)^400)^400)^400", "exp(exp(exp(exp(100))))", "1/0", "0/0", "log(0)", "log(-1)", "sqrt(-1)", "0^0", "(-1)^0.5"],
)
def test_a_formula_without_a_value_fails_at_once(text):
    """Attack rows 9, 10 and 16: read, but no number comes of it, and no time is spent."""
    started = time.perf_counter()
    with precision(60), pytest.raises(ArithmeticError):
        compile_tree(read_formula(text))({})
    assert time.perf_counter() - started < 0.5


def test_a_high_power_of_a_sum_is_never_expanded():
    """Attack row 15."""
    tree = read_formula("(x+y+z+w)^60", NAMES)
    assert tree == Power(Sum(tuple(map(Name, "xyzw"))), Number("60"))
    values = dict(zip("xyzw", map(Decimal, ("0.5", "0.25", "0.125", "1.5")), strict=True))
    with precision(40):
        found = compile_tree(tree)(values)
    with mpmath.workdps(40):
        assert mpmath.almosteq(mpmath.mpf(str(found)), mpmath.mpf("2.375") ** 60, rel_eps=mpmath.mpf(10) ** -35)


BUGS = [
    ("a\u0085b", "U+0085", False, "the next character is blamed"),
    ("a\u2028b", "U+2028", False, "the next character is blamed"),
    ("a\u2028", "U+2028", False, "a separator at the end is stripped and accepted"),
    ("a\x1f", "U+001F", False, "a control character at the end is stripped and accepted"),
    ("1e-00000009999999", "over the limit", False, "only eight characters of an exponent are looked at"),
    ("L@" + "1" * 5000, "whole number of updates", True, "int() refuses 5,000 digits with a ValueError"),
]


@pytest.mark.parametrize(
    ("text", "fragment", "quantities"),
    [pytest.param(*bug[:3], id=f"{n}") for n, bug in enumerate(BUGS)],
)
def test_refusals_that_are_still_missing(text, fragment, quantities):
    with pytest.raises(FormulaError) as caught:
        read_formula(text, (*NAMES, "L"), quantities=quantities)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a.T" + ".T" * 3000, id="transposes"),
        pytest.param("/".join("a" * 3000), id="quotients"),
        pytest.param("a" + "@b" * 3000, id="matrix products"),
    ],
)
def test_whatever_is_read_can_be_walked(text):
    try:
        tree = read_formula(text, NAMES)
    except FormulaError:
        return
    assert typed(tree)


SIGNS = "abxyw()[]+-*/^@,.=<>!'\"_ \t\n²۰٫−·×÷≥"
WORDS = st.sampled_from([*SIGNS, "sigmoid", "mse(", "softmax(", "w5+", "dL/dw5", "@1", "1e9", "0.5", ".T", "**"])
TYPED = st.one_of(st.text(max_size=3000), st.lists(WORDS, max_size=1500).map("".join).map(lambda text: text[:3000]))


def test_arbitrary_text_is_read_or_refused():
    times = []

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=TYPED, known=st.booleans(), quantities=st.booleans())
    @example(text="(" * 3000, known=False, quantities=False)
    @example(text="-(" * 1500, known=True, quantities=True)
    @example(text="[" * 3000, known=True, quantities=False)
    @example(text="a^" * 1500, known=True, quantities=False)
    @example(text="max(" * 750, known=True, quantities=False)
    @example(text="w5@1" * 750, known=False, quantities=True)
    def fuzz(text, known, quantities):
        started = time.perf_counter()
        try:
            read_formula(text, (*NAMES, *QUANTITIES) if known else None, quantities=quantities)
        except FormulaError as error:
            assert "\n" not in str(error)  # noqa: PT017
        times.append(time.perf_counter() - started)

    fuzz()
    assert statistics.median(times) < 0.05
    assert max(times) < 1


VALUES = {"a": Fraction(3, 7), "b": Fraction(-5, 4), "c": Fraction(2), "x": Fraction(0), "y": Fraction(11, 13)}
EXACT = Arithmetic(  # every operation is exact, and no two trees of different shape agree by accident
    Fraction,
    lambda base, exponent: 2 * base * base + 3 * exponent + Fraction(1, 3),
    {"exp": lambda z: z * z + Fraction(2, 5), "log": lambda z: 5 * z - Fraction(1, 9), "max": lambda a, b: 3 * a + 7 * b},
)
LEAVES = st.one_of(
    st.sampled_from(sorted(VALUES)).map(Name),
    st.sampled_from(["0", "1", "2", "0.40", "12.5", "3e2", "1e-3", "-3", "-0.5"]).map(Number),
)


def larger(parts):
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    exponents = st.one_of(
        st.integers(0, 9).map(str).map(Number),
        st.integers(1, 9).map(lambda n: Negative(Number(str(n)))),
        st.sampled_from("ab").map(Name),
        several.map(Sum),
    )
    return st.one_of(
        several.map(Sum),
        st.builds(Product, several, st.booleans()),
        parts.map(Negative),
        st.builds(Quotient, parts, parts),
        st.builds(Power, parts, exponents),
        st.builds(Call, st.sampled_from(["exp", "log", "sigmoid", "tanh", "square"]), parts.map(lambda part: (part,))),
        st.builds(lambda a, b: Call("max", (a, b)), parts, parts),
    )


def exact_value(tree):
    try:
        return compile_tree(tree, EXACT)(VALUES)
    except ZeroDivisionError:
        return "undefined"


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=st.recursive(LEAVES, larger, max_leaves=20))
@example(tree=Quotient(Name("a"), Product((Name("b"), Name("c")))))
@example(tree=Product((Number("2"), Quotient(Name("a"), Name("b")), Negative(Name("c")))))
@example(tree=Power(Negative(Name("a")), Number("2")))
@example(tree=Power(Power(Name("a"), Name("b")), Name("c")))
@example(tree=Negative(Negative(Name("a"))))
@example(tree=Sum((Name("a"), Negative(Sum((Name("b"), Name("c")))))))
def test_what_is_printed_plainly_is_read_back_with_the_same_value(tree):
    assert exact_value(read_formula(typed(tree), VALUES)) == exact_value(tree)


EVALUATORS = "eval|exec|sympify|parse_expr|parse_latex|lambdify"
FORBIDDEN = re.compile(
    rf"(?<![\w.])(?:(?:{EVALUATORS}|__import__)\(|S\(\")|\bpickle\b|\bshell\s*=\s*True|\b(?:sympy|sp|builtins)\.(?:{EVALUATORS}|S)\b"
)
IN_USE = ["eval(x)", "y = sympy.sympify(t)", 'S("x")', "import pickle", "run(c, shell=True)", "f = lambdify([x], e)", "(exec(a))"]
INNOCENT = ["x.evalf(40)", "re.compile(p)", "compile_tree(t)", "retrieval(x)", 'OPS("x")', "model.eval_mode()", "unpickled"]


def test_nothing_in_the_house_evaluates_text():
    sources = sorted(HOUSE.rglob("*.py"))
    assert len(sources) > 20
    found = [
        f"{path.relative_to(HOUSE)}:{n}: {line.strip()}"
        for path in sources
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert not found


@pytest.mark.parametrize("line", IN_USE)
def test_the_search_finds_what_it_is_for(line):
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize("line", INNOCENT)
def test_the_search_finds_nothing_else(line):
    assert not FORBIDDEN.search(line)
