"""A class of any size: files as streams, workers that a bad line cannot stop, and runs that go on where they were interrupted."""

import csv
import importlib.util
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from math import exp

import poison
import pytest
from conftest import COMMAND, PLACE

import derive
from derive.crews import Crew, Stopped
from derive.editions import Edition, make_papers
from derive.errors import InputError, LimitError, UsageError
from derive.exercises import classfiles
from derive.exercises.classes import marks_of
from derive.exercises.classfiles import open_answers
from derive.exercises.judging import judged
from derive.exercises.marking import judge_of, marking_of
from derive.exercises.submissions import Cell, Submission, decoded, split_answers
from derive.ledgers import Ledger
from derive.rounding import Rounding

Q1 = derive.find("q1")
LIMIT = 2.0
"""Seconds: far more than these lines take on a busy machine, far less than those that never end."""

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such signals")


# --- files as streams -----------------------------------------------------------------------------------------------------

HEADS = ["student,h1,dL/dw5", "\ufeff\r\nStudent;quantity;answer", "paper\tstudent\th1", "student,quantity,answer,paper", "\n\nstudent,h1,h1"]
CELLS = ["A", "B", "", "ع", "0.5", '"x', "h1", "w5+", "  "]


def test_a_stream_holds_the_papers_that_the_whole_file_holds(monkeypatch):
    """Rows of one student may stand apart; parts of the file end anywhere, within a line end or a letter too."""
    source = random.Random(1)
    for _ in range(600):
        head = source.choice(HEADS)
        delimiter = next(sign for sign in ",;\t" if sign in head)
        rows = [delimiter.join(source.choices(CELLS, k=source.randint(1, 5))) for _ in range(source.randint(0, 8))]
        data = (source.choice(["\n", "\r\n", "\r"]).join([head, *rows]) + source.choice(["", "\n", "\r"])).encode()
        whole = split_answers(decoded(data), {"h1"})
        monkeypatch.setattr(classfiles, "_PART", source.choice([1, 3, 7, 64, 1 << 18]))
        with open_answers(io.BytesIO(data), {"h1"}) as file:
            assert (file.count, tuple(file.submissions())) == (len(whole), whole)
            assert not whole or file.names == tuple(dict.fromkeys(cell.name for paper in whole for cell in paper.cells))


def test_a_row_of_megabytes_costs_that_row():
    data = b"student,h1\n" + b"A" * 3_000_000 + b",0.5\nB,0.594\n"
    with open_answers(io.BytesIO(data), ()) as file:
        first, second = file.submissions()
    assert [cell.fault for cell in first.cells] == ["the row is longer than 1 MiB"]
    assert second.cells == (Cell("row 3, column h1", "h1", "0.594"),)


def test_a_class_that_is_no_text_is_refused_at_its_byte(tmp_path):
    path = tmp_path / "class.csv"
    path.write_bytes(b"student,h1\nA,0.5\nB,\xff\n")
    with pytest.raises(InputError, match=r"^class\.csv: is not UTF-8 text \(byte 20\)$"), open_answers(path, ()):
        pass


def wait_for_end(kill, number):
    """Wait until a process or a group of them is gone."""
    for _ in range(1000):
        try:
            kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail(f"{number} lives on")


# --- workers --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crew():
    with Crew(2, LIMIT, partial(derive.find, "q1")) as two:
        yield two


def test_a_task_that_takes_too_long_or_dies_costs_that_task_only(crew):
    tasks = [crew.submit(poison.nap, 0, k) for k in range(3)]
    tasks += [crew.submit(poison.nap, 60, "late"), crew.submit(poison.leave, 3), crew.submit(poison.closure), crew.submit(poison.nap, 0, 9)]
    assert [task.result(60) for task in (*tasks[:3], tasks[-1])] == [0, 1, 2, 9]
    for task, why in zip(tasks[3:5], ("time-limit", "worker-died"), strict=True):
        with pytest.raises(Stopped) as caught:
            task.result(60)
        assert caught.value.note == why
    with pytest.raises(Exception, match="pickle"):
        tasks[5].result(60)


@posix
def test_an_idle_worker_that_is_killed_is_replaced(crew):
    for process in {crew.submit(poison.process).result(60) for _ in range(4)}:
        os.kill(process, signal.SIGKILL)
        wait_for_end(os.kill, process)
    assert [crew.submit(poison.nap, 0, k).result(60) for k in range(4)] == [0, 1, 2, 3]


def test_a_crew_that_starts_its_workers_anew_does_the_same():
    """As on systems that have no process to fork."""
    with Crew(1, 30, partial(derive.find, "q1"), start="spawn") as one:
        assert one.submit(poison.nap, 0, "done").result(60) == "done"


def test_a_crew_whose_workers_cannot_get_ready_says_why():
    with Crew(1, LIMIT, partial(derive.find, "nothing")) as one, pytest.raises(derive.DeriveError, match="nothing"):
        one.submit(poison.process).result(60)
    with Crew(1, LIMIT, partial(poison.leave, 1)) as one, pytest.raises(LimitError, match="could not be started"):
        one.submit(poison.process).result(60)


def test_a_crew_that_is_left_in_a_hurry_kills_what_is_under_way():
    began = time.monotonic()
    one = Crew(1, None, partial(derive.find, "q1"))
    process = one.submit(poison.process).result(60)
    one.submit(poison.nap, 60, 1)
    one.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert time.monotonic() - began < 30
    wait_for_end(os.kill, process)
    with pytest.raises(RuntimeError):
        one.submit(poison.process)


# --- a line that stops a worker ---------------------------------------------------------------------------------------------

NAMES = ("h1", "dL/dw5", "y1")
GOOD = ("0.594476", "-0.0766", "0.791820")


def paper(student, *texts):
    return Submission(student, "", tuple(Cell(f"{student} {name}", name, text) for name, text in zip(NAMES, texts, strict=True)))


@posix
def test_a_poisoned_line_costs_that_line_only():
    """Among many papers; their order stays, and every other verdict is the one that is found without workers."""
    stops = {"spin": "time-limit", "exit": "worker-died", "kill": "worker-died", "raise": "judge-failed"}
    papers = [paper(f"s{k}", *GOOD) for k in range(40)]
    for place, text in zip((3, 17, 18, 39), stops, strict=True):
        papers[place] = paper(f"s{place}", GOOD[0], text, GOOD[2])
    papers[30] = paper("s30", GOOD[0], "together", GOOD[2])
    marking = marking_of(Q1, NAMES, Rounding())
    usual = [marks_of(judge_of(marking)(one)) for one in papers]
    with Crew(2, LIMIT, partial(judge_of, marking)) as crew:
        found = list(judged(crew, poison.judge, marking, papers))
    assert [marks.student for marks in found] == [one.student for one in papers]
    lost = {marks.student: marks.given_up for marks in found if marks.given_up}
    assert lost == {f"s{p}": ((f"s{p} dL/dw5", note),) for p, note in zip((3, 17, 18, 39), stops.values(), strict=True)}
    for now, before, one in zip(found, usual, papers, strict=True):
        if one.cells[1].text in stops:
            assert [verdict for _, verdict, _ in now.lines] == ["right", "undecided", "right"]
        else:
            assert now.lines == before.lines


SLOW = "mish(" * 9 + "y1" + ")" * 9
"""A formula that nobody will ever see the value of: its argument stands twice in the formula of each of these."""


def test_a_formula_that_takes_too_long_is_undecided_and_the_command_says_so(run, tmp_path):
    rows = [["student", *NAMES], ["Ada", *GOOD], ["Bo", "0.59", SLOW, "0.791820"], ["Cy", *GOOD]]
    with (tmp_path / "class.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    status, out, err = run("check", "q1", tmp_path / "class.csv", "--jobs", 1, "--time-limit", 1, "--format", "json")
    papers = json.loads(out)["papers"]
    assert status == 4
    assert "one line was not judged and counts as undecided: Bo, row 3, column dL/dw5" in err
    assert [[line["verdict"] for line in one["lines"]] for one in papers] == [["right", "wrong", "right"], ["right", "undecided", "right"], ["right", "wrong", "right"]]
    assert papers[1]["lines"][1]["notes"] == ["time-limit"]
    assert papers[0]["lines"][1]["slips"] == ["loss-sign"]


# --- any executor -----------------------------------------------------------------------------------------------------------

TEXTS = ["h1 = 0.594\ndL/dw5 = -0.0766\ndL/dw7 = (y1 - t1)*y1*(1 - y1)*h1", "h1 = 0.6\n# paper: none\ny1 = 0.79", "L@1 = 0.3"]


def test_any_executor_gives_the_same_audits_in_order(crew):
    papers = [found for text in TEXTS * 9 for found in derive.read_answers(text, Q1)]
    usual = list(derive.audit_papers(Q1, papers))
    with ThreadPoolExecutor(3) as threads:
        for executor in (crew, threads):
            assert list(derive.audit_papers(Q1, papers, executor=executor)) == usual


def test_an_audit_is_data_without_a_rounding_too():
    (audit,) = derive.audit_papers(Q1, derive.read_answers("h1 = 0.594", Q1))
    (line,) = json.loads(derive.render(audit, "json"))["lines"]
    assert (f"{float(line['expected']):.12f}", line["verdict"]) == (f"{1 / (1 + exp(-0.3825)):.12f}", "right")


class Closed(Executor):
    def submit(self, *arguments, **options):
        raise RuntimeError("cannot schedule new futures")


def test_an_executor_that_takes_no_work_is_said():
    papers = derive.read_answers(TEXTS[0], Q1)
    with pytest.raises(UsageError, match="the executor takes no work: RuntimeError: cannot schedule"):
        list(derive.audit_papers(Q1, papers, executor=Closed()))


# --- the command --------------------------------------------------------------------------------------------------------------


def write_class(path, students, seed=1):
    """A class with right, rounded, wrong and strange answers."""
    source = random.Random(seed)
    choices = [["0.594476", "0.594", "0.5943", "0.6", "?"], ["0.0766137", "-0.0766", "0.077", "(y1 - t1)*y1*(1 - y1)*h1", "y1*"], ["0.79182", "0.792", "0.791"]]
    rows = [[f"s{k}", *map(source.choice, choices)] for k in range(students)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["student", *NAMES], *rows])


@pytest.mark.parametrize("style", ["csv", "json", "text"])
def test_workers_give_the_same_bytes(style, run, tmp_path):
    write_class(tmp_path / "class.csv", 40)
    pages = []
    for jobs in ([], ["--jobs", 2]):
        status, page, err = run("check", "q1", tmp_path / "class.csv", "--format", style, *jobs, "--fail-on-wrong")
        assert (status, err) == (1, "")
        pages.append(page)
    assert pages[0] == pages[1] != ""


def test_standard_input_is_a_stream_too(run, tmp_path, monkeypatch):
    write_class(tmp_path / "class.csv", 30)
    usual = run("check", "q1", tmp_path / "class.csv", "--format", "csv")
    with (tmp_path / "class.csv").open("rb") as stream:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
        assert run("check", "q1", "-", "--format", "csv", "--jobs", 2) == usual


def test_a_time_limit_needs_workers(run, tmp_path):
    write_class(tmp_path / "class.csv", 1)
    assert run("check", "q1", tmp_path / "class.csv", "--time-limit", 3)[::2] == (2, "derive: --time-limit goes with --jobs: only a worker of ours can be stopped\n")


def test_a_large_class_is_not_listed_beside_its_gradebook(run, tmp_path, monkeypatch):
    monkeypatch.setattr("derive.classcommand.LISTED", 3)
    write_class(tmp_path / "class.csv", 4)
    status, page, err = run("check", "q1", tmp_path / "class.csv", "-o", tmp_path / "grades.csv")
    assert (status, err, "s1 " in page, "The students stand in the gradebook." in page, "3/4" in page) == (0, "", False, True, True)


# --- interrupted, and gone on -----------------------------------------------------------------------------------------------


def check(folder, *options, **more):
    return subprocess.Popen(
        [*COMMAND, "check", "q1", "class.csv", "-o", "grades.csv", *options], cwd=folder, env={**PLACE, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


@posix
def test_an_interrupted_class_goes_on_and_nothing_is_lost_or_done_twice(tmp_path):
    write_class(tmp_path / "class.csv", 150)
    part, grades = tmp_path / "grades.csv.part", tmp_path / "grades.csv"
    with check(tmp_path, "--jobs", "2", start_new_session=True) as going:
        while going.poll() is None and (not part.exists() or part.read_bytes().count(b"\n") < 20):
            time.sleep(0.01)
        os.killpg(going.pid, signal.SIGINT)
        out, err = going.communicate(timeout=60)
    assert (going.returncode, out, err, grades.exists()) == (130, "", "", False)
    wait_for_end(os.killpg, going.pid)  # nobody of the group is left
    done = part.read_bytes().count(b"\n") - 1
    part.write_bytes(part.read_bytes() + b'["torn')
    with check(tmp_path, "--jobs", "2") as again:
        page, told = again.communicate(timeout=120)
    assert told == f"derive: goes on from grades.csv.part: {done:,} of 150 papers are judged already\n"
    gone_on = grades.read_bytes()
    assert (again.returncode, part.exists()) == (0, False)
    grades.unlink()
    with check(tmp_path) as alone:
        assert (alone.communicate(timeout=120), alone.returncode, grades.read_bytes()) == ((page, ""), 0, gone_on)
    assert [row["student"] for row in csv.DictReader(io.StringIO(gone_on.decode()))] == [f"s{k}" for k in range(150)]


def test_what_is_left_of_other_answers_is_not_gone_on_from(run, tmp_path):
    write_class(tmp_path / "class.csv", 3)
    (tmp_path / "grades.csv.part").write_text('"derive 0 check 1 2"\n["s0","",[],[],[]]\n')
    status, _, err = run("check", "q1", tmp_path / "class.csv", "--format", "csv", "-o", tmp_path / "grades.csv")
    assert (status, err) == (0, "derive: grades.csv.part was of other answers, another problem or another version; it is begun anew\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class.csv", "grades.csv"]
    assert (tmp_path / "grades.csv").read_text().count("\n") == 4


@posix
def test_two_runs_do_not_write_one_gradebook(tmp_path, run):
    write_class(tmp_path / "class.csv", 2)
    with Ledger(str(tmp_path / "grades.csv"), "x"):
        status, _, err = run("check", "q1", tmp_path / "class.csv", "-o", tmp_path / "grades.csv")
    assert (status, "another run is writing grades.csv.part" in err) == (2, True)


@posix
def test_a_full_disk_is_said_and_what_was_judged_stays(tmp_path):
    import resource

    write_class(tmp_path / "class.csv", 60)
    with check(tmp_path, "--jobs", "1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))) as stopped:
        out, err = stopped.communicate(timeout=120)
    assert (stopped.returncode, out, err.count("\n"), "grades.csv.part: File too large" in err) == (2, "", 1, True)
    with check(tmp_path, "--jobs", "1") as again:
        assert "goes on from grades.csv.part" in again.communicate(timeout=120)[1]
    assert (tmp_path / "grades.csv").read_text().count("\n") == 61


@posix
def test_a_device_gets_the_rows_as_they_come(run, tmp_path):
    write_class(tmp_path / "class.csv", 3)
    rows = run("check", "q1", tmp_path / "class.csv", "--format", "csv")[1]
    line = [*COMMAND, "check", "q1", "class.csv", "--jobs", "1", "--format", "csv", "-o", "/dev/stdout"]
    done = subprocess.run(line, cwd=tmp_path, env={**PLACE, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, rows, "")
    assert [path.name for path in tmp_path.iterdir()] == ["class.csv"]


def test_where_nothing_can_be_written_is_said_before_anything_is_judged(run, tmp_path):
    write_class(tmp_path / "class.csv", 3)
    for output, why in ((tmp_path, "is a folder"), (tmp_path / "none" / "grades.csv", "there is no such folder")):
        status, out, err = run("check", "q1", tmp_path / "class.csv", "--format", "csv", "-o", output)
        assert (status, out, err.count("\n"), why in err) == (2, "", 1, True)


@posix
def test_a_reader_that_leaves_early_ends_the_workers(tmp_path):
    write_class(tmp_path / "class.csv", 400)
    line = f"{' '.join(COMMAND)} check q1 class.csv --jobs 2 --format csv | head -2"
    done = subprocess.run(line, shell=True, cwd=tmp_path, env={**PLACE, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, timeout=60)
    assert (done.stdout.count("\n"), done.stderr) == (2, "")


# --- many papers --------------------------------------------------------------------------------------------------------------


def bytes_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("jobs", "options"), [(1, ["q1", "--variants", 50, "--format", "latex"]), (2, ["mazur", "--variants", 3, "--worksheet"])]
)
def test_a_folder_of_papers_has_the_same_bytes_whoever_makes_them(jobs, options, run, tmp_path):
    """Fifty are made from a template."""
    alone, told = tmp_path / "alone", []
    for folder, workers in ((alone, []), (tmp_path / "two", ["--jobs", jobs])):
        status, out, err = run("key", *options, "-o", folder, *workers)
        assert (status, out, err[:8]) == (0, "", "derive: ")
        told.append(err)
    assert told[0] == told[1]
    assert bytes_in(alone) == bytes_in(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "two"]


def test_any_executor_makes_the_same_papers():
    edition = Edition(Q1, "q1", 7, Rounding(), "markdown", only="key")
    with ThreadPoolExecutor(2) as threads:
        assert list(make_papers(edition, range(1, 5), threads)) == list(make_papers(edition, range(1, 5)))


NEURON = """[given]
x1 = 0.35
x2 = 0.47
w1 = 0.82
w2 = -0.61
t = 0.93
[forward]
net = "w1*x1 + w2*x2"
y = "sigmoid(net)"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.5
"""


def test_papers_made_by_workers_go_into_a_folder_that_is_there(run, tmp_path):
    (tmp_path / "mine").write_text("mine")
    line = ["key", "q1", "--variants", 1, "--jobs", 1, "-o", tmp_path]
    assert run(*line)[0] == 2
    assert run(*line, "--force")[0] == 0
    assert {name.rpartition("-")[2] for name in bytes_in(tmp_path)} == {"mine", "answers.csv", "paper.txt", "key.txt"}
    assert not tmp_path.with_name(f"{tmp_path.name}.part").exists()


@posix
def test_interrupted_papers_are_gone_on_with(tmp_path, run):
    """What is there is not made again: the file of a paper that was made is as it was left."""
    line = [*COMMAND, "key", "neuron.toml", "--variants", "150", "--jobs", "2", "-o", "papers"]
    ours = {"cwd": tmp_path, "env": {**PLACE, "PYTHONPATH": os.pathsep.join(sys.path)}, "stderr": subprocess.PIPE, "text": True}
    (tmp_path / "neuron.toml").write_text(NEURON)
    part = tmp_path / "papers.part"
    with subprocess.Popen(line, start_new_session=True, **ours) as going:
        while going.poll() is None and len(list(part.glob("*.txt"))) < 9:
            time.sleep(0.01)
        os.killpg(going.pid, signal.SIGINT)
        assert (going.communicate(timeout=60)[1], going.returncode, (tmp_path / "papers").exists()) == ("", 130, False)
    wait_for_end(os.killpg, going.pid)
    first = next(part.glob("neuron-1-001-*-key.txt"))
    first.write_text("as it was left")
    done = (part / "papers.part").read_bytes().count(b"\n") - 1
    again = subprocess.run(line, timeout=120, check=True, **ours)
    assert f"goes on from papers.part: {done} of 150 papers are made already\n" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["neuron.toml", "papers"]
    run("key", tmp_path / "neuron.toml", "--variants", 150, "-o", tmp_path / "alone")
    found, alone = bytes_in(tmp_path / "papers"), bytes_in(tmp_path / "alone")
    assert found.pop(first.name) == b"as it was left"
    del alone[first.name]
    assert found == alone


def test_a_folder_that_is_in_the_way_is_left_alone(run, tmp_path):
    (tmp_path / "papers.part").mkdir()
    (tmp_path / "papers.part" / "mine").write_text("mine")
    status, _, err = run("key", "q1", "--variants", 1, "--jobs", 1, "-o", tmp_path / "papers")
    assert (status, "papers.part is in the way" in err, bytes_in(tmp_path / "papers.part")) == (2, True, {"mine": b"mine"})


# --- a cluster ------------------------------------------------------------------------------------------------------------------

no_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="distributed is not installed, so no cluster was tried")


@pytest.fixture
def cluster(tmp_path):
    """A real scheduler and two workers on this machine, each a process of its own: the address, and the workers."""
    place = {"env": {**PLACE, "PYTHONPATH": os.pathsep.join(sys.path)}, "cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask, told = [sys.executable, "-m", "dask"], tmp_path / "scheduler.json"
    here = ["--scheduler-file", str(told), "--host", "127.0.0.1", "--no-dashboard"]
    started = [subprocess.Popen([*dask, "scheduler", "--port", "0", *here], **place)]
    try:
        wait_until(told.exists)
        address = json.loads(told.read_text())["address"]
        for _ in range(2):
            line = [*dask, "worker", address, "--host", "127.0.0.1", "--no-dashboard", "--no-nanny", "--nthreads", "1"]
            started.append(subprocess.Popen([*line, "--local-directory", str(tmp_path)], **place))
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def wait_until(true, seconds=60):
    for _ in range(seconds * 50):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("it did not come to that")


@no_dask
@posix
@pytest.mark.dask
def test_a_cluster_that_loses_a_worker_midway_loses_nothing_and_does_nothing_twice(cluster, run, tmp_path):
    address, workers = cluster
    write_class(tmp_path / "class.csv", 400)
    part = tmp_path / "grades.csv.part"
    with check(tmp_path, "--cluster", address) as going:
        wait_until(lambda: part.exists() and part.read_bytes().count(b"\n") > 30)
        workers[0].send_signal(signal.SIGKILL)
        page, err = going.communicate(timeout=120)
    assert (going.returncode, err) == (0, "")
    lost = (tmp_path / "grades.csv").read_bytes()
    assert run("check", "q1", tmp_path / "class.csv", "-o", tmp_path / "alone.csv") == (0, page, "")
    assert lost == (tmp_path / "alone.csv").read_bytes()
    assert [row["student"] for row in csv.DictReader(io.StringIO(lost.decode()))] == [f"s{k}" for k in range(400)]
    assert run("key", "q1", "--variants", 2, "-o", tmp_path / "here")[0] == 0
    assert run("key", "q1", "--variants", 2, "-o", tmp_path / "there", "--cluster", address)[0] == 0
    assert bytes_in(tmp_path / "here") == bytes_in(tmp_path / "there")


@pytest.mark.parametrize(("address", "why"), [("tcp://127.0.0.1:9", "Timed out"), ("nonsense", "looks like tcp://")])
@no_dask
@pytest.mark.dask
def test_a_cluster_that_is_not_there_is_said_in_one_line(address, why, run, tmp_path, monkeypatch):
    monkeypatch.setattr("derive.clusters.PATIENCE", 1)
    write_class(tmp_path / "class.csv", 1)
    status, out, err = run("check", "q1", tmp_path / "class.csv", "--cluster", address)
    assert (status, out, err.count("\n"), why in err) == (2, "", 1, True)
