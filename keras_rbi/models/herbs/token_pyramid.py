"""Feature pyramid of token stages, top-down and bottom-up."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras

from keras_rbi.models.einsum_dense import EinsumDense
from keras_rbi.models.torch_dense import torch_mlp
from keras_rbi.models.torch_initializer import torch_initializer
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class TokenPyramid(keras.layers.Layer):
    """A feature pyramid over tokens with a pass from the top and one from the bottom.

    Of the tokens f_i of stages i = 1 (finest) to n, with an MLP of its own for each stage and
    pass, and M_i and N_i, linear maps over the places, the same for every channel:

    ```
    T_n = MLP_n(f_n)      T_i = MLP_i(f_i) + M_{i+1}(T_{i+1})        from the top
    U_1 = MLP'_1(T_1)     U_i = MLP'_i(T_i) + N_{i-1}(U_{i-1})       from the bottom
    ```

    The maps over places are learned for one number of places, so the layer is for one image size.

    Args:
        units: Integer, the width of the results. Defaults to `1536`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        stages: List of tensors of shape `(batch, tokens, channels)`, the finest first.

    Input shape:
        List of two or more `(batch, tokens, channels)`, each with its own known numbers.

    Output shape:
        Two lists, T and U, of `(batch, tokens, units)`.

    Raises:
        ValueError: If there are fewer than two stages, or if their places are not known.

    Example:

    >>> stages = [np.ones((2, 16, 8), "float32"), np.ones((2, 4, 16), "float32")]
    >>> top_down, bottom_up = keras_rbi.models.herbs.TokenPyramid(units=6)(stages)
    >>> [tokens.shape for tokens in bottom_up]
    [(2, 16, 6), (2, 4, 6)]

    Reference:
        [Chou et al., 2023](https://arxiv.org/abs/2303.06442), high-temperature refinement and
        background suppression.
    """

    def __init__(self, units: int = 1536, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, stages_shape: Any) -> None:
        shapes = [tuple(shape) for shape in stages_shape]
        if len(shapes) < 2 or any(len(shape) != 3 or None in shape[1:] for shape in shapes):
            raise ValueError(
                "TokenPyramid takes the tokens of two or more stages, each of a known shape "
                f"(batch, tokens, channels). Received: shapes {shapes}. Give the backbone an image "
                "size, and one with stages."
            )
        places = [shape[1] for shape in shapes]
        levels = range(len(shapes))
        self.top_down_mlps = [
            self._mlp(f"top_down_{level + 1}", shapes[level][2], shapes[level][2])
            for level in levels
        ]
        self.bottom_up_mlps = [
            self._mlp(f"bottom_up_{level + 1}", self.units, self.units) for level in levels
        ]
        pairs = list(itertools.pairwise(places))
        self.to_finer = [
            self._mix(f"to_finer_{level + 1}", coarse, fine)
            for level, (fine, coarse) in enumerate(pairs)
        ]
        self.to_coarser = [
            self._mix(f"to_coarser_{level + 1}", fine, coarse)
            for level, (fine, coarse) in enumerate(pairs)
        ]
        self.built = True

    def call(self, stages: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        top_down = [mlp(tokens) for mlp, tokens in zip(self.top_down_mlps, stages, strict=True)]
        for level in reversed(range(len(stages) - 1)):
            top_down[level] = top_down[level] + self.to_finer[level](top_down[level + 1])
        bottom_up = [mlp(tokens) for mlp, tokens in zip(self.bottom_up_mlps, top_down, strict=True)]
        for level in range(1, len(stages)):
            bottom_up[level] = bottom_up[level] + self.to_coarser[level - 1](bottom_up[level - 1])
        return top_down, bottom_up

    def compute_output_shape(self, stages_shape: Any) -> Any:
        results = [(*tuple(shape)[:2], self.units) for shape in stages_shape]
        return results, list(results)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}

    def _mlp(self, name: str, width: int, hidden: int) -> keras.Sequential:
        mlp = torch_mlp(name, width, hidden, self.units, "relu", self.dtype_policy)
        mlp.build((None, None, width))
        return mlp

    def _mix(self, name: str, sources: int, targets: int) -> keras.layers.Layer:
        mix = EinsumDense(
            "bsc,st->btc",
            output_shape=(targets, None),
            bias_axes="t",
            kernel_initializer=torch_initializer(sources),
            bias_initializer=torch_initializer(sources),
            dtype=self.dtype_policy,
            name=name,
        )
        mix.build((None, sources, self.units))
        return mix
