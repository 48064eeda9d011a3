"""A judge that some answers stop, for the tests of classes: what a worker imports is this module, not a patched one."""

import os
import signal
import time

from derive.exercises.judging import mark_papers


def judge(marking, papers):
    """The marks, unless an answer says what is to happen instead."""
    for paper in papers:
        for cell in paper.cells:
            match cell.text if not cell.verdict else "":
                case "spin":
                    while True:
                        pass
                case "exit":
                    os._exit(1)
                case "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "raise":
                    raise ZeroDivisionError("a fault of ours")
                case "together" if len(paper.cells) > 1 and marking.search:
                    time.sleep(60)
    return mark_papers(marking, papers)


def nap(seconds, value):
    time.sleep(seconds)
    return value


def leave(status):
    os._exit(status)


def process():
    return os.getpid()


def closure():
    return lambda: None
