"""Who runs a model in the benchmarks: one module each, with ``make(model, mode, threads)`` giving ``(step, about)``.

``step()`` does one training step, or one inference; ``about`` is a line that names versions and choices. A module is
imported in a process of its own, so that no library's threads or memory disturb another's.
"""
