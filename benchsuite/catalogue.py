"""Strategies by what a user writes: a name, file.py:Class, a class; with settings."""

import ast
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, Literal, get_args, get_origin

import numpy as np

from benchsuite.core import InputError, MakeStrategy, Metric, Strategy
from benchsuite.names import pick
from benchsuite.spaces import SearchSpace
from benchsuite.strategies import ONE_FIDELITY, STRATEGIES

RULES = ("objectives", "constraints")
"""What a strategy is told of the rules if its constructor has such a parameter."""

_FOLDER = Path(__file__).with_name("strategies").resolve()  # of the registry
GROUP = "benchsuite.strategies"  # of entry points in installed distributions
Maker = Callable[..., Strategy]


@dataclass(frozen=True, slots=True)
class Entry:
    """A strategy as it stands in a result table.

    Attributes:
        name: Registry name, entry point, or name of the class.
        settings: Hyper-parameters that differ from the defaults, "name=value ...".
        source: First eight hex digits of the sha256 of its source; see `fingerprint`.
        make: Builds the strategy for one run.
        asked: What `find` was given, so that another process can find it as well.
        wants: Those of `RULES` that its signature has.
        metrics: What it must be told of networks, by its settings of type `Metric`.
        one_fidelity: What it amounts to where there is one, if it needs several.
    """

    name: str
    settings: str
    source: str
    make: MakeStrategy
    asked: str | Maker
    wants: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    one_fidelity: str = ""

    def build(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        rules: Mapping[str, object],
    ) -> Strategy:
        """Build the strategy for one run.

        Args:
            space: What it searches.
            epochs: The fidelities.
            rng: Its source of randomness.
            rules: The values of `RULES`.
        """
        make: Maker = self.make
        return make(space, epochs, rng, **{name: rules[name] for name in self.wants})


def find(asked: str | Maker) -> Entry:
    """Find a strategy.

    Args:
        asked: A name of the registry or of an entry point, or `file.py:Class`, with
            settings in brackets if need be, as in
            "regularized_evolution[sample_size=10]"; or a class or function that builds
            a strategy from space, epochs and rng.

    Raises:
        InputError: There is no such strategy or setting, or it cannot be loaded.
    """
    if isinstance(asked, partial):  # its keywords are settings
        name = getattr(asked.func, "__name__", type(asked.func).__name__)
        return _entry(name, partial(asked.func, *asked.args), asked.keywords, asked)
    if not isinstance(asked, str):
        name = getattr(asked, "__name__", type(asked).__name__)
        return _entry(name, asked, {}, asked)
    target, bracket, rest = asked.partition("[")
    if bracket and not rest.endswith("]"):
        raise InputError(f"settings end with ']': name[setting=value], not {asked!r}")
    settings = dict(map(_pair, filter(None, rest.removesuffix("]").split(","))))
    if target in STRATEGIES:
        return _entry(target, STRATEGIES[target], settings, asked)
    file, colon, attribute = target.rpartition(":")
    if colon:
        module = load_file(Path(file))
        known = {n: v for n, v in vars(module).items() if _own(v, module)}
        return _entry(attribute, pick("class", attribute, known), settings, asked)
    installed = {point.name: point for point in installed_strategies()}
    point = pick("strategy", target, {**STRATEGIES, **installed})
    assert isinstance(point, EntryPoint)  # the registry was looked up above
    try:
        make = point.load()
    except Exception as error:  # whatever somebody else's module raises
        raise InputError(f"strategy {target!r} cannot be loaded: {error!r}") from error
    return _entry(target, make, settings, asked)


def installed_strategies() -> Iterable[EntryPoint]:
    """List the entry points of installed distributions, without importing them."""
    return entry_points(group=GROUP)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.+@/-]+", value.strip()):
        raise InputError(
            f"a setting is name=value, in letters, digits and . + - @ /, not {text!r}"
        )
    return name.strip(), value.strip()


def _entry(
    name: str, make: Maker, settings: Mapping[str, Any], asked: str | Maker
) -> Entry:
    """Describe a strategy with its settings, as text where they were typed in."""
    if not callable(make):
        raise InputError(f"{name} is {make!r:.80}, not a class with ask and tell")
    defaults = hyper_parameters(name, make)
    changed = {}
    for key, value in sorted(settings.items()):
        parameter = pick("setting", key, defaults)
        value = _typed(parameter, value) if isinstance(asked, str) else value
        if value != parameter.default:
            changed[key] = value
    return Entry(
        name=name,
        settings=" ".join(f"{key}={value}" for key, value in changed.items()),
        source=fingerprint(make),
        make=partial(make, **changed) if changed else make,
        asked=asked,
        wants=tuple(
            name for name in RULES if name in inspect.signature(make).parameters
        ),
        metrics=tuple(
            changed.get(key, parameter.default)
            for key, parameter in defaults.items()
            if parameter.annotation is Metric
        ),
        one_fidelity=ONE_FIDELITY.get(name, "") if STRATEGIES.get(name) is make else "",
    )


def hyper_parameters(name: str, make: Maker) -> dict[str, inspect.Parameter]:
    """List what can be set of a strategy: parameters with defaults of numbers or words.

    Raises:
        InputError: It cannot be built from space, epochs and rng.
    """
    try:
        signature = inspect.signature(make, eval_str=True)
    except (NameError, TypeError, ValueError):
        try:
            signature = inspect.signature(make)
        except (TypeError, ValueError):
            raise InputError(f"{name} is not a class with ask and tell") from None
    try:
        signature.bind(None, None, None)
    except TypeError as error:
        raise InputError(
            f"{name} must be built from space, epochs and rng: {error}"
        ) from None
    return {
        key: parameter
        for key, parameter in list(signature.parameters.items())[3:]
        if parameter.default is not parameter.empty
        and not callable(parameter.default)  # a plug-in, which nobody can type
        and not isinstance(parameter.default, tuple)
        and key not in RULES
    }


def _typed(parameter: inspect.Parameter, text: str) -> Any:
    """Read a setting as the constructor's signature, or else its default, has it."""
    kind = parameter.annotation
    if kind is parameter.empty or isinstance(kind, str):
        kind = type(parameter.default)
    options = {str(option): option for option in get_args(kind)}
    if get_origin(kind) is not Literal:
        if NoneType in options.values() and text == "None":
            return None
        kind = next((o for o in options.values() if o is not NoneType), kind)
        options = {"True": True, "False": False} if kind is bool else {}
    if options:
        if text not in options:
            raise InputError(
                f"{parameter.name} is {' or '.join(options)}, not {text!r}"
            )
        return options[text]
    try:
        return kind(text)
    except (TypeError, ValueError):
        wanted = getattr(kind, "__name__", kind)
        raise InputError(f"{parameter.name} takes {wanted}, not {text!r}") from None


def check_settings(entry: Entry, space: SearchSpace, epochs: tuple[int, ...]) -> None:
    """Build a strategy whose settings were changed, to see whether they can be.

    Raises:
        InputError: The constructor refuses them.
    """
    if entry.settings:
        try:
            entry.make(space, epochs, np.random.default_rng(0))
        except (TypeError, ValueError) as error:
            raise InputError(f"{entry.name}[{entry.settings}]: {error}") from error


def _own(value: object, module: ModuleType) -> bool:
    """Whether a module defines a strategy or a variant, rather than imports it."""
    made_here = getattr(value, "__module__", None) == module.__name__
    return callable(value) and (made_here or isinstance(value, partial))


def load_file(path: Path) -> ModuleType:
    """Import a user's file, which may import its neighbours.

    Raises:
        InputError: There is no such file, or importing it fails.
    """
    if not path.is_file() or path.suffix != ".py":
        raise InputError(f"no such Python file: {path}")
    # Two files of one name are two modules, and so are two versions of one file.
    version = str(path.resolve()).encode() + path.read_bytes()
    name = f"{path.stem}_{hashlib.sha256(version).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's file raises
        del sys.modules[name]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path} cannot be loaded: {reason}") from error
    return module


def fingerprint(make: Maker) -> str:
    """Fingerprint a strategy's source, in eight hex digits of a sha256.

    It covers the files that define it, or any part that it is built from, and the files
    that these import in turn from the same folder or below; for strategies of the
    registry, from anywhere in theirs. It is empty where there is no file, as at a
    prompt.
    """
    waiting = [file for part in _parts(make) if (file := _file(part))]
    sha, done = hashlib.sha256(), set[Path]()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        text = path.read_bytes().replace(b"\r\n", b"\n")
        sha.update(text)
        folder = _FOLDER if _FOLDER in path.parents else path.parent
        near = {folder.joinpath(*name).with_suffix(".py") for name in _imports(text)}
        waiting += sorted(p for p in near if p.is_file())
    return sha.hexdigest()[:8] if done else ""


def _parts(make: object) -> Iterable[object]:
    """Yield what a strategy is built from: a variant has its base, and plug-ins."""
    if isinstance(make, partial):
        for part in (make.func, *make.args, *make.keywords.values()):
            yield from _parts(part)
    elif callable(make):
        yield inspect.unwrap(make)


def _file(part: Any) -> Path | None:
    """Find the file that defines a class or function, if there is one."""
    try:
        file = inspect.getsourcefile(part)
    except TypeError:
        return None
    return Path(file).resolve() if file and Path(file).is_file() else None


def _imports(text: bytes) -> Iterable[tuple[str, ...]]:
    """Yield where the modules that a source imports could lie, seen from near by."""
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            words = tuple(filter(None, name.split(".")))
            yield from (words[n:] for n in range(len(words)))


def summary(make: Maker) -> str:
    """Say in one sentence what a strategy is: its module's first line."""
    return _about(make).partition("\n")[0]


def citation(make: Maker) -> str:
    """Say where a strategy was published: what its module's docstring names second."""
    paragraphs = re.split(r"\n\s*\n", _about(make))
    return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""


def module(make: Maker) -> str:
    """Name the module that defines a strategy."""
    return _built(make).__module__


def _about(make: Maker) -> str:
    built = _built(make)
    home = sys.modules.get(built.__module__)
    return getattr(home, "__doc__", None) or built.__doc__ or ""


def _built(make: Maker) -> Maker:
    """What a variant is a variant of."""
    while isinstance(make, partial):
        make = make.func
    return make
