"""P2P-Net in NumPy as it is written down, box by box, and where its weights belong in ours.

Weights go by the names of its published checkpoints, in their layouts; maps have channels first.
"""

import itertools

import numpy as np
from literal import softmax

EPSILON = 1e-5
STAGES = (1, 2, 3)


def weight_shapes(features, units, num_classes, num_parts):
    """The shape of every weight, for last maps of `features` channels."""
    shapes, width = {}, features // 2

    def dense(name, inputs, outputs, *more):
        shapes[f"{name}.weight"] = (outputs, inputs, *more)
        shapes[f"{name}.bias"] = (outputs,)

    def normalization(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)

    for level, (inputs, boxes) in enumerate(((features, 6), (128, 6), (128, 9)), start=1):
        dense(f"proposal_net.down{level}", inputs, 128, 3, 3)
        dense(f"proposal_net.tidy{level}", 128, boxes, 1, 1)
    for stage in STAGES:
        channels = features * 2**stage // 8
        shapes[f"conv_block{stage}.0.conv.weight"] = (units, channels, 1, 1)
        normalization(f"conv_block{stage}.0.bn", units)
        shapes[f"conv_block{stage}.1.conv.weight"] = (width, units, 3, 3)
        normalization(f"conv_block{stage}.1.bn", width)
        dense(f"reg_mlp{stage}.0", num_parts * width, width)
        dense(f"reg_mlp{stage}.2", width, width)
    classifiers = [(f"{stage}", width, 5) for stage in STAGES]
    for name, inputs, last in (*classifiers, ("_concat", 3 * width, 4)):
        name = f"classifier{name}"
        normalization(f"{name}.0", inputs)
        dense(f"{name}.1", inputs, units)
        normalization(f"{name}.2", units)
        dense(f"{name}.{last}", units, num_classes)
    return shapes


def variables(model):
    """Our variables by the names of theirs."""
    found = {}

    def dense(name, layer):
        found[f"{name}.weight"] = layer.kernel
        if layer.bias is not None:
            found[f"{name}.bias"] = layer.bias

    def normalization(name, layer):
        parts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        for part, variable in zip(
            ("weight", "bias", "running_mean", "running_var"), parts, strict=True
        ):
            found[f"{name}.{part}"] = variable

    for level, (layer, scores) in enumerate(
        zip(model.proposer.levels, model.proposer.scores, strict=True), start=1
    ):
        dense(f"proposal_net.down{level}", layer)
        dense(f"proposal_net.tidy{level}", scores)
    for stage, embedding, mlp in zip(STAGES, model.stage_embeddings, model.part_mlps, strict=True):
        for number, (convolution, of_convolution) in enumerate(embedding.blocks):
            dense(f"conv_block{stage}.{number}.conv", convolution)
            normalization(f"conv_block{stage}.{number}.bn", of_convolution)
        for number, layer in zip((0, 2), mlp.layers, strict=True):
            dense(f"reg_mlp{stage}.{number}", layer)
    for name, classifier in zip((*STAGES, "_concat"), model.classifiers, strict=True):
        normalization(f"classifier{name}.0", classifier.input_normalization)
        dense(f"classifier{name}.1", classifier.hidden)
        normalization(f"classifier{name}.2", classifier.hidden_normalization)
        dense(f"classifier{name}.{4 if name == '_concat' else 5}", classifier.logits)
    return found


def in_our_layout(value):
    """A weight of theirs, or its gradient, laid out as our variable is."""
    value = np.asarray(value)
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return value.T if value.ndim == 2 else value


class P2P:
    """The heads with their state, in float64."""

    def __init__(self, weights, num_parts, matching="intended"):
        self.weights = {name: np.float64(value) for name, value in weights.items()}
        self.num_parts, self.matching = num_parts, matching
        width = self.weights["reg_mlp3.2.bias"].size
        self.centers, self.count = np.zeros((num_parts, width)), 0.0

    def propose(self, last_map):
        """All scores of images, by box."""
        maps, scores = np.float64(last_map), []
        for level in STAGES:
            maps = np.maximum(
                self._convolution(f"proposal_net.down{level}", maps, 1 if level == 1 else 2), 0
            )
            scores.append(self._convolution(f"proposal_net.tidy{level}", maps, 1))
        return np.concatenate([each.reshape(len(each), -1) for each in scores], axis=1)

    def prediction(self, maps, part_maps, training=False):
        """What the heads make of the stages of images and of their parts."""
        part_rows = [self._embed(s, part_maps[s - 1], training) for s in STAGES]
        part_logits = self._classify(part_rows, training)
        by_image = [rows.reshape(-1, self.num_parts, rows.shape[1]) for rows in part_rows]
        orders = [
            order_of(parts, self.centers if self.count else None, self.matching)
            for parts in by_image[2]
        ]
        if training:
            ordered = np.stack([p[o] for p, o in zip(by_image[2], orders, strict=True)])
            before, images = 0.9 * self.count, len(ordered)
            self.centers = (before * self.centers + images * ordered.mean(0)) / (before + images)
            self.count += images
        aligned = []
        for stage in STAGES:
            flat = np.stack(
                [p[o].ravel() for p, o in zip(by_image[stage - 1], orders, strict=True)]
            )
            hidden = elu(self._dense(f"reg_mlp{stage}.0", flat))
            aligned.append(self._dense(f"reg_mlp{stage}.2", hidden))
        rows = [self._embed(s, maps[s - 1], training) for s in STAGES]
        logits = self._classify(rows, training)
        return {
            "logits": logits,
            "part_logits": [
                each.reshape(-1, self.num_parts, each.shape[1]) for each in part_logits
            ],
            "embeddings": rows,
            "aligned": aligned,
            "order": np.array(orders),
            "probabilities": softmax(sum(logits) / 4, -1),
        }

    def _embed(self, stage, maps, training):
        maps = np.float64(maps)
        for number in (0, 1):
            maps = self._convolution(f"conv_block{stage}.{number}.conv", maps, 1)
            name = f"conv_block{stage}.{number}.bn"
            rows = maps.transpose(0, 2, 3, 1)
            rows = np.maximum(self._normalised(name, rows, training, 0.99), 0)
            maps = rows.transpose(0, 3, 1, 2)
        return maps.max((2, 3))

    def _classify(self, rows, training):
        predictions = []
        for name, given in zip((*STAGES, "_concat"), (*rows, np.hstack(rows)), strict=True):
            name = f"classifier{name}"
            hidden = self._normalised(f"{name}.0", given, training, 0.9)
            hidden = self._normalised(f"{name}.2", self._dense(f"{name}.1", hidden), training, 0.9)
            predictions.append(self._dense(f"{name}.{4 if 'concat' in name else 5}", elu(hidden)))
        return predictions

    def _dense(self, name, rows):
        return rows @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _normalised(self, name, rows, training, momentum):
        mean, variance = self.weights[f"{name}.running_mean"], self.weights[f"{name}.running_var"]
        if training:
            flat = rows.reshape(-1, rows.shape[-1])
            moments = flat.mean(0), flat.var(0)
            for part, old, new in zip(("mean", "var"), (mean, variance), moments, strict=True):
                self.weights[f"{name}.running_{part}"] = momentum * old + (1 - momentum) * new
            mean, variance = moments
        scaled = (rows - mean) / np.sqrt(variance + EPSILON)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _convolution(self, name, maps, stride):
        kernel = self.weights[f"{name}.weight"]
        side = kernel.shape[2]
        padded = np.pad(maps, ((0, 0), (0, 0), *[(side // 2, side // 2)] * 2))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (2, 3))
        found = np.einsum("bcyxij,ocij->boyx", windows[:, :, ::stride, ::stride], kernel)
        bias = self.weights.get(f"{name}.bias")
        return found if bias is None else found + bias[:, None, None]


def elu(values):
    return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))


def kept_boxes(scores, boxes, count):
    """The best boxes of an image that keep apart by an overlap below a quarter."""
    live, kept = set(range(len(boxes))), []
    while len(kept) < count:
        best = max(sorted(live), key=lambda box: scores[box])
        kept.append(best)
        live = {
            box
            for box in live
            if 4 * intersection(boxes[best], boxes[box]) < union(boxes[best], boxes[box])
        }
    return kept


def area(box):
    return int(box[2] - box[0]) * int(box[3] - box[1])


def intersection(one, other):
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[1], other[1])
    return int(height) * int(width) if height > 0 and width > 0 else 0


def union(one, other):
    return area(one) + area(other) - intersection(one, other)


def crop(image, box, sides):
    """A box of an image `(height, width, channels)`, resized, zeros beyond the image."""
    height, width, channels = image.shape

    def pixel(row, column):
        if 0 <= row < height and 0 <= column < width:
            return np.float64(image[row, column])
        return np.zeros(channels)

    places = []
    for axis, side in enumerate(sides):
        first, last = int(box[axis]), int(box[axis + 2]) - 1
        places.append([first + i * (last - first) / max(side - 1, 1) for i in range(side)])
    result = np.zeros((*sides, channels))
    for (i, y), (j, x) in itertools.product(enumerate(places[0]), enumerate(places[1])):
        top, left = int(np.floor(y)), int(np.floor(x))
        down, right = y - top, x - left
        result[i, j] = (
            (1 - down) * (1 - right) * pixel(top, left)
            + (1 - down) * right * pixel(top, left + 1)
            + down * (1 - right) * pixel(top + 1, left)
            + down * right * pixel(top + 1, left + 1)
        )
    return result


def order_of(parts, centers, matching="intended"):
    """The order of an image's parts in which their correlations are most like the means'."""
    count = len(parts)
    best_order, best = tuple(range(count)), 0.0
    if centers is None or not centers.any():
        return list(best_order)
    parts, centers = np.float64(parts), np.float64(centers)
    wanted, found = centers @ centers.T, parts @ parts.T
    wanted = wanted / wanted.max()
    found = found / (found.max() or 1.0)
    running = found
    for order in itertools.permutations(range(count)):
        tried = (running if matching == "official" else found)[np.ix_(order, order)]
        running = tried
        score = (wanted * tried).sum()
        # Sums of the same numbers in the same order, so equal ones are equal.
        if score > best:
            best_order, best = order, score
    return list(best_order)


def losses(outputs, labels, peaks=(0.7, 0.8, 0.9, 1.0)):
    """Every term of the loss, as means over the batch."""
    terms = {}
    batch, parts = outputs["part_scores"].shape
    for number, peak in enumerate(peaks, start=1):
        logits, part_logits = outputs["logits"][number - 1], outputs["part_logits"][number - 1]
        terms[f"image_{number}"] = smoothed(logits, labels, peak)
        flat = part_logits.reshape(batch * parts, -1)
        terms[f"parts_{number}"] = smoothed(flat, np.repeat(labels, parts), peak)
    predictions = softmax(outputs["part_logits"][3], -1)
    wrong = -np.log(predictions[np.arange(batch), :, labels])
    terms["ranking"] = rank(outputs["part_scores"], wrong) / batch
    for number, (row, other) in enumerate(
        zip(outputs["embeddings"], outputs["aligned"], strict=True), start=1
    ):
        each = -(softmax(row, -1) * np.log(softmax(other, -1))).sum(-1)
        terms[f"alignment_{number}"] = 0.1 * each.mean()
    return terms


def smoothed(logits, labels, peak):
    classes = logits.shape[1]
    targets = np.full(logits.shape, (1 - peak) / (classes - 1))
    targets[np.arange(len(labels)), labels] = peak
    return -(targets * np.log(softmax(logits, -1))).sum(1).mean()


def rank(scores, wrong):
    """The sum over images and pairs of parts."""
    total = 0.0
    for score, loss in zip(scores, wrong, strict=True):
        for i, j in itertools.product(range(len(score)), repeat=2):
            if loss[j] > loss[i]:
                total += max(0.0, 1 - score[i] + score[j])
    return total
