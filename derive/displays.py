"""What a notebook can do with a derivation: show it, reach its steps by name, change its numbers, draw its network.

Owns `Displayed`, `Stepwise` and `ShownStep`.  May import: backward, errors; formats are imported when something is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from derive.backward import Step

if TYPE_CHECKING:
    from derive.formats.jupyter import Graph
    from derive.problem import Problem
    from derive.rounding import Rounding
    from derive.written import Partial, Tree


class Displayed:
    """Something a notebook shows as the HTML page, with LaTeX and text beside it."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The HTML page's fragment for JupyterLab and VS Code, LaTeX for GitHub, text for a terminal."""
        from derive.formats.jupyter import mimebundle

        return mimebundle(self)


@dataclass(frozen=True)
class ShownStep(Displayed, Step):
    """A step that knows its derivation, so that a notebook can show it."""

    work: Stepwise | None = field(default=None, repr=False, compare=False)


class Stepwise(Displayed):
    """A derivation whose steps are reached by the names of their quantities: `work["dL/dw5"]`."""

    problem: Problem
    rounding: Rounding
    requested: tuple[Partial, ...]
    excerpt: tuple[Tree, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the page."""
        raise NotImplementedError

    @property
    def options(self) -> Mapping[str, Any]:
        """How it was derived, beside its rounding and what was asked of it."""
        raise NotImplementedError

    def find_step(self, quantity: str) -> Step:
        """The step of a quantity as it is typed.  Raises FormulaError for a quantity without one."""
        raise NotImplementedError

    def step(self, quantity: str) -> ShownStep:
        """The step of a quantity as it is typed: `step("dL/dw5")`.  Raises FormulaError for a quantity without one.

        >>> import derive
        >>> derive.derive(derive.find("q1")).step("dL/dw5").lines[2].law
        'reuse-signal'
        """
        found = self.find_step(quantity)
        return ShownStep(found.kind, found.goal, found.lines, self)

    def __getitem__(self, quantity: str) -> ShownStep:
        return self.step(quantity)

    def _ipython_key_completions_(self) -> list[str]:
        """What a notebook offers behind `work["`."""
        from derive.formats.plain import typed

        return list(dict.fromkeys(typed(step.goal) for step in self.steps))

    def only(self, *quantities: str) -> Self:
        """The same derivation, of which a page shows the steps of these quantities alone: `only("dL/dw5", "dL/dh1")`.

        Raises FormulaError for a quantity without a step.

        >>> import derive
        >>> page = derive.render(derive.derive(derive.find("q1")).only("dL/dw5"), "text")
        >>> page.splitlines()[3]
        '  ∂L/∂w5 = ∂L/∂y1 · ∂y1/∂net_y1 · ∂net_y1/∂w5                         chain rule: w5 reaches L only through net_y1'
        """
        return replace(self, excerpt=tuple(self.find_step(quantity).goal for quantity in quantities))  # type: ignore[type-var]

    def numbers(self, **given: Any) -> Self:
        """The same problem with other numbers, derived and judged anew: `numbers(w5=0.3, learning_rate=0.1)`.

        A number is an int, a float, a Decimal or its digits as text; an array is a nested list.  Raises UsageError for a name that
        takes no number, InputError for what is none.

        >>> import derive
        >>> work = derive.derive(derive.find("q1"))
        >>> [str(w.step("dL/dw5").lines[-1].tree.text) for w in (work, work.numbers(t1=0.99))]
        ['0.0766137', '-0.0194204']
        """
        from derive.works import derive, renumber

        of = self.requested[0].of if self.requested else None
        by = [partial.wrt for partial in self.requested]
        work = derive(renumber(self.problem, given), self.rounding, of, by, **self.options)
        return replace(work, excerpt=self.excerpt)  # type: ignore[return-value]

    def graph(self) -> Graph:
        """The picture of the network, with the values of its units where there are numbers.

        >>> import derive
        >>> print(derive.derive(derive.find("q1")).graph()._repr_mimebundle_()["text/plain"].splitlines()[1])
          │ x1 ├─── w1 ─────────╱┤ h1 ├─── w5 ─────────╱┤ y1 ├──────────
        """
        from derive.formats.jupyter import Graph

        return Graph(self)
