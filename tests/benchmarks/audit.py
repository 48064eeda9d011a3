"""How well the audit tells right from wrong: every slip injected at every place, correct keys, two slips, random digits.

    python tests/benchmarks/audit.py [--networks 50] [--keys 10000] [--jobs 2]

Each paper is worked by hand in exact decimals with every value rounded to 3, 4, 5 or 6 digits and the rounded value used from then
on; a slip is made in the formulas first.  The paper shows the values of the forward pass, the gradients and the update; every other
paper shows the error signals too.  Then the audit sees only the digits.
"""

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import derive
from derive.arithmetic import DECIMAL, precision
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.exercises.reckoning import Reckoning, digits_shown, true_values
from derive.exercises.search import explain
from derive.exercises.sheets import make_sheet
from derive.formats.plain import typed
from derive.intervals import read_printed
from derive.rounding import Rounding
from derive.spec import load_text
from derive.tables.slips import SLIPS, candidates, garbles
from derive.written import Call, Later, Name, Negative, Number, Partial, substitute, walk

POLICIES = [(kind, n) for n in (3, 4, 5, 6) for kind in ("digits", "places")]


def rounding_of(policy):
    kind, n = policy
    return Rounding("hand", **{kind: n})


def by_hand(sheet, rounding, given=None):
    """Every value of a sheet worked by hand; None where a division by a rounded 0 stops it."""
    values = {key: Decimal(number.text) for key, number in sheet.given.items()} | (given or {})
    with precision(60):
        for key, tree in sheet.rows.items():
            try:
                values[key] = rounding.keep(sheet.evaluator(tree, DECIMAL)(values))
            except (ArithmeticError, KeyError):  # a rounded 0 below a fraction, or two slips that wait for each other
                return None
    return values


def lines_of(sheet, signals, source):
    """Which lines a paper shows."""
    keys = [key for key in sheet.base if isinstance(key, str)]
    keys += [key for key in sheet.base if isinstance(key, Partial) and (signals or key.wrt in sheet.problem.train.parameters)]
    keys += [key for key in sheet.base if isinstance(key, Later)]
    return keys


def as_printed(text):
    return read_printed(Negative(Number(text[1:])) if text.startswith("-") else Number(text))


def printed_of(values, keys, rounding):
    found = {}
    for key in keys:
        found[key] = as_printed(rounding.show(values[key]))
    return found


def audit(sheet, truth, printed):
    """Wrong lines, the slips named, what stays open."""
    reckoning = Reckoning(sheet, printed, truth, digits_shown(printed.values()))
    accepted, follows = reckoning.honest[1], reckoning.own[1]
    wrong = [key for key in printed if key not in accepted and not follows[key]]
    slips, case = explain(reckoning, wrong)
    return wrong, slips, case.open


def names(slips):
    return [{slip.id, *(tie.id for tie in slip.ties)} for slip in slips]


RANDOM = """
[given]
{given}
[forward]
{forward}
[train]
learning_rate = 0.5
"""


def random_problem(seed):
    """A dense network of one or two hidden layers, one to three units each, drawn with its numbers."""
    source = random.Random(seed)
    inputs = source.choice([1, 2, 2, 3])
    sizes = [inputs, *(source.choice([2, 2, 3]) for _ in range(source.choice([1, 1, 2]))), source.choice([1, 2])]
    given, forward = {}, []
    below = [f"x{i + 1}" for i in range(inputs)]
    for name in below:
        given[name] = f"{source.randint(5, 150) / 100:.2f}"
    shared = source.random() < 0.3
    for layer, size in enumerate(sizes[1:], start=1):
        last = layer == len(sizes) - 1
        act = source.choice(["sigmoid", "sigmoid", "tanh", "relu"]) if not last else source.choice(["sigmoid", "sigmoid", "identity"])
        above = []
        for k in range(1, size + 1):
            terms = []
            for i, unit in enumerate(below, start=1):
                w = f"w{layer}_{k}{i}"
                given[w] = f"{source.choice([-1, 1, 1]) * source.randint(10, 95) / 100:.2f}"
                terms.append(f"{w}*{unit}")
            b = f"b{layer}" if shared else f"b{layer}_{k}"
            given[b] = f"{source.randint(5, 60) / 100:.2f}"
            forward.append((f"z{layer}_{k}", " + ".join([*terms, b])))
            above.append(f"a{layer}_{k}")
        forward += [(f"a{layer}_{k}", f"{act}(z{layer}_{k})") for k in range(1, size + 1)]
        below = above
    for k in range(1, len(below) + 1):
        given[f"t{k}"] = f"{source.randint(1, 99) / 100:.2f}"
    outs, targets = ", ".join(below), ", ".join(f"t{k}" for k in range(1, len(below) + 1))
    loss = source.choice(["1/2*(" + " + ".join(f"(t{k} - {y})^2" for k, y in enumerate(below, 1)) + ")", f"mse([{outs}], [{targets}])", f"half_squared_error([{outs}], [{targets}])"])
    forward.append(("L", loss))
    return load_text(RANDOM.format(given="\n".join(f"{n} = {v}" for n, v in given.items()), forward="\n".join(f'{n} = "{e}"' for n, e in forward)))


def problem_of(name):
    return derive.find(name) if isinstance(name, str) else random_problem(name)


def another_number(number, source):
    """Another number of as many decimals."""
    text = number.text
    places = len(text.partition(".")[2])
    while True:
        other = Decimal(source.randint(1, 99)).scaleb(-min(places, 2)) if places else Decimal(source.randint(1, 9))
        if other != Decimal(text):
            return other


def injected(sheet, truth, slipped, policy, signals, source):
    """The paper with a slip in it, or None where it gives the same digits."""
    rounding = rounding_of(policy)
    honest = by_hand(sheet, rounding)
    if honest is None:
        return None
    keys = lines_of(sheet, signals, source)
    if slipped.given:
        wrong = by_hand(sheet, rounding, {slipped.given: another_number(sheet.given[slipped.given], source)})
    else:
        wrong = by_hand(sheet.done_wrong(slipped.rows, slipped.ways, {}), rounding)
    if wrong is None:
        return None
    right, paper = printed_of(honest, keys, rounding), printed_of(wrong, keys, rounding)
    if all(right[key].value == paper[key].value for key in keys):
        return None
    return paper


def study_slips(name):
    """Rows (slip, found wrong, named, policy, seconds) for one network."""
    problem, source = problem_of(name), random.Random(str(name))
    sheet = make_sheet(problem)
    truth = true_values(sheet)
    rows, missed = [], []
    for place, slipped in enumerate(candidates(sheet)):
        policy, signals = source.choice(POLICIES), place % 2 == 0
        paper = injected(sheet, truth, slipped, policy, signals, source)
        if paper is None:
            continue
        start = time.perf_counter()
        wrong, slips, _ = audit(sheet, truth, paper)
        seconds = time.perf_counter() - start
        hit = any(slipped.slip in ids for ids in names(slips))
        rows.append((slipped.slip, bool(wrong), hit, policy, seconds))
        if not hit:
            missed.append((slipped.slip, slipped.variant, slipped.where, policy, signals, len(wrong), names(slips)))
    return rows, missed


def study_stale(name):
    """The same for stale-forward, which needs papers that show the forward pass after the update and its gradients too."""
    problem, source = problem_of(name), random.Random(f"s{name}")
    sheet = make_sheet(problem, updates=1)
    truth = true_values(sheet)
    rows, missed = [], []
    for slipped in SLIPS["stale-forward"].places(sheet):
        policy = source.choice(POLICIES)
        rounding = rounding_of(policy)
        right, wrong = by_hand(sheet, rounding), by_hand(sheet.done_wrong(slipped.rows, slipped.ways, {}), rounding)
        if right is None or wrong is None:
            continue
        right, paper = (printed_of(values, list(sheet.rows), rounding) for values in (right, wrong))
        if all(right[key].value == paper[key].value for key in paper):
            continue
        start = time.perf_counter()
        bad, slips, _ = audit(sheet, truth, paper)
        hit = any("stale-forward" in ids for ids in names(slips))
        rows.append(("stale-forward", bool(bad), hit, policy, time.perf_counter() - start))
        if not hit:
            missed.append(("stale-forward", slipped.variant, slipped.where, policy, len(bad), names(slips)))
    return rows, missed


def study_arithmetic(name):
    """The same for false-arithmetic: each line that is a sum of products, with its numbers in place and another digit in its result."""
    problem, source = problem_of(name), random.Random(f"a{name}")
    network, rows, missed = problem.network, [], []
    for equation in network.equations:
        policy = source.choice(POLICIES)
        rounding = rounding_of(policy)
        values = by_hand(make_sheet(problem), rounding)
        if values is None or any(isinstance(node, Call) for node in walk(equation.rhs)):
            continue

        def number(leaf, values=values, rounding=rounding):
            if not isinstance(leaf, Name):
                return None
            text = problem.given[leaf.name].text if leaf.name in problem.given else rounding.show(values[leaf.name])
            return Negative(Number(text[1:])) if text.startswith("-") else Number(text)

        right = rounding.show(values[equation.goal])
        places = [place for place, digit in enumerate(right) if digit.isdigit() and place < len(right) - 1]
        at = source.choice(places)
        digit = source.choice([d for d in "123456789" if d != right[at]])
        line = f"{equation.goal} = {typed(substitute(equation.rhs, number))} = {right[:at]}{digit}{right[at + 1 :]}"
        start = time.perf_counter()
        (found,) = audit_papers(problem, read_answers(line, problem))
        hit = any(slip.id == "false-arithmetic" for slip in found.slips)
        rows.append(("false-arithmetic", found.lines[0].verdict == "wrong", hit, policy, time.perf_counter() - start))
        if not hit:
            missed.append(("false-arithmetic", line, policy, found.lines[0].verdict))
    return rows, missed


def study_garbles(name):
    problem, source = problem_of(name), random.Random(f"g{name}")
    sheet = make_sheet(problem)
    truth = true_values(sheet)
    rows, missed = [], []
    for place, key in enumerate(sheet.base):
        policy, signals = source.choice(POLICIES), place % 2 == 0
        rounding = rounding_of(policy)
        values = by_hand(sheet, rounding)
        keys = lines_of(sheet, signals, source)
        if values is None or key not in keys:
            continue
        paper = printed_of(values, keys, rounding)
        same = (paper[key].value, truth[key])  # a last digit dropped or doubled may still be the right number to the digits it shows
        texts = sorted({text for _, text in garbles(paper[key].text)})
        options = [text for text in texts if not any(as_printed(text).rounds(value) or as_printed(text).cuts(value) for value in same)]
        if not options:
            continue
        text = source.choice(options)
        paper[key] = as_printed(text)
        start = time.perf_counter()
        wrong, slips, _ = audit(sheet, truth, paper)
        hit = any("garbled-digits" in ids for ids in names(slips))
        rows.append(("garbled-digits", bool(wrong), hit, policy, time.perf_counter() - start))
        if not hit:
            missed.append(("garbled-digits", text, key, policy, signals, len(wrong), names(slips)))
    return rows, missed


def study_correct(task):
    """Correct keys: how many lines are accused."""
    name, count = task
    problem, source = problem_of(name), random.Random(f"c{name}")
    sheet = make_sheet(problem)
    truth = true_values(sheet)
    keys_done = lines = accused = 0
    examples = []
    for _ in range(count):
        policy = source.choice(POLICIES)
        rounding = rounding_of(policy)
        values = by_hand(sheet, rounding)
        if values is None:
            continue
        keys = [key for key in lines_of(sheet, source.random() < 0.5, source) if source.random() < 0.9] or list(sheet.base)[:1]
        paper = printed_of(values, keys, rounding)
        reckoning = Reckoning(sheet, paper, truth, digits_shown(paper.values()))
        bad = [key for key in paper if key not in reckoning.honest[1]]
        keys_done, lines, accused = keys_done + 1, lines + len(paper), accused + len(bad)
        examples += [(policy, key, paper[key].text, float(truth[key])) for key in bad[:2]]
    return keys_done, lines, accused, examples


def study_random_digits(task):
    """Correct keys with one to three lines of random digits: how many of those lines get an explanation."""
    name, count = task
    problem, source = problem_of(name), random.Random(f"r{name}")
    sheet = make_sheet(problem)
    truth = true_values(sheet)
    spoilt = explained = 0
    by_digits = Counter()
    for _ in range(count):
        policy = source.choice(POLICIES)
        rounding = rounding_of(policy)
        values = by_hand(sheet, rounding)
        if values is None:
            continue
        keys = lines_of(sheet, source.random() < 0.5, source)
        paper = printed_of(values, keys, rounding)
        for key in source.sample(keys, source.randint(1, 3)):
            text = paper[key].text
            body = "".join(source.choice("0123456789") if c.isdigit() and i else c for i, c in enumerate(text))
            paper[key] = as_printed(body)
        wrong, _, open_ = audit(sheet, truth, paper)
        spoilt += len(wrong)
        explained += len(set(wrong) - open_)
        by_digits[policy[1], "spoilt"] += len(wrong)
        by_digits[policy[1], "explained"] += len(set(wrong) - open_)
    return spoilt, explained, by_digits


def study_pairs(task):
    """Two slips at once, at places drawn anew each time."""
    name, count = task
    problem, source = problem_of(name), random.Random(f"p{name}")
    sheet = make_sheet(problem)
    truth = true_values(sheet)
    done = both = one = 0
    missed = []
    pool = {}
    for slipped in candidates(sheet):
        pool.setdefault(slipped.slip, []).append(slipped)
    for _ in range(count * 3):
        if done == count:
            break
        first, second = (source.choice(pool[slip]) for slip in source.sample(sorted(pool), 2))
        policy = source.choice(POLICIES)
        rounding = rounding_of(policy)
        papers = []
        keys = lines_of(sheet, done % 2 == 0, source)
        numbers = {s.given: another_number(sheet.given[s.given], source) for s in (first, second) if s.given}
        if set(first.ways) & set(second.ways) or set(first.rows) & set(second.rows):
            continue
        for parts in ((), (first,), (second,), (first, second)):
            wrong_sheet = sheet
            for part in parts:
                wrong_sheet = wrong_sheet.done_wrong(part.rows, part.ways, {})
            values = by_hand(wrong_sheet, rounding, {p.given: numbers[p.given] for p in parts if p.given})
            papers.append(values and [paper.value for paper in printed_of(values, keys, rounding).values()])
            last = values
        if any(paper is None for paper in papers) or len({tuple(p) for p in papers}) < 4:
            continue
        paper = printed_of(last, keys, rounding)
        wrong, slips, _ = audit(sheet, truth, paper)
        hits = [any(s.slip in ids for ids in names(slips)) for s in (first, second)]
        done, both, one = done + 1, both + all(hits), one + any(hits)
        if not all(hits):
            missed.append(((first.slip, first.variant, first.where), (second.slip, second.variant, second.where), policy, len(wrong), names(slips)))
    return done, both, one, missed


def told(name, count):
    """One line of progress, for whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {name}: {count}", file=sys.stderr, flush=True)


def share(part, whole):
    return f"{part / max(whole, 1):.1%}" if part < whole or not whole else "100 %"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--networks", type=int, default=50, help="random networks beside q1 and mazur")
    options.add_argument("--keys", type=int, default=10_000, help="correct keys")
    options.add_argument("--pairs", type=int, default=1_000, help="papers with two slips")
    options.add_argument("--spoilt", type=int, default=2_000, help="papers with lines of random digits")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--missed", type=int, default=0, help="print so many of the papers not named right")
    chosen = options.parse_args()
    networks = ["q1", "mazur", *range(chosen.networks)]
    each = [-(-number // len(networks)) for number in (chosen.keys, chosen.pairs, chosen.spoilt)]
    print(f"Python {sys.version.split()[0]}, derive {derive.__version__}, {time.strftime('%Y-%m-%d')}, q1, mazur and {chosen.networks} random networks\n")
    with ProcessPoolExecutor(chosen.jobs) as pool:
        rows, missed = [], []
        for study in (study_slips, study_stale, study_garbles, study_arithmetic):
            for done, (found, misses) in enumerate(pool.map(study, networks), start=1):
                rows += found
                missed += misses
                told(study.__name__, f"{done} networks, {len(rows)} papers")
        print("| slip injected | papers that differ | found wrong | named, or in a tie |\n|---|---|---|---|")
        for slip in [*SLIPS, "all"]:
            of = [row for row in rows if slip in (row[0], "all")]
            if of:
                found, named = (sum(row[k] for row in of) for k in (1, 2))
                print(f"| {slip} | {len(of):,} | {share(found, len(of))} | {share(named, len(of))} |")
        for n in (3, 4, 5, 6):
            of = [row for row in rows if row[3][1] == n]
            print(f"| all, {n} digits or places | {len(of):,} | {share(sum(r[1] for r in of), len(of))} | {share(sum(r[2] for r in of), len(of))} |")
        print(f"\nan audit of such a paper: {1000 * statistics.median(row[4] for row in rows):.0f} ms (median)")
        random.Random(1).shuffle(missed)
        for miss in missed[: chosen.missed]:
            print("  missed", miss)
        correct = list(pool.map(study_correct, [(name, each[0]) for name in networks]))
        told("correct keys", sum(c[0] for c in correct))
        keys, lines, accused = (sum(c[k] for c in correct) for k in range(3))
        print(f"correct keys worked by hand: {keys:,}, lines: {lines:,}, lines accused: {accused}")
        for example in [e for c in correct for e in c[3]][:5]:
            print("  accused", example)
        pairs = list(pool.map(study_pairs, [(name, each[1]) for name in networks]))
        told("two slips", sum(p[0] for p in pairs))
        done, both, one = (sum(p[k] for p in pairs) for k in range(3))
        print(f"two slips at once: {done:,} papers, both named {share(both, done)}, at least one {share(one, done)}")
        for miss in [m for p in pairs for m in p[3]][: chosen.missed]:
            print("  missed", miss)
        spoilt = list(pool.map(study_random_digits, [(name, each[2]) for name in networks]))
        total, explained = (sum(s[k] for s in spoilt) for k in range(2))
        by = sum((s[2] for s in spoilt), Counter())
        told("random digits", total)
        print(f"lines of random digits: {total:,}, given an explanation {share(explained, total)}", end="")
        print(" (" + ", ".join(f"{n} digits {share(by[n, 'explained'], by[n, 'spoilt'])}" for n in (3, 4, 5, 6)) + ")")


if __name__ == "__main__":
    main()
