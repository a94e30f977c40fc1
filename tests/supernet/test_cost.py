"""What a step asks of torch, at the depth and width of the paper."""

import pytest

pytest.importorskip("torch", reason="torch is not installed")


from tests.supernet.counter import counted
from tests.supernet.nets import start


@pytest.mark.parametrize(
    ("name", "operators", "kernels", "reads"),
    [
        ("darts", 5000, 3200, 0),
        ("darts_2nd", 16_500, 11_500, 0),
        ("darts_2nd_fd", 14_000, 8_000, 0),
        ("gdas", 3000, 2000, 2),  # one in each of its two passes
        ("gdas_nb201", 3000, 2000, 2),
        ("random_sampling", 1500, 1000, 1),
    ],
)
def test_a_step_stays_within_its_budget(name, operators, kernels, reads):
    run = start(name, channels=16, cells=5)
    batches = run.train.draw(), run.valid.draw()
    for _ in range(2):  # the second has momentum buffers
        with counted() as counts:
            for step in run.method.steps:
                step(run, *batches)
    assert counts.total <= operators
    assert counts.kernels <= kernels
    assert counts.reads <= reads
