"""A layer, an optimizer and a regularizer, as a plugin: the hooks below are all that Cortado needs to find them."""

from __future__ import annotations

import cortado


@cortado.hookimpl
def cortado_layers():
    from .scaled_tanh import ScaledTanH

    return [ScaledTanH]


@cortado.hookimpl
def cortado_optimizers():
    from .power_sign import PowerSign

    return [PowerSign]


@cortado.hookimpl
def cortado_regularizers():
    from .capped_decay import CappedDecay

    return [CappedDecay]
