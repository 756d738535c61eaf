import numpy as np
import pytest

from deeplocalize.errors import TraceError
from deeplocalize.testing import make_layer, make_run
from deeplocalize.trace import Series, TraceLog, read_traces


def record_three_steps(path):
    log = TraceLog(path)
    recorder = log.recorder()
    recorder.describe(run=make_run(), layers=[make_layer(0), make_layer(1)])
    for step in range(3):
        recorder.sample(step, {Series("weight", "rms"): [step, 2.0]})
        recorder.step(step, {"loss": 1.0 / (step + 1)}, "fbs")
    recorder.finish("completed")
    log.close()
    return recorder.trace()


def test_what_is_read_from_the_file_is_what_was_recorded(tmp_path):
    recorded = record_three_steps(tmp_path / "a.trace")
    (read,) = read_traces(tmp_path / "a.trace")
    assert read.run == recorded.run
    assert read.layers == recorded.layers
    assert read.complete
    np.testing.assert_array_equal(read.scalar("loss"), [1.0, 0.5, np.float64(1 / 3)])
    np.testing.assert_array_equal(read.series("weight", "rms"), [[0, 2], [1, 2], [2, 2]])
    assert [read.orders[index] for index in read.order] == ["fbs"] * 3


def test_a_trace_cut_off_anywhere_is_read_up_to_the_last_whole_record_or_refused_in_one_line(tmp_path):
    record_three_steps(tmp_path / "a.trace")
    whole = (tmp_path / "a.trace").read_bytes()
    for length in range(0, len(whole), 7):
        cut = tmp_path / "cut.trace"
        cut.write_bytes(whole[:length])
        try:
            traces = read_traces(cut)
        except TraceError as error:
            assert str(cut) in str(error)
            assert "\n" not in str(error)
        else:
            assert all(not trace.complete for trace in traces)


def test_a_flipped_bit_is_noticed(tmp_path):
    record_three_steps(tmp_path / "a.trace")
    whole = (tmp_path / "a.trace").read_bytes()
    seen = read_traces(tmp_path / "a.trace")
    for at in range(0, len(whole), 101):
        flipped = bytearray(whole)
        flipped[at] ^= 0x40
        (tmp_path / "b.trace").write_bytes(flipped)
        try:
            traces = read_traces(tmp_path / "b.trace")
        except TraceError as error:
            assert str(error).startswith(str(tmp_path / "b.trace"))
            continue
        # Read all the same: the bit stands in what nobody reads, or it makes the rest look cut off.
        assert all(not trace.complete for trace in traces) or [trace.run for trace in traces] == [
            each.run for each in seen
        ]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n", b"\x93NUMPY\x01\x00garbage", b"\x93NUMPY" * 400])
def test_a_foreign_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(TraceError, match="foreign"):
        read_traces(path)


def test_a_trace_never_overwrites_a_file(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(TraceError, match="exists already"):
        TraceLog(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"
