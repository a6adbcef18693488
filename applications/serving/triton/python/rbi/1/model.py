"""An exported model in Triton's Python backend, run by ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

FILE = "model.onnx"
DATA_TYPES = {
    "tensor(float)": "TYPE_FP32",
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
}


class TritonPythonModel:
    """What Triton calls."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        """Tells Triton the inputs and outputs of the file, beside which this one lies."""
        session = _session(Path(__file__).parent)
        for end in session.get_inputs():
            auto_complete_model_config.add_input(_described(end))
        for end in session.get_outputs():
            auto_complete_model_config.add_output(_described(end))
        return auto_complete_model_config

    def initialize(self, args):
        """Loads the file."""
        self._session = _session(Path(args["model_repository"]) / args["model_version"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [end.name for end in self._session.get_outputs()]

    def execute(self, requests):
        """Answers the requests that Triton's batcher has collected, as one batch.

        Args:
            requests: List of requests with images `(images, side, side, 3)`.

        Returns:
            As many responses, each with the rows of its own images.
        """
        images = [
            pb_utils.get_input_tensor_by_name(request, self._input).as_numpy()
            for request in requests
        ]
        outputs = self._session.run(self._outputs, {self._input: np.concatenate(images)})
        ends = np.cumsum([len(part) for part in images])[:-1]
        parts = [np.split(output, ends) for output in outputs]
        return [
            pb_utils.InferenceResponse(
                [
                    pb_utils.Tensor(name, part[number])
                    for name, part in zip(self._outputs, parts, strict=True)
                    if name in request.requested_output_names()
                ]
            )
            for number, request in enumerate(requests)
        ]


def _session(folder):
    return onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])


def _described(end):
    # Without the batch; an open axis is -1.
    dims = [size if isinstance(size, int) else -1 for size in end.shape[1:]]
    return {"name": end.name, "data_type": DATA_TYPES[end.type], "dims": dims}
