"""A pickle machine for plain data: what is good as Python reads it, and what is bad."""

import bz2
import contextlib
import math
import os
import pickle
import pickletools
import struct
import time
import tracemalloc
import warnings
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates import DataError
from surrogates.safe_pickle import NUMPY, NUMPY_PROTOCOL_2, loads, read_bz2

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)

text = st.text(st.characters(codec=None), max_size=8)  # surrogates too
whole = st.integers(-(2**100), 2**100)
number = whole | st.floats() | st.booleans() | st.none()
keys = text | whole | st.tuples(text, whole)
curves = st.dictionaries(st.integers(0, 300), st.floats(), max_size=40)
named = st.dictionaries(text, st.floats(), max_size=40)
plain = st.recursive(
    number | text | curves | named,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(keys, inner, max_size=5)
        | st.tuples(number, text)
    ),
    max_leaves=20,
)


@every_protocol
@settings(max_examples=60, deadline=None)
@given(value=plain)
def test_plain_data_is_what_python_unpickles(protocol, value):
    """The oracle is the value itself; repr tells types, orders and nans apart."""
    data = pickle.dumps(value, protocol)
    assert repr(loads(data)) == repr(value)
    assert repr(loads(pickletools.optimize(data))) == repr(value)
    assert repr(loads(pickle._dumps(value, protocol))) == repr(value)


@every_protocol
@pytest.mark.parametrize("count", [0, 1, 2, 10, 300, 999, 1000, 1001, 2500])
def test_curves_of_any_length_and_name(protocol, count):
    """Runs of keys and floats are read in one step: by number, new and known names."""
    names = {f"x-valid@{n}": math.sqrt(n) for n in range(count)}
    value = {
        "by number": {n: math.sqrt(n) for n in range(count)},
        "new names": names,
        "known names": dict.fromkeys(names, -0.0),
        "beyond ASCII": {f"é{n}": n / 3 for n in range(count)},
        "mixed": {name: n if n % 3 else n / 3 for n, name in enumerate(names)},
        "numbers": [n / 3 for n in range(count)],
    }
    assert repr(loads(pickle.dumps(value, protocol))) == repr(value)


@every_protocol
@pytest.mark.parametrize(
    "value",
    [
        np.float64(0.1),
        np.float64("-nan"),
        np.float32(1e-40),
        np.int64(-(2**63)),
        OrderedDict(b=1, a=[np.float64(2.0)] * 3),
        [OrderedDict(), OrderedDict({1: OrderedDict({2: np.float32(3)})})],
    ],
)
def test_numpy_scalars_keep_type_and_bits(protocol, value):
    loaded = loads(pickle.dumps(value, protocol), NUMPY_PROTOCOL_2)
    assert repr(loaded) == repr(value)
    assert type(loaded) is type(value)
    if isinstance(value, np.generic):
        assert loaded.tobytes() == value.tobytes()
    if not isinstance(value, list):  # which needs no names
        with pytest.raises(DataError, match="names"):
            loads(pickle.dumps(value, protocol))


@pytest.mark.parametrize("protocol", [4, 5])
def test_sets_of_numbers_and_names(protocol):
    for value in ({1, 2, 3}, set(range(15_625)), {f"cell {n}" for n in range(5000)}):
        assert loads(pickle.dumps(value, protocol)) == value


def test_genuine_records_are_what_python_unpickles(shared):
    files = sorted((shared / "data" / "nats").glob("*.pickle.pbz2"))
    assert len(files) == 6
    for path in files:
        data = read_bz2(path, 2_000_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 1's spelling
            expected = pickle.loads(data)
        assert repr(loads(data, NUMPY)) == repr(expected)


# Bad ones. `call` writes, in any protocol, what Python's unpickler takes for
# `module.name(*arguments)`.


def call(module, name, arguments, protocol):
    start = b"\x80" + bytes([protocol]) if protocol >= 2 else b""
    if protocol >= 4:
        function = short(module) + b"\x94" + short(name) + b"\x94\x93\x94"
    else:
        function = f"c{module}\n{name}\n".encode()
    return start + function + b"(" + arguments + b"tR."


def short(word):
    return b"\x8c" + bytes([len(word)]) + word.encode()


def line(word):
    return f"V{word}\n".encode()


def touch(path):
    return line(f"touch {path}")


@every_protocol
def test_python_itself_would_run_the_commands_below(protocol, tmp_path):
    """Or the tests that they do not run would show nothing."""
    canary = tmp_path / "canary"
    assert pickle.loads(call("os", "system", touch(canary), protocol)) == 0
    assert canary.exists()


NAMES = """
os.system posix.system os.popen os.remove os.rmdir os.execv os.fork os.kill os.putenv
nt.system subprocess.Popen subprocess.call subprocess.run subprocess.check_output
subprocess.getoutput pty.spawn shutil.rmtree shutil.move shutil.copy tempfile.mkdtemp
builtins.eval builtins.exec builtins.compile builtins.open builtins.print builtins.input
builtins.__import__ builtins.getattr builtins.setattr builtins.delattr builtins.globals
builtins.vars builtins.object builtins.type builtins.set builtins.bytes
builtins.bytearray builtins.range builtins.complex builtins.slice
builtins.memoryview builtins.breakpoint
__builtin__.eval __builtin__.file __builtin__.apply __main__.main sys.exit
sys.modules.clear importlib.import_module importlib.reload runpy.run_path
runpy.run_module code.interact
functools.partial functools.reduce operator.attrgetter operator.methodcaller
itertools.repeat itertools.count types.CodeType types.FunctionType types.ModuleType
copyreg._reconstructor copyreg.__newobj__ copyreg.add_extension copyreg.__newobj_ex__
copy_reg._reconstructor collections.defaultdict collections.deque collections.namedtuple
collections.Counter collections.OrderedDict.fromkeys collections.abc.Mapping
pickle.loads pickle._loads _pickle.loads marshal.loads ctypes.CDLL ctypes.string_at
socket.socket urllib.request.urlopen webbrowser.open pathlib.Path.unlink pathlib.Path
pdb.run timeit.timeit cProfile.run doctest.debug_script asyncio.run threading.Thread
multiprocessing.Process signal.alarm resource.setrlimit gc.disable weakref.ref
numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct numpy.ndarray
numpy.load numpy.fromfile numpy.memmap numpy.zeros numpy.core.numeric._frombuffer
numpy.random._pickle.__generator_ctor numpy.dtype.newbyteorder numpy.testing.runstring
numpy.f2py.crackfortran.myeval numpy.core.multiarray.scalar.__call__ numpy.float64
torch._utils._rebuild_tensor_v2 torch.storage._load_from_bytes torch.FloatStorage
torch.load torch.jit.load torch.hub.load codecs.encode codecs.decode _codecs.decode
_codecs.encode.__call__ _codecs.open _codecs.lookup io.open io.BytesIO
surrogates.safe_pickle._encode surrogates.table.Table
"""
FUNCTIONS = NAMES.split()


@every_protocol
def test_every_other_function_is_refused_by_name(protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    canary = tmp_path / "canary"
    assert len(FUNCTIONS) == len(set(FUNCTIONS)) >= 100
    for function in FUNCTIONS:
        module, _, name = function.rpartition(".")
        for arguments in (touch(canary), b"", b"K\x01", line("canary") + line("w")):
            data = call(module, name, arguments, protocol)
            with pytest.raises(DataError, match="which plain data") as caught:
                loads(data, NUMPY_PROTOCOL_2)
            assert f"names '{function}'" in str(caught.value)
        # the same name cut elsewhere: `collections` . `OrderedDict.fromkeys`
        module, _, name = function.partition(".")
        with pytest.raises(DataError, match="names"):
            loads(call(module, name, touch(canary), protocol), NUMPY_PROTOCOL_2)
    assert not os.listdir(tmp_path)


class Reduced:
    """Pickles as any answer of `__reduce__`."""

    def __init__(self, *answer):
        self.answer = answer

    def __reduce_ex__(self, protocol):
        return self.answer


class Slots:
    __slots__ = ("a",)


class Keywords:
    def __new__(cls, *, a=0):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"a": 1}


def objects():
    command = "touch canary"
    slots = Slots()
    slots.a = 1
    ordered = OrderedDict(a=1)
    ordered.attribute = 1
    return {
        "reduce": Reduced(os.system, (command,)),
        "reduce with state": Reduced(eval, ("1",), {"a": 1}),
        "reduce with items": Reduced(list, (), None, iter([1]), iter([(1, 2)])),
        "reduce with setter": Reduced(OrderedDict, (), 1, None, None, os.system),
        "in a dict": {"arch2infos": {0: Reduced(os.system, (command,))}},
        "as a key": {Reduced(os.system, (command,)): 1},
        "after good data": [1.5, {"a": 2.5}, Reduced(exec, (command,))],
        "arguments of a good name": Reduced(OrderedDict, ([("a", print)],)),
        "argument of an OrderedDict": Reduced(OrderedDict, ([("a", 1)],)),
        "OrderedDict with attributes": ordered,
        "a class": Slots,
        "the allowed class": OrderedDict,
        "the allowed class in a list": [OrderedDict],
        "a function": len,
        "a method": "x".join,
        "an exception": ValueError("x"),
        "an object with slots": slots,
        "an object with keywords": Keywords(),
        "a complex": 1j,
        "a range": range(3),
        "an ellipsis": ...,
        "a type of None": type(None),
        "an array": np.arange(3),
        "an array of objects": np.array([None, {}], dtype=object),
        "a dtype": np.dtype("f8"),
        "a structured dtype": np.dtype([("a", "f8")]),
        "a scalar of another type": np.float16(1),
        "a small scalar": np.int8(1),
        "a bool scalar": np.bool_(True),
        "a text scalar": np.str_("x"),
        "a bytes scalar": np.bytes_(b"x"),
        "a date": np.datetime64("2020-01-01"),
        "a void scalar": np.zeros(1, dtype=[("a", "f8")])[0],
        "a generator": np.random.default_rng(0),
        "a frozenset": frozenset([1]),
        "a bytearray": bytearray(b"x"),
        "a list in itself": (own := [1]).append(own) or own,
        "a dict in itself": (self := {}).update(a=self) or self,
        "a long number": 2**20_000,
        "deep lists": nested(lambda inner: [inner]),
        "deep lists in batches": nested(lambda inner: [inner, 1]),
        "deep dicts": nested(lambda inner: {"a": inner}),
        "deep dicts in batches": nested(lambda inner: {"a": inner, "b": 1}),
        "deep tuples": nested(lambda inner: (inner,)),
        "deep by turns": nested(lambda inner: ([{"a": (inner,)}],)),
        "doubled lists": nested(lambda inner: [inner, inner]),
        "doubled dicts": nested(lambda inner: {"a": inner, "b": inner}),
        "doubled tuples": nested(lambda inner: (inner, inner)),
        "a hundredfold": nested(lambda inner: [inner] * 100, depth=5),
        "a long tuple": tuple(range(17)),
        "colliding keys": {n * (2**61 - 1): 0 for n in range(1500)},
        "colliding floats": {n * float(2**61): 0 for n in range(1500)},
    }


def nested(wrap, depth=50):
    value = [0.5]
    for _ in range(depth):
        value = wrap(value)
    return value


OBJECTS = objects()


@pytest.mark.parametrize("what", OBJECTS)
def test_objects_that_are_no_plain_data_are_refused(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = 0
    for protocol in PROTOCOLS:
        try:
            data = pickle.dumps(OBJECTS[what], protocol)
        except (pickle.PicklingError, TypeError, ValueError):
            continue  # this protocol cannot say it
        assert_refused(data)
        refused += 1
    assert refused >= 2
    assert not os.listdir(tmp_path)


def assert_refused(data):
    begin = time.perf_counter()
    with pytest.raises(DataError) as caught:
        loads(data, NUMPY_PROTOCOL_2)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - begin < 5  # takes milliseconds; bombs take for ever


def u8(size):
    return struct.pack("<Q", size)


def dtype(code, state=b""):
    return b"cnumpy\ndtype\n(" + line(code) + b"I00\nI01\ntR" + state


F8 = dtype("f8")
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
HAND_MADE = {
    "INST": b"(" + line("true") + b"ios\nsystem\n.",
    "INST of an allowed name": b"(icollections\nOrderedDict\n.",
    "OBJ": b"(cos\nsystem\n" + line("true") + b"o.",
    "OBJ of an allowed name": b"(ccollections\nOrderedDict\no.",
    "NEWOBJ": b"ccollections\nOrderedDict\n)\x81.",
    "NEWOBJ_EX": b"ccollections\nOrderedDict\n)}\x92.",
    "PERSID": b"P1\n.",
    "BINPERSID": b"K\x01Q.",
    "EXT1": b"\x82\x01.",
    "EXT2": b"\x83\x01\x00.",
    "EXT4": b"\x84\x01\x00\x00\x00.",
    "NEXT_BUFFER": b"\x97.",
    "READONLY_BUFFER": b"C\x01a\x98.",
    "BYTEARRAY8": b"\x96" + u8(1) + b"a.",
    "BYTEARRAY8 of 8 TB": b"\x96" + u8(1 << 43) + b"a.",
    "STRING": b"S'a'\n.",
    "DUP": b"]2a.",
    "DUP and TUPLE": b")" + b"2\x86" * 60 + b".",
    "POP": b"K\x01K\x020.",
    "POP_MARK": b"K\x01(1.",
    "FROZENSET": b"(K\x01\x91.",
    "LONG4 of 2 GB": b"\x8b\xff\xff\xff\x7fa.",
    "LONG4 of -1": b"\x8b\xff\xff\xff\xffa.",
    "LONG1 too long": b"\x8a\xffa.",
    "BINUNICODE of 4 GB": b"X\xff\xff\xff\xffa.",
    "BINUNICODE8 of 8 TB": b"\x8d" + u8(1 << 43) + b"a.",
    "BINUNICODE8 of 2**64 - 1": b"\x8d" + u8(2**64 - 1) + b"a.",
    "BINBYTES of 4 GB": b"B\xff\xff\xff\xffa.",
    "BINBYTES8 of 8 TB": b"\x8e" + u8(1 << 43) + b"a.",
    "BINBYTES8 of 2**64 - 1": b"\x8e" + u8(2**64 - 1) + b"a.",
    "FRAME of 2**63": b"\x95" + u8(1 << 63) + b"N.",
    "FRAME longer than the file": b"\x95" + u8(3) + b"N.",
    "PROTO 6": b"\x80\x06N.",
    "PROTO 255": b"\x80\xffN.",
    "LONG_BINPUT of 2**32 - 1": b"Nr\xff\xff\xff\xff.",
    "PUT of 2**70": b"Np1180591620717411303424\n.",
    "PUT of -1": b"Np-1\n.",
    "GET of nothing": b"h\x00.",
    "LONG_BINGET of nothing": b"j\xff\xff\xff\xff.",
    "run of LONG_BINGET of nothing": b"}(" + b"j\xff\xff\xff\xffG" + bytes(8) + b"u.",
    "PUT twice": b"Nq\x00Nq\x00\x86.",
    "PUT of an empty stack": b"q\x00.",
    "MEMOIZE after a gap": b"Nq\x05N\x94\x86.",
    "a run of them after a gap": b"Nq\x05}("
    + (b"\x8c\x01a\x94G" + bytes(8)) * 40
    + b"u\x86.",
    "no value": b".",
    "two values": b"NN.",
    "an open mark": b"(.",
    "a value and an open mark": b"N(.",
    "marks without end": b"(" * 100_000 + b".",
    "lists without end": b"]" * 100_000 + b"a" * 99_999 + b".",
    "sets without end": b"]" + (b"(" + b"\x8f" * 1000 + b"e") * 140 + b".",
    "SETITEM of a list": b"]NNs.",
    "SETITEMS of an odd number": b"}(Nu.",
    "SETITEMS without a mark": b"}u.",
    "APPEND to a dict": b"}Na.",
    "APPENDS without a mark": b"]Ne.",
    "ADDITEMS to a list": b"](N\x90.",
    "an unhashable key": b"}]Ns.",
    "an unhashable item": b"\x8f(]\x90.",
    "TUPLE3 of two": b"NN\x87.",
    "TUPLE without a mark": b"Nt.",
    "REDUCE of a number": b"K\x01)R.",
    "REDUCE of text": line("os.system") + b")R.",
    "REDUCE without a tuple": b"ccollections\nOrderedDict\n]R.",
    "REDUCE of nothing": b"R.",
    "BUILD of a dict": b"}}b.",
    "BUILD of an OrderedDict": b"ccollections\nOrderedDict\n)R}b.",
    "BUILD of a class": b"ccollections\nOrderedDict\n}b.",
    "a global alone": b"ccollections\nOrderedDict\n.",
    "a global with a dot": b"ccollections\nOrderedDict.fromkeys\n(]tR.",
    "a global of numbers": b"\x80\x04K\x01K\x02\x93.",
    "a global without a name": b"c\n\n.",
    "a global without an end": b"cos\nsystem",
    "a dtype as data": F8 + b".",
    "a dtype of objects": dtype("O8") + b".",
    "a dtype of bytes": dtype("S8") + b".",
    "a dtype of anything": dtype("V1000000000") + b".",
    "a dtype with fields": b"cnumpy\ndtype\n(]I00\nI01\ntR.",
    "a dtype with metadata": dtype("f8", b"(K\x04}tb") + b".",
    "a dtype of no arguments": b"cnumpy\ndtype\n)R.",
    "a dtype with another byte order": dtype(
        "f8", b"(K\x03" + line(">") + b"NNNI-1\nI-1\nK\x00tb"
    )
    + b".",
    "a scalar of a list": SCALAR + b"(]C\x08" + bytes(8) + b"tR.",
    "a scalar of no bytes": SCALAR + b"(" + F8 + b"tR.",
    "a scalar of text": SCALAR + b"(" + F8 + line("12345678") + b"tR.",
    "a scalar of 7 bytes": SCALAR + b"(" + F8 + b"C\x07" + bytes(7) + b"tR.",
    "a scalar of 16 bytes": SCALAR + b"(" + F8 + b"C\x10" + bytes(16) + b"tR.",
    "encode as rot13": b"c_codecs\nencode\n(" + line("a") + line("rot13") + b"tR.",
    "encode as utf-7": b"c_codecs\nencode\n(" + line("a") + line("utf-7") + b"tR.",
    "encode without a codec": b"c_codecs\nencode\n(" + line("a") + b"tR.",
    "encode a number": b"c_codecs\nencode\n(K\x01" + line("latin1") + b"tR.",
    "encode a euro": b"c_codecs\nencode\n(V\\u20ac\n" + line("latin1") + b"tR.",
    "text that is no UTF-8": b"X\x02\x00\x00\x00\xff\xfe.",
    "a number that is none": b"Ione\n.",
    "a number of 5,000 digits": b"L" + b"9" * 5000 + b"L\n.",
    "a float that is none": b"Fx\n.",
    "an unknown instruction": b"\xff.",
    "nothing": b"",
    "text": b"arch,accuracy\n",
    "a line without an end": b"V" + b"a" * 100_000,
    "bytes after the end": b"N.N",
}


@pytest.mark.parametrize("what", HAND_MADE)
def test_hand_made_programs_are_refused(what):
    assert_refused(HAND_MADE[what])
    for protocol in range(2, 6):
        assert_refused(b"\x80" + bytes([protocol]) + HAND_MADE[what])


def test_filling_a_container_after_it_was_used_is_refused():
    """Or lists that were empty when they were doubled could be filled later."""
    good = b"]q\x00]q\x01(h\x00h\x00e\x86."
    assert loads(good) == ([], [[], []])
    for filled in (b"h\x00K\x01a", b"h\x00(K\x01K\x02e"):
        with pytest.raises(DataError, match="finished"):
            loads(good[:-2] + filled + b"\x87.")


RECORD = {
    "200": {
        ("cifar10", 777): {
            "acc": {n: n / 3 for n in range(5)},
            "names": {f"x@{n}": n / 7 for n in range(5)},
            "params": np.float64(1.5),
            "latency": [np.float64(0.5)],
            "seed": "0777",
            "none": None,
        }
    }
}


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_cut_anywhere_is_refused(protocol):
    data = pickle.dumps(OrderedDict(RECORD), protocol)
    assert loads(data, NUMPY_PROTOCOL_2) == RECORD
    for end in range(len(data)):
        with pytest.raises(DataError):
            loads(data[:end], NUMPY_PROTOCOL_2)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@settings(max_examples=300, deadline=2000)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1)
)
def test_damaged_bytes_are_refused_or_give_a_value(protocol, flips):
    data = bytearray(pickle.dumps(OrderedDict(RECORD), protocol))
    for at, byte in flips:
        data[at % len(data)] = byte
    with contextlib.suppress(DataError):
        loads(bytes(data), NUMPY_PROTOCOL_2)


@settings(max_examples=300, deadline=2000)
@given(
    st.lists(
        st.sampled_from([op.code.encode("latin1") for op in pickletools.opcodes])
        | st.binary(max_size=3)
    ).map(b"".join)
)
def test_arbitrary_programs_are_refused_or_give_a_value(data):
    with contextlib.suppress(DataError):
        loads(data, NUMPY_PROTOCOL_2)


@pytest.fixture
def saved(tmp_path):
    def write(data):
        path = tmp_path / "000000.pickle.pbz2"
        path.write_bytes(data)
        return path

    return write


def test_bz2_files_are_read_up_to_the_limit(saved):
    content = os.urandom(1_500_000)
    for data in (content, b"", b"x", bytes(5_000_000)):
        path = saved(bz2.compress(data))
        assert read_bz2(path, len(data)) == data
        if data:
            with pytest.raises(DataError, match=f"more than {len(data) - 1:,} bytes"):
                read_bz2(path, len(data) - 1)


def test_a_bomb_takes_no_more_memory_than_the_limit(saved):
    path = saved(bz2.compress(bytes(50_000_000)))
    assert path.stat().st_size < 1000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more than 1,000,000 bytes"):
            read_bz2(path, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_streams_of_several_writers_make_one_file(saved):
    path = saved(bz2.compress(b"abc") + bz2.compress(b"") + bz2.compress(b"def"))
    assert read_bz2(path, 6) == b"abcdef"
    with pytest.raises(DataError, match="more than 5"):
        read_bz2(path, 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no bz2 file"),
        (b"B", "incomplete"),
        (b"BZh9", "incomplete"),
        (b"PK\3\4", "no bz2 file"),
        (b"\x80\x04N.", "no bz2 file"),
        (bz2.compress(b"abc") + b"garbage", "no bz2 file"),
        (bz2.compress(b"abc") + b"\0", "no bz2 file"),
        (bz2.compress(b"abc") + b"BZ", "incomplete"),
    ],
)
def test_other_files_are_refused(data, message, saved):
    with pytest.raises(DataError, match=message) as caught:
        read_bz2(saved(data), 1000)
    assert "000000.pickle.pbz2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bz2_file_cut_or_flipped_anywhere_is_refused(saved):
    data = bz2.compress(b"one two three")
    for at in range(len(data)):
        with pytest.raises(DataError):
            read_bz2(saved(data[:at]), 1000)
        flipped = bytearray(data)
        flipped[at] ^= 0x40
        with contextlib.suppress(DataError):
            content = read_bz2(saved(bytes(flipped)), 1000)
            assert content == b"one two three"  # not all bits are used


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*gone: No such file"):
        read_bz2(tmp_path / "gone", 1000)
