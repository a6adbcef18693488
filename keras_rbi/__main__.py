"""`python -m keras_rbi`, the `keras-rbi` command."""

from keras_rbi.cli.main import run

run()
