"""Types that are used throughout."""

from typing import Any, TypeAlias

# A tensor of the backend in force, or a symbolic one: Keras has no common type for them.
Tensor: TypeAlias = Any
