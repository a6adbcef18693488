"""Rectified Adam."""

import math
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_rbi.optimizers.clip_on_replicas import clip_on_replicas
from keras_rbi.optimizers.rectified_adam_on_torch import rectified_adam_on_torch
from keras_rbi.types import Tensor


def simple_moving_average_length(step: Tensor, beta_2: float) -> Tensor:
    """Length ρ_t of the approximated simple moving average after a step.

    ρ_t = ρ_∞ − 2tβ₂ᵗ/(1−β₂ᵗ), where ρ_∞ = 2/(1−β₂) − 1, is a small difference of two large
    numbers in early steps. With x = −t·ln β₂ it is a constant plus (2/−ln β₂)·(1 − x/(eˣ−1)),
    which float32 holds to its full precision.
    """
    rate = -math.log(beta_2)
    offset = 2.0 / (1.0 - beta_2) - 1.0 - 2.0 / rate
    x = ops.minimum(step * rate, 80.0)
    # Bernoulli series of 1 − x/(eˣ−1), to 1e-8 for x below 1.
    square = x * x
    series = x * (
        1 / 2 - x * (1 / 12 - square * (1 / 720 - square * (1 / 30240 - square * (1 / 1209600))))
    )
    direct = 1.0 - x / ops.expm1(ops.maximum(x, 0.5))
    return offset + (2.0 / rate) * ops.where(x < 1.0, series, direct)


def rectification(length: Tensor, beta_2: float) -> Tensor:
    """Factor r_t that makes the variance of the adaptive step that of the last ones."""
    limit = 2.0 / (1.0 - beta_2) - 1.0
    length = ops.maximum(length, 4.0)
    return ops.sqrt(
        (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
    )


class StepSizes(NamedTuple):
    """What is the same for all variables in a step, each a scalar."""

    learning_rate: Tensor
    plain: Tensor
    adaptive: Tensor
    is_adaptive: Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class RectifiedAdam(keras.optimizers.Optimizer):
    """Adam whose step is scaled by how well its second moment is known yet.

    In the first steps, where the average of squared gradients says little, the step is that
    of momentum; from then on it is Adam's, times a rectification that grows to 1. This stands
    in for a warm-up. The same numbers as `torch.optim.RAdam`.

    Args:
        learning_rate: Float, a `keras.optimizers.schedules.LearningRateSchedule`, or a
            callable without arguments that returns the value. Defaults to `0.001`; the paper
            fine-tunes with `1e-5`.
        beta_1: Float in [0, 1), decay of the average of gradients. Defaults to `0.9`.
        beta_2: Float in (0, 1), decay of the average of their squares. Defaults to `0.999`.
        epsilon: Float, added to the square root of the second moment before its bias is
            corrected. Defaults to `1e-8`.
        weight_decay: Float, or `None`. Decoupled from the gradient: each step takes
            `learning_rate * weight_decay` of a variable off it, with the variable's own learning
            rate where it has one. Defaults to `None`.
        clipnorm: Float, or `None`. Each gradient is clipped to this norm. Defaults to `None`.
        clipvalue: Float, or `None`. Gradients are clipped to this value. Defaults to `None`.
        global_clipnorm: Float, or `None`. All gradients together are clipped to this norm.
            Defaults to `None`.
        use_ema: Boolean, whether to keep an exponential moving average of the weights.
            Defaults to `False`.
        ema_momentum: Float, the momentum of that average. Defaults to `0.99`.
        ema_overwrite_frequency: Integer, or `None`. Number of steps after which the weights
            are overwritten by their average; `None` is once, at the end of training. Defaults
            to `None`.
        loss_scale_factor: Float, or `None`. The loss is multiplied and the gradients are
            divided by it. Defaults to `None`.
        gradient_accumulation_steps: Integer, or `None`. Number of steps whose gradients are
            averaged into one update. Defaults to `None`.
        weight_decay_on_vectors: Boolean, whether variables of rank 0 and 1 decay too: biases, and
            the scales and offsets of normalisations. Unlike `exclude_from_weight_decay`, it is
            saved with the optimizer. Defaults to `True`.
        learning_rate_factors: Dictionary from regular expressions to floats, or `None`. The
            learning rate of a variable is multiplied by the factor of each expression that is
            found in its path. `scale_learning_rate` adds to it. Or a list of a factor for each
            variable, which is how the factors of a built optimizer are saved: paths may change
            when a model is loaded, the order does not. Defaults to `None`.
        name: String. Defaults to `"rectified_adam"`.
        **kwargs: Further arguments of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If a beta, the epsilon or a factor is out of its range.

    Example:

    >>> optimizer = keras_rbi.optimizers.RectifiedAdam(1e-3)
    >>> variable = keras.Variable([1.0])
    >>> optimizer.apply([keras.ops.ones((1,))], [variable])
    >>> float(keras.ops.convert_to_numpy(variable)[0])
    0.999...

    Reference:
        [Liu et al., 2019](https://arxiv.org/abs/1908.03265), algorithm 2.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        weight_decay_on_vectors: bool = True,
        learning_rate_factors: dict[str, float] | list[float] | None = None,
        name: str = "rectified_adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        if not 0.0 <= beta_1 < 1.0 or not 0.0 < beta_2 < 1.0:
            raise ValueError(
                "`beta_1` must be in [0, 1) and `beta_2` in (0, 1). "
                f"Received: beta_1={beta_1!r}, beta_2={beta_2!r}."
            )
        if epsilon < 0.0:
            raise ValueError(f"`epsilon` must not be negative. Received: epsilon={epsilon!r}.")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay_on_vectors = weight_decay_on_vectors
        self._factor_by_pattern: dict[str, float] = {}
        self._saved_factors: list[float] = []
        if isinstance(learning_rate_factors, dict):
            for pattern, factor in learning_rate_factors.items():
                self.scale_learning_rate(factor, var_names=[pattern])
        elif learning_rate_factors is not None:
            self._saved_factors = [float(factor) for factor in learning_rate_factors]

    def scale_learning_rate(
        self,
        factor: float,
        var_list: Sequence[Any] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Gives some variables a learning rate of their own: the optimizer's, times a factor.

        It is a rate and not a scaled gradient, which Adam would divide out again. Weight decay,
        which is a share of the learning rate, is scaled with it, as with the parameter groups of
        PyTorch. The factors are found by the paths of the variables and saved with the optimizer.
        Call it before the optimizer is built.

        Args:
            factor: Float, not negative.
            var_list: Variables, or `None`. Defaults to `None`.
            var_names: Regular expressions to find in the paths of the variables, or `None`.
                Defaults to `None`.

        Raises:
            ValueError: If the factor is negative, if the optimizer is built, or if no variable is
                given.

        Example:

        >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
        >>> optimizer = keras_rbi.optimizers.RectifiedAdam(1e-3)
        >>> optimizer.scale_learning_rate(0.1, backbone.trainable_variables)
        """
        if not 0.0 <= factor < math.inf:
            raise ValueError(f"`factor` must not be negative. Received: factor={factor!r}.")
        if self.built:
            raise ValueError(
                "`scale_learning_rate` must be called before the optimizer is built, which is at "
                "its first step or when a compiled model is loaded. Compile with a new optimizer."
            )
        patterns = list(var_names or [])
        if var_list:
            # One expression: a large backbone has hundreds of variables.
            paths = "|".join(re.escape(variable.path) for variable in var_list)
            patterns.append(f"^(?:{paths})$")
        if not patterns:
            raise ValueError("Pass the variables to scale in `var_list` or `var_names`.")
        for pattern in patterns:
            self._factor_by_pattern[pattern] = float(factor)

    def build(self, variables: list[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        # Here the variables have paths; on TensorFlow those of `update_step` have none.
        self._factors = self._factors_of(variables)
        self._may_decay = [
            self.weight_decay_on_vectors or len(variable.shape) > 1 for variable in variables
        ]

    def _factors_of(self, variables: list[Any]) -> list[float]:
        saved = list(self._saved_factors) or [1.0] * len(variables)
        if len(saved) != len(variables):
            warnings.warn(
                f"The optimizer {self.name!r} was saved with learning rates for {len(saved)} "
                f"variables and is built on {len(variables)}: all of them get its own learning "
                "rate. Compile with a new optimizer, or freeze the variables that were frozen.",
                stacklevel=3,
            )
            saved = [1.0] * len(variables)
        return [
            factor * self._factor_by_path(getattr(variable, "path", variable.name))
            for factor, variable in zip(saved, variables, strict=True)
        ]

    def _factor_by_path(self, path: str) -> float:
        patterns = self._factor_by_pattern.items()
        return math.prod(factor for pattern, factor in patterns if re.search(pattern, path))

    def _clip_gradients(self, grads: Any) -> Any:
        clip = super()._clip_gradients
        clips = self.clipnorm or self.global_clipnorm or self.clipvalue
        if clips and keras.backend.backend() == "tensorflow":
            clipped = clip_on_replicas(grads, clip)
            if clipped is not None:
                return clipped
        return clip(grads)

    def _apply_weight_decay(self, variables: Any) -> None:
        # Left to `update_step`, which knows the learning rate of each variable.
        pass

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: Tensor
    ) -> None:
        # Here, once a step: in `update_step` they would be most of the graph that is traced for a
        # backbone with hundreds of variables.
        sizes = self._step_sizes(learning_rate)
        if keras.backend.backend() == "torch":
            self._step_on_torch(grads, trainable_variables, sizes)
        else:
            super()._backend_update_step(grads, trainable_variables, sizes)

    def _step_sizes(self, learning_rate: Tensor) -> StepSizes:
        step = ops.cast(self.iterations + 1, "float32")
        # −expm1(t·ln β) is 1 − βᵗ without its cancellation.
        correction_1 = -ops.expm1(step * math.log(self.beta_1)) if self.beta_1 > 0.0 else 1.0
        correction_2 = ops.sqrt(-ops.expm1(step * math.log(self.beta_2)))
        length = simple_moving_average_length(step, self.beta_2)
        learning_rate = ops.cast(learning_rate, "float32")
        plain = learning_rate / correction_1
        adaptive = plain * correction_2 * rectification(length, self.beta_2)
        return StepSizes(learning_rate, plain, adaptive, length > 5.0)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: StepSizes) -> None:
        """Moves one variable by its gradient, as far as the step's sizes say."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        dtype = variable.dtype
        *rates, is_adaptive = learning_rate
        if self._factors[index] != 1.0:
            rates = [rate * self._factors[index] for rate in rates]
        decay, plain, adaptive = (ops.cast(rate, dtype) for rate in rates)
        if self.weight_decay and self._may_decay[index] and self._use_weight_decay(variable):
            self.assign_sub(variable, variable * (decay * self.weight_decay))
        gradient = ops.cast(gradient, dtype)
        self.assign_add(momentum, (gradient - momentum) * (1.0 - self.beta_1))
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1.0 - self.beta_2))
        adaptive = adaptive / (ops.sqrt(velocity) + self.epsilon)
        self.assign_sub(variable, momentum * ops.where(is_adaptive, adaptive, plain))

    def _step_on_torch(self, gradients: Any, variables: Any, sizes: StepSizes) -> None:
        """`update_step` for all variables of one dtype, rate and decay together."""
        import torch

        groups: dict[tuple[str, float, bool], list[Any]] = {}
        for gradient, variable in zip(gradients, variables, strict=True):
            index = self._get_variable_index(variable)
            decays = bool(
                self.weight_decay and self._may_decay[index] and self._use_weight_decay(variable)
            )
            key = (variable.dtype, self._factors[index], decays)
            groups.setdefault(key, []).append((gradient, variable, index))
        for (dtype, factor, decays), members in groups.items():
            *rates, is_adaptive = sizes
            decay, plain, adaptive = (ops.cast(rate * factor, dtype) for rate in rates)
            with torch.no_grad():
                rectified_adam_on_torch(
                    [ops.cast(gradient, dtype) for gradient, _, _ in members],
                    [variable.value for _, variable, _ in members],
                    [self._momentums[index].value for _, _, index in members],
                    [self._velocities[index].value for _, _, index in members],
                    self.beta_1,
                    self.beta_2,
                    self.epsilon,
                    plain,
                    adaptive,
                    is_adaptive,
                    decay * self.weight_decay if decays else None,
                )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        factors: Any = dict(self._factor_by_pattern) or list(self._saved_factors) or None
        if self.built and any(factor != 1.0 for factor in self._factors):
            factors = list(self._factors)
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay_on_vectors": self.weight_decay_on_vectors,
            "learning_rate_factors": factors,
        }
