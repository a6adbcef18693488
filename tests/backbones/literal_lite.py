"""EfficientNet-Lite as published, from the arrays of the PyTorch original, channels first.

Written without the library's tables. The arithmetic is that of NumPy and of PyTorch alike; the
convolution is passed in.
"""

import math

import numpy as np

KERNELS = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
FILTERS = {
    "EfficientNetLite0": (16, 24, 40, 80, 112, 192, 320),
    "EfficientNetLite1": (16, 24, 40, 80, 112, 192, 320),
    "EfficientNetLite2": (16, 24, 48, 88, 120, 208, 352),
}
REPEATS = {
    "EfficientNetLite0": (1, 2, 2, 3, 3, 4, 1),
    "EfficientNetLite1": (1, 3, 3, 4, 4, 5, 1),
    "EfficientNetLite2": (1, 3, 3, 4, 4, 5, 1),
}
EPSILON = 1e-3


def blocks(name):
    """Kernel, stride, input filters, wide filters and output filters of each block."""
    filters = 32
    for stage, repeats in enumerate(REPEATS[name]):
        for repeat in range(repeats):
            wide = filters * (1 if stage == 0 else 6)
            stride = STRIDES[stage] if repeat == 0 else 1
            yield KERNELS[stage], stride, filters, wide, FILTERS[name][stage]
            filters = FILTERS[name][stage]


def shapes(name):
    """Shapes of the arrays of the PyTorch original."""
    result = {}

    def add(key, *shape):
        result[f"{key}.weight"] = shape

    def normalize(key, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            result[f"{key}.{part}"] = (channels,)
        result[f"{key}.num_batches_tracked"] = ()

    add("_conv_stem", 32, 3, 3, 3)
    normalize("_bn0", 32)
    for number, (kernel, _, narrow, wide, filters) in enumerate(blocks(name)):
        block = f"_blocks.{number}."
        if wide != narrow:
            add(f"{block}_expand_conv", wide, narrow, 1, 1)
            normalize(f"{block}_bn0", wide)
        add(f"{block}_depthwise_conv", wide, 1, kernel, kernel)
        normalize(f"{block}_bn1", wide)
        add(f"{block}_project_conv", filters, wide, 1, 1)
        normalize(f"{block}_bn2", filters)
    add("_conv_head", 1280, FILTERS[name][-1], 1, 1)
    normalize("_bn1", 1280)
    add("_fc", 1000, 1280)
    result["_fc.bias"] = (1000,)
    return result


def random_state(name):
    """Arrays of which every one makes a difference.

    The kernels are as large as brings some activations to ReLU6's upper end, and not so large
    that the depth multiplies errors of rounding.
    """
    generator = np.random.default_rng(0)
    state = {}
    for key, shape in shapes(name).items():
        if key.endswith("num_batches_tracked"):
            state[key] = np.array(1)
        elif len(shape) == 1:
            low = 0.5 if key.endswith(("weight", "running_var")) else -0.5
            state[key] = generator.uniform(low, low + 1.0, shape).astype("float32")
        else:
            scale = math.sqrt(1.25 / math.prod(shape[1:]))
            state[key] = (scale * generator.standard_normal(shape)).astype("float32")
    return state


def same_padding(size, kernel, stride):
    """Zeros before and after a side, as TensorFlow pads: the odd one comes after."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def numpy_convolution(x, kernel, stride):
    side = kernel.shape[-1]
    padding = [same_padding(size, side, stride) for size in x.shape[2:]]
    x = np.pad(x, [(0, 0), (0, 0), *padding])
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    if kernel.shape[1] == 1:
        return np.einsum("nchwij,cij->nchw", windows, kernel[:, 0])
    return np.einsum("nchwij,ocij->nohw", windows, kernel, optimize=True)


def torch_convolution(x, kernel, stride):
    from torch.nn import functional

    side = kernel.shape[-1]
    (top, bottom), (left, right) = (same_padding(size, side, stride) for size in x.shape[2:])
    x = functional.pad(x, (left, right, top, bottom))
    groups = x.shape[1] if kernel.shape[1] == 1 else 1
    return functional.conv2d(x, kernel, stride=stride, groups=groups)


def forward(name, state, images, convolution):
    """The map after the head and the logits, of images `(batch, 3, height, width)`."""

    def convolve(x, key, stride=1):
        return convolution(x, state[f"{key}.weight"], stride)

    def normalize(x, key):
        weight, bias, mean, variance = (
            state[f"{key}.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / (variance + EPSILON) ** 0.5 * weight + bias

    def relu6(x):
        return x.clip(0, 6)

    x = relu6(normalize(convolve(images, "_conv_stem", 2), "_bn0"))
    for number, (_, stride, narrow, wide, filters) in enumerate(blocks(name)):
        block = f"_blocks.{number}."
        inputs = x
        if wide != narrow:
            x = relu6(normalize(convolve(x, f"{block}_expand_conv"), f"{block}_bn0"))
        x = relu6(normalize(convolve(x, f"{block}_depthwise_conv", stride), f"{block}_bn1"))
        x = normalize(convolve(x, f"{block}_project_conv"), f"{block}_bn2")
        if stride == 1 and narrow == filters:
            x = x + inputs
    features = relu6(normalize(convolve(x, "_conv_head"), "_bn1"))
    return features, features.mean((2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
