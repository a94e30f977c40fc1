"""NAS-Bench-301: the network against onnx and onnxruntime, ensembles against theirs.

No genuine ensemble was at hand: members are fitted here, in the authors' layout.
"""

import itertools
import json
import math
import re
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from benchsuite.benchmarks import AbsentError, load, needs
from benchsuite.benchmarks.nb301 import NetworkJudge
from benchsuite.core import InputError, Trial
from benchsuite.importer import Request, import_file
from benchsuite.importer import nb301 as importer
from benchsuite.runner import Rules, search
from benchsuite.spaces import DARTS
from benchsuite.strategies import STRATEGIES
from surrogates import DataError, nb301, onnx_graph
from surrogates.lookup_network import LookupNetwork
from surrogates.nb301_ensemble import FEATURES, TreeEnsemble, rows
from surrogates.nb301_network import ENCODING, MODEL, Network
from tests.toys import rng

PC_DARTS = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0),"
    " ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3',"
    " 0), ('dil_conv_3x3', 1)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1),"
    " ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3',"
    " 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],"
    " reduce_concat=range(2, 6))"
)


def cells(count, seed=0):
    source = rng(seed)
    return [DARTS.sample(source) for _ in range(count)]


def configuration(arch):
    """A cell as the authors' representations.py makes it from its spelling."""
    found = {}
    spelled = re.findall(r"(normal|reduce)=\[(.*?)\]", DARTS.format(arch))
    for cell, text in spelled:
        pairs = re.findall(r"\('(\w+)', (\d)\)", text)
        first, width = 0, 2
        for node in (2, 3, 4, 5):
            two = pairs[2 * (node - 2) : 2 * (node - 2) + 2]
            for operation, parent in two:
                found[f"edge_{cell}_{first + int(parent)}"] = operation
            if node > 2:
                parents = sorted(parent for _, parent in two)
                found[f"inputs_node_{cell}_{node}"] = "_".join(parents)
            first, width = first + width, width + 1
    return found


@pytest.fixture(scope="module")
def files(shared):
    folder = shared / "data" / "tables" / "nb301"
    return {name: (folder / name).read_bytes() for name in (MODEL, ENCODING)}


@pytest.fixture(scope="module")
def network(files):
    return Network(files)


@pytest.fixture(scope="module")
def session(files):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(files[MODEL])


def published(session, files, archs, epochs):
    """What onnxruntime answers, row by row, for cells written down independently."""
    codes = {
        key.rpartition("_COLON_")[2]: numbers
        for key, numbers in json.loads(files[ENCODING]).items()
    }
    answers = []
    for arch, epoch in zip(archs, epochs, strict=True):
        here = configuration(arch)
        row = [codes[name][here.get(name, "#na#")] for name in nb301.COLUMNS]
        given = {
            "x_cat": np.array([row], dtype=np.int32),
            "x_cont": np.array([[epoch]], dtype=np.float32),
        }
        answers.append(session.run(None, given)[0][0])
    return np.array(answers)


def test_our_reader_reads_what_the_onnx_package_reads(files):
    onnx = pytest.importorskip("onnx")
    theirs = onnx.load_from_string(files[MODEL]).graph
    ours = onnx_graph.read(files[MODEL])
    for tensor in theirs.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        assert ours.constants[tensor.name].dtype == array.dtype
        np.testing.assert_array_equal(ours.constants[tensor.name], array)
    rest = iter(ours.nodes)
    for node in theirs.node:
        attributes = {
            a.name: onnx.helper.get_attribute_value(a) for a in node.attribute
        }
        if node.op_type == "Constant":
            value = onnx.numpy_helper.to_array(attributes["value"])
            np.testing.assert_array_equal(ours.constants[node.output[0]], value)
            continue
        read = next(rest)
        assert (read.op, read.output) == (node.op_type, node.output[0])
        assert read.inputs == tuple(node.input)
        for name, value in attributes.items():
            if name == "value":
                value = onnx.numpy_helper.to_array(value)
            np.testing.assert_array_equal(read.attributes[name], value)
    assert next(rest, None) is None
    assert ours.inputs == {"x_cat": (1, 34), "x_cont": (1, 1)}


def test_a_batch_is_what_onnxruntime_answers_row_by_row(network, session, files):
    archs = [*cells(300), DARTS.parse(PC_DARTS)]
    epochs = rng(1).integers(1, 99, len(archs))
    theirs = published(session, files, archs, epochs)
    errors, seconds = network(np.array(archs), epochs)
    np.testing.assert_allclose(100 * (1 - errors), theirs[:, 0], atol=1e-4)
    np.testing.assert_allclose(seconds, theirs[:, 1], rtol=1e-5)
    rows_ = network.coded(nb301.categories(np.array(archs)))
    (graph,) = network.graph(
        {"x_cat": rows_, "x_cont": epochs[:, None].astype(np.float32)}
    )
    np.testing.assert_allclose(graph, theirs, rtol=1e-5)


def test_skip_connections_tell_the_order_of_the_columns(network):
    """In the reduction cell, a skip from a cell input halves the image: it takes time.

    So columns whose skip takes longer than a pooling, by the network, are the edges
    from nodes 0 and 1. In alphabetical order (0, 1, 10, 11, ...) they would be others.
    """
    archs = np.array(cells(100, seed=2))
    codes = network.coded(nb301.categories(archs))
    taken = []
    for column in range(14, 28):
        both = []
        for operation in ("skip_connect", "max_pool_3x3"):
            codes_ = codes.copy()
            option = nb301.OPERATIONS.index(operation)
            codes_[:, column] = network.codes[column, option]
            epochs = np.full((len(archs), 1), 98, dtype=np.float32)
            (answer,) = network.graph({"x_cat": codes_, "x_cont": epochs})
            both.append(answer[:, 1].mean())
        taken.append(both[0] - both[1])
    sources = [source for node in (2, 3, 4, 5) for source in range(node)]
    slow = [t for t, source in zip(taken, sources, strict=True) if source < 2]
    fast = [t for t, source in zip(taken, sources, strict=True) if source > 1]
    assert min(slow) > max(fast)


def test_categories_and_ways_are_the_authors():
    archs = cells(200, seed=3)
    edges = np.array(archs)
    for arch, row in zip(archs, nb301.categories(edges), strict=True):
        here = configuration(arch)
        names = [nb301.choices(c)[n] for c, n in zip(nb301.COLUMNS, row, strict=True)]
        wanted = [here.get(column, "#na#") for column in nb301.COLUMNS]
        assert names == wanted
    numbers = nb301.options(edges)
    assert (numbers >= 0).all()
    for group, number in zip(nb301.GROUPS, numbers.T, strict=True):
        ways = nb301.ways(group.stop - group.start)
        np.testing.assert_array_equal(ways[number], edges[:, group])
    total = math.prod(len(nb301.ways(node)) for node in nb301.NODES) ** 2
    assert total == DARTS.size


def test_a_network_that_multiplies_categories_is_refused():
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    weights = {
        "table": np.array([[0.0], [1.0], [2.0]], dtype=np.float32),
        "a": np.int64(0),
        "b": np.int64(1),
        "w": np.ones((1, 2), dtype=np.float32),
    }
    nodes = [
        make("Gather", ["x", "a"], ["xa"], axis=1),
        make("Gather", ["x", "b"], ["xb"], axis=1),
        make("Gather", ["table", "xa"], ["ta"]),
        make("Gather", ["table", "xb"], ["tb"]),
        make("Mul", ["ta", "tb"], ["product"]),
        make("Concat", ["product", "t"], ["row"], axis=1),
        make("Gemm", ["row", "w"], ["y"], transB=1),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "product",
        [
            onnx.helper.make_tensor_value_info("x", onnx.TensorProto.INT32, [1, 2]),
            onnx.helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT, [1, 1]),
        ],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 1])],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()],
    )
    read = onnx_graph.read(onnx.helper.make_model(graph).SerializeToString())
    groups = [np.array([[n, 0] for n in range(3)], dtype=np.int32) for _ in range(2)]
    groups[1] = groups[1][:, ::-1].copy()
    with pytest.raises(DataError, match="no network whose first layers are sums"):
        LookupNetwork(read, groups, most=2)


def test_operators_that_are_not_known_and_weights_elsewhere_are_refused():
    onnx = pytest.importorskip("onnx")
    info = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 1])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 1])

    def content(node, *tensors):
        graph = onnx.helper.make_graph([node], "one", [info], [out], tensors)
        return onnx.helper.make_model(graph).SerializeToString()

    make = onnx.helper.make_node
    with pytest.raises(DataError, match="the operator Relu; known are"):
        onnx_graph.read(content(make("Relu", ["x"], ["y"])))
    with pytest.raises(DataError, match="reads 'gone', which nothing"):
        onnx_graph.read(content(make("Add", ["x", "gone"], ["y"])))
    with pytest.raises(DataError, match="makes its output 'y'"):
        onnx_graph.read(content(make("Sigmoid", ["x"], ["z"])))
    tensor = onnx.numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "w")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(DataError, match="in another file"):
        onnx_graph.read(content(make("Add", ["x", "w"], ["y"]), tensor))


def test_damaged_bytes_are_refused_or_read_and_nothing_else(files):
    content = files[MODEL]
    for end in (0, 1, 100, 5_000, len(content) // 2, len(content) - 1):
        with pytest.raises(DataError):
            Network({**files, MODEL: content[:end]})
    source = rng(4)
    for _ in range(30):  # in what is no weight
        changed = bytearray(content)
        for place in source.integers(0, 14_000, 3):
            changed[place] = source.integers(256)
        with suppress(DataError):  # and no other error
            onnx_graph.read(bytes(changed))
    for text in (b"", b"[1]", b"{}", b"\xff", files[ENCODING].replace(b"0_1", b"9_1")):
        with pytest.raises(DataError, match=ENCODING):
            Network({**files, ENCODING: text})
    with pytest.raises(DataError, match=f"needs the file {re.escape(ENCODING)}"):
        Network({MODEL: content})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder that only these tests use."""
    folder = tmp_path_factory.mktemp("nb301")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(folder))
        yield folder


@pytest.fixture(scope="module")
def imported(shared, data):
    path = shared / "data" / "tables" / "nb301" / MODEL
    return import_file(Request(path))


def test_the_import_keeps_the_published_bytes_and_says_how_it_was_checked(
    imported, files
):
    assert (imported.name, imported.new) == ("nb301", True)
    kept = {name: data.tobytes() for name, data in imported.table.files.items()}
    assert kept == files
    assert "onnxruntime" in imported.table.about["checked"]
    assert not needs("nb301/cifar10")


def test_the_benchmark_tells_what_the_network_does(imported, session, files):
    benchmark = load("nb301/cifar10")
    assert (benchmark.backend, benchmark.reports) == ("surrogate", "surrogate")
    assert benchmark.epochs == tuple(range(1, 99))
    assert benchmark.data == imported.table.digest[:8]
    assert math.isnan(benchmark.best_error)
    archs = cells(20, seed=5)
    final = published(session, files, archs, [98] * 20)
    early = published(session, files, archs, [20] * 20)
    for arch, end, twenty in zip(archs, final, early, strict=True):
        for seed in (0, 7):  # a network without noise
            said = benchmark.evaluate(Trial(arch, 98), seed)
            assert said.error == pytest.approx(1 - end[0] / 100, abs=2e-6)
            assert said.cost == pytest.approx(end[1], rel=1e-5)
            said = benchmark.evaluate(Trial(arch, 20), seed)
            assert said.error == pytest.approx(1 - twenty[0] / 100, abs=2e-6)
            assert said.cost == pytest.approx(twenty[1], rel=1e-5)
        assert benchmark.reported_error(arch, 3) == said_error(benchmark, arch)
        costs = [benchmark.evaluate(Trial(arch, e), 0).cost for e in range(1, 99)]
        assert np.all(np.diff([0, *costs]) >= 0)
    nothing = benchmark.evaluate(Trial(archs[0], 0), 0)
    assert math.isnan(nothing.error)
    assert nothing.cost == 0
    for trial in (Trial(archs[0], 99), Trial((0,) * 28, 98)):
        with pytest.raises(KeyError):
            benchmark.evaluate(trial, 0)
    with pytest.raises(KeyError):
        benchmark.reported_error((0,) * 28, 0)


def said_error(benchmark, arch):
    return benchmark.evaluate(Trial(arch, 98), 0).error


def test_seconds_are_the_least_to_an_epoch_or_a_later_one(network):
    archs = cells(30, seed=6)
    judge = NetworkJudge(network)
    ours = judge(archs, judge.epochs, None).seconds
    raw = network(np.repeat(np.array(archs), 98, axis=0), np.tile(judge.epochs, 30))[1]
    raw = raw.reshape(30, 98)
    assert (np.diff(raw, axis=1) < 0).any(axis=1).all()  # as published, in all cells
    for k in range(98):
        np.testing.assert_array_equal(ours[:, k], raw[:, k:].min(axis=1))
    assert (ours[:, 2:] == raw[:, 2:]).all()


def test_evolution_beats_random_search_on_it(imported):
    """20 pairs of runs; of equals, 15 or more wins have probability .021."""
    benchmark = load("nb301/cifar10")
    rules = Rules(trials=150)
    ends = {}
    for name in ("random_search", "regularized_evolution"):
        ends[name] = [
            list(
                search(
                    STRATEGIES[name](DARTS, benchmark.epochs, rng(seed)),
                    benchmark,
                    rules,
                    seed=seed,
                )
            )[-1].error
            for seed in range(20)
        ]
    wins = np.less(ends["regularized_evolution"], ends["random_search"]).sum()
    assert wins >= 15


def refused(path, message, kind=DataError, **options):
    with pytest.raises(kind, match=message) as caught:
        import_file(Request(path, **options))
    assert "\n" not in str(caught.value)


def test_bad_files_are_one_line_and_leave_nothing_behind(tmp_path, data, files):
    there = sorted(data.rglob("*"))
    (tmp_path / MODEL).write_bytes(files[MODEL])
    refused(tmp_path / MODEL, "has no encoding.json beside it")
    (tmp_path / ENCODING).write_bytes(files[ENCODING])
    (tmp_path / MODEL).write_bytes(files[MODEL][:-500_000])
    refused(tmp_path / MODEL, "are cut off", force=True)
    (tmp_path / MODEL).write_bytes(b"\x80\x04\x95\x10\x00.")
    refused(tmp_path / MODEL, "no ONNX model|no protobuf message|cut off", force=True)
    refused(tmp_path / MODEL, "is called nb301", InputError, name="mine/own")
    assert sorted(data.rglob("*")) == there


def test_without_onnxruntime_the_import_says_so(files, monkeypatch):
    monkeypatch.setattr(importer, "find_spec", lambda name: None)
    assert "once that is installed" in importer._network(files)["checked"]


# The authors' ensembles.

CONFIGURED = (  # drawn and written by ConfigSpace 0.6.1, in the order of its columns
    {
        "edge_normal_0": "dil_conv_3x3", "edge_normal_1": "sep_conv_3x3",
        "edge_normal_2": "sep_conv_5x5", "edge_normal_3": "sep_conv_5x5",
        "edge_normal_5": "sep_conv_5x5", "edge_normal_6": "skip_connect",
        "edge_normal_11": "sep_conv_3x3", "edge_normal_13": "sep_conv_5x5",
        "edge_reduce_0": "sep_conv_3x3", "edge_reduce_1": "dil_conv_5x5",
        "edge_reduce_3": "skip_connect", "edge_reduce_4": "sep_conv_3x3",
        "edge_reduce_7": "max_pool_3x3", "edge_reduce_8": "avg_pool_3x3",
        "edge_reduce_12": "avg_pool_3x3", "edge_reduce_13": "max_pool_3x3",
    },
    [
        *[None] * 10, 5, 3, 3, 6, None, 0, 0, 8, 2, 5, 9, *[None] * 11,
        -1, 3, -1, 4, 4, 4, -1, 4, 2, -1, -1, -1,
        -1, -1, 1, 0, -1, 2, 3, -1, -1, 0, 1, -1,
    ],
)  # fmt: skip


def test_rows_are_those_of_the_configuration_space():
    here, row = CONFIGURED
    edges = np.zeros((1, 28), dtype=np.int64)
    for name, operation in here.items():
        cell, edge = name.split("_")[1:]
        column = 14 * (cell == "reduce") + int(edge)
        edges[0, column] = nb301.OPERATIONS.index(operation)
    ours = rows(edges, fixed=math.nan)[0]
    assert [None if x != x else int(x) for x in ours] == row
    assert len(set(FEATURES)) == 56


def members(folder, kind, *, count=3, columns=slice(None), pickled=False):
    """Fit a few boosters, and write them as the authors' layout has it."""
    source = rng(8)
    archs = cells(400, seed=9)
    table = rows(np.array(archs))[:, columns]
    harder = np.array([sum(option in (4, 5) for option in arch) for arch in archs])
    target = 90 + 0.3 * harder
    if kind.endswith("_time"):
        target = 3_000.0 + 200 * harder
    for n in range(count):
        part = source.permutation(400)[:300]
        place = folder / f"ensemble_member_{n}"
        place.mkdir(parents=True)
        (place / "model_config.json").write_text(json.dumps({"model": kind}))
        (place / "data_config.json").write_text(json.dumps({"seed": n}))
        if pickled:
            (place / "surrogate_model.model").write_bytes(b"\x80\x04N.")
        elif kind.startswith("xgb"):
            xgboost = pytest.importorskip("xgboost")
            booster = xgboost.train(
                {"max_depth": 4, "nthread": 1, "verbosity": 0},
                xgboost.DMatrix(table[part], target[part]),
                30,
            )
            booster.save_model(place / f"surrogate_model.{'json' if n else 'ubj'}")
        else:
            lightgbm = pytest.importorskip("lightgbm")
            settings = {"num_threads": 1, "verbosity": -1, "min_data_in_leaf": 5}
            data_ = lightgbm.Dataset(table[part], target[part], params=settings)
            lightgbm.train(settings, data_, 30).save_model(
                place / "surrogate_model.txt"
            )
    return folder


@pytest.fixture(scope="module")
def ensembles(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("members")
    xgb = members(root / "xgb_v1.0", "xgb")
    assert needs("nb301_xgb/cifar10") == "xgb_v1.0"
    assert import_file(Request(xgb)).name == "nb301_xgb"
    with pytest.raises(AbsentError, match="benchsuite import lgb_runtime_v1"):
        load("nb301_xgb/cifar10")
    assert needs("nb301_xgb/cifar10") == "lgb_runtime_v1.0"
    times = members(root / "lgb_runtime_v1.0", "lgb_time")
    assert import_file(Request(times)).name == "nb301_lgb_time"
    assert not needs("nb301_xgb/cifar10")
    return root


def by_the_libraries(root, archs):
    """Accuracies of xgb_v1.0's members and seconds of the others', [M, B] each."""
    xgboost = pytest.importorskip("xgboost")
    lightgbm = pytest.importorskip("lightgbm")
    table = rows(np.array(archs))
    accuracies = [
        xgboost.Booster(model_file=file).predict(xgboost.DMatrix(table))
        for file in sorted((root / "xgb_v1.0").rglob("surrogate_model.*"))
    ]
    seconds = [
        lightgbm.Booster(model_file=file).predict(table)
        for file in sorted((root / "lgb_runtime_v1.0").rglob("*.txt"))
    ]
    return np.array(accuracies, dtype=np.float64), np.array(seconds)


def test_an_ensemble_answers_as_its_libraries_do(ensembles):
    archs = cells(30, seed=10)
    accuracies, seconds = by_the_libraries(ensembles, archs)
    benchmark = load("nb301_xgb/cifar10")
    assert benchmark.epochs == (100,)
    for n, arch in enumerate(archs):
        mean = 1 - accuracies[:, n].mean() / 100
        assert benchmark.reported_error(arch, 0) == pytest.approx(mean, abs=2e-6)
        cost = benchmark.evaluate(Trial(arch, 100), 0).cost
        assert cost == pytest.approx(seconds[:, n].mean())


def test_its_noise_is_a_normal_draw_of_the_members_spread_fixed_by_the_seed(ensembles):
    """Mean and variance of 1,000 draws; false alarms have probability 1e-4 each."""
    (arch,) = cells(1, seed=11)
    accuracies, _ = by_the_libraries(ensembles, [arch])
    benchmark = load("nb301_xgb/cifar10")
    trial = Trial(arch, 100)
    draws = np.array([benchmark.evaluate(trial, seed).error for seed in range(1000)])
    again = load("nb301_xgb/cifar10")
    assert draws[:50].tolist() == [again.evaluate(trial, s).error for s in range(50)]
    std = accuracies.std() / 100
    z = (draws - (1 - accuracies.mean() / 100)) / std
    assert abs(z.mean()) < 3.9 / math.sqrt(1000)
    assert abs(z.var() - 1) < 3.9 * math.sqrt(2 / 1000)
    mean = load("nb301_xgb/cifar10+mean")
    assert mean.name == "nb301_xgb/cifar10+mean"
    assert mean.evaluate(trial, 1) == mean.evaluate(trial, 2)
    assert mean.evaluate(trial, 1).error == benchmark.reported_error(arch, 1)


def test_pickles_of_members_are_refused(tmp_path, data):
    folder = members(tmp_path / "xgb_v1.0", "xgb", pickled=True)
    refused(folder, "is a pickle, which could run any code.*save_model", InputError)


def test_members_of_other_rows_or_models_are_refused(tmp_path, data):
    pytest.importorskip("xgboost")
    pytest.importorskip("lightgbm")
    folder = members(tmp_path / "narrow", "xgb", count=1, columns=slice(40))
    refused(folder, "fitted to rows of 40 columns; those of NAS-Bench-301 have 56")
    folder = members(tmp_path / "unknown", "xgb")
    for config in folder.rglob("model_config.json"):
        config.write_text('{"model": "gnn_gin"}')
    refused(folder, "members of gnn_gin; import takes")
    for config in folder.rglob("model_config.json"):
        config.write_text('{"model": "xgb", "param:bananas_enc": true}')
    refused(folder, "fitted to paths")
    config.write_text("[")
    refused(folder, "does not tell the model")
    folder = members(tmp_path / "cut", "lgb", count=1)
    (file,) = folder.rglob("*.txt")
    file.write_bytes(b"tree\nversion=v4\n")
    refused(folder, "is no booster of LightGBM")
    folder = members(tmp_path / "seconds", "xgb_time", count=1)
    for config in folder.rglob("model_config.json"):
        config.write_text('{"model": "xgb"}')
    refused(folder, "which are no accuracies in percent")


def test_members_that_look_at_what_all_trainings_share_are_refused():
    xgboost = pytest.importorskip("xgboost")
    table = rows(np.array(cells(100)))
    table[:, 0] = rng(0).random(100)  # the batch size
    data_ = xgboost.DMatrix(table, table[:, 0])
    booster = xgboost.train({"nthread": 1, "verbosity": 0}, data_, 5)
    ensemble = TreeEnsemble({"000.ubj": bytes(booster.save_raw("ubj"))})
    with pytest.raises(DataError, match="in common: they were fitted to other rows"):
        ensemble.check(np.array(cells(50)))


def test_the_command_line_runs_on_it(imported, data, tmp_path):
    command = [
        *(sys.executable, "-m", "benchsuite", "run", "random_search"),
        *("--on", "nb301/cifar10", "--trials", "20", "--seeds", "2"),
        *("--results", str(tmp_path)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 recorded" in done.stdout + done.stderr


def test_pairs_of_parents_are_listed_in_published_order(files):
    for key, numbers in json.loads(files[ENCODING]).items():
        column = key.rpartition("_COLON_")[2]
        if column.startswith("inputs"):
            assert tuple(sorted(numbers, key=numbers.get)) == nb301.choices(column)
    assert [len(list(itertools.combinations(range(n), 2))) for n in (3, 4, 5)] == [
        len(nb301.choices(f"inputs_node_normal_{n}")) - 1 for n in (3, 4, 5)
    ]
