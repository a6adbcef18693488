"""Small runs, which are trained once for all tests of the command."""

from small_runs import ask, birds, finished, finished_run, stopped, unfinished_run  # noqa: F401
