"""`python -m keras_rbi`, the `keras-rbi` command."""

from keras_rbi.cli.backend import quiet_process
from keras_rbi.cli.main import run

# Not in the processes that a command starts, which import this module under another name.
if __name__ == "__main__":
    quiet_process()
    run()
