"""benchsuite.compat.nas_201_api against the package nas-bench-201, call by call."""

import contextlib
import copy
import io
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

from surrogates import DataError
from tests.compat import official

pytest.importorskip("nats_bench")

from benchsuite.compat import nas_201_api

DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
HPS = ("12", "200")
INDEXES = (0, 11, 3, official.NAN_FROM, official.CONTRADICTS)
FILE = "NAS-Bench-201-v1_1-096897.pth"
OLDER = "NAS-Bench-201-v1_0-e61699.pth"


def published(shared, n, genuine=(0, 11)):
    """What the package loads from the file: NATS-Bench's records under other keys."""
    data = official.contents(shared, "tss", n, genuine)
    infos = {
        i: {"full": record["200"], "less": record["12"]}
        for i, record in data["arch2infos"].items()
    }
    return {**data, "arch2infos": infos, "evaluated_indexes": sorted(infos)}


def older(data):
    """As release 1.0 was: fewer short trainings, and no times in some of them."""
    data = copy.deepcopy(data)
    for info in data["arch2infos"].values():
        less = info["less"]
        less["dataset_seed"] = {"cifar10-valid": [111]}
        trial = less["all_results"]["cifar10-valid", 111]
        less["all_results"] = {("cifar10-valid", 111): trial}
        for record in info["full"]["all_results"].values():
            record.update(train_times=None, eval_times={})
    return data


class Pair:
    """The original and ours on the same records."""

    def __init__(self, package, data, name, root):
        torch = pytest.importorskip("torch")
        self.data, self.name, self.folder = data, name, root / "data"
        self.original = package.NASBench201API(data, verbose=False)
        torch.save(data, root / name, _use_new_zipfile_serialization=False)
        official.install(root / name, self.folder)
        self.ours = self.create(f"/old/{name}")

    def create(self, source, verbose=False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BENCHSUITE_DATA", str(self.folder))
            return nas_201_api.NASBench201API(source, verbose)


@pytest.fixture(scope="module")
def package():
    pytest.importorskip("torch")
    return pytest.importorskip("nas_201_api")


@pytest.fixture(scope="module")
def pair(shared, package, tmp_path_factory):
    root = tmp_path_factory.mktemp("nb201")
    return Pair(package, published(shared, 12), FILE, root)


@pytest.fixture(scope="module")
def large(shared, package, tmp_path_factory):
    root = tmp_path_factory.mktemp("nb201")
    return Pair(package, published(shared, 300), FILE, root)


@pytest.fixture(scope="module")
def old(shared, package, tmp_path_factory):
    root = tmp_path_factory.mktemp("nb201")
    return Pair(package, older(published(shared, 7, genuine=[0])), OLDER, root)


def compare(pair, ask):
    official.assert_same(ask, pair.original, pair.ours)


def more_info(pair, indexes):
    for index, dataset, hp in itertools.product(indexes, DATASETS, HPS):
        for iepoch, seed in itertools.product(
            (None, -1, 0, 11, int(hp) - 2, int(hp)), (False, True, 111, 777, 888, 999)
        ):
            compare(
                pair,
                lambda api, a=(index, dataset, iepoch, hp, seed): api.get_more_info(*a),
            )


def test_get_more_info_is_the_original_to_the_last_digit(pair):
    more_info(pair, INDEXES)


def test_get_more_info_is_the_original_where_times_are_not_known(old):
    more_info(old, (0, 3))


@pytest.mark.slow
def test_get_more_info_is_the_original_on_300_architectures(large):
    more_info(large, range(300))


@pytest.mark.parametrize("release", ["pair", "old"])
def test_simulated_training_and_its_clock_are_the_original_s(release, request):
    pair = request.getfixturevalue(release)
    for index, dataset, hp, count in itertools.product(
        INDEXES, (*DATASETS, "mnist"), HPS, (True, False)
    ):
        compare(
            pair,
            lambda api, a=(index, dataset, hp, count): (
                api.simulate_train_eval(*a),
                api.used_time,
            ),
        )
    assert pair.ours.used_time == pair.original.used_time
    assert (pair.ours.used_time > 0) == (release == "pair")  # none were recorded


@pytest.mark.parametrize("release", ["pair", "old"])
def test_records_and_costs_are_the_original_s(release, request):
    pair = request.getfixturevalue(release)
    for index, hp in itertools.product(INDEXES[::3], HPS):
        compare(pair, lambda api, a=(index, hp): api.query_meta_info_by_index(*a))
        compare(pair, lambda api, i=index, hp=hp: api.arch2infos_dict[i][hp])
        for name in DATASETS:
            compare(pair, lambda api, a=(index, name, hp): api.get_cost_info(*a))
            compare(pair, lambda api, a=(index, name, hp): api.get_latency(*a))
            compare(pair, lambda api, a=(index, name, hp): api.query_by_index(*a))
            compare(pair, lambda api, a=(index, name): api.get_net_config(*a))
            compare(pair, lambda api, a=(index, name, 5, hp): api.get_net_param(*a))


RESULTS = {
    "names": lambda of, d: of.get_dataset_names(),
    "seeds": lambda of, d: of.get_dataset_seeds(d),
    "latency": lambda of, d: of.get_latency(d),
    "epochs": lambda of, d: (of.get_total_epoch(), of.get_total_epoch(d)),
    "costs": lambda of, d: of.get_compute_costs(d),
    "query": lambda of, d: of.query(d),
    "weights": lambda of, d: of.get_net_param(d),
    "text": lambda of, d: repr(of),
    "copied": lambda of, d: copy.deepcopy(of),
    "pickled": lambda of, d: pickle.loads(pickle.dumps(of)),
}


@pytest.mark.parametrize("call", RESULTS)
@pytest.mark.parametrize("held", [False, True])
def test_results_of_an_architecture_answer_as_the_original(pair, call, held):
    for hp, d in zip(
        ("12", "200", "12"), ("cifar10-valid", "cifar100", "mnist"), strict=True
    ):

        def ask(api, hp=hp, d=d):
            of = api.query_meta_info_by_index(3, hp)
            assert not held or of.all_results
            return RESULTS[call](of, d)

        compare(pair, ask)


@pytest.mark.parametrize("held", [False, True])
def test_metrics_of_an_architecture_are_the_original_s(pair, held):
    for index, hp in zip((0, 3), HPS, strict=True):
        both = [
            api.query_meta_info_by_index(index, hp)
            for api in (pair.original, pair.ours)
        ]
        assert not held or both[1].all_results
        for d, name, iepoch, seed in itertools.product(
            DATASETS,
            ("train", "x-valid", "valid", "x-test", "ori-test", "mnist"),
            (None, 0, int(hp) - 2, int(hp)),
            (False, True, 777, 5, 0.5),
        ):
            official.assert_same(
                lambda of, a=(d, name, iepoch, seed): of.get_metrics(*a), *both
            )


def test_a_copy_can_be_changed_as_the_original(pair):
    def ask(api, change):
        of = api.query_meta_info_by_index(3, "200")
        change(of)
        return (
            of,
            of.get_compute_costs("cifar10"),
            of.get_metrics("cifar10", "ori-test"),
        )

    for change in (
        lambda of: of.reset_latency("cifar10", None, 3.0),
        lambda of: of.reset_pseudo_train_times("cifar10", 777, 2.0),
        lambda of: of.reset_pseudo_eval_times("cifar10", None, "ori-test", 2.0),
        lambda of: of.update("cifar10", 5, of.query("cifar10", 777)),
        lambda of: of.update("cifar10", 777, of.query("cifar10", 777)),
    ):
        compare(pair, lambda api, change=change: ask(api, change))
        with pytest.raises(TypeError, match="copy"):
            change(pair.ours.arch2infos_dict[3]["200"])


def test_the_best_architecture_is_the_original_s(pair):
    costs = [pair.original.get_cost_info(i, "cifar10", "12") for i in range(12)]
    flops, params = (sorted(c[name] for c in costs)[6] for name in ("flops", "params"))
    for dataset, name in itertools.product(
        (*DATASETS, "mnist"), ("train", "valid", "x-valid", "test", "ori-test")
    ):
        for limits in ((None, None), (flops, None), (None, params), (0.0, None)):
            compare(
                pair, lambda api, a=(dataset, name, *limits, "12"): api.find_best(*a)
            )
    assert pair.ours.find_best("cifar10", "test", FLOP_max=flops)[0] >= 0


def printed(call, api):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        answer = official.outcome(call, api)
    return answer[0], out.getvalue()


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.show(3),
        lambda api: api.show(12),
        lambda api: api.show(99_999),
        lambda api: api.query_info_str_by_arch(11, "200"),
        lambda api: api.query_by_arch(api.arch(11), "12"),
        lambda api: api.query_meta_info_by_index(3).debug_test(),
    ],
)
def test_what_is_shown_is_the_original_s(pair, call):
    theirs, mine = (printed(call, api) for api in (pair.original, pair.ours))
    assert theirs[1] == mine[1]
    official.assert_identical(theirs[0], mine[0])


def test_results_tell_of_themselves_where_the_original_cannot(package, pair):
    """Its `show` calls a function of another module by a name it has not imported."""
    theirs, mine = (
        api.query_meta_info_by_index(3) for api in (pair.original, pair.ours)
    )
    with pytest.raises(NameError):
        theirs.show()
    assert mine.show() == package.api_201.print_information(theirs)


def test_with_verbose_on_the_answers_are_the_same(pair):
    loud, asked = pair.create(None, verbose=True), (3, "cifar100", 5, "200", False)
    answer, text = printed(lambda api: api.get_more_info(*asked), loud)
    assert text
    official.assert_identical(pair.original.get_more_info(*asked), answer)


CALLS = {
    "length": lambda api: len(api),
    "item": lambda api: (api[0], api[-1]),
    "no item": lambda api: api[99_999],
    "arch": lambda api: api.arch(15_624),
    "no arch": lambda api: api.arch(-1),
    "index": lambda api: api.query_index_by_arch(api[17]),
    "index of none": lambda api: api.query_index_by_arch("|conv~0|"),
    "index too high": lambda api: api.query_index_by_arch(99_999),
    "hps": lambda api: api.avaliable_hps,
    "random": lambda api: [api.random() for _ in range(20)],
    "evaluated": lambda api: api.evaluated_indexes,
    "records": lambda api: (list(api.arch2infos_dict), len(api.arch2infos_dict)),
    "schedules": lambda api: [list(api.arch2infos_dict[i]) for i in (0, 3)],
    "spellings": lambda api: (api.meta_archs, api.archstr2index),
    "lists": lambda api: api.str2lists(api[11]),
    "matrix": lambda api: api.str2matrix(api[11]),
    "no matrix": lambda api: api.str2matrix("|conv~0|"),
    "statistics": lambda api: api.statistics("cifar10", "12"),  # not all are there
    "no statistics": lambda api: api.statistics("mnist", "12"),
    "clear": lambda api: (api.clear_params(0), api.clear_params(0, "12")),
    "clear no hp": lambda api: api.clear_params(0, "13"),
    "clear none": lambda api: api.clear_params(12),
    "more by spelling": lambda api: api.get_more_info(api[3], "cifar10", hp="12"),
    "more, hp a number": lambda api: api.get_more_info(3, "cifar10", None, 12, False),
    "more, numpy index": lambda api: api.get_more_info(np.int64(3), "cifar10"),
    "more, numpy epoch": lambda api: api.get_more_info(3, "cifar10", np.int64(3)),
    "more, numpy seed": lambda api: api.get_more_info(
        3, "cifar10", 3, "12", np.int64(111)
    ),
    "more, epoch true": lambda api: api.get_more_info(3, "cifar10", True, "12", False),
    "more, seed none": lambda api: api.get_more_info(3, "cifar10", 3, "12", None),
    "more of none": lambda api: api.get_more_info(12, "cifar10"),
    "more, no hp": lambda api: api.get_more_info(3, "cifar10", hp="13"),
    "more, no data set": lambda api: api.get_more_info(3, "mnist"),
    "simulate none": lambda api: api.simulate_train_eval(12, "cifar10"),
    "cost of none": lambda api: api.get_cost_info(12, "cifar10"),
    "cost of no hp": lambda api: api.get_cost_info(3, "cifar10", "13"),
    "cost, hp a number": lambda api: api.get_cost_info(3, "cifar10", 12),
    "config of no data set": lambda api: api.get_net_config(3, "mnist"),
    "query of none": lambda api: api.query_by_index(12),
    "query of no data set": lambda api: api.query_by_index(3, "mnist"),
    "best of no hp": lambda api: api.find_best("cifar10", "test", hp="13"),
    "reload": lambda api: api.reload("/nowhere", 12),
}


@pytest.mark.parametrize("call", CALLS)
def test_right_and_wrong_calls_end_as_the_original_s(pair, call):
    compare(pair, CALLS[call])


def test_the_name_of_a_file_tells_the_releases_apart(pair, old):
    assert repr(pair.ours) == f"NASBench201API(12/15625 architectures, file={FILE})"
    assert repr(old.ours) == f"NASBench201API(7/15625 architectures, file={OLDER})"
    assert repr(pair.create(None)) == repr(pair.ours)
    with pytest.raises(DataError, match=f"benchsuite import /old/{OLDER}"):
        pair.create(f"/old/{OLDER}")
    dictionary = pair.create(pair.data)
    assert repr(dictionary) == repr(pair.original)


def test_neither_torch_nor_the_package_is_imported():
    code = (
        "import sys, benchsuite.compat.nas_201_api\n"
        "print(sorted({'torch', 'nas_201_api'} & sys.modules.keys()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


def test_public_names_are_the_package_s(package, pair):
    public = {n for n in dir(package.NASBench201API) if not n.startswith("_")}
    assert public <= set(dir(pair.ours))
    assert nas_201_api.NAS_BENCH_201_API_VERSION == package.NAS_BENCH_201_API_VERSION
    for name in ("ArchResults", "ResultsCount"):
        public = {n for n in dir(getattr(package, name)) if not n.startswith("_")}
        assert public <= set(dir(getattr(nas_201_api, name)))
