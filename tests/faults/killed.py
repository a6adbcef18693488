"""Commands in processes that are killed at a moment of their choice."""

import os
import signal
import subprocess
import sys

import keras

# Kills the process before or after it moves something for the n-th time, or after some seconds;
# at the end it tells how often something was moved.
PROGRAM = """
import os, signal, sys, threading
when, moment, count = sys.argv[1], float(sys.argv[2]), 0

def killing(move):
    def moving(*args, **kwargs):
        global count
        count += 1
        if when == "before" and count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        move(*args, **kwargs)
        if when == "after" and count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
    return moving

os.replace, os.rename = killing(os.replace), killing(os.rename)
if when == "seconds":
    timer = threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
import keras_rbi_command
try:
    {code}
finally:
    print("moves", count, flush=True)
"""
COMMAND = "keras_rbi_command.run(sys.argv[3:])"


def killed(when, moment, *command, cwd, code=COMMAND):
    """Runs a command that is killed.

    Args:
        when: `"before"` or `"after"` a move, after `"seconds"`, or `"never"`.
        moment: Which move, or how many seconds.
        *command: Arguments of the command.
        cwd: The folder that it runs in.
        code: A line of Python that runs it.

    Returns:
        Whether it was killed before it ended, and what it printed.
    """
    program = PROGRAM.replace("{code}", code)
    done = subprocess.run(
        [sys.executable, "-c", program, when, str(moment), *map(str, command)],
        cwd=cwd,
        env=os.environ | {"KERAS_BACKEND": keras.config.backend()},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0, done.stdout


def moves(text):
    """How often a command that ended has moved something."""
    return int(text.split()[-1])
