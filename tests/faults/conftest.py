"""Small runs, which are trained once and then broken in all ways."""

from small_runs import ask, birds, finished, finished_run, stopped, unfinished_run  # noqa: F401
