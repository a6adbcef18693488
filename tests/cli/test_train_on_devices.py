"""`keras-rbi train` on several devices, and in several processes of one machine."""

import csv
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import keras
import numpy as np
import pytest
from made_devices import BACKEND, LOGICAL_DEVICES, free_ports, host_devices
from small_runs import SMALL, make_birds

from keras_rbi.distribution.devices import Devices, start_devices
from keras_rbi.distribution.jax_replicas import refuse_replica_scope
from keras_rbi.distribution.launched import launched
from keras_rbi.training.data_on_devices import check_batches, data_on_devices

devices_of_run = importlib.import_module("keras_rbi.training.devices_of_run")
# Backbones normalize by what a device has: here by the statistics that they begin with.
GIVEN = [*SMALL[:-2], "--epochs", "3", "--batch-size", "4", "--no-feature-head",
         "--freeze-batch-norms", "--variant", "0.1", "--relation-dropout", "0"]  # fmt: skip


COMMAND = """
from keras_rbi.cli.main import app

app()
"""


def numbered(launcher, rank, processes, port):
    """What a launcher tells a process of which it is."""
    count, number = str(processes), str(rank)
    if launcher == "torchrun":
        return {"RANK": number, "WORLD_SIZE": count,
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # fmt: skip
    if launcher == "srun":
        # JAX makes a port of the job's number, and asks for more of them.
        return {"SLURM_STEP_NUM_TASKS": count, "SLURM_NTASKS": count, "SLURM_PROCID": number,
                "SLURM_LOCALID": number, "SLURM_STEP_NODELIST": "127.0.0.1",
                "SLURM_JOB_ID": str(port), "SLURM_STEP_TASKS_PER_NODE": count}  # fmt: skip
    if launcher == "mpirun":
        uri = f"{port * 4096}.0;tcp://127.0.0.1:{port}"
        return {"OMPI_COMM_WORLD_SIZE": count, "OMPI_COMM_WORLD_RANK": number,
                "OMPI_COMM_WORLD_LOCAL_RANK": number, "OMPI_COMM_WORLD_LOCAL_SIZE": count,
                "OMPI_MCA_orte_hnp_uri": uri}  # fmt: skip
    return {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": count,
            "KERAS_DISTRIBUTION_PROCESS_ID": number}  # fmt: skip


def begin(folder, *words, processes=1, devices=1, launcher=None):
    """Processes of the command, of which each has a number."""
    launcher = launcher or {"torch": "torchrun"}.get(BACKEND, "Keras")
    (port,), begun = free_ports(1), []
    for rank in range(processes):
        environment = os.environ | {"KERAS_BACKEND": BACKEND, "OMP_NUM_THREADS": "1"}
        environment |= host_devices(devices)
        if processes > 1:
            environment |= numbered(launcher, rank, processes, port)
        program = [sys.executable, "-m", "keras_rbi"]
        if BACKEND == "tensorflow" and devices > 1:
            program = [sys.executable, "-c", f"{LOGICAL_DEVICES}\n{COMMAND}"]
        begun.append(
            subprocess.Popen(
                [*program, "train", *words],
                cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
    return begun


def end(begun, timeout=500):
    said = [process.communicate(timeout=timeout) for process in begun]
    return [process.returncode for process in begun], ["".join(both) for both in said]


def history(run):
    rows = list(csv.DictReader((run / "history.csv").read_text("utf-8").splitlines()))
    return np.array([[float(row["loss"]), float(row["val_accuracy"])] for row in rows])


def weights(run):
    model = keras.models.load_model(run / "model.keras", compile=False)
    return [keras.ops.convert_to_numpy(each) for each in model.weights]


SPREAD = {
    "tensorflow": [{"devices": 2}],
    "torch": [{"processes": 2}],
    "jax": [
        {"devices": 2},
        {"processes": 2},
        {"processes": 2, "launcher": "srun"},
        {"processes": 2, "launcher": "mpirun"},
    ],
}


@pytest.mark.nightly
@pytest.mark.parametrize("spread", SPREAD.get(BACKEND, []))
def test_devices_leave_the_run_that_one_leaves(tmp_path, spread):
    make_birds(tmp_path)
    more = ["--devices", str(spread["devices"])] if "devices" in spread else []
    codes, said = end(begin(tmp_path, *GIVEN, *more, "--output", "shared", **spread))
    assert set(codes) == {0}, said
    assert "Devices: 2 in " in said[0]
    assert "images relate to all 4 of their batch" in said[0]
    assert all("Devices" not in other for other in said[1:])
    assert set(end(begin(tmp_path, *GIVEN, "--output", "one"))[0]) == {0}
    shared, one = tmp_path / "shared", tmp_path / "one"
    np.testing.assert_allclose(history(shared), history(one), atol=1e-4)
    for mine, other in zip(weights(shared), weights(one), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-3)
    found, expected = (json.loads((run / "metrics.json").read_text()) for run in (shared, one))
    assert found["test_accuracy_by_relations"] == expected["test_accuracy_by_relations"]


@pytest.mark.nightly
@pytest.mark.skipif(BACKEND == "tensorflow", reason="the command is one process on TensorFlow")
def test_a_process_that_is_killed_ends_the_others(tmp_path):
    make_birds(tmp_path)
    words = list(GIVEN)
    words[words.index("--epochs") + 1] = "12"
    assert set(end(begin(tmp_path, *words, "--output", "whole", processes=2))[0]) == {0}
    begun = begin(tmp_path, *words, "--output", "killed", processes=2)
    deadline = time.monotonic() + 400
    while not (tmp_path / "killed" / "checkpoint" / "state.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    begun[1].send_signal(signal.SIGKILL)
    dead = time.monotonic()
    _, said = begun[0].communicate(timeout=200)
    assert time.monotonic() - dead < 60
    assert begun[0].returncode != 0
    assert "Another process of the run has ended" in said.splitlines()[-1]
    begun[1].communicate()
    codes, said = end(begin(tmp_path, "--resume", "--output", "killed", processes=2))
    assert set(codes) == {0}, said
    np.testing.assert_allclose(history(tmp_path / "killed"), history(tmp_path / "whole"), atol=1e-4)


def test_launchers_number_their_processes():
    assert launched({}) == launched({"WORLD_SIZE": "1", "RANK": "0"})
    for names in (
        ("WORLD_SIZE", "RANK"),
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
        ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ):
        found = launched(dict(zip(names, ("16", "9"), strict=True)))
        assert (found.processes, found.number) == (16, 9)
    cluster = {"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"index": 0}}
    assert launched({"TF_CONFIG": json.dumps(cluster)}).processes == 2
    for wrong in ({"WORLD_SIZE": "2", "RANK": "2"}, {"TF_CONFIG": "{"}):
        with pytest.raises(ValueError, match=r"Unset"):
            launched(wrong)


def test_what_devices_cannot_share_is_refused():
    whole = Devices(of_process=4, whole_batches=True)
    with pytest.raises(ValueError, match="multiple of 4"):
        check_batches(whole, 6, False, 24)
    with pytest.raises(ValueError, match="class weights"):
        check_batches(whole, 8, True, 25)
    with pytest.raises(ValueError, match="larger batches"):
        check_batches(Devices(of_process=4), 3, False, 25)
    with pytest.raises(ValueError, match="the last of 1, and 4 devices"):
        check_batches(Devices(of_process=4), 8, False, 25)
    check_batches(whole, 8, True, 24)
    with pytest.raises(ValueError, match=r"several|not so many"):
        start_devices("64")


def test_what_cannot_be_is_told_before_data_are_read(ask, birds, monkeypatch):
    shutil.rmtree(birds / "birds")
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    with monkeypatch.context() as patch:
        patch.setenv("TF_CONFIG", json.dumps(cluster))
        code, _, lines = ask("train", *SMALL)
    assert (code, len(lines)) == (2, 1)
    assert ("--devices auto" if BACKEND == "tensorflow" else "Unset it") in lines[0]
    two = Devices(of_process=2, check_replica_scope=partial(refuse_replica_scope, 2))
    monkeypatch.setattr(devices_of_run, "start_devices", lambda asked: two)
    code, _, lines = ask("train", *SMALL, "--devices", "2", "--relation-scope", "replica")
    assert (code, len(lines)) == (2, 1)
    assert "relation_scope='replica' has no meaning" in lines[0]
    two = Devices(of_process=2, scales_losses=False)
    code, _, lines = ask("train", *SMALL, "--devices", "2", "--precision", "mixed_float16")
    assert (code, len(lines)) == (2, 1)
    assert "Pass 'mixed_bfloat16'" in lines[0]
    code, _, lines = ask("train", *SMALL, "--devices", "2")
    assert "'birds'" in lines[-1]


def test_processes_read_the_rows_of_one_batch(monkeypatch):
    from keras_rbi.datasets import ImageSequence, Typefaces
    from keras_rbi.distribution.launched import Launched

    data = Typefaces("train", per_class=1, image_size=16)
    whole = ImageSequence(data, 16, augment="paper", seed=3)
    assert len(whole.labels) % 16 == 6
    shares = [whole.shared(number, 3) for number in range(3)]
    for index in (0, len(whole) - 1):
        parts = [share[index] for share in shares]
        for number, expected in enumerate(whole[index]):
            np.testing.assert_array_equal(
                np.concatenate([part[number] for part in parts]), expected
            )
    with pytest.raises(ValueError, match="7 processes, and a batch of 6"):
        whole.shared(0, 7)
    # Where all batches must be of one size, the mean is over those that are there.
    devices = Devices(of_process=2, process=Launched(2, 0, "torchrun"), whole_batches=True)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    masked, _ = data_on_devices(ImageSequence(data, 16, shuffle="once"), devices, False)
    images, _, factors = masked[len(masked) - 1]
    assert images["mask"].tolist() == [True] * 6 + [False] * 2
    np.testing.assert_allclose(factors, np.array([16 / 6] * 6 + [0] * 2), rtol=1e-6)


@pytest.mark.nightly
@pytest.mark.skipif(BACKEND != "torch", reason="torchrun is of PyTorch")
@pytest.mark.skipif(shutil.which("torchrun") is None, reason="torchrun is not on the path")
def test_torchrun_starts_the_command(tmp_path):
    make_birds(tmp_path)
    words = ["torchrun", "--nproc-per-node", "2", "--master-port", str(free_ports(1)[0])]
    done = subprocess.run(
        [*words, "-m", "keras_rbi", "train", *GIVEN, "--output", "run"],
        cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Devices: 2 in 2 processes (torchrun)") == 1
    assert (tmp_path / "run" / "metrics.json").is_file()
