"""Tables on disk: what is refused, what survives, what is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from surrogates import DataError, Table

NAN = np.nan


def small():
    """Three of the 2 x 3 networks, two runs, two epochs; the last has one run only."""
    return Table(
        source="by hand",
        choices=(("a", "b"), ("c", "d", "e")),
        archs=np.array([[0, 0], [0, 2], [1, 1]], dtype=np.uint8),
        seeds=np.array([7, 8], dtype=np.int64),
        epochs=np.array([1, 2], dtype=np.int64),
        valid_error=np.array(
            [
                [[0.5, 0.25], [0.5, 0.375]],
                [[0.75, np.inf], [0.75, 0.5]],
                [[0.5, 0.5], [NAN, NAN]],
            ]
        ),
        seconds=np.array(
            [
                [[1.0, 2.0], [1.0, 2.0]],
                [[3.0, 6.0], [3.0, 6.0]],
                [[5.0, 9.0], [NAN, NAN]],
            ]
        ),
        metrics={"latency": np.array([1.0, 2.0, 3.0])},
        recorded={"params": np.array([[10.0, 10.0], [20.0, 99.0], [30.0, NAN]])},
    )


def spoilt(name, index, value):
    array = getattr(small(), name).copy()
    array[index] = value
    return {name: array}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoilt("archs", 1, (0, 0)), "rows repeat"),
        (spoilt("archs", (0, 0), 7), "option that does not exist"),
        (spoilt("epochs", 0, 2), "epochs are out of order"),
        (spoilt("valid_error", (0, 0, 0), NAN), "missing together"),
        (spoilt("valid_error", (0, 0, 0), 1.5), "outside"),
        (spoilt("valid_error", (0, 0, 0), -0.5), "outside"),
        (spoilt("seconds", (0, 0, 1), 0.5), "decrease"),
        (spoilt("seconds", (0, 0, 0), 0.0), "not positive"),
        (spoilt("valid_error", (0, 0), NAN) | spoilt("seconds", (0, 0), NAN), "before"),
        ({"test_error": np.array([[0.1], [0.2], [1.2]])}, "test_error has figures"),
    ],
)
def test_a_table_that_contradicts_itself_is_not_saved(change, message, tmp_path):
    with pytest.raises(DataError, match=message):
        replace(small(), **change).save(tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": np.array([1], dtype=np.int64)},
        {"seeds": np.array([7, 8], dtype=np.int32)},
        {"test_error": np.zeros((2, 1))},
        {"metrics": {"latency": np.zeros(2)}},
        {"recorded": {"params": np.zeros((3, 1))}},
    ],
)
def test_arrays_that_do_not_fit_together_are_no_table(change):
    with pytest.raises(DataError, match=r"is .* not"):
        replace(small(), **change)


def test_round_trip_keeps_every_figure_and_leaves_nothing_else(tmp_path):
    for test_error in (None, np.array([[0.1, NAN], [0.2, 0.3], [0.4, 0.5]])):
        table = replace(small(), test_error=test_error)
        table.save(tmp_path / "x" / "table")
        again = Table.open(tmp_path / "x" / "table")
        assert (again.source, again.choices) == (table.source, table.choices)
        for (name, one), (other_name, other) in zip(
            table.arrays(), again.arrays(), strict=True
        ):
            assert name == other_name
            np.testing.assert_array_equal(one, other)
        assert again.digest == table.digest
        assert replace(again).digest == table.digest  # computed from the mapped arrays
        assert [p.name for p in (tmp_path / "x").iterdir()] == ["table"]


def test_digest_changes_with_a_single_figure_or_option():
    others = [
        replace(small(), **spoilt("valid_error", (0, 0, 0), 0.625)),
        replace(small(), choices=(("a", "x"), ("c", "d", "e"))),
        replace(small(), metrics={}),
        replace(small(), metrics={"energy": np.array([1.0, 2.0, 3.0])}),
    ]
    assert len({small().digest, *(table.digest for table in others)}) == 5


def test_damage_is_noticed_whichever_file_it_hits(tmp_path):
    small().save(tmp_path / "table")
    for victim in sorted((tmp_path / "table").iterdir()):
        whole = victim.read_bytes()
        for part in (b"", whole[: len(whole) // 2], b"{}" + whole):
            victim.write_bytes(part)
            with pytest.raises(DataError, match=r"damaged|format"):
                Table.open(tmp_path / "table")
        victim.unlink()
        with pytest.raises((DataError, FileNotFoundError)):
            Table.open(tmp_path / "table")
        victim.write_bytes(whole)
    assert Table.open(tmp_path / "table").digest == small().digest


def test_an_array_that_is_a_pickle_is_not_opened(tmp_path):
    small().save(tmp_path / "table")
    np.save(tmp_path / "table" / "seeds.npy", np.array([print]), allow_pickle=True)
    with pytest.raises(DataError, match="damaged"):
        Table.open(tmp_path / "table")


def test_an_older_format_is_named(tmp_path):
    small().save(tmp_path / "table")
    manifest = tmp_path / "table" / "table.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(DataError, match="format 0, not 1"):
        Table.open(tmp_path / "table")
