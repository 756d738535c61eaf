"""Which lines of a file belong to what a training does in each step."""

import dis

import pytest

from deeplocalize.frameworks.source import CallSite, outermost_loop, place, runs_beside

SCRIPT = """\
load = total / 7


def nll(mean, sigma, target):
    return log(sigma) + (target - mean) / sigma


for epoch in range(3):
    scale = epoch / 3
    for rows in batches:
        loss = nll(model(rows), 1, rows)
        loss.backward()
score = right / count
"""


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    code = compile(SCRIPT, str(path), "exec")
    return CallSite(str(path), 12, code, 0)


@pytest.mark.parametrize(("line", "part"), [(1, False), (5, True), (9, True), (11, True), (13, False)])
def test_what_stands_outside_of_the_loop_and_of_any_function_is_no_part_of_a_step(site, line, part):
    assert runs_beside(site.filename, line, site) is part


def test_the_outermost_loop_is_found(site):
    assert outermost_loop(site).line == 8


def test_of_a_long_line_the_comment_for_us_is_kept(tmp_path):
    path = tmp_path / "train.py"
    comment = "# deeplocalize: ignore[dead-units]"
    path.write_text(f"x = {'1 + ' * 100}1  {comment}\ny = {'1 + ' * 100}1  # why\nz = 1  {comment}\n")
    texts = [place(str(path), line).text for line in (1, 2, 3)]
    assert [len(text) for text in texts] == [200, 200, 41]
    assert [text.endswith(comment) for text in texts] == [True, False, True]
    assert texts[0].startswith("x = 1 + 1")


def test_a_call_is_the_same_up_to_its_last_instruction_and_no_other_is():
    code = compile("first(x) + second(x)\n", "program.py", "exec")
    one, other = (
        CallSite("program.py", 1, code, each.offset)
        for each in dis.get_instructions(code)
        if each.opname.startswith("CALL")
    )
    later = CallSite("program.py", 1, code, one.instruction + 2)
    assert one.is_same_call(one) and one.is_same_call(later)
    assert not one.is_same_call(other)
    assert not one.is_same_call(CallSite("program.py", 1, code.replace(co_name="another"), one.instruction))
