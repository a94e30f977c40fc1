"""Users' tables: what is written comes back, and what is wrong is named by its line."""

import csv
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.spaces import NATS_TSS, SearchSpace
from surrogates import DataError, columns

SPACE = SearchSpace("toy", (("a", "b", "c"), ("d", "e"), ("f", "g", "h", "i")))


def read(tmp_path, content, parse=SPACE.parse, name="table.csv"):
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / name).write_bytes(data)
    return columns.read(tmp_path / name, parse)


TABLE = """\
arch,epochs,seed,split,accuracy_percent,seconds,metric_params
"b,d,f",2,7,valid,50.0,20,1000
"b,d,f",1,7,valid,40.0,10,1000
"b,d,f",2,7,test,48.0,,1000
"a,e,i",1,7,valid,10.0,11,2000
"a,e,i",2,7,valid,20.5,22,2000
"a,e,i",2,7,test,20.0,22,
"a,e,i",1,3,valid,12.5,12,2000
"a,e,i",2,3,valid,25.0,24,2000
"a,e,i",2,3,test,24.0,,
"""


def test_rows_are_sorted_into_runs_by_hand(tmp_path):
    table = read(tmp_path, TABLE)
    assert table.archs.dtype == np.uint8
    assert table.archs.tolist() == [[0, 1, 3], [1, 0, 0]]
    assert table.networks.tolist() == [0, 0, 1]
    assert table.seeds.tolist() == [3, 7, 7]
    assert table.epochs.tolist() == [1, 2]
    assert sorted(table.errors) == ["test", "valid"]
    valid = [[0.875, 0.75], [0.9, 0.795], [0.6, 0.5]]
    np.testing.assert_array_equal(table.errors["valid"], valid)
    test = [[np.nan, 0.76], [np.nan, 0.8], [np.nan, 0.52]]
    np.testing.assert_array_equal(table.errors["test"], test)
    assert table.seconds.tolist() == [[12, 24], [11, 22], [10, 20]]
    assert list(table.metrics) == ["params"]
    assert table.metrics["params"].tolist() == [2000, 1000]


def test_the_order_of_rows_and_columns_is_of_no_account(tmp_path):
    expected = read(tmp_path, TABLE)
    rows = list(csv.reader(TABLE.splitlines()))
    source = np.random.default_rng(0)
    for _ in range(20):
        order = source.permutation(len(rows[0]))
        body = [rows[1 + i] for i in source.permutation(len(rows) - 1)]
        with (tmp_path / "shuffled.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [row[i] for i in order] for row in [rows[0], *body]
            )
        table = columns.read(tmp_path / "shuffled.csv", SPACE.parse)
        np.testing.assert_equal(table._asdict(), expected._asdict())


runs = st.integers(1, 3).flatmap(
    lambda e: st.dictionaries(
        st.tuples(st.sampled_from(list(SPACE)), st.integers(-3, 2**63 - 1)),
        st.lists(
            st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(1e-3, 1e9)),
            min_size=e,
            max_size=e,
        ),
        min_size=1,
        max_size=6,
    )
)


@given(runs, st.booleans())
def test_whatever_is_written_comes_back(tmp_path_factory, runs, parquet):
    """Epoch e of n is 3 e + 1; seconds are added up along a run."""
    frame = pd.DataFrame(
        [
            (SPACE.format(arch), seed, split, 3 * e + 1, error, sum(times[: e + 1]))
            for (arch, seed), figures in runs.items()
            for times in [[second for _, _, second in figures]]
            for e, (train, valid, _) in enumerate(figures)
            for split, error in (("train", train), ("valid", valid))
        ],
        columns=["arch", "seed", "split", "epochs", "error_fraction", "seconds"],
    )
    folder = tmp_path_factory.mktemp("table")
    path = folder / ("table.parquet" if parquet else "table.csv")
    if parquet:
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    table = columns.read(path, SPACE.parse)
    assert list(map(tuple, table.archs.tolist())) == sorted({arch for arch, _ in runs})
    keys = [
        (tuple(table.archs[network].tolist()), seed)
        for network, seed in zip(table.networks, table.seeds.tolist(), strict=True)
    ]
    assert keys == sorted(runs)
    for r, key in enumerate(keys):
        train, valid, times = zip(*runs[key], strict=True)
        assert table.errors["train"][r].tolist() == list(train)
        assert table.errors["valid"][r].tolist() == list(valid)
        assert table.seconds[r].tolist() == list(itertools.accumulate(times))


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("accuracy_percent", "94", 0.06),
        ("accuracy_fraction", "0.75", 0.25),
        ("error_percent", "6.25", 0.0625),
        ("error_fraction", "5e-2", 0.05),
        ("accuracy_percent", "1", 0.99),
        ("error_percent", "0.5", 0.005),
        ("accuracy_fraction", "1", 0),
    ],
)
def test_the_name_of_the_column_says_the_unit(name, text, error, tmp_path):
    content = f'arch,epochs,split,seconds,{name}\n"a,d,f",5,valid,1,{text}\n'
    table = read(tmp_path, content)
    assert table.errors["valid"].tolist() == [[error]]
    assert table.seeds.tolist() == [0]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n") + b"\r\n\r\n",
        lambda text: text + b"\n\n,,,,,,\n,,,,,,\n",
        lambda text: text[:-1],
        lambda text: text.replace(b"valid", b'"valid"'),
    ],
)
def test_what_spreadsheets_add_is_read(change, tmp_path):
    expected = read(tmp_path, TABLE)._asdict()
    np.testing.assert_equal(read(tmp_path, change(TABLE.encode()))._asdict(), expected)


HEADER = "arch,epochs,split,seconds,error_fraction"
ROW = '"a,d,f",5,valid,1,0.5'
GOOD = f"{HEADER}\n{ROW}\n"
MORE = f'{GOOD}"a,d,g",5,valid,1,0.5\n'


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "table.csv is empty"),
        ("\n\n", "table.csv is empty"),
        (HEADER, "table.csv has no rows below its header"),
        (HEADER + "\n,,,,\n", "table.csv has no rows below its header"),
        (GOOD.replace("epochs", "epoch"), "unknown column 'epoch'; did you mean epoch"),
        (GOOD.replace("error_fraction", "error"), "column 'error'; did you mean err"),
        (GOOD.replace("error_fraction", "accuracy"), "mean accuracy_.* or accuracy_"),
        (GOOD.replace("split", "???"), "did you mean arch or epochs or split or"),
        (GOOD.replace("split", "metric_"), "unknown column 'metric_'"),
        (GOOD.replace("split", "metric_a/../b"), "unknown column"),
        (GOOD.replace("split", "metric_a"), "table.csv has no column split, only arch"),
        (GOOD.replace("split", "arch"), "table.csv has the column arch twice"),
        (GOOD.replace("error_fraction", "metric_a"), "has no figure; it needs exa"),
        (GOOD.replace("split", "error_percent"), "has no column split"),
        (GOOD.replace(",seconds", ",seconds,error_percent"), "has error_percent and"),
        (GOOD.replace(",", ";"), "unknown column 'arch;epochs"),
        (GOOD + "a", "line 3: 1 cells, where the header has 5"),
        (GOOD + ROW + ",", "line 3: 6 cells"),
        (GOOD + '"a\nd,f",5,valid,1,0.5\n', "line 3: .* has 3 decisions"),
        (GOOD + '"a\nd,f",5,valid,1,0.5\n' + ROW + "x", "line 5: error_frac"),
        (GOOD + '"a,d,f"5,5,valid,1,0.5', "line 3: ',' expected after '\"'"),
        (GOOD + '"a,d,f,5\n' + 9 * f"{ROW}\n", "line 3: "),
        (GOOD.replace("\n", "\r"), "line 1: new-line character"),
        (MORE.replace("0.5\n", "0.5\0\n"), "line 2: a NUL byte"),
        (MORE.encode().replace(b"g", b"\xff"), "line 3: not UTF-8"),
        (GOOD.encode("utf-16"), "line 1: "),
        (GOOD + "a" * 2**21, "line 3: longer than"),
        (GOOD + '"' + "a" * 2**18 + '"', "line 3: field larger than field limit"),
        (MORE.replace("a,d,g", "a,d,z"), "line 3: .*no 'z' at 2; there it has f, g"),
        (MORE.replace("a,d,g", ""), "line 3: .*has 3 decisions"),
        (GOOD.replace("valid", "val"), "line 2: split 'val' is not valid"),
        (GOOD.replace("valid", "dev"), "split 'dev' is not train or valid or test"),
        *(
            (GOOD.replace("0.5", text), f"line 2: error_fraction '{text}' is not a num")
            for text in ("nan", "inf", "-inf", "NaN", "half", "1_0", " 1", "0.5%", "٣")
        ),
        (GOOD.replace("0.5", "1e999"), "line 2: error_fraction '1e999' is not a num"),
        (GOOD.replace("0.5", ""), "line 2: error_fraction is empty"),
        (GOOD.replace("0.5", "-0.1"), r"line 2: error_fraction -0.1 is not in \[0, 1"),
        (GOOD.replace("0.5", "94"), "promises fractions .* 94; .*column error_percent"),
        (GOOD.replace("0.5", "101"), r"line 2: error_fraction 101 is not in \[0, 1\]"),
        (GOOD.replace("fraction", "percent").replace("0.5", "101"), r"not in \[0, 100"),
        (GOOD.replace("5,v", "0,v"), "line 2: epochs 0 are not positive"),
        (GOOD.replace("5,v", "5.0,v"), "line 2: epochs '5.0' is not a whole number"),
        (GOOD.replace("5,v", ",v"), "line 2: epochs '' is not a whole number"),
        (GOOD.replace("5,v", f"{2**63},v"), "line 2: epochs '9.*' is not a whole"),
        (GOOD.replace("5,v", "9" * 5000 + ",v"), "line 2: epochs '9.*' is not a whole"),
        (GOOD.replace("d,1", "d,0"), "line 2: seconds 0 are not positive"),
        (GOOD.replace("d,1", "d,inf"), "line 2: seconds 'inf' is not a number"),
        (GOOD.replace("d,1", "d,"), "line 2: seconds are empty; only rows about test"),
        (GOOD + ROW, "line 3: the same arch, epochs, seed and split as in line 2"),
        (MORE + ROW.replace("0.5", "0.4"), "line 4: the same arch.* as in line 2"),
        (MORE + ROW.replace("5,v", "6,v"), "line 3: the run .* no valid row for 6 ep"),
        (MORE + ROW.replace("valid", "test"), "line 3: the run .* no test row for 5"),
        (GOOD + ROW.replace("5,v", "9,v").replace("d,1", "d,.5"),
         "line 3: seconds 0.5 at 9 epochs are fewer than at earlier"),
        (GOOD + ROW.replace("valid,1", "test,2"), "line 3: seconds 2 contradicts"),
        (GOOD.replace("seconds", "seconds,metric_x").replace("d,1", "d,1,7")
         + '"a,d,f",5,train,1,8,0.5', "line 3: metric_x 8 contradicts 7 in line 2"),
        (GOOD.replace("seconds", "seconds,metric_x").replace("d,1", "d,1,nan"),
         "line 2: metric_x 'nan' is not a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(content, error, tmp_path):
    with pytest.raises(DataError, match=error) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith("table.csv")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_two_spellings_of_a_network_are_one_network(tmp_path):
    lines = [ROW, ROW.replace("a,d,f", "A,D,F").replace("5,v", "6,v")]
    lines += [line.replace("a,d", "b,d").replace("A,D", "B,d") for line in lines]
    table = read(
        tmp_path, "\n".join([HEADER, *lines]), lambda text: SPACE.parse(text.lower())
    )
    assert table.archs.tolist() == [[0, 0, 0], [1, 0, 0]]
    assert table.networks.tolist() == [0, 1]
    assert table.epochs.tolist() == [5, 6]


def test_seconds_may_stand_still_but_not_fall_even_across_a_gap(tmp_path):
    rows = [ROW, ROW.replace("5,valid,1", "6,test,"), ROW.replace("5,v", "7,v")]
    table = read(tmp_path, "\n".join([HEADER, *rows]))
    np.testing.assert_array_equal(table.seconds, [[1, np.nan, 1]])
    rows[2] = rows[2].replace("valid,1", "valid,0.5")
    with pytest.raises(DataError, match=r"line 4: seconds 0.5 at 7 epochs"):
        read(tmp_path, "\n".join([HEADER, *rows]))


def test_lines_are_counted_across_chunks_and_empty_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_CHUNK", 3)
    body = [f'"a,d,f",{e},valid,{e},0.5' for e in range(1, 11)]
    text = "\r\n".join([HEADER, *body[:4], "", "", *body[4:], ""])
    assert read(tmp_path, text).epochs.tolist() == list(range(1, 11))
    for place, line in ((0, 2), (3, 5), (4, 8), (9, 13)):
        wrong = text.replace(f"valid,{place + 1},0.5", f"valid,{place + 1},x")
        with pytest.raises(DataError, match=f"line {line}: .*'x'"):
            read(tmp_path, wrong)


@given(st.integers(0, len(TABLE) - 1), st.sampled_from(list('\0\n",.;xé-')))
def test_one_wrong_character_is_refused_in_one_line_or_does_not_matter(
    tmp_path_factory, place, character
):
    folder = tmp_path_factory.mktemp("table")
    text = TABLE[:place] + character + TABLE[place + 1 :]
    try:
        table = read(folder, text)
    except DataError as error:
        message = str(error)
    else:
        assert len(table.archs) == 2
        return
    assert "\n" not in message
    assert message.startswith("table.csv")


def frame(**changes):
    data = {
        "arch": ["a,d,f", "a,d,f"],
        "epochs": [1, 2],
        "split": ["valid", "valid"],
        "seconds": [1.0, 2.0],
        "error_percent": [50.0, 25.0],
    }
    return pd.DataFrame({**data, **changes})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"epochs": [1.5, 2.5]}, "column epochs has float64, not whole numbers"),
        ({"error_percent": ["50", "25"]}, "error_percent has .*, not numbers"),
        ({"error_percent": [50.0, None]}, "row 2: error_percent is empty"),
        ({"error_percent": [50.0, np.inf]}, "row 2: error_percent inf is not in"),
        ({"seconds": [1.0, np.inf]}, "row 2: seconds inf are not positive and finite"),
        ({"metric_x": [1.0, np.inf]}, "row 2: metric_x inf is not finite"),
        ({"arch": ["a,d,f", None]}, "row 2: .* has 3 decisions"),
        ({"epochs": pd.array([1, None], dtype="Int64")}, "epochs has empty cells"),
        ({"epochs": [2, 2]}, "row 2: the same arch.* as in row 1"),
        ({"accuracy": [1, 2]}, "unknown column 'accuracy'"),
    ],
)
def test_parquet_is_held_to_the_same(changes, error, tmp_path):
    path = tmp_path / "table.parquet"
    frame(**changes).to_parquet(path)
    with pytest.raises(DataError, match=error) as caught:
        columns.read(path, SPACE.parse)
    assert str(caught.value).startswith("table.parquet")


def test_parquet_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    frame().to_parquet(path)
    whole = path.read_bytes()
    assert columns.read(path, SPACE.parse).errors["valid"].tolist() == [[0.5, 0.25]]
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match="is no Parquet file") as error:
            columns.read(path, SPACE.parse)
        assert "\n" not in str(error.value)
    frame()[:0].to_parquet(path)
    with pytest.raises(DataError, match="no rows"):
        columns.read(path, SPACE.parse)


def test_without_pyarrow_a_line_says_what_to_install(tmp_path, monkeypatch):
    def missing(*_, **__):
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr("pandas.read_parquet", missing)
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="pip install pyarrow"):
        columns.read(tmp_path / "table.parquet", SPACE.parse)


def test_a_real_table_comes_back(tmp_path, shared):
    """A fifth of NAS-Bench-201's cells, two schedules' figures as two epochs."""
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        data = {
            key: file[key][::5]
            for key in ("arch", "ops", "e12_c10v_val", "e200_c10v_val", "params_c10")
        }
    part = pd.DataFrame({"arch": data["arch"], "metric_params": data["params_c10"]})
    parts = [
        part.assign(epochs=e, seconds=float(e), accuracy_percent=data[key])
        for e, key in ((200, "e200_c10v_val"), (12, "e12_c10v_val"))
    ]
    path = tmp_path / "nb201.csv"
    pd.concat(parts).assign(split="valid").to_csv(path, index=False)
    table = columns.read(path, NATS_TSS.parse)
    order = np.lexsort(data["ops"].T[::-1])
    np.testing.assert_array_equal(table.archs, data["ops"][order])
    np.testing.assert_array_equal(table.metrics["params"], data["params_c10"][order])
    for column, key in enumerate(("e12_c10v_val", "e200_c10v_val")):
        given = 1 - data[key][order].astype(np.float64) / 100
        np.testing.assert_allclose(table.errors["valid"][:, column], given, atol=1e-6)
