"""Services on loopback, for all tests of serving."""

import pytest
from running_service import running


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The model of `mean_color` in ONNX Runtime."""
    for package in ("fastapi", "httpx", "onnx", "onnxruntime", "prometheus_client", "uvicorn"):
        pytest.importorskip(package)
    import mean_color

    from keras_rbi.serving.onnx_model import OnnxModel

    return OnnxModel(mean_color.write(tmp_path_factory.mktemp("onnx") / "mean.onnx"))


@pytest.fixture(scope="session")
def serve(model):
    from keras_rbi.serving.limits import Limits

    def start(model=model, **limits):
        return running(model, Limits(**limits))

    return start
