"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("keras-rbi")
except PackageNotFoundError:  # A checkout that is not installed. It is a version, to be parsed.
    __version__ = "0+unknown"
