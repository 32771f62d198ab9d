"""multistep: drops at given iterations."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class MultiStep(LearningRatePolicy):
    """Rate ``base_lr · gamma ^ step``, where step grows by one when an iteration reaches the next ``stepvalue``.

    It grows by at most one per iteration, in the order the values are listed, and is kept in the solver state, as
    in Caffe: values out of order delay each other. Fields: ``gamma``, ``stepvalue`` (repeated).
    """

    type: ClassVar[str] = "multistep"

    def check(self) -> None:
        super().check()
        self.need_not_negative("gamma")

    def rate(self, iteration: int) -> float:
        p = self.param
        if self.current_step < len(p.stepvalue) and iteration >= p.stepvalue[self.current_step]:
            self.current_step += 1
        return float(p.base_lr * p.gamma**self.current_step)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [MultiStep]
