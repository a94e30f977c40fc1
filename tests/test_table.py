"""Tables on disk: what is refused, what survives, what is noticed."""

import resource
from dataclasses import replace

import numpy as np
import pytest

from surrogates import DataError, Split, Table, Training
from surrogates.merge import merge
from surrogates.table import FORMAT

NAN = np.nan
TITLE = "digits@2"


def ints(*values):
    return np.array(values, dtype=np.int64)


def valid():
    """Counts of eight images; the last run was not evaluated after one epoch."""
    return Split(
        epochs=ints(1, 2),
        right=np.array([[4, 6], [4, 5], [2, 8], [65_535, 4]], dtype=np.uint16),
        whole=8,
        seconds=np.array([0.5, 0.5, 0.25, 0.125]),
    )


def training():
    """Two runs of the first network, none of the second, two of the third."""
    return Training(
        epochs=ints(1, 2),
        starts=ints(0, 2, 2, 4),
        seeds=ints(7, 8, 7, 9),
        seconds=np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 6.0], [3.0, 6.0]]),
        splits={
            "valid": valid(),
            "test": Split(ints(2), np.array([[0.5], [NAN], [np.inf], [1.0]]), None),
        },
        recorded={"params": np.array([10.0, 10.0, 30.0, 99.0])},
    )


def small():
    """Three of the 2 x 3 networks."""
    return Table(
        source="by hand",
        choices=(("a", "b"), ("c", "d", "e")),
        archs=np.array([[0, 0], [0, 2], [1, 1]], dtype=np.uint8),
        keys=np.array([0, 2, 4], dtype=np.uint64),
        trainings={TITLE: training()},
        metrics={"latency": np.array([1.0, 2.0, 3.0])},
        order=np.array([5, 4, 3, 2, 1, 0], dtype=np.uint64),
        about={"expected": 6},
    )


def trained(**change):
    return replace(small(), trainings={TITLE: replace(training(), **change)})


def evaluated(name="valid", **change):
    splits = training().splits
    return trained(splits={**splits, name: replace(splits[name], **change)})


def spoilt(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def every_array(table):
    yield from (table.archs, table.keys, table.order, *table.metrics.values())
    for one in table.trainings.values():
        yield from (one.epochs, one.starts, one.seeds, one.seconds)
        yield from one.recorded.values()
        for split in one.splits.values():
            yield from (split.epochs, split.right)
            yield from (
                x for x in (split.tail, split.loss, split.seconds) if x is not None
            )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (replace(small(), keys=np.array([0, 2, 2], dtype=np.uint64)), "rows repeat"),
        (replace(small(), archs=spoilt(small().archs, (0, 0), 2)), "does not exist"),
        (trained(epochs=ints(2, 2)), "epochs are out of order"),
        (trained(seeds=ints(7, 7, 7, 9)), "seeds of a network repeat"),
        (trained(seeds=ints(7, 8, 9, 7)), "seeds of a network repeat"),
        (trained(starts=ints(0, 2, 1, 4)), "divided up"),
        (trained(starts=ints(0, 2, 2, 3)), "divided up"),
        (trained(starts=ints(0, 2, 4)), "not about 3 networks"),
        (trained(seconds=spoilt(training().seconds, (0, 1), 0.5)), "decrease"),
        (trained(seconds=spoilt(training().seconds, (0, 0), 0.0)), "not positive"),
        (trained(seconds=spoilt(training().seconds, (0, 1), np.inf)), "and finite"),
        (evaluated(seconds=np.full(4, np.inf)), "infinite"),
        (trained(recorded={"params": np.zeros(3)}), "params is"),
        (replace(small(), metrics={"latency": np.zeros(2)}), "latency is"),
        (evaluated(right=spoilt(valid().right, (0, 0), 9), whole=4), "outside"),
        (evaluated(epochs=ints(2, 1)), "epochs are out of order"),
        (evaluated(seconds=-valid().seconds), "negative"),
        (evaluated("test", right=np.array([[0.5], [1.5], [0.1], [0.2]])), "outside"),
        (evaluated("test", right=np.array([[0.5], [-0.5], [0.1], [0.2]])), "outside"),
        (evaluated("test", right=np.array([[0.5]])), "1 runs, not 4"),
        (replace(small(), metrics={"../x": np.zeros(3)}), "no name for a figure"),
        (replace(small(), metrics={"a/../../x": np.zeros(3)}), "no name for a figure"),
        (replace(small(), trainings={"/etc@2": training()}), "no name for a figure"),
    ],
)
def test_a_table_that_contradicts_itself_is_not_saved(table, message, tmp_path):
    with pytest.raises(DataError, match=message):
        table.save(tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(small(), keys=np.array([1, 2, 3])),
        lambda: replace(small(), order=np.array([5, 4, 3, 2, 1, 0])),
        lambda: trained(seeds=np.array([7, 8, 7, 9], dtype=np.int32)),
        lambda: trained(seconds=np.zeros((4, 3))),
        lambda: evaluated(right=np.zeros((4, 2), dtype=np.uint8)),
        lambda: evaluated(right=np.zeros((4, 3), dtype=np.uint16)),
        lambda: evaluated(tail=np.zeros((4, 1), dtype=np.uint8)),
        lambda: evaluated(whole=None),
    ],
)
def test_arrays_that_do_not_fit_together_are_no_table(make):
    with pytest.raises(DataError, match=r"is .* not|not of how many"):
        make()


def test_errors_are_shares_of_the_images_and_nan_where_nothing_was_recorded():
    np.testing.assert_array_equal(
        valid().errors(), [[0.5, 0.25], [0.5, 0.375], [0.75, 0], [NAN, 0.5]]
    )
    np.testing.assert_array_equal(valid().errors((slice(2, 4), 1)), [0, 0.5])
    percent = Split(ints(1), np.array([[62.5], [NAN]]), 100)
    np.testing.assert_array_equal(percent.errors(), [[0.375], [NAN]])
    errors = training().splits["test"].errors()[:, 0]
    np.testing.assert_array_equal(errors, [0.5, NAN, np.inf, 1.0])


def test_round_trip_keeps_every_figure_and_leaves_nothing_else(tmp_path):
    table = small()
    table.save(tmp_path / "x" / "table")
    again = Table.open(tmp_path / "x" / "table")
    assert (again.source, again.choices) == (table.source, table.choices)
    assert again.about == table.about
    assert list(again.trainings[TITLE].splits) == ["valid", "test"]
    for one, other in zip(every_array(table), every_array(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.digest == table.digest
    assert replace(again).digest == table.digest  # computed from the mapped arrays
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["table"]


def test_digest_changes_with_a_single_figure_or_option_but_not_with_losses():
    others = [
        evaluated(right=spoilt(valid().right, (0, 0), 5)),
        trained(seconds=training().seconds[:, 1] / 2),
        replace(small(), choices=(("a", "x"), ("c", "d", "e"))),
        replace(small(), metrics={}),
        replace(small(), metrics={"energy": np.array([1.0, 2.0, 3.0])}),
    ]
    assert len({small().digest, *(table.digest for table in others)}) == 6
    assert evaluated(loss=np.ones((4, 2))).digest == small().digest


def test_damage_is_noticed_whichever_file_it_hits(tmp_path):
    def look():
        list(every_array(Table.open(tmp_path / "table")))

    small().save(tmp_path / "table")
    victims = sorted(path for path in (tmp_path / "table").rglob("*") if path.is_file())
    assert len(victims) == 15
    for victim in victims:
        whole = victim.read_bytes()
        for part in (b"", whole[: len(whole) // 2], b"{}" + whole):
            victim.write_bytes(part)
            with pytest.raises(DataError, match=r"damaged|format"):
                look()
        victim.unlink()
        with pytest.raises((DataError, FileNotFoundError)):
            look()
        victim.write_bytes(whole)
    look()
    assert Table.open(tmp_path / "table").digest == small().digest


def test_a_manifest_is_what_was_written_or_nothing(tmp_path):
    small().save(tmp_path / "table")
    manifest = tmp_path / "table" / "table.json"
    whole = manifest.read_bytes()
    changed = whole.replace(b'"valid": 8', b'"valid": 9')
    assert changed != whole
    for content in (changed, b"[" * 100_000, b"[]", b"\xff", whole.replace(b"ab", b"")):
        manifest.write_bytes(content)
        with pytest.raises(DataError, match=r"damaged: table\.json"):
            Table.open(tmp_path / "table")
    manifest.unlink()
    manifest.mkdir()
    with pytest.raises(DataError, match="Is a directory"):
        Table.open(tmp_path / "table")


def test_an_array_with_a_damaged_header_is_noticed_or_the_same(tmp_path):
    """Whatever character replaces one of the header, of which some are only spaces."""
    small().save(tmp_path / "table")
    file = tmp_path / "table" / TITLE / "seeds.npy"
    whole = file.read_bytes()
    assert whole[127:128] == b"\n"
    noticed = 0
    for place in range(128):
        for character in b"(9'\0":
            file.write_bytes(whole[:place] + bytes([character]) + whole[place + 1 :])
            try:
                table = Table.open(tmp_path / "table")
                assert table.trainings[TITLE].seeds.tolist() == [7, 8, 7, 9]
            except DataError:
                noticed += 1
    assert 200 < noticed < 512


def test_an_array_of_another_shape_or_type_is_noticed(tmp_path):
    small().save(tmp_path / "table")
    files = {file: np.load(file) for file in (tmp_path / "table").rglob("*.npy")}
    assert len(files) == 14
    swaps = 0
    for file, array in files.items():
        whole = file.read_bytes()
        for other in files.values():
            if (array.dtype, array.shape) == (other.dtype, other.shape):
                continue
            np.save(file, other)
            with pytest.raises(DataError, match="not the array that was written"):
                Table.open(tmp_path / "table").touch()
            swaps += 1
        file.write_bytes(whole)
    assert swaps > 150
    Table.open(tmp_path / "table").touch()


def test_figures_of_two_tables_are_never_mixed(tmp_path):
    small().save(tmp_path / "table")
    before = Table.open(tmp_path / "table")
    early = before.trainings[TITLE].splits["valid"]
    trained(seeds=ints(1, 2, 3, 4)).save(tmp_path / "table")
    with pytest.raises(DataError, match="was replaced by an import: open it again"):
        before.trainings[TITLE]
    np.testing.assert_array_equal(early.right, valid().right)  # mapped before
    assert Table.open(tmp_path / "table").trainings[TITLE].seeds.tolist() == [
        1,
        2,
        3,
        4,
    ]


def test_an_array_that_is_a_pickle_is_not_opened(tmp_path):
    small().save(tmp_path / "table")
    np.save(tmp_path / "table" / TITLE / "seeds.npy", np.array([print]))
    with pytest.raises(DataError, match="damaged"):
        Table.open(tmp_path / "table").trainings[TITLE]


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path):
    small().save(tmp_path / "table")
    wide = replace(small(), metrics={"latency": np.ones(3), "wide": np.ones(3)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (0, 100, 140, 160, 300):  # headers have 128 bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        with pytest.raises(OSError, match="File too large"):
            wide.save(tmp_path / "table")
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["table"]
    assert Table.open(tmp_path / "table").digest == small().digest


def test_another_format_is_named(tmp_path):
    small().save(tmp_path / "table")
    manifest = tmp_path / "table" / "table.json"
    manifest.write_text(
        manifest.read_text().replace(f'"format": {FORMAT}', '"format": 0')
    )
    with pytest.raises(DataError, match=f"format 0, not {FORMAT}"):
        Table.open(tmp_path / "table")


def part(*rows, of=None):
    """Some networks of a table, that of `small`, as a table of their own."""
    whole = of or small()
    one = whole.trainings[TITLE]
    runs = [run for row in rows for run in one.runs(row)]

    def of(split):
        seconds = None if split.seconds is None else split.seconds[runs]
        return replace(split, right=split.right[runs], seconds=seconds)

    return replace(
        whole,
        archs=whole.archs[list(rows)],
        keys=whole.keys[list(rows)],
        metrics={"latency": whole.metrics["latency"][list(rows)]},
        trainings={
            TITLE: replace(
                one,
                starts=np.append(0, np.cumsum([len(one.runs(row)) for row in rows])),
                seeds=one.seeds[runs],
                seconds=one.seconds[runs],
                recorded={"params": one.recorded["params"][runs]},
                splits={name: of(split) for name, split in one.splits.items()},
            )
        },
    )


@pytest.mark.parametrize("rows", [((0,), (1, 2)), ((1,), (0, 2)), ((2,), (1,), (0,))])
def test_parts_in_any_order_make_the_whole_table(rows):
    assert merge([part(*some) for some in rows]).digest == small().digest


def test_networks_keep_their_runs_where_others_have_more():
    whole = trained(starts=ints(0, 1, 1, 4), seeds=ints(7, 7, 8, 9))
    parts = [part(2, of=whole), part(0, 1, of=whole)]
    assert merge(parts).digest == whole.digest


def test_seconds_of_each_epoch_and_since_the_first_are_the_same_time():
    one = part(0)
    alike = replace(one.trainings[TITLE], seconds=np.array([1.0, 1.0]))
    parts = [replace(one, trainings={TITLE: alike}), part(1, 2)]
    assert merge(parts).digest == small().digest


def test_a_pass_that_some_parts_do_not_time_is_missing():
    two = part(2)
    splits = two.trainings[TITLE].splits
    untimed = {**splits, "valid": replace(splits["valid"], seconds=None)}
    one = replace(two.trainings[TITLE], splits=untimed)
    whole = merge([part(0), replace(two, trainings={TITLE: one})]).trainings[TITLE]
    np.testing.assert_array_equal(whole.splits["valid"].seconds, [0.5, 0.5, NAN, NAN])


@pytest.mark.parametrize("others", [(1, 2), (0, 2)])
def test_parts_that_share_a_network_are_refused(others):
    with pytest.raises(DataError, match="there twice"):
        merge([part(0, 1), part(*others)])


def test_what_a_part_lacks_is_missing_in_the_whole():
    two = part(2)
    bare = replace(
        two.trainings[TITLE], splits={"test": two.trainings[TITLE].splits["test"]}
    )
    whole = merge([part(0, 1), replace(two, trainings={TITLE: bare})])
    errors = whole.trainings[TITLE].splits["valid"].errors()
    np.testing.assert_array_equal(
        errors, [[0.5, 0.25], [0.5, 0.375], [NAN, NAN], [NAN, NAN]]
    )
    whole = merge([part(0), replace(part(2), trainings={})])
    assert whole.trainings[TITLE].starts.tolist() == [0, 2, 2]


def test_every_split_that_any_part_has_is_in_the_whole():
    def only(row, name):
        one = part(row).trainings[TITLE]
        return replace(
            part(row), trainings={TITLE: replace(one, splits={name: one.splits[name]})}
        )

    splits = merge([only(0, "valid"), only(2, "test")]).trainings[TITLE].splits
    np.testing.assert_array_equal(
        splits["valid"].errors(), [[0.5, 0.25], [0.5, 0.375], [NAN, NAN], [NAN, NAN]]
    )
    np.testing.assert_array_equal(
        splits["test"].errors(), [[NAN], [NAN], [np.inf], [1.0]]
    )


def test_parts_of_different_figures_are_refused():
    for change in (
        {"epochs": ints(1, 3)},
        {"epochs": ints(2), "seconds": np.ones((2, 1))},
        {"recorded": {}},
        {"recorded": {"params": np.ones(2), "macs": np.ones(2)}},
    ):
        other = replace(part(2).trainings[TITLE], **change)
        whole = merge([part(0), replace(part(2), trainings={TITLE: other})])
        with pytest.raises(DataError, match="cannot be put together"):
            whole.trainings[TITLE]


@pytest.mark.parametrize("name", ["tail", "loss"])
def test_further_figures_of_some_parts_are_kept(name):
    two = part(2)
    splits = two.trainings[TITLE].splits
    figures = np.array([[1, 2], [3, 4]], dtype=np.uint8 if name == "tail" else float)
    more = replace(splits["valid"], **{name: figures})
    one = replace(two.trainings[TITLE], splits={**splits, "valid": more})
    whole = merge([part(0), replace(two, trainings={TITLE: one})]).trainings[TITLE]
    missing = 0 if name == "tail" else NAN
    np.testing.assert_array_equal(
        getattr(whole.splits["valid"], name), [[missing] * 2] * 2 + figures.tolist()
    )
