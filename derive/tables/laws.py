"""The laws: the reasons a line may give, each with an example.

Owns `LAWS`.  A line that names a law without a row here cannot be printed.  The sentence a page puts beside a line is in the
language catalogue under the same name.  May import: nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Law:
    """A reason: what it says in general, and the smallest example."""

    name: str
    statement: str
    example: str


LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        Law("definition", "A quantity is what its equation in the problem says.", "z = w·x + b"),
        Law("operation", "An operation is what its row in the operations table says.", "σ(z) = 1/(1 + e^(−z))"),
        Law("chain-rule", "A quantity that reaches the output by one path: multiply the slopes along the path.",
            "∂L/∂w = ∂L/∂y · ∂y/∂w"),
        Law("chain-rule-sum", "A quantity that reaches the output by several paths: add over the paths.",
            "∂L/∂h = ∂L/∂u · ∂u/∂h + ∂L/∂v · ∂v/∂h"),
        Law("local-slopes", "Each factor of the chain is the slope of one equation, everything else in it held.", "∂(w·x)/∂w = x"),
        Law("differentiate", "Sum, product, power and chain rule, applied to one equation.", "∂(y − t)²/∂y = 2(y − t)"),
        Law("no-slope", "A quantity the equation does not move with has slope 0.", "∂step(z)/∂z = 0"),
        Law("simplify", "Numbers multiplied, equal factors cancelled, −(t − y) written y − t.", "½ · 2(t − y) · (−1) = y − t"),
        Law("reuse-signal", "An error signal found above is used by its name δ.", "∂L/∂w = δ · h"),
        Law("update-rule", "A parameter moves by the update rule of the problem.", "w⁺ = w − η ∂L/∂w"),
        Law("numbers", "The same line with numbers in place of names.", "0.1 · 0.5"),
        Law("value", "The value of the line above.", "0.05"),
        Law("stack", "A vector's derivative holds the derivatives by its components.", "∂f/∂z = (∂f/∂z₁, ∂f/∂z₂)"),
        Law("found-above", "Each component as it was found above.", "(a₁, a₂)"),
        Law("vector-form", "Components that differ only by their index, written once.", "(u₁v₁, u₂v₂) = u ⊙ v"),
        Law("common-denominator", "Both sides of an inequality times the same positive number: its direction stays.",
            "a/c ≥ b/c ⇔ a ≥ b, for c > 0"),
        Law("increasing-function", "A strictly increasing function on both sides: the direction stays, equal stays equal.",
            "eᵃ ≥ eᵇ ⇔ a ≥ b"),
        Law("move-terms", "The same term subtracted on both sides: the direction stays.", "a ≥ b ⇔ a − b ≥ 0"),
        Law("turn-sign", "Both sides times a negative number: the direction turns.", "−a ≥ 0 ⇔ a ≤ 0"),
        Law("divide-by-positive", "Numerator and denominator divided by the same positive number.", "a/(a + b) = 1/(1 + b/a), for a > 0"),
        Law("exponentials", "A quotient of exponentials is the exponential of the difference.", "eᵃ/eᵇ = e^(a − b)"),
        Law("distribute", "The inner product is linear: factors that belong to the same x are gathered.",
            "u·x + b − (v·x + c) = (u − v)·x + (b − c)"),
        Law("match", "Two linear statements are the same when their coefficients are.", "u·x + c ≤ 0, v·x + d ≤ 0: u = v, c = d"),
    )
}  # fmt: skip
