"""The line that made the data is followed back in the user's file, and given only if there is no doubt about it."""

import linecache
import textwrap

import pytest

from deeplocalize.frameworks import data_lines
from deeplocalize.frameworks.source import CallSite, calls_in, tree_of

CASES = {
    "the assignment": ("x = load() # here\ny = 1\nfit(x, y)", 0),
    "the argument itself, if it is made there": ("x = load()\nfit(x / 255) # here", 0),
    "the argument's own line": ("fit(\n    load(), # here\n    1,\n)", 0),
    "the last of several assignments": ("x = load()\nx = x / 255 # here\nfit(x)\nx = 3", 0),
    "a change in place": ("x = load()\nx /= 255 # here\nfit(x)", 0),
    "past conversions": ("a = load() # here\nx = torch.from_numpy(a).float().to(device)\nfit(x[batch])", 0),
    "past another shape": ("x = load() # here\nx = x.reshape(-1, 784)\nfit(x)", 0),
    "of targets the shape matters": ("y = load()\ny = y.unsqueeze(1) # here\nfit(1, y)", 1),
    "a key is a way to load": ("d = np.load(p)\nx = d['x'] # here\nfit(x)", 0),
    "a split": ("x = load()\nx, z, y, w = split(x, load()) # here\nfit(x, y)", 1),
    "a tuple": ("x, y = load(), other() # here\nfit(x, y)", 1),
    "a keyword": ("x = load() # here\nfit(b=1, x=x)", 0),
    "a loader of a data set": (
        "x = load()\ny = labels() # here\nd = TensorDataset(torch.tensor(x), y)\n"
        "for i, (a, b) in enumerate(DataLoader(d, 32)):\n    a, b = a.cuda(), b.cuda()\n    fit(a, b)",
        1,
    ),
    "a zip": ("y = labels() # here\nfor a, b in zip(load(), y):\n    fit(a, b)", 1),
    "within a function": ("x = other()\ndef main():\n    x = load() # here\n    fit(x)\nmain()", 0),
    "outside of the function, if it is made once": ("x = load() # here\ndef main():\n    fit(x)\nmain()", 0),
    "the main block is taken": ("if __name__ == '__main__':\n    x = load() # here\n    fit(x)", 0),
}
UNKNOWN = {
    "a parameter": "x = load()\ndef train(x):\n    fit(x)\ntrain(x)",
    "one of two branches": "x = load()\nif big:\n    x = x / 255\nfit(x)",
    "made twice outside of the function": "x = load()\nx = x / 2\ndef main():\n    fit(x)",
    "never made here": "from other import x\nfit(x)",
    "unpacked arguments": "x = load()\nfit(*x)",
    "no argument": "fit()",
    "itself": "x = x\nfit(x)",
    "a loop over numbers": "for x in range(3):\n    fit(x)",
}


@pytest.fixture
def made_at(tmp_path):
    def of(text, position=0, item=None):
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(text))
        for cached in (linecache.clearcache, tree_of.cache_clear, calls_in.cache_clear):
            cached()
        call = next(each for each in calls_in(str(path)) if getattr(each.func, "id", "") == "fit")
        site = CallSite(str(path), call.lineno, (lambda: None).__code__, -2)
        return data_lines.made_at(site, position, "xy"[position], item, targets=position == 1)

    return of


@pytest.mark.parametrize(("text", "position"), CASES.values(), ids=CASES)
def test_the_line_that_made_the_data(made_at, text, position):
    assert "# here" in made_at(text, position).text


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_no_line_where_there_is_doubt(made_at, text):
    assert made_at(text) is None


def test_a_data_set_hands_out_inputs_and_targets(made_at):
    text = "x = load()\ny = labels() # here\nd = Dataset.from_tensor_slices((x, y)).batch(32)\nfit(d)"
    assert "# here" in made_at(text, item=1).text
    assert made_at(text, item=0).text == "x = load()"
