import asyncio
import threading

import numpy as np
import pytest

from keras_rbi.serving.batcher import Batcher


def images(*values):
    return [np.full((2,), value, "float32") for value in values]


def doubled(batch):
    return 2 * batch[:, :1]


def run(scenario, answer=doubled, max_batch=4, deadline=0.05):
    """Runs a coroutine function of a batcher; gives what it returns and the sizes of batches."""
    sizes = []

    async def with_batcher():
        batcher = Batcher(answer, max_batch, deadline, sizes.append)
        batcher.start()
        try:
            return await scenario(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(with_batcher()), sizes


def test_concurrent_requests_share_batches_and_get_their_own_rows():
    async def scenario(batcher):
        return await asyncio.gather(*(batcher.submit(images(n, n + 0.5)) for n in range(9)))

    answers, sizes = run(scenario)
    assert [[float(row[0]) for row in rows] for rows in answers] == [
        [2 * n, 2 * n + 1] for n in range(9)
    ]
    assert sizes == [4, 4, 4, 4, 2]


def test_a_full_batch_does_not_wait():
    async def scenario(batcher):
        begin = asyncio.get_running_loop().time()
        await batcher.submit(images(1, 2, 3, 4))
        return asyncio.get_running_loop().time() - begin

    seconds, sizes = run(scenario, deadline=30)
    assert seconds < 5
    assert sizes == [4]


def test_a_lonely_image_waits_for_the_deadline_and_no_longer():
    async def scenario(batcher):
        begin = asyncio.get_running_loop().time()
        await batcher.submit(images(1))
        return asyncio.get_running_loop().time() - begin

    seconds, sizes = run(scenario, deadline=0.1)
    assert 0.09 < seconds < 5
    assert sizes == [1]


def test_what_comes_within_the_deadline_joins_the_batch():
    async def scenario(batcher):
        first = asyncio.create_task(batcher.submit(images(1)))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(batcher.submit(images(2)))
        return await asyncio.gather(first, second)

    answers, sizes = run(scenario, deadline=1)
    assert sizes == [2]
    assert [float(rows[0][0]) for rows in answers] == [2, 4]


def test_images_collect_while_the_model_is_busy():
    busy, go_on = threading.Event(), threading.Event()

    def slow(batch):
        busy.set()
        assert go_on.wait(10)
        return doubled(batch)

    async def scenario(batcher):
        first = asyncio.create_task(batcher.submit(images(1)))
        await asyncio.to_thread(busy.wait, 10)
        rest = [asyncio.create_task(batcher.submit(images(n))) for n in (2, 3, 4)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(first, *rest)

    answers, sizes = run(scenario, answer=slow, deadline=0.0)
    assert sizes == [1, 3]
    assert [float(rows[0][0]) for rows in answers] == [2, 4, 6, 8]


def test_stopping_answers_what_was_submitted():
    async def scenario(batcher):
        waiting = [asyncio.create_task(batcher.submit(images(n))) for n in range(6)]
        await asyncio.sleep(0)
        await batcher.stop()
        answers = await asyncio.gather(*waiting)
        with pytest.raises(RuntimeError, match="stopped"):
            await batcher.submit(images(1))
        return answers

    # It would wait for a minute otherwise.
    answers, sizes = run(scenario, deadline=60, max_batch=5)
    assert sizes == [5, 1]
    assert [float(rows[0][0]) for rows in answers] == [0, 2, 4, 6, 8, 10]


def test_what_nobody_waits_for_is_not_computed():
    async def scenario(batcher):
        gone = asyncio.create_task(batcher.submit(images(1)))
        stays = asyncio.create_task(batcher.submit(images(2)))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    answer, sizes = run(scenario)
    assert float(answer[0][0]) == 4
    assert sizes == [1]


def test_an_error_of_the_model_reaches_its_batch_and_leaves_the_next_alone():
    def fragile(batch):
        if np.any(batch == 13):
            raise ArithmeticError("thirteen")
        return doubled(batch)

    async def scenario(batcher):
        with pytest.raises(ArithmeticError, match="thirteen"):
            await batcher.submit(images(13))
        return await batcher.submit(images(5))

    answer, _ = run(scenario, answer=fragile)
    assert float(answer[0][0]) == 10


def test_a_model_that_gives_too_few_rows_is_an_error_and_no_mix_up():
    async def scenario(batcher):
        with pytest.raises(RuntimeError, match="1 rows for 3 images"):
            await batcher.submit(images(1, 2, 3))

    run(scenario, answer=lambda batch: doubled(batch)[:1])


def test_no_images_need_no_batch():
    async def scenario(batcher):
        return await batcher.submit([])

    assert run(scenario) == ([], [])
