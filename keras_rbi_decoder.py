"""A process that decodes images for the service and knows no Keras.

`keras_rbi` looks for this module, as for `keras_rbi_command`: where it is loaded, layers and models
are not imported with the package.
"""

import sys

from keras_rbi.serving.decoder import run


def main() -> None:
    """Decodes what comes over standard input, until its end."""
    run(*map(int, sys.argv[1:]))
