"""One loop for every one-shot method; a method is a record.

A search holds weights (in the supernet), `alphas` (here) and two streams of batches.
A method says how alphas become mixtures, which steps follow one another, what happens
at an epoch's start and how an architecture is read off at its end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.optimizer import ParamsT

from benchsuite.core import Incumbent
from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.network import Supernet
from benchsuite.supernet.preference import Preference

Batch = tuple[Tensor, Tensor]
ABSENT = -1e9
"""The logit of what is no option: its softmax is zero, and no step moves it."""
Weights = Mapping[str, Tensor]
"""Network weights by their name in the supernet."""

Objective = Callable[[Callable[[Tensor], Tensor], Batch], Tensor]
"""(network, batch) -> scalar; may call the network on several views of the batch."""


class Alphas(dict[str, Tensor]):
    """Logits by what they decide.

    "operations" [D, C] has `ABSENT` for what is no option; "edges into n", [number of
    them], is there where a method learns the weights of whole edges, and "precisions",
    [D, C], where alphas are random (BaLeNAS). A method that decides by something else
    has that instead: the weights of a controller (ENAS), or the one "distribution" of
    all decisions (ANASOD).

    Attributes:
        layout: What there is to decide.
    """

    def __init__(self, logits: Mapping[str, Tensor], layout: Layout) -> None:
        super().__init__(logits)
        self.layout = layout


class Moment(NamedTuple):
    """Where a search stands: schedules are functions of it."""

    epoch: int
    epochs: int

    @property
    def progress(self) -> float:
        """From 0 in the first epoch to 1 in the last."""
        return self.epoch / max(1, self.epochs - 1)


class Stream(Protocol):
    """An endless source of batches that knows where it is."""

    def __len__(self) -> int:
        """How many batches make an epoch."""

    def draw(self) -> Batch:
        """Return the next batch."""

    def whole(self) -> Iterator[Batch]:
        """Pass over everything once, in order and as it is; `draw` does not notice."""

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream is."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""


Relax = Callable[[Alphas, Moment, torch.Generator], list[Mixture]]
"""What one step runs; one mixture for most methods."""
Step = Callable[["Search", Batch, Batch], None]
"""(search, training batch, validation batch): move weights or alphas."""


def small_normal(layout: Layout, generator: torch.Generator) -> Alphas:
    """Draw logits [D, C] from 1e-3 N(0, 1)."""
    drawn = 1e-3 * torch.randn(len(layout.options), layout.width, generator=generator)
    return Alphas({"operations": drawn.where(layout.there, ABSENT)}, layout)


def all_weights(supernet: nn.Module) -> Weights:
    """Train everything."""
    return dict(supernet.named_parameters())


def by_softmax(search: Search) -> Architecture:
    """Derive by the softmax of the logits, times that of the edges where learned."""
    scores = search.alphas["operations"].detach().softmax(-1)
    edges = edge_softmax(search.alphas)
    if edges is not None:
        scores = scores * edges.detach().unsqueeze(-1)
    return search.derive(scores)


def in_the_end(
    select: Callable[[Search], Architecture],
) -> Callable[[Search], Architecture]:
    """Derive by something long, once, in the last epoch; by the softmax before."""

    def derive(search: Search) -> Architecture:
        if search.moment.epoch < search.moment.epochs - 1:
            return by_softmax(search)
        if "selected" not in search.memory:
            search.memory["selected"] = list(select(search))
        return tuple(search.memory["selected"])

    return derive


def edge_softmax(alphas: Alphas) -> Tensor | None:
    """Normalise the logits "edges into n" node by node, [D]; None without them."""
    into = [logits for name, logits in alphas.items() if name.startswith("edges into ")]
    return torch.cat([logits.softmax(0) for logits in into]) if into else None


def cosine(moment: Moment, *, start: float = 0.025, end: float = 0.001) -> float:
    """Anneal the learning rate of the weights; a function of the epoch.

    Example:
        >>> [round(cosine(Moment(e, 4)), 3) for e in range(4)]
        [0.025, 0.021, 0.013, 0.005]
    """
    turn = np.cos(np.pi * moment.epoch / moment.epochs)
    return float(end + (start - end) * (1 + turn) / 2)


def sgd(
    params: ParamsT,
    lr: float,
    *,
    nesterov: bool = False,
    weight_decay: float = 3e-4,
) -> torch.optim.Optimizer:
    """What trains weights; the defaults are those of DARTS."""
    return torch.optim.SGD(
        params,
        lr,
        momentum=0.9,
        weight_decay=weight_decay,
        nesterov=nesterov,
        foreach=True,
    )


def adam(params: ParamsT, *, lr: float = 3e-4) -> torch.optim.Optimizer:
    """What trains alphas in DARTS; fused, it reads nothing from the device."""
    return torch.optim.Adam(
        params, lr=lr, betas=(0.5, 0.999), weight_decay=1e-3, fused=True
    )


def nothing(search: Search) -> None:
    """Let the epoch begin."""


@dataclass(frozen=True)
class Method:
    """A one-shot method. Variants are `dataclasses.replace` of each other.

    Attributes:
        relax: From alphas to the mixtures of a step.
        steps: What is done with every pair of batches, in order; without any, an epoch
            is its start.
        on_epoch: What happens at the start of an epoch; may use `search.memory`.
        derive: Which architecture the search would return now.
        alphas: Initial logits.
        weights: Which weights of the supernet are trained.
        network: Options that the supernet must have been built with.
        weight_optimizer: Of the weights.
        alpha_optimizer: Of the alphas.
        learning_rate: Of the weights.
        clip: Largest norm of a weight gradient.
        epochs: How long it searches unless told otherwise.
        batch_size: Of both streams, unless told otherwise.
        keeps: Whether its supernet is what a search is for: it is stored for
            `inherited/...`.
        needs: What it makes no sense without: "weights", which a relaxed table has
            not, or decisions that are "edges" into nodes.
        weighs_costs: Whether it minds what architectures cost: see `Preference`.
    """

    relax: Relax
    steps: tuple[Step, ...]
    on_epoch: Callable[[Search], None] = nothing
    derive: Callable[[Search], Architecture] = by_softmax
    alphas: Callable[[Layout, torch.Generator], Alphas] = small_normal
    weights: Callable[[nn.Module], Weights] = all_weights
    network: Mapping[str, Any] = field(default_factory=dict)
    weight_optimizer: Callable[..., torch.optim.Optimizer] = sgd
    alpha_optimizer: Callable[..., torch.optim.Optimizer] = adam
    learning_rate: Callable[[Moment], float] = cosine
    clip: float = 5.0
    epochs: int = 50
    batch_size: int = 64
    keeps: bool = False
    needs: frozenset[str] = frozenset()
    weighs_costs: bool = False


@dataclass
class Ledger:
    """What a search has asked for so far; the same on every machine.

    Attributes:
        forwards: Passes of a batch through the network, by steps.
        backwards: Passes back.
        samples: Images in the forward passes.
        active: Most operations that one of them ran.
        judged: Images that architectures were judged on.
    """

    forwards: int = 0
    backwards: int = 0
    samples: int = 0
    active: int = 0
    judged: int = 0

    def note(self, images: int, mixture: Mixture) -> None:
        """Count a pass."""
        self.forwards += 1
        self.samples += images
        self.active = max(self.active, sum(map(len, mixture.active)))


class DivergedError(ArithmeticError):
    """The loss of an epoch is no number; what was saved before it is still good."""


class Search:
    """A search at some moment: what steps read and change, what a checkpoint holds.

    Attributes:
        method: The record.
        supernet: `supernet(images, mixture, statistics)`.
        space: What it contains.
        layout: What of it can be relaxed.
        train: Batches for the weights.
        valid: Batches for the alphas and for judging.
        objective: What is descended.
        error: What incumbents are judged by, in [0, 1].
        preference: What else is wanted of architectures; None is nothing.
        alphas: Leaves that require gradients, on the device of the weights.
        weights: The trained weights, by name.
        moment: The epoch, and how many there will be.
        step: How many pairs of batches the epoch has seen.
        loss_sum: The training losses of the epoch; a weight step adds its own, on the
            device, where nothing waits for it.
        memory: What a method keeps between steps.
        restarts: How often it began anew, and with which other options of the network.
        seconds: Spent so far.
        ledger: What was asked for.
    """

    def __init__(
        self,
        method: Method,
        supernet: Supernet,
        train: Stream,
        valid: Stream,
        *,
        objective: Objective,
        error: Objective,
        epochs: int,
        seed: int,
        preference: Preference | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.method, self.clock, self._seed = method, clock, seed
        self.train, self.valid = train, valid
        self.objective, self.error, self.preference = objective, error, preference
        self.moment, self.step, self.seconds = Moment(0, epochs), 0, 0.0
        self.ledger = Ledger()
        self.space, self.layout = supernet.space, supernet.layout
        self.generator = generator(seed, "relax")
        self.memory: dict[str, Any] = {}
        self.restarts: list[dict[str, Any]] = []
        self._take_weights(supernet)
        self._take_alphas(method.alphas(self.layout, generator(seed, "alphas")))
        self.loss_sum = torch.zeros((), device=self._like.device)

    def _take_weights(self, supernet: Supernet) -> None:
        """Train the weights of a network, with an optimizer that knows nothing yet."""
        self.supernet, self.weights = supernet, self.method.weights(supernet)
        for name, weight in supernet.named_parameters():
            weight.requires_grad_(name in self.weights)
        groups = [{"params": list(self.weights.values())}]  # may be empty: a table
        self.weight_optimizer = self.method.weight_optimizer(groups, lr=self.rate)

    def _take_alphas(self, drawn: Alphas) -> None:
        """Learn from these alphas on, with an optimizer that knows nothing yet."""
        logits = {n: a.to(self._like).requires_grad_() for n, a in drawn.items()}
        self.alphas = Alphas(logits, drawn.layout)
        self.alpha_optimizer = self.method.alpha_optimizer(self.alphas.values())

    @property
    def _like(self) -> Tensor:
        """A tensor of the type of the weights, where they are."""
        return next(self.supernet.parameters(), torch.empty(0))

    def restart(self, layout: Layout, **changes: Any) -> None:
        """Begin anew with weights and alphas that nothing is known of.

        They follow from the seed, and from how often that was done before.

        Args:
            layout: The options that are left; the others get the logit `ABSENT`.
            changes: Options in which the network differs from the one before.
        """
        self.restarts.append(changes)
        init, alphas = (
            generator(self._seed, f"{purpose}, restart {len(self.restarts)}")
            for purpose in ("init", "alphas")
        )
        self._take_weights(self.supernet.anew(init, **changes))
        drawn = self.method.alphas(self.layout, alphas)
        left = layout.options
        for d, options in enumerate(self.layout.options):
            drawn["operations"][d, [c for c in options if c not in left[d]]] = ABSENT
        self._take_alphas(Alphas(drawn, layout))

    @property
    def rate(self) -> float:
        """Learning rate of the weights now."""
        return self.method.learning_rate(self.moment)

    def relax(self) -> list[Mixture]:
        """What the next step runs."""
        return self.method.relax(self.alphas, self.moment, self.generator)

    def loss(
        self,
        batch: Batch,
        mixture: Mixture,
        *,
        weights: Weights | None = None,
        track: bool = False,
        objective: Objective | None = None,
    ) -> Tensor:
        """The objective on a batch: a function, which leaves everything as it was.

        Args:
            batch: What to compute it on.
            mixture: What to run.
            weights: Take the place of the supernet's; never written to.
            track: Whether running statistics are updated. Only a weight step may.
            objective: Instead of the search's.
        """

        def network(images: Tensor) -> Tensor:
            self.ledger.note(len(images), mixture)
            arguments = images, mixture, "track" if track else "batch"
            output: Tensor = functional_call(
                self.supernet, dict(weights or {}), arguments
            )
            return output

        return (objective or self.objective)(network, batch)

    def gradient(
        self,
        of: Tensor | Sequence[Tensor],
        by: Sequence[Tensor],
        *given: Any,
        **options: Any,
    ) -> tuple[Tensor, ...]:
        """Differentiate, as `torch.autograd.grad` does, and count it."""
        self.ledger.backwards += 1
        found: tuple[Tensor, ...] = torch.autograd.grad(of, by, *given, **options)
        return found

    def derive(self, scores: Tensor) -> Architecture:
        """Apply the network's rule to scores [D, C]; higher is better."""
        return self.supernet.rule(scores.cpu().numpy(), self.layout)

    @torch.no_grad()
    def judge(
        self, candidate: Architecture | Mixture, batches: Iterable[Batch] | None = None
    ) -> float:
        """Error of an architecture, or of a mixture, with the weights it inherits.

        Args:
            candidate: What is run.
            batches: What it is judged on; all validation images unless told otherwise.
        """
        wrong, images = [], 0
        for batch in self.valid.whole() if batches is None else batches:
            wrong.append(self.error_on(batch, candidate) * len(batch[1]))
            images += len(batch[1])
        return float(torch.stack(wrong).sum() / images)

    @torch.no_grad()
    def error_on(self, batch: Batch, candidate: Architecture | Mixture) -> Tensor:
        """Error [] on one batch, where it was computed: nothing waits for it."""
        mixture = (
            candidate
            if isinstance(candidate, Mixture)
            else Mixture.one_hot(self.space, candidate)
        )

        def network(images: Tensor) -> Tensor:
            self.ledger.judged += len(images)
            output: Tensor = self.supernet(images, mixture, "running")
            return output

        return self.error(network, batch)

    def costs(self, arch: Architecture) -> dict[str, float]:
        """Name what is preferred to be small, and say how much of it `arch` has."""
        if self.preference is None:
            return {}
        return {self.preference.name: self.preference.cost(arch)}

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, as tensors and numbers; see `torch.save`."""
        return {
            "epoch": self.moment.epoch,
            "step": self.step,
            "loss_sum": self.loss_sum,
            "seconds": self.seconds,
            "ledger": asdict(self.ledger),
            "supernet": self.supernet.state_dict(),
            "restarts": self.restarts,
            "options": self.alphas.layout.options,
            "alphas": {name: alpha.detach() for name, alpha in self.alphas.items()},
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "alpha_optimizer": self.alpha_optimizer.state_dict(),
            "train": self.train.state_dict(),
            "valid": self.valid.state_dict(),
            "generator": self.generator.get_state(),
            "memory": self.memory,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken.

        The search must be built alike, and be at its start.
        """
        self.moment = self.moment._replace(epoch=state["epoch"])
        self.step = state["step"]
        self.loss_sum = state["loss_sum"].to(self.loss_sum.device)
        self.seconds, self.memory = state["seconds"], state["memory"]
        self.ledger = Ledger(**state["ledger"])
        self.restarts = state["restarts"]
        if self.restarts:
            changes = {n: v for each in self.restarts for n, v in each.items()}
            self._take_weights(self.supernet.anew(torch.Generator(), **changes))
        left = tuple(tuple(options) for options in state["options"])
        self.alphas.layout = self.layout._replace(options=left)
        self.supernet.load_state_dict(state["supernet"])
        for name, alpha in self.alphas.items():
            alpha.copy_(state["alphas"][name])
        self.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.alpha_optimizer.load_state_dict(state["alpha_optimizer"])
        self.train.load_state_dict(state["train"])
        self.valid.load_state_dict(state["valid"])
        self.generator.set_state(state["generator"])


def search(
    state: Search, stop: Callable[[], bool] = lambda: False
) -> Iterator[Incumbent]:
    """Run a search from where it stands to its end: the only loop.

    Between two pairs of batches `state.state_dict()` is all there is to save: a search
    that goes on from there ends as if it had never been interrupted.

    Args:
        state: Is changed.
        stop: Asked after every pair of batches; the search ends there if it says so.

    Yields:
        After every epoch, what would be returned now.

    Raises:
        DivergedError: The training loss of an epoch is no number.
    """
    method = state.method
    batches = len(state.train) if method.steps else 0
    while state.moment.epoch < state.moment.epochs:
        start = state.clock()
        for group in state.weight_optimizer.param_groups:
            group["lr"] = state.rate
        if not state.step:
            method.on_epoch(state)
        while state.step < batches:
            train, valid = state.train.draw(), state.valid.draw()
            for step in method.steps:
                step(state, train, valid)
            state.step += 1
            if stop():
                state.seconds += state.clock() - start
                return
        loss = float(state.loss_sum) / max(1, batches)
        if not math.isfinite(loss):
            raise DivergedError(f"the loss of epoch {state.moment.epoch + 1} is {loss}")
        arch = method.derive(state)
        error = state.judge(arch)
        state.seconds += state.clock() - start
        state.moment = state.moment._replace(epoch=state.moment.epoch + 1)
        state.step, state.loss_sum = 0, torch.zeros_like(state.loss_sum)
        metrics = {"loss": loss, **state.costs(arch)}
        yield Incumbent(state.seconds, arch, state.moment.epoch, error, metrics)


def generator(seed: int, purpose: str) -> torch.Generator:
    """A source of randomness for one purpose: changing one leaves the others be."""
    key = [seed, *purpose.encode()]
    state = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(state)
