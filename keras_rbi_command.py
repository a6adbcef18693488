"""The `keras-rbi` command, which parses what it is given before anything imports Keras.

`keras_rbi` looks for this module: where it is loaded, layers and models are not imported with the
package, but when a model is made or loaded.
"""

from keras_rbi.cli.backend import quiet_process
from keras_rbi.cli.main import run


def main() -> None:
    """Runs the command."""
    quiet_process()
    run()
