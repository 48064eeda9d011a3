"""Answers: what is typed and what it means, in the three kinds of file."""

import pytest

import derive
from derive.errors import FormulaError, InputError
from derive.exercises.answers import Entry, Paper, load_answers, read_answers
from derive.formats.latex import LATEX
from derive.formats.mathematics import write
from derive.formats.plain import typed
from derive.spec import load_text
from derive.symbols import Script
from derive.tables.ops import OPS
from derive.texreader import Glossary, plain_formula, symbol_key
from derive.written import Call, Name, Negative, Number, Product

Q1, Q2, Q3, MAZUR = (derive.find(name) for name in ("q1", "q2", "q3", "mazur"))


def one(line, problem=Q1):
    ((entry,),) = [paper.entries for paper in read_answers(line, problem)]
    return entry


LEFT = [  # typed left of '=', the quantity
    ("h1", "h1"),
    ("h_1", "h1"),
    ("h_{1}", "h1"),
    ("dL/dw5", "dL/dw5"),
    ("dL/dw_5", "dL/dw5"),
    ("∂L/∂w5", "dL/dw5"),
    ("∂L/∂w₅", "dL/dw5"),
    (r"\partial L/\partial w_5", "dL/dw5"),
    (r"\partial L / \partial w_{5}", "dL/dw5"),
    (r"\frac{\partial L}{\partial w_5}", "dL/dw5"),
    (r"\dfrac{dL}{dw_5}", "dL/dw5"),
    (r"\frac{\mathrm{d}L}{\mathrm{d}w_5}", "dL/dw5"),
    (r"\frac{\partial y_1}{\partial \mathrm{net}_{y_1}}", "dy1/dnet_y1"),
    (r"\frac{\partial L}{\partial \text{net} y_1}", "dL/dnet_y1"),
    ("-dL/dnet_y1", "-dL/dnet_y1"),
    (r"-\frac{\partial L}{\partial net_{y1}}", "-dL/dnet_y1"),
    ("δ_y1", "dL/dnet_y1"),
    ("delta_y1", "dL/dnet_y1"),
    (r"\delta_{y_1}", "dL/dnet_y1"),
    (r"\delta_{y1}", "dL/dnet_y1"),
    (r"\delta_{net_{y1}}", "dL/dnet_y1"),
    ("w5+", "w5@1"),
    ("w5_new", "w5@1"),
    ("w_5^+", "w5@1"),
    ("w_5^{+}", "w5@1"),
    ("w_5^{new}", "w5@1"),
    (r"w_5^{\text{new}}", "w5@1"),
    (r"w_{5,new}", "w5@1"),
    (r"w_5^{old}", "w5"),
    ("L@1", "L@1"),
    ("dL/dw5@2", "(dL/dw5)@2"),
    ("(0.594*0.40) + (0.596*0.45) + 0.35", "0.594*0.40 + 0.596*0.45 + 0.35"),
    ("w1*x1 + w3*x2", "w1*x1 + w3*x2"),
]


@pytest.mark.parametrize(("left", "means"), LEFT)
def test_the_left_side_is_an_expression_over_quantities(left, means):
    entry = one(f"{left} = 0.5")
    assert (entry.verdict, entry.fault, typed(entry.quantity)) == ("", "", means)
    assert (entry.name, entry.text, entry.typed, entry.sides) == (left, "0.5", ("0.5",), (Number("0.5"),))


LAYERED = [
    ("δ1", "df/dz2_1"),
    ("δ_1", "df/dz2_1"),
    (r"\delta_1", "df/dz2_1"),
    ("delta4", "df/dw1_11"),
    (r"\delta_2", "df/dZ2"),
    ("δ^{[2]}_1", "df/dz2_1"),
    (r"\delta_1^{[2]}", "df/dz2_1"),
    ("δ2_1", "df/dz2_1"),
    ("δ[1]_2", "df/dz1_2"),
    ("a^{[2]}_1", "a2_1"),
    ("a_1^{[2]}", "a2_1"),
    (r"w_{1,2}^{[1]}", "w1_12"),
    ("w^{(1)}_{12}", "w1_12"),
    ("w[1]_12", "w1_12"),
    ("W1[1,2]", "w1_12"),
    ("Z1[2]", "z1_2"),
    ("Z^{[2]}", "Z2"),
    (r"\frac{\partial f}{\partial Z^{[1]}}", "df/dZ1"),
    (r"\frac{\partial f}{\partial w_{11}^{[1]}}", "df/dw1_11"),
]


@pytest.mark.parametrize(("left", "means"), LAYERED)
def test_layers_and_labels_of_the_problem(left, means):
    entry = one(f"{left} = f", Q2)
    assert (entry.verdict, entry.fault, typed(entry.quantity)) == ("", "", means)


def test_a_label_in_words_stands_for_what_was_asked():
    problem = load_text('[forward]\nL = "w*x"\n[ask]\n"change of w" = "-0.5*dL/dw"\n"δ 1" = "dL/dw"\n')
    assert typed(one("change  of w = 1", problem).quantity) == "-0.5*dL/dw"
    assert typed(one("δ 1 = 1", problem).quantity) == "dL/dw"


NUMBERS = [  # typed, the digits kept
    ("0.594", "0.594"),
    ("2.50", "2.50"),
    ("-0.0766", "-0.0766"),
    ("+0.5", "0.5"),
    ("−0.0766", "-0.0766"),
    (".5", "0.5"),
    ("1.", "1"),
    ("1e-3", "1e-3"),
    ("1.5E+2", "1.5E+2"),
    ("۰٫۵۹۴", "0.594"),
    ("-۰٫۰۷۶۶", "-0.0766"),
    ("٠٫٥٠", "0.50"),
]


@pytest.mark.parametrize(("text", "digits"), NUMBERS)
def test_a_number_keeps_its_digits(text, digits):
    (side,) = one(f"h1 = {text}").sides
    assert side == (Negative(Number(digits[1:])) if digits.startswith("-") else Number(digits))


FORMULAS = [  # typed right of '=', the formula
    ("(y1 - t1)*y1*(1 - y1)*h2", "(y1 - t1)*y1*(1 - y1)*h2"),
    ("(y_1 - t_1) y_1(1 - y_1)", None),
    (r"\left(y_1 - t_1\right) y_1\,(1 - y_1) h_1", "(y1 - t1)*y1*(1 - y1)*h1"),
    (r"(y_1 - t_1) \cdot y_1 \times h_1", "(y1 - t1)*y1*h1"),
    (r"\delta_{y_1} w_5 + \delta_{y_2} w_6", "(dL/dnet_y1)*w5 + (dL/dnet_y2)*w6"),
    ("δ_y1*h1", "(dL/dnet_y1)*h1"),
    (r"\frac{1}{2}(t_1 - y_1)^2", "1/2*(t1 - y1)^2"),
    (r"\frac12 (t_1 - y_1)^{2}", "1/2*(t1 - y1)^2"),
    (r"\sigma(net_{h1})", "sigmoid(net_h1)"),
    (r"\sigma\left(\mathrm{net}_{h_1}\right)", "sigmoid(net_h1)"),
    ("σ(net_h1)", "sigmoid(net_h1)"),
    (r"\frac{1}{1 + e^{-net_{h1}}}", "1/(1 + exp(-net_h1))"),
    ("1/(1 + e^(-0.3825))", "1/(1 + exp(-0.3825))"),
    ("1/(1 + e^-0.3825)", "1/(1 + exp(-0.3825))"),
    (r"\ln y_1", "log(y1)"),
    (r"-\log\left(1 - y_1\right)", "-log(1 - y1)"),
    (r"\tanh(net_{h1})", "tanh(net_h1)"),
    (r"\max(0, net_{h1})", "max(0, net_h1)"),
    (r"\exp(-x_1)", "exp(-x1)"),
    (r"\sqrt{x_1}", "sqrt(x1)"),
    (r"\operatorname{ReLU}(x_1)", "relu(x1)"),
    (r"\operatorname{GELU}(x_1)", "gelu(x1)"),
    (r"\Phi(x_1) + x_1\,\varphi(x_1)", "normal_cdf(x1) + x1*normal_pdf(x1)"),
    ("Φ(x1) + x1·φ(x1)", "normal_cdf(x1) + x1*normal_pdf(x1)"),
    (r"\phi\left(x_1\right)^2", "normal_pdf(x1)^2"),
    (r"\frac{2}{\sqrt{\pi}} e^{-x_1^2}", "2/sqrt(pi())*exp(-x1^2)"),
    ("2/sqrt(π)*e^(-x1^2)", "2/sqrt(pi())*exp(-x1^2)"),
    ("2/sqrt(pi)*exp(-x1^2)", "2/sqrt(pi())*exp(-x1^2)"),
    (r"\max(-1, \min(1, y_1 - t_1))", "max(-1, min(1, y1 - t1))"),
    (r"-\left|y_1 - t_1\right|^2 h_1", "-abs(y1 - t1)^2*h1"),
    ("2·|y1 − t1|", "2*abs(y1 - t1)"),
    (r"\lvert y_1 \rvert", "abs(y1)"),
    (r"\frac{1}{2} leaky_relu(x_1)", "1/2*leaky_relu(x1)"),
    (r"tanh(\frac{1}{2}x_1)^2", "tanh(1/2*x1)^2"),
    (r"{y_1}^{2}", "y1^2"),
    (r"2\,y_1^2 h_1", "2*y1^2*h1"),
    (r"x_1^{-2}\cdot h_1", "x1^(-2)*h1"),
    (r"w_5 - \eta \cdot \frac{\partial L}{\partial w_5}", "w5 - learning_rate*(dL/dw5)"),
    (r"\frac{\partial L}{\partial y_1}\cdot\frac{\partial y_1}{\partial net_{y1}}\cdot\frac{\partial net_{y1}}{\partial w_5}",
     "(dL/dy1)*(dy1/dnet_y1)*(dnet_y1/dw5)"),
    ("x1²", "x1^2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "means"), FORMULAS)
def test_the_right_side_is_a_formula(text, means):
    entry = one(f"dL/dw7 = {text}")
    if means is None:
        assert (entry.verdict, "is ambiguous" in entry.fault) == ("unreadable", True)
    else:
        assert (entry.verdict, entry.fault) == ("", "")
        reread = one(f"dL/dw7 = {typed(entry.sides[0])}")
        assert typed(reread.sides[0]) == typed(entry.sides[0])
        assert typed(entry.sides[0]).replace("(dL", "dL") == typed(one(f"dL/dw7 = {means}").sides[0]).replace("(dL", "dL")


CHAINS = [
    ("net_h1 = 0.05*0.15 + 0.1*0.25 + 0.35 = 0.3825", ("0.05*0.15 + 0.1*0.25 + 0.35", "0.3825")),
    ("h1 = 1/(1 + e^(-0.3825)) ≈ 0.594", ("1/(1 + e^(-0.3825))", "0.594")),
    (r"h1 = \frac{1}{1 + e^{-0.3825}} \approx 0.594", (r"\frac{1}{1 + e^{-0.3825}}", "0.594")),
    ("h1 ≈ 0.594", ("0.594",)),
    (
        "dL/dw5 = (y1-t1)*y1*(1-y1)*h1 = 0.781*0.165*0.594 = 0.0766  # three",
        ("(y1-t1)*y1*(1-y1)*h1", "0.781*0.165*0.594", "0.0766"),
    ),
]


@pytest.mark.parametrize(("line", "sides"), CHAINS)
def test_every_side_of_a_chain_is_kept(line, sides):
    entry = one(line)
    assert (entry.verdict, entry.typed, len(entry.sides)) == ("", sides, len(sides))
    assert entry.text == line.partition("#")[0].split("=" if "=" in line else "≈", 1)[1].strip()


STRANGERS = [  # a wrong index is for the judge to find
    (Q2, "w2_1*a2_1*(1 - a2_1)", ("w2_1",)),
    (Q2, "w^{[2]}_1 a^{[2]}_1", ("w2_1",)),
    (Q2, "w_1^{[2]}", ("w2_1",)),
    (Q2, "a3_1 + a3_1", ("a3_1",)),
    (Q1, "w9*h1 + w_9*h3", ("w9", "h3")),
    (Q1, r"w_{9} \cdot net_{h3}", ("w9", "net_h3")),
    (Q1, "w5*h1", ()),
]


@pytest.mark.parametrize(("problem", "text", "strangers"), STRANGERS)
def test_a_name_that_is_wrong_only_in_its_index_is_read_and_reported(problem, text, strangers):
    left = "f" if problem is Q2 else "L"
    entry = one(f"{left} = {text}", problem)
    assert (entry.verdict, entry.fault, entry.strangers) == ("", "", strangers)


FAULTS = [  # the line, the verdict, the message
    ("h9 = 1", "unknown", "unknown name 'h9'; the problem has h1, h2"),
    ("net_h = 1", "unknown", "unknown name 'net_h'; did you mean 'net_h2'?"),
    ("dL/dnet_z1 = 1", "unknown", "unknown quantity 'net_z1' in dL/dnet_z1; did you mean 'net_y1'? (at character 1)"),
    ("dh1/dL = 1", "unknown", "'h1' does not depend on 'L'"),
    ("d2L/dw5dw7 = 1", "unknown", "second derivatives are worked out by 'derive show --hessian' only"),
    ("dL/dw5 = 2*d2L/dw5dw7", "unreadable", "second derivatives are worked out by 'derive show --hessian' only"),
    ("h1 = d(dL/dw5)/dy1", "unreadable", "second derivatives are worked out by 'derive show --hessian' only"),
    (r"\hat{y}_1 = 1", "unknown", r"unknown symbol '\hat{y}_{1}'; did you mean 'y1'?"),
    (r"\frac{\partial L}{\partial w_9} = 1", "unknown", "'∂w_9' is not ∂ and a quantity of this problem"),
    ("h1 =", "missing", "no answer is given"),
    ("h1 = ?", "missing", "no answer is given"),
    ("h1", "unreadable", "no '=' on the line: write quantity = number or formula"),
    ("h1 0.594", "unreadable", "no '=' on the line: write quantity = number or formula"),
    ("= 0.594", "unreadable", "nothing stands before the '='; write quantity = answer"),
    ("h1 == 1", "unreadable", "'==' is not read; write one '='"),
    ("h1 := 1", "unreadable", "':=' is not read; write one '='"),
    ("h1 = 1; 2", "unreadable", "';' does not belong in a formula (at character 2)"),
    ("h1 = 0,594", "unreadable", "',' is not a decimal sign; write 0.594"),
    ("h1 = (0,01 - 0,791)", "unreadable", "',' is not a decimal sign; write 0.01 (at character 2)"),
    ("h1 = 1/2y1", "unreadable", "'1/2y1' can be read in two ways: write (1/2)*y1 or 1/(2*y1)"),
    ("h1 = sigmiod(net_h1)", "unreadable", "unknown function 'sigmiod'; did you mean 'sigmoid'?"),
    ("h1 = 0.5 = net_z", "unreadable", "unknown name 'net_z'; did you mean 'net_y2'? (in 'net_z')"),
    ("h1 = 0.5 = ", "unreadable", "nothing stands beside an '='"),
    ("h1 = net_h1 > 0", "unreadable", "a comparison has no value"),
    ("h1 = [h1, h2]", "unreadable", "a list is no quantity"),
    ("h1 = softmax(h1, h2)", "unreadable", "softmax has several outputs: write softmax(…)[1]"),
    ("h1 = h1 @ h2", "unreadable", "matrices are not read here in this version"),
    ("h1 = e*2 + e^2", "unreadable", "'e' is read only with a power: e^(…); write exp(1) for the number"),
    (r"h1 = \input{x}", "unreadable", r"the command '\input' is not read in answers"),
    (r"h1 = \frca{1}{2}", "unreadable", r"the command '\frca' is not read in answers; did you mean 'frac'?"),
    (r"h1 = \ln y_1 y_2", "unreadable", r"'\ln …' is ambiguous: put brackets around what it is taken of"),
]


@pytest.mark.parametrize(("line", "verdict", "fault"), FAULTS)
def test_what_cannot_be_judged_says_why(line, verdict, fault):
    entry = one(line)
    assert (entry.verdict, entry.fault) == (verdict, fault)
    assert entry.sides == () or verdict == "unreadable"


def test_a_problem_without_a_learning_rate_has_no_later_values():
    assert one("w1_11+ = 1", Q2).fault == "values after an update need learning_rate in [train]"


def test_a_vector_may_be_answered_with_a_list():
    entry = one("δ2 = [w3_1, w3_2]", Q2)
    assert (entry.verdict, typed(entry.sides[0])) == ("", "[w3_1, w3_2]")
    assert one("f = Z2", Q2).fault == "'Z2' is a vector; name its components"


TEXT = """# paper: A-17
h1 = 0.594   # a comment

dL/dw5 = -0.0766
nonsense
"""


def test_a_text_file_is_one_paper_with_its_lines_named():
    (paper,) = read_answers(TEXT, Q1)
    assert (paper.student, paper.variant) == ("", "A-17")
    assert [(entry.place, entry.verdict) for entry in paper.entries] == [("line 2", ""), ("line 4", ""), ("line 5", "unreadable")]


TWICE = [
    ("h1 = 0.5\nh1 = 0.6", ["unreadable", "unreadable"]),
    ("h1 = 0.5\nh_1 = 0.6\nh2 = 1", ["unreadable", "unreadable", ""]),
    ("h1 = 0.5\nh1 = 0.50\nh1 = ۰٫۵", ["", "", ""]),
    ("h1 = 0.5\nh1 = 0.6\nh1 = 0.5", ["unreadable"] * 3),
    ("h1 = 0.5\nh1 = sigmoid(net_h1)", ["", ""]),
    ("h1 = 0.5\nh1 = sigmoid(net_h1) = 0.594", ["", ""]),
    ("h1 = 0.5\nh1 = ?", ["", "missing"]),
]


@pytest.mark.parametrize(("text", "verdicts"), TWICE)
def test_the_last_of_two_answers_does_not_win(text, verdicts):
    (paper,) = read_answers(text, Q1)
    assert [entry.verdict for entry in paper.entries] == verdicts
    if "unreadable" in verdicts:
        fault = paper.entries[0].fault
        assert fault == "answered more than once, 0.5 (line 1) and 0.6 (line 2): keep the one that counts"


def papers(data, problem=Q1):
    return [
        (paper.student, paper.variant, [(e.place, typed(e.sides[0]) if e.sides else e.verdict) for e in paper.entries])
        for paper in read_answers(data, problem)
    ]


def test_a_class_one_student_a_row():
    text = "\ufeffstudent,h1,dL/dw5,paper\r\nعلی,0.594,-0.0766,A1\r\nSara,,'-0.1,A2\r\n\r\n"
    assert papers(text.encode()) == [
        ("علی", "A1", [("row 2, column h1", "0.594"), ("row 2, column dL/dw5", "-0.0766")]),
        ("Sara", "A2", [("row 3, column h1", "missing"), ("row 3, column dL/dw5", "-0.1")]),
    ]


def test_a_class_one_answer_a_row():
    text = "Student;Quantity;Answer\nA;h1;0.594\nB;h1;0,5\nA;w5+;0.36\n"
    assert papers(text) == [("A", "", [("row 2", "0.594"), ("row 4", "0.36")]), ("B", "", [("row 3", "unreadable")])]


def test_one_bad_row_costs_that_row():
    text = 'student,h1,h2\nA,0,594,0.5\nB,"0.5,0.6\nC,0.5,"(y1 - t1)*h1"\n'
    (_, _, first), (_, _, second), (_, _, third) = papers(text)
    assert [what for _, what in first + second] == ["unreadable"] * 4
    assert [what for _, what in third] == ["0.5", "(y1 - t1)*h1"]
    faults = [paper.entries[0].fault for paper in read_answers(text, Q1)[:2]]
    assert faults[0] == "the row has 4 cells for 3 columns; write 1.5 for 1,5, or put quotes around the cell"
    assert faults[1] == "a quote is opened and not closed"


def test_json_keeps_the_digits_of_numbers():
    assert papers('{"h1": 0.5940, "dL/dw5": "-0.0766", "h2": null}') == [
        ("", "", [("answers.h1", "0.5940"), ("answers.dL/dw5", "-0.0766"), ("answers.h2", "missing")])
    ]
    assert papers('{"student": "A", "paper": "P", "answers": {"h1": 1e-3}}') == [("A", "P", [("answers.h1", "1e-3")])]
    assert papers('[{"h1": 1}, {"lines": [{"name": "h1", "given": "0.50"}]}]') == [
        ("", "", [("[1].answers.h1", "1")]),
        ("", "", [("[2].lines[1]", "0.50")]),
    ]


REFUSED = [
    (b"\xff\xfeh\x001\x00", "answers: is UTF-16; save it as UTF-8"),
    (b"h1 = \xe9", "answers: is not UTF-8 text (byte 6)"),
    (b"PK\x03\x04", "answers: is no text: it should hold answers, one a line"),
    ('{"h1": 1,\n"h1": 2}', "answers: line 2: the key 'h1' stands twice"),
    ('{"h1": NaN}', "answers: line 1: NaN is not a number to compute with"),
    ('{"h1": 1', "answers: line 1: is not valid JSON: Expecting ',' delimiter"),
    ("[1]", 'answers: [1]: should hold an object: {"h1": "0.594"}'),
    ('{"cells": [], "nbformat": 4}', "answers: is a notebook, not a file of answers"),
    ("student,student\n", 'answers: row 1: the column "student" stands more than once'),
]


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_a_file_that_cannot_be_read_at_all(data, message):
    with pytest.raises(InputError) as caught:
        read_answers(data, Q1)
    assert str(caught.value) == message


def test_a_file_is_loaded_under_its_name(tmp_path):
    path = tmp_path / "ali.txt"
    path.write_text("h1 = 0.5", encoding="utf-8")
    assert load_answers(path, Q1) == read_answers("h1 = 0.5", Q1)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match=r"^ali\.txt: is not UTF-8 text \(byte 1\)$"):
        load_answers(path, Q1)


def test_an_empty_file_is_an_empty_paper():
    assert read_answers("# nothing\n", Q1) == (Paper(),)
    assert Entry("line 1", "h1", "") == Entry("line 1", "h1", "", None, (), (), "", "", (), ())


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.kind != "loss" and not op.spread and name != "step"])
def test_an_operation_is_read_as_we_write_it_in_latex(name):
    arguments = (Name("x1"), Name("w5"))[: len(OPS[name].arguments)]
    (side,) = one(f"h1 = {write(Call(name, arguments), LATEX, Script())}").sides
    assert side == Call(name, arguments)


def test_a_quantity_is_not_taken_for_a_function_or_a_number():
    """phi, Phi and pi may be quantities; then they are these, also before a bracket."""
    problem = load_text('[forward]\nz = "phi*Phi + pi"\nL = "(1 - z)^2"\n')
    glossary = Glossary(problem)
    for text, means in ((r"\phi(1 - z)", "phi*(1 - z)"), (r"\Phi\,z", "Phi*z"), (r"\pi^2", "(pi^(2))"), ("2π", "2*pi")):
        assert plain_formula(text, glossary).text == means
    assert problem.read("2*pi") == Product((Number("2"), Name("pi")))


def test_names_given_by_hand_are_read_as_they_are_written():
    glossary = Glossary(Q3)
    for text in (r"\hat y_1", r"\hat{y}_1", r"\hat{y}_{1}", r"\hat{y_1}", "ŷ_1", "ŷ₁", "y\u0302_1", "y1"):
        assert plain_formula(text, glossary).text == "y1"
    assert plain_formula("w_{s1}", glossary).text == "ws1"
    assert plain_formula(r"\delta_{o1}", Glossary(MAZUR)).text == "(dE_total/dnet_o1)"
    assert plain_formula(r"\frac{\partial E_{total}}{\partial w_5}", Glossary(MAZUR)).text == "(dE_total/dw5)"


def test_indices_that_can_be_split_in_two_ways_need_a_comma():
    network = "\n".join(f'z1_{j} = "' + " + ".join(f"w1_{j}_{k}*x{k}" for k in range(1, 12)) + '"' for j in range(1, 12))
    glossary = Glossary(load_text(f'notation = "ng"\n[forward]\n{network}\nL = "z1_1"\n'))
    assert plain_formula("w^{[1]}_{1,11}", glossary).text == "w1_1_11"
    assert plain_formula("w^{[1]}_{11,1}", glossary).text == "w1_11_1"
    with pytest.raises(FormulaError, match="can be read as w1_11_1 or w1_1_11; put a comma between the indices"):
        plain_formula("w^{[1]}_{111}", glossary)


def test_the_order_of_above_and_below_does_not_matter():
    assert symbol_key("w^{[1]}_{11}") == symbol_key("w_{11}^{[1]}") == symbol_key(r"\mathrm{w}_{11}^{(1)}")


def test_a_batch_answers_for_its_first_example_under_the_plain_name():
    text = '[given]\nw = 2\n[forward]\nz = "w*x"\nL = "z^2"\n[train]\nbatch = true\nlearning_rate = 0.5\n[[examples]]\nx = 3\n[[examples]]\nx = 4\n'
    problem = load_text(text)
    assert typed(one("z = 6", problem).quantity) == typed(problem.read("z")) == "z_1"
    assert typed(one("dL/dz = z", problem).sides[0]) == "z_1"
