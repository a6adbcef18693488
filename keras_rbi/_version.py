"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("keras-rbi")
except PackageNotFoundError:  # A checkout that is not installed.
    __version__ = "unknown"
