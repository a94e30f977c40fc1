"""benchsuite.compat.nats_bench against the package nats_bench, call by call."""

import contextlib
import copy
import io
import itertools
import logging
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

from surrogates import DataError
from tests.compat import official

package = pytest.importorskip("nats_bench")

from benchsuite.compat import nats_bench  # noqa: E402
from benchsuite.compat.nats_bench import LeakWarning, warn_of_leak  # noqa: E402

DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
HPS = {"tss": ("12", "200"), "sss": ("01", "12", "90")}
INDEXES = (0, 11, 3, official.NAN_FROM, official.CONTRADICTS)


class Pair:
    """The original and ours on the same records."""

    def __init__(self, space, data, data_folder, records):
        self.space, self.data, self.folder = space, data, data_folder
        self.records = records
        self.original = package.create(data, space, verbose=False)
        self.ours, self.of_a_dict = self.create(None), self.create(data)

    def create(self, source, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BENCHSUITE_DATA", str(self.folder))
            return nats_bench.create(source, self.space, **{"verbose": False} | options)


def _pair(space, n, shared, tmp_path_factory):
    data, root = official.contents(shared, space, n), tmp_path_factory.mktemp("nats")
    records = official.folder(shared, space, data, root)
    official.install(records, root / "data")
    return Pair(space, data, root / "data", records)


@pytest.fixture(scope="module", params=["tss", "sss"])
def pair(request, shared, tmp_path_factory):
    return _pair(request.param, 30, shared, tmp_path_factory)


@pytest.fixture(scope="module", params=["tss", "sss"])
def large(request, shared, tmp_path_factory):
    return _pair(request.param, 300, shared, tmp_path_factory)


@pytest.fixture(autouse=True)
def _leaks_are_warned_of_elsewhere():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakWarning)
        yield


def compare(pair, ask):
    official.assert_same(ask, pair.original, pair.ours)


def epochs(hp):
    last = int(hp) - 1
    return [*sorted({-1, 0, last // 2, last - 1, last, last + 1}), None]


SEEDS = (False, True, 111, 777, 888, 999)


def more_info(pair, indexes):
    for index, dataset, hp in itertools.product(indexes, DATASETS, HPS[pair.space]):
        for iepoch, seed in itertools.product(epochs(hp), SEEDS):
            compare(
                pair,
                lambda api, a=(index, dataset, iepoch, hp, seed): api.get_more_info(*a),
            )


def test_get_more_info_is_the_original_to_the_last_digit(pair):
    more_info(pair, INDEXES)


@pytest.mark.slow
def test_get_more_info_is_the_original_on_300_architectures(large):
    more_info(large, range(300))


def simulated(pair, indexes):
    for index, dataset, hp in itertools.product(indexes, DATASETS, HPS[pair.space]):
        for iepoch, count in itertools.product(epochs(hp), (True, False)):
            compare(
                pair,
                lambda api, a=(index, dataset, iepoch, hp, count): (
                    api.simulate_train_eval(*a),
                    api.used_time,
                ),
            )


def test_simulated_training_and_its_clock_are_the_original_s(pair):
    for api in (pair.original, pair.ours):
        api.reset_time()
    simulated(pair, INDEXES[:3])
    assert pair.ours.used_time == pair.original.used_time > 0


@pytest.mark.slow
def test_simulated_training_is_the_original_s_on_300_architectures(large):
    simulated(large, range(0, 300, 5))


def test_costs_and_latency_are_the_original_s(pair):
    for index, dataset, hp in itertools.product(INDEXES, DATASETS, HPS[pair.space]):
        compare(pair, lambda api, a=(index, dataset, hp): api.get_cost_info(*a))
        compare(pair, lambda api, a=(index, dataset, hp): api.get_latency(*a))


def test_wrong_parameters_of_a_run_are_passed_over_as_in_the_original(pair):
    index, hp = official.CONTRADICTS, "200" if pair.space == "tss" else "12"
    trials = pair.ours.query_by_index(index, "cifar10", hp)
    assert trials[777].params != trials[888].params
    costs = pair.ours.get_cost_info(index, "cifar10", hp)
    assert costs["params"] == trials[888].params
    assert costs["flops"] == trials[888].flop


def test_whole_records_are_the_original_s(pair):
    for index, hp in itertools.product(INDEXES[1::2], HPS[pair.space]):
        compare(pair, lambda api, a=(index, hp): api.query_meta_info_by_index(*a))
        compare(pair, lambda api, i=index, hp=hp: api.arch2infos_dict[i][hp])
        for name in DATASETS:
            compare(pair, lambda api, a=(index, name, hp): api.query_by_index(*a))
            for seed in (None, 777, 5):
                compare(
                    pair, lambda api, a=(index, name, seed, hp): api.get_net_param(*a)
                )
            compare(pair, lambda api, a=(index, name): api.get_net_config(*a))


RESULTS = {
    "names": lambda of, d: of.get_dataset_names(),
    "seeds": lambda of, d: of.get_dataset_seeds(d),
    "latency": lambda of, d: of.get_latency(d),
    "epochs": lambda of, d: (of.get_total_epoch(), of.get_total_epoch(d)),
    "wrong epochs": lambda of, d: of.get_total_epoch(3),
    "query": lambda of, d: of.query(d),
    "run": lambda of, d: of.query(d, 777),
    "no run": lambda of, d: of.query(d, 5),
    "weights": lambda of, d: of.get_net_param(d),
    "index": lambda of, d: of.arch_idx_str(),
    "text": lambda of, d: repr(of),
    "cleared": lambda of, d: (of.clear_params(), of.clear_net_done),
    "pickled": lambda of, d: pickle.loads(pickle.dumps(of)),
    "copied": lambda of, d: copy.deepcopy(of),
}


@pytest.mark.parametrize("call", RESULTS)
@pytest.mark.parametrize("how", ["shared", "copied"])
def test_results_of_an_architecture_answer_as_the_original(pair, call, how):
    for index, hp, d in itertools.product(
        (0, 3), HPS[pair.space], (*DATASETS, "mnist")
    ):

        def ask(api, index=index, hp=hp, d=d):
            if how == "shared":
                return RESULTS[call](api.arch2infos_dict[index][hp], d)
            return RESULTS[call](api.query_meta_info_by_index(index, hp), d)

        compare(pair, ask)


@pytest.mark.parametrize("held", [False, True])
def test_metrics_of_an_architecture_are_the_original_s(pair, held):
    """Also once a copy holds its runs, when it answers as the package does."""
    sets = ("train", "train-top5", "x-valid", "valid", "x-test", "ori-test", "mnist")
    for index, hp in zip((0, 3, 11), HPS[pair.space], strict=False):
        both = [
            api.query_meta_info_by_index(index, hp)
            for api in (pair.original, pair.ours)
        ]
        if held:
            assert both[1].all_results
        for d, name, iepoch, seed in itertools.product(
            DATASETS, sets, (None, int(hp) // 2, int(hp)), (False, True, 777, 5, 0.5)
        ):
            official.assert_same(
                lambda of, a=(d, name, iepoch, seed): of.get_metrics(*a), *both
            )


CHANGES = {
    "a run": lambda of: of.query("cifar10")[777].update_latency([3.0]),
    "latency": lambda of: of.reset_latency("cifar10", None, 3.0),
    "one latency": lambda of: of.reset_latency("cifar10", 777, 3.0),
    "training": lambda of: of.reset_pseudo_train_times("cifar10", None, 2.0),
    "evaluation": lambda of: of.reset_pseudo_eval_times(
        "cifar10", None, "ori-test", 2.0
    ),
    "runs": lambda of: of.update("cifar10", 5, of.query("cifar10", 777)),
    "a run twice": lambda of: of.update("cifar10", 777, of.query("cifar10", 777)),
    "everything": lambda of: of.load_state_dict(of.state_dict()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_can_be_changed_as_the_original_and_the_table_cannot(pair, change):
    hp = HPS[pair.space][-1]

    def ask(api):
        of = api.query_meta_info_by_index(3, hp)
        CHANGES[change](of)
        return (
            of,
            of.get_compute_costs("cifar10"),
            of.get_metrics("cifar10", "ori-test"),
        )

    compare(pair, ask)
    before = pair.ours.get_cost_info(3, "cifar10", hp)
    if change == "a run":
        CHANGES[change](pair.ours.arch2infos_dict[3][hp])  # a run is a copy itself
    else:
        with pytest.raises(TypeError, match="copy"):
            CHANGES[change](pair.ours.arch2infos_dict[3][hp])
    assert pair.ours.get_cost_info(3, "cifar10", hp) == before


def test_the_best_architecture_is_the_original_s(pair):
    short, *_, full = HPS[pair.space]
    costs = [pair.original.get_cost_info(i, "cifar10", short) for i in range(30)]
    flops, params = (sorted(c[name] for c in costs)[15] for name in ("flops", "params"))
    limits = ((None, None), (flops, None), (None, params), (0.0, None))
    asked = [
        *itertools.product((*DATASETS, "mnist"), ("valid", "test"), limits, [short]),
        *itertools.product(
            DATASETS, ("train", "x-valid", "ori-test"), limits[:1], [full]
        ),
    ]
    found = set()
    for dataset, name, limit, hp in asked:
        compare(pair, lambda api, a=(dataset, name, *limit, hp): api.find_best(*a))
        with contextlib.suppress(KeyError, ValueError):
            found.add(pair.ours.find_best(dataset, name, *limit, hp)[0])
    assert len(found) > 1  # it is not always the same one


def printed(call, api):
    """Output with the clock and the class left out."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        answer = official.outcome(call, api)
    return answer[0], re.sub(r"\[\d{4}-\d\d-\d\d [\d:]+\] ", "", out.getvalue())


PRINTED = {
    "show": lambda api: api.show(3),
    "show all": lambda api: api.show(),
    "show nothing": lambda api: (api.show(40), api.show(99_999)),
    "tell": lambda api: api.query_info_str_by_arch(11),
    "tell by spelling": lambda api: api.query_by_arch(api.arch(11), "12"),
    "more info": lambda api: api.get_more_info(0, "cifar10", None, "12", False),
    "simulate": lambda api: api.simulate_train_eval(0, "cifar10", None, "12"),
    "cost": lambda api: api.get_cost_info(0, "cifar10"),
    "config": lambda api: api.get_net_config(0, "cifar10"),
    "best": lambda api: api.find_best("cifar10", "test"),
    "statistics": lambda api: api.statistics("cifar10", "12"),
    "weights": lambda api: api.get_net_param(0, "cifar10", None),
    "clear": lambda api: api.clear_params(0),
    "debug": lambda api: api.query_by_index(0, hp="12").debug_test(),
}


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("call", PRINTED)
def test_what_is_printed_is_the_original_s(pair, call, verbose):
    ours = pair.of_a_dict  # as the original is, so that both name no file
    for api in (pair.original, ours):
        api.reset_time()
    pair.original.verbose = ours.verbose = verbose
    try:
        theirs, mine = (printed(PRINTED[call], api) for api in (pair.original, ours))
    finally:
        pair.original.verbose = False
    assert theirs[1] == mine[1]
    assert bool(mine[1]) == verbose or call.startswith(("show", "debug"))
    official.assert_identical(theirs[0], mine[0])


CALLS = {
    "length": lambda api: len(api),
    "item": lambda api: (api[0], api[-1], api[11]),
    "no item": lambda api: api[99_999],
    "arch": lambda api: api.arch(29),
    "no arch": lambda api: api.arch(-1),
    "index": lambda api: api.query_index_by_arch(api[17]),
    "index of a number": lambda api: api.query_index_by_arch(17),
    "index of a numpy number": lambda api: api.query_index_by_arch(np.int64(17)),
    "index of none": lambda api: api.query_index_by_arch("|conv~0|"),
    "index too high": lambda api: api.query_index_by_arch(99_999),
    "hps": lambda api: api.avaliable_hps,
    "random": lambda api: [api.random() for _ in range(20)],
    "evaluated": lambda api: api.evaluated_indexes,
    "records": lambda api: (list(api.arch2infos_dict), len(api.arch2infos_dict)),
    "schedules": lambda api: [list(api.arch2infos_dict[i]) for i in (0, 3)],
    "there": lambda api: [i in api.arch2infos_dict for i in (-1, 0, 29, 30)],
    "not there": lambda api: api.arch2infos_dict[30],
    "spellings": lambda api: (api.meta_archs, api.archstr2index),
    "fixed": lambda api: (
        *(api.is_size, api.is_topology, api.full_epochs_in_paper, api.fast_mode),
        *(api.full_train_epochs, api.search_space_name, api.archive_dir),
    ),
    "unique": lambda api: api.get_unique_str(11),
    "lists": lambda api: api.str2lists(api[11]),
    "matrix": lambda api: api.str2matrix(api[11]),
    "statistics": lambda api: [
        api.statistics(d, h) for d in DATASETS for h in (12, "12")
    ],
    "no statistics": lambda api: api.statistics("mnist", "12"),
    "statistics of no hp": lambda api: api.statistics("cifar10", "13"),
    "clear": lambda api: (api.clear_params(0), api.clear_params(0, "12")),
    "clear no hp": lambda api: api.clear_params(0, "13"),
    "clear none": lambda api: api.clear_params(30),
    "tell of none": lambda api: api.query_info_str_by_arch(30),
    "tell of no hp": lambda api: api.query_info_str_by_arch(0, "13"),
    "more by spelling": lambda api: api.get_more_info(api[3], "cifar10", hp="12"),
    "more, hp a number": lambda api: api.get_more_info(3, "cifar10", None, 12, False),
    "more, numpy index": lambda api: api.get_more_info(np.int64(3), "cifar10"),
    "more, numpy epoch": lambda api: api.get_more_info(3, "cifar10", np.int64(3)),
    "more, numpy seed": lambda api: api.get_more_info(
        3, "cifar10", 3, "12", np.int64(777)
    ),
    "more, epoch true": lambda api: api.get_more_info(3, "cifar10", True, "12", False),
    "more, epoch 3.0": lambda api: api.get_more_info(3, "cifar10", 3.0, "12", False),
    "more, epoch text": lambda api: api.get_more_info(3, "cifar10", "3", "12", False),
    "more, seed none": lambda api: api.get_more_info(3, "cifar10", 3, "12", None),
    "more, index true": lambda api: api.get_more_info(True, "cifar10", 3, "12", False),
    "more of none": lambda api: api.get_more_info(30, "cifar10"),
    "more of -1": lambda api: api.get_more_info(-1, "cifar10"),
    "more, no hp": lambda api: api.get_more_info(3, "cifar10", hp="13"),
    "more, no data set": lambda api: api.get_more_info(3, "mnist"),
    "simulate none": lambda api: api.simulate_train_eval(30, "cifar10"),
    "simulate no data set": lambda api: api.simulate_train_eval(3, "cifar10-valid"),
    "cost of none": lambda api: api.get_cost_info(30, "cifar10"),
    "cost of no hp": lambda api: api.get_cost_info(3, "cifar10", "13"),
    "config of none": lambda api: api.get_net_config(30, "cifar10"),
    "config of no data set": lambda api: api.get_net_config(3, "mnist"),
    "query of none": lambda api: api.query_by_index(30),
    "query of no data set": lambda api: api.query_by_index(3, "mnist"),
    "query, hp a number": lambda api: api.query_by_index(3, "cifar10", 12),
    "best of no hp": lambda api: api.find_best("cifar10", "test", hp="13"),
    "best, enforced": lambda api: api.find_best("cifar10", "test", enforce_all=True),
    "weights of no run": lambda api: api.get_net_param(3, "cifar10", 5),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:.*(not evaluated|benchmark data):UserWarning")
def test_right_and_wrong_calls_end_as_the_original_s(pair, call):
    compare(pair, CALLS[call])


def test_fast_mode_counts_what_was_asked_for(pair):
    folder = pair.records
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # numpy.core in the files
        theirs = package.create(str(folder), pair.space, True, verbose=False)
        ours = pair.create(str(folder), fast_mode=True)
        for ask in (
            repr,
            lambda api: api.evaluated_indexes,
            lambda api: api.avaliable_hps,
            lambda api: list(api.arch2infos_dict),
            lambda api: api.get_more_info(4, "cifar10", None, "12", False),
            lambda api: api.get_more_info(4, "cifar10", None, "12", False),
            lambda api: api.get_more_info(30, "cifar10"),
            lambda api: api.simulate_train_eval(2, "cifar100", 3, "12"),
            lambda api: api.show(5),
            lambda api: api.query_by_index(11, "cifar10"),
            lambda api: api.evaluated_indexes,
            lambda api: api.avaliable_hps,
            lambda api: api.find_best("cifar10", "test", enforce_all=False),
            lambda api: api.find_best("cifar10", "test"),  # of all: some are not there
            lambda api: (api.archive_dir, api.filename, api.fast_mode),
            repr,
        ):
            official.assert_same(ask, theirs, ours)


def test_isinstance_and_names_are_the_package_s(pair):
    assert isinstance(pair.ours, type(pair.original))
    assert isinstance(pair.ours.query_by_index(0), package.ArchResults)
    public = {n for n in dir(package.NATStopology) if not n.startswith("_")}
    assert public - {"get_unique_str", "str2lists", "str2matrix"} <= set(dir(pair.ours))
    assert {type(pair.ours).__name__} < {"NATStopology", "NATSsize"}
    for name in ("version", "search_space_info", "ArchResults", "ResultsCount"):
        assert getattr(nats_bench, name) is getattr(package, name)


def test_another_process_gets_an_equal_object(pair, monkeypatch):
    monkeypatch.setenv("BENCHSUITE_DATA", str(pair.folder))
    pair.ours.get_more_info(0, "cifar10", is_random=False)
    again = pickle.loads(pickle.dumps(pair.ours))
    asked = (3, "cifar100", None, HPS[pair.space][-1], False)
    assert again.get_more_info(*asked) == pair.ours.get_more_info(*asked)


LEAKS = [("cifar100", 0), ("ImageNet16-120", 198)]
NO_LEAKS = [("cifar100", None), ("cifar100", 199), ("cifar10", 0)]


def test_test_images_in_a_search_are_warned_of_once(pair):
    """In the topology space's full schedule only, as that evaluated x-valid last."""
    hp, there = HPS[pair.space][-1], pair.space == "tss"
    for asked, leaks in [*((a, False) for a in NO_LEAKS), *((a, there) for a in LEAKS)]:
        warn_of_leak.cache_clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                with contextlib.suppress(ValueError):  # the size space has 90 epochs
                    pair.ours.simulate_train_eval(3, *asked, hp)
        assert len(caught) == leaks, asked
        if leaks:
            assert caught[0].category is LeakWarning
            assert caught[0].filename == __file__
            info = pair.original.get_more_info(3, *asked, hp, False)
            assert "valid-accuracy" not in info  # what the original falls back from


@pytest.mark.parametrize("ending", ["-simple", "", ".pickle.pbz2"])
def test_the_path_of_an_old_script_opens_the_table_and_says_so(pair, ending, caplog):
    path = f"/data/{official.BASES[pair.space]}{ending}"
    with caplog.at_level(logging.WARNING):
        apis = [pair.create(path) for _ in range(2)]
    assert [api.filename for api in apis] == [path.removeprefix("/data/")] * 2
    assert len(apis[0].evaluated_indexes) == 30
    assert [r.message for r in caplog.records if path in r.message] == [
        f"{path} is not opened: {apis[0].release} is installed"
    ]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (
            "/data/NATS-tss-v2_0-abcde.pickle.pbz2",
            DataError,
            "benchsuite import /data/NATS",
        ),
        ({"meta_archs": []}, ValueError, "arch2infos"),
        (17, ValueError, "int"),
    ],
)
def test_a_source_that_is_not_the_table_s_is_refused_in_a_line(
    pair, source, error, words
):
    with pytest.raises(error, match=words) as caught:
        pair.create(source)
    assert "\n" not in str(caught.value)


def test_a_dict_of_other_records_is_refused(pair):
    with pytest.raises(DataError, match="not what"):
        pair.create({**pair.data, "evaluated_indexes": {0, 1}})


def test_what_is_not_installed_is_said_with_the_command_that_helps(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"benchsuite import /my/NATS-tss-v1_0-3ffb9"):
        nats_bench.create("/my/NATS-tss-v1_0-3ffb9.pickle.pbz2", "tss")
    with pytest.raises(DataError, match=r"benchsuite import NATS-sss-v1_0-50262"):
        nats_bench.create(None, "size")
    with pytest.raises(ValueError, match="search space"):
        nats_bench.create(None, "darts")


@pytest.fixture(scope="module")
def bare(shared, tmp_path_factory):
    """A table that was imported without losses."""
    data, root = official.contents(shared, "tss", 8), tmp_path_factory.mktemp("bare")
    folder = official.folder(shared, "tss", data, root)
    official.install(folder, root / "data", losses=False)
    return Pair("tss", data, root / "data", folder)


def test_without_losses_all_else_is_the_original_s(bare):
    for index, dataset, iepoch in itertools.product(
        (0, 3), DATASETS[1:], (None, 0, 150, 200)
    ):
        compare(
            bare,
            lambda api, a=(index, dataset, iepoch, "200"): api.simulate_train_eval(*a),
        )
    for hp, dataset in itertools.product(HPS["tss"], DATASETS):
        compare(
            bare, lambda api, a=(dataset, "ori-test"), h=hp: api.find_best(*a, hp=h)
        )
        compare(bare, lambda api, a=(3, dataset, hp): api.get_cost_info(*a))
    assert bare.ours.used_time == bare.original.used_time > 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get_more_info(3, "cifar10"),
        lambda api: api.get_more_info(3, "cifar10", is_random=False),
        lambda api: api.query_by_index(3, "cifar10"),
        lambda api: api.query_meta_info_by_index(3).get_metrics("cifar10", "train"),
        lambda api: api.arch2infos_dict[3]["12"].get_metrics("cifar10", "ori-test"),
        lambda api: api.arch2infos_dict[3]["12"].state_dict(),
        lambda api: api.query_info_str_by_arch(3),
        lambda api: api.show(3),
    ],
)
def test_without_losses_an_answer_with_a_loss_is_one_clear_line(bare, ask):
    with pytest.raises(DataError, match="--no-losses") as caught:
        ask(bare.ours)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_said_with_the_command_that_installs_it():
    code = (
        "import sys; sys.modules['nats_bench'] = None\n"
        "import benchsuite.compat.nats_bench"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "pip install 'benchsuite[compat]'" in answer.stderr.splitlines()[-1]
