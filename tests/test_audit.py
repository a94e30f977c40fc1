"""No figure that a search sees was computed on an image of the report."""

import bz2

import pytest
from typer.testing import CliRunner

from benchsuite.benchmarks import BENCHMARKS, load, nats
from benchsuite.cli import app
from benchsuite.core import Trial
from benchsuite.spaces import NATS_TSS
from surrogates import safe_pickle
from tests import development
from tests.development import SSS, TSS, answer, command

TASKS = ("cifar10", "cifar100", "imagenet16_120")
EMBEDDED = {f"nb201/{task}" for task in TASKS}
SYNTHETIC = {"synthetic/curves"}
TOPOLOGY = {f"nats_tss/{task}{end}" for task in TASKS for end in ("", "@12")}
SIZES = {f"nats_sss/{task}{end}" for task in TASKS for end in ("", "@12", "@01")}
CELLS = {f"{space}/cifar10" for space in ("nb101", *(f"nb1shot1_{n}" for n in "123"))}


@pytest.fixture
def full_size(shared, tmp_path_factory):
    """Embedded and development tables."""
    with development.full_size(shared, tmp_path_factory):
        yield


@pytest.fixture
def genuine(shared, tmp_path_factory):
    """Embedded tables, and two cells of each release."""
    with development.genuine(shared, tmp_path_factory):
        yield


@pytest.fixture
def cells(shared):
    """Read the genuine records of a release."""

    def cells(release):
        return [
            safe_pickle.loads(bz2.decompress(file.read_bytes()), safe_pickle.NUMPY)
            for file in sorted((shared / "data" / "nats").glob(f"{release}__0*"))
        ]

    return cells


def by_name(findings):
    return {finding["benchmark"]: finding for finding in findings}


def test_every_installed_benchmark_is_clean_and_says_what_it_looked_at(full_size):
    findings = by_name(answer("audit"))
    assert set(findings) == EMBEDDED | TOPOLOGY | CELLS | SYNTHETIC
    for name, finding in findings.items():
        assert finding["seen_images"]
        assert finding["reported_images"]
        assert not finding["overlap"]
        if name in EMBEDDED:  # other runs on the same images, and no test
            assert finding["reported"].startswith("no test")
            assert finding["seen_images"] == finding["reported_images"]
        else:
            assert not set(finding["seen_images"]) & set(finding["reported_images"])


def test_images_are_those_of_the_published_protocol(full_size):
    """CIFAR-10 is searched on held-out training images, the others on half a test."""
    findings = by_name(answer("audit"))
    for name in ("nats_tss/cifar10", "nats_tss/cifar10@12"):
        finding = findings[name]
        assert finding["seen_images"] == ["CIFAR-10 train, half B"]
        assert finding["reported_images"] == ["CIFAR-10 test"]
        assert finding["reported"] == "ori-test of cifar10@200"
    for task, data_set in (("cifar100",) * 2, ("imagenet16_120", "ImageNet16-120")):
        for end, schedule in (("", 200), ("@12", 12)):
            finding = findings[f"nats_tss/{task}{end}"]
            assert finding["seen"] == f"x-valid of {data_set}@{schedule}"
            assert finding["seen_images"] == [f"{data_set} test, half A"]
            assert finding["reported"] == f"x-test of {data_set}@200"
            assert finding["reported_images"] == [f"{data_set} test, half B"]
    for name in CELLS:
        assert findings[name]["seen_images"] == ["CIFAR-10 train, last 10,000"]
        assert findings[name]["reported_images"] == ["CIFAR-10 test"]


@pytest.mark.parametrize(
    ("change", "images"),
    [
        ({"test": "x-valid"}, ["cifar100 test, half A"]),
        ({"valid": "ori-test"}, ["cifar100 test, half B"]),
    ],
)
def test_a_report_on_images_that_a_search_sees_fails(
    change, images, genuine, monkeypatch
):
    """The second is what other libraries do between epochs: all official test images.

    The embedded table has no ori-test, so it is left out.
    """
    monkeypatch.setitem(
        nats.TASKS, "cifar100", nats.TASKS["cifar100"]._replace(**change)
    )
    monkeypatch.delitem(BENCHMARKS, "nb201/cifar100")
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == 1
    leaks = [f"nats_tss/cifar100{end}" for end in ("", "@12")]
    leaks += [f"nats_sss/cifar100{end}" for end in ("", "@12", "@01")]
    assert done.stderr == f"seen and reported images overlap: {', '.join(leaks)}\n"
    findings = by_name(answer("audit", code=1))
    assert {name for name in findings if findings[name]["overlap"]} == set(leaks)
    assert all(findings[name]["overlap"] == images for name in leaks)


def test_epochs_that_were_evaluated_on_test_images_only_are_not_offered(genuine, cells):
    """Nor can they be asked for; the table has them, for `compat`."""
    findings = by_name(answer("audit"))
    assert set(findings) == EMBEDDED | TOPOLOGY | SIZES | SYNTHETIC
    for name in set(findings) - SYNTHETIC:
        offered, why = findings[name]["epochs"], findings[name]["why"]
        if name in ("nats_tss/cifar100", "nats_tss/imagenet16_120"):
            benchmark = load(name)
            arch = NATS_TSS.parse(cells(TSS)[0]["200"]["arch_str"])
            assert (offered, benchmark.epochs) == ("200", (200,))
            assert "evaluated on all official test images only" in why
            with pytest.raises(KeyError, match="evaluated on all official test images"):
                benchmark.evaluate(Trial(arch, 199), 0)
            splits = benchmark.table.trainings[benchmark.seen.training].splits
            assert len(splits["ori-test"].epochs) == 200
        elif name not in EMBEDDED:
            last = {"tss": "200", "sss": "90"}[name[5:8]]
            schedule = name.partition("@")[2].lstrip("0") or last
            assert offered == ("1" if schedule == "1" else f"1 to {schedule}")
            assert not why


def test_only_what_needs_a_reason_is_given_one(genuine):
    shown = command("audit")[0]
    sections = {part.split()[0]: part for part in shown.split("\nna")}
    because = {f"na{name}" for name, part in sections.items() if "because" in part}
    assert because == {"nats_tss/cifar100", "nats_tss/imagenet16_120"}


def test_halves_make_up_the_official_test_set_in_every_genuine_run(genuine, cells):
    """As the files themselves have it, in counts of images."""
    findings = by_name(answer("audit"))
    for release, space in ((TSS, "nats_tss"), (SSS, "nats_sss")):
        for schedule in cells(release)[0]:
            end = f"@{schedule}" if schedule not in ("200", "90") else ""
            for task, data_set in (
                ("cifar100", "cifar100"),
                ("imagenet16_120", "ImageNet16-120"),
            ):
                runs = [
                    trial["eval_acc1es"]
                    for cell in cells(release)
                    for (name, _), trial in cell[schedule]["all_results"].items()
                    if name == data_set
                ]
                last = f"@{int(schedule) - 1}"
                for run in runs:
                    half, other, both = (
                        run[split + last] for split in ("x-valid", "x-test", "ori-test")
                    )
                    assert half + other == pytest.approx(2 * both, abs=1e-4)
                evidence = findings[f"{space}/{task}{end}"]["evidence"]
                reports_halves = not end  # of other schedules, only x-valid is seen
                expected = (
                    f"x-valid + x-test = ori-test in {len(runs)} of {len(runs)} runs"
                )
                assert evidence == (expected if reports_halves else "")
