"""The house: imports point one way, no function bears its module's name, and each module says what it owns."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "derive"

ORDER = [
    "errors", "catalogues", "progress", "clusters", "crews", "ledgers", "written", "handwriting", "tables.decimals", "tables.primitives", "tables.formulas", "tables.ops", "tables.laws", "tables.notations", "tables.rules", "tables.endings", "tables.targets",
    "symbols", "reader", "rounding", "arithmetic", "intervals", "slopes", "network", "tables.layers", "updates", "problem", "roles", "batches", "wording", "spec", "backward", "displays", "vectors",
    "values", "curvature", "witnesses", "checks", "unrolled", "derivation", "tensors.shapes", "tensors.components", "tensors.algebra", "tensors.reader", "tensors.layers", "tensors.problems", "tensors.matrices",
    "tensors.reverse", "tensors.expansion", "tensors.judges", "tensors.curvature", "tensors.work", "works",
    "models.axes", "models.sheet", "models.entries", "models.reductions", "models.parts", "models.products", "models.windows", "models.layers", "models.losses", "models.operations", "models.refusals", "models.runs", "models.spellings", "models.recording", "models.numeric", "models.comparison", "models.reading", "models.files",
    "decisions", "texreader", "exercises.submissions", "exercises.classfiles", "exercises.answers", "exercises.verdicts", "exercises.sheets",
    "exercises.reckoning", "tables.slips", "exercises.search", "exercises.formulas", "exercises.chains", "exercises.audit", "exercises.arrayanswers", "exercises.arrayaudit", "exercises.decided",
    "exercises.classes", "exercises.programs", "exercises.nearly", "exercises.draws", "exercises.distinct", "exercises.variants", "exercises.marking", "exercises.judging", "exercises.keys", "exercises.reaches", "exercises.slipvalues", "exercises.carrying", "exercises.gradings", "exercises.formulagradings", "folders", "wiring", "columns", "pictures",
    "frames", "blocks", "bidi", "sentences", "scripts", "exercises.entrywise", "exercises.runner", "exercises.processes", "exercises.bindings", "exercises.inputs", "exercises.arrayinputs", "exercises.cases", "exercises.constants", "exercises.agreement", "exercises.arrayhomework", "exercises.homework", "layouts", "plots", "planes", "proofpages", "trialpages", "auditpages", "updatepages", "hessianpages", "derivationpages", "arraypages", "modelpages", "pages", "explainpages",
    "keypages", "quizpages", "formats", "formats.markup", "formats.mathematics", "formats.plans", "formats.canvas", "formats.plain", "formats.rows", "formats.preambles", "formats.tikz", "formats.latex", "formats.text", "formats.breaks",
    "formats.ascii", "formats.svgwords", "formats.svg", "formats.markdown", "formats.mathml", "formats.folding", "formats.html", "formats.typstmath", "formats.typstwords", "formats.typst", "formats.pdf", "formats.json",
    "formats.arrayjson", "formats.modeljson", "formats.auditjson", "formats.gradebook",
    "formats.webtex", "formats.moodle", "formats.stack", "formats.rexams", "formats.itemtable",
    "formats.exam", "formats.keys", "formats.marked", "formats.templates", "editions", "quizsets",
    "formats.toml", "formats.jupyter", "formats.terminal",
    "emission.programs", "emission.spellings", "emission.strays", "emission.trials", "emission.comments", "emission.formulas", "emission.loops", "emission.wholes", "emission.interfaces", "emission.pythonidioms", "emission.pythontests", "emission.ctests", "emission.python", "emission.c", "emission.files",
    "starters", "options", "streams", "requests", "codecommand", "classcommand", "commands", "bankcommand", "keycommand", "newcommand", "arguments", "completions", "manpages", "cli", "__main__",
]  # fmt: skip
"""Each module may import what stands before it.  Read in order, this is the pipeline."""

MODULES = {
    ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOUSE.rglob("*.py"))
    if path.name != "__init__.py" or path.parent.name == "formats"
}


def parsed(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def test_every_module_has_its_place():
    assert sorted(MODULES) == sorted(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_one_way(module):
    for node in parsed(module).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("derive."):
            imported = node.module.removeprefix("derive.")
            assert ORDER.index(imported) < ORDER.index(module), f"{module} imports {imported}"


@pytest.mark.parametrize("module", ORDER)
def test_no_function_bears_its_modules_name(module):
    names = {node.name for node in ast.walk(parsed(module)) if isinstance(node, ast.FunctionDef)}
    assert module.rpartition(".")[2] not in names


@pytest.mark.parametrize("module", [module for module in ORDER if module != "__main__"])
def test_a_module_opens_with_what_it_owns(module):
    assert "Owns" in (ast.get_docstring(parsed(module)) or "")
