"""The search spaces of TransNAS-Bench-101: cells, and skeletons of modules.

Duan, Chen, Xu, Chen, Liang, Zhang & Li, "TransNAS-Bench-101: Improving Transferability
and Generalizability of Cross-Task Neural Architecture Search", CVPR 2021.
https://arxiv.org/abs/2105.11871
"""

from benchsuite.spaces.constrained import ConstrainedSpace
from benchsuite.spaces.space import Architecture, SearchSpace

_OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")  # spelled 0, 1, 2, 3
_NODES = ((0,), (0, 1), (0, 1, 2))  # sources of the edges into nodes 1, 2 and 3
_SKELETON = "64-41414-"  # channels of the stem and types of the modules, always these

_TYPES = ("1", "2", "3", "4")
_ABSENT = len(_TYPES)
_DOUBLING, _HALVING = (1, 3), (2, 3)  # options that do so: the types 2, 4 and 3, 4
_STEM, _BLOCK = "64-", "-basic"  # channels of the stem and kind of block, always these


class MicroSpace(SearchSpace):
    """Cells of four nodes and six edges with four operations: 4^6 = 4,096.

    Decisions are the edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3, in published order.

    Example:
        >>> TRANSNAS_MICRO.format((1, 0, 2, 3, 3, 3))
        '64-41414-1_02_333'
    """

    def format(self, arch: Architecture) -> str:
        """Spell the operations as digits: those into node 1, into 2 and into 3."""
        a, b, c, d, e, f = arch
        return f"{_SKELETON}{a}_{b}{c}_{d}{e}{f}"

    def parse(self, text: str) -> Architecture:
        """Invert `format`, accepting nothing but the published spelling."""
        nodes = text.removeprefix(_SKELETON).split("_")
        if not text.startswith(_SKELETON) or len(nodes) != len(_NODES):
            raise ValueError(
                f"a network of {self.name} is spelled {_SKELETON} and three nodes,"
                f" joined by '_', as in {_SKELETON}1_02_333, not {text!r}"
            )
        arch: list[int] = []
        for node, (sources, digits) in enumerate(zip(_NODES, nodes, strict=True), 1):
            if len(digits) != len(sources):
                raise ValueError(
                    f"node {node} of a cell of {self.name} has a digit for each of"
                    f" {len(sources)} edges; {digits!r} has {len(digits)}"
                )
            for source, digit in zip(sources, digits, strict=True):
                if digit not in _DIGITS:
                    raise ValueError(
                        f"{self.name} has no {digit!r} at edge {source}->{node}; there"
                        f" it has {', '.join(f'{d} {op}' for d, op in _DIGITS.items())}"
                    )
                arch.append(int(digit))
        return tuple(arch)


_DIGITS = {str(digit): op for digit, op in enumerate(_OPS)}
TRANSNAS_MICRO = MicroSpace("transnas_micro", (_OPS,) * 6)


class MacroSpace(ConstrainedSpace):
    """Networks of four to six modules: 3,256 that keep the limits of `valid`.

    Decisions are the types of the modules, of which the fifth and the sixth may be
    absent. Type 1 keeps the shape, 2 doubles the channels, 3 halves the resolution, 4
    does both.

    Example:
        >>> TRANSNAS_MACRO.parse("64-1234-basic")
        (0, 1, 2, 3, 4, 4)
        >>> TRANSNAS_MACRO.choices[4]
        ('1', '2', '3', '4', 'absent')
    """

    def valid(self, arch: Architecture) -> bool:
        """Tell whether the fifth module is there if the sixth is, and the limits kept.

        Channels are doubled one to three times, the resolution is halved one to four
        times: exactly the networks that were published.
        """
        doublings = sum([option in _DOUBLING for option in arch])
        halvings = sum([option in _HALVING for option in arch])
        in_a_row = arch[5] == _ABSENT or arch[4] != _ABSENT
        return in_a_row and 1 <= doublings <= 3 and 1 <= halvings <= 4

    def format(self, arch: Architecture) -> str:
        """Spell the types of the modules that are there."""
        types = "".join([_TYPES[a] for a in arch if a != _ABSENT])
        return f"{_STEM}{types}{_BLOCK}"

    def parse(self, text: str) -> Architecture:
        """Invert `format`, accepting nothing but the published spelling."""
        types = text.removeprefix(_STEM).removesuffix(_BLOCK)
        if text != f"{_STEM}{types}{_BLOCK}" or not 4 <= len(types) <= 6:
            raise ValueError(
                f"a network of {self.name} is spelled {_STEM}, four to six modules and"
                f" {_BLOCK}, as in 64-1234-basic, not {text!r}"
            )
        for place, kind in enumerate(types, 1):
            if kind not in _TYPES:
                raise ValueError(
                    f"{self.name} has no {kind!r} at module {place}; there it has"
                    f" {', '.join(_TYPES)}"
                )
        present = [_TYPES.index(kind) for kind in types]
        arch = (*present, *[_ABSENT] * (len(self.choices) - len(types)))
        if not self.valid(arch):
            raise ValueError(
                f"a network of {self.name} doubles the channels (types 2 and 4) one to"
                " three times and halves the resolution (3 and 4) one to four times,"
                f" unlike {text!r}"
            )
        return arch


TRANSNAS_MACRO = MacroSpace(
    "transnas_macro", (*(_TYPES,) * 4, *((*_TYPES, "absent"),) * 2)
)
