"""Compilation of a training stage: optimizer, loss, frozen layers."""

import keras

from keras_rbi.optimizers.rectified_adam import RectifiedAdam
from keras_rbi.training.freezing import backbone_of, freeze, freeze_batch_norms
from keras_rbi.training.learning_rate import learning_rate
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.stages import Stage


def compile_stage(
    model: keras.Model, settings: TrainingSettings, stage: Stage, steps_per_epoch: int
) -> None:
    """Freezes what a stage leaves alone and compiles a model with a new optimizer.

    New means without moments, and with its steps counted from 0: a variable that was frozen has
    no moments, and RectifiedAdam, which starts as cautiously as with a warm-up, needs to know that
    it has none. An average of the weights starts anew too. The learning rate goes on.

    Args:
        model: A model as `build_model` gives it.
        settings: Resolved settings.
        stage: One of `stages(settings)`.
        steps_per_epoch: Batches in an epoch.
    """
    if settings.head_epochs:
        backbone_of(model).trainable = True
    freeze(model, stage.freeze)
    if settings.freeze_batch_norms:
        freeze_batch_norms(model)
    optimizer = RectifiedAdam(
        learning_rate(settings, steps_per_epoch, stage.first_epoch),
        weight_decay=settings.weight_decay or None,
        # Biases and norms are few and fit nothing by heart: there is no reason to draw them to 0.
        weight_decay_on_vectors=False,
        global_clipnorm=settings.clip_norm or None,
        use_ema=bool(settings.ema),
        ema_momentum=settings.ema or 0.99,
        learning_rate_factors=_learning_rate_factors(model, settings),
    )
    model.compile(
        optimizer=optimizer,
        loss=(
            keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing or 0.0)
            if settings.one_hot_labels
            else "sparse_categorical_crossentropy"
        ),
        **{_metrics(): ["accuracy"]},
    )
    # Now, so that the state of a checkpoint can be loaded into it.
    model.optimizer.build(model.trainable_variables)


def _metrics() -> str:
    """Under a distribution of JAX, last batches have rows that count in no metric."""
    return "metrics" if keras.distribution.distribution() is None else "weighted_metrics"


def _learning_rate_factors(model: keras.Model, settings: TrainingSettings) -> list[float] | None:
    if settings.backbone_learning_rate is None:
        return None
    factor = settings.backbone_learning_rate / settings.learning_rate
    backbone = {id(variable) for variable in backbone_of(model).trainable_variables}
    return [factor if id(variable) in backbone else 1.0 for variable in model.trainable_variables]
