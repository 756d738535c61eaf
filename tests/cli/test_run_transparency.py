"""A script under `run` prints, writes, raises and ends as it does under plain Python."""

import sys

import pytest

FACTS = """
import os, pickle, sys, warnings
class Mine: pass
print(sys.argv, sys.path, os.getcwd(), __name__, __file__, sys.flags, warnings.filters[:3], sys.gettrace())
print(sorted(globals()), __spec__, __package__, sys.modules["__main__"].__dict__ is globals())
print({key: value for key, value in sorted(os.environ.items()) if key != "_"})
print(type(pickle.loads(pickle.dumps(Mine()))).__module__, sys.excepthook is sys.__excepthook__, sys.getrecursionlimit())
print("numpy" in sys.modules, "torch" in sys.modules, len(sys._getframe().f_code.co_filename))
"""

ENDINGS = {
    "is empty": "",
    "has a syntax error": "print('never')\ndef f(:\n    pass\n",
    "is no text": "\0\0",
    "raises": "def f():\n    g()\n\n\ndef g():\n    raise ValueError('[bold]no[/]')\n\n\nf()\n",
    "raises from another error": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('x') from error\n",
    "exits with 3": "import sys\nprint('before')\nsys.exit(3)\n",
    "exits with a message": "import sys\nsys.exit('out of disk')\n",
    "leaves at once": "import os\nos._exit(5)\n",
    "raises SystemExit in a thread": "import threading\nt = threading.Thread(target=exit)\nt.start()\nt.join()\nprint('after')\n",
    "raises in a thread": "import threading\nthreading.Thread(target=lambda: 1 / 0, name='t').start()\n",
    "leaves a thread running": (
        "import threading, time, atexit\natexit.register(print, 'exit handler')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\nprint('main')\n"
    ),
    "leaves a pool running": (
        "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\nprint(pool.submit(pow, 2, 5).result())\n"
    ),
    "prints binary": "import sys\nsys.stdout.buffer.write(bytes(range(256)))\n",
    "closes stdout": "import sys\nprint('before', flush=True)\nsys.stdout.close()\n",
    "closes the descriptors": "import os\nprint('before', flush=True)\nos.close(1)\nos.close(2)\n",
    "leaves a line open": "print('no newline', end='')",
    "changes directory": "import os\nos.chdir('/')\nprint(os.getcwd())\n",
    "empties sys.modules": "import sys\nfor name in list(sys.modules):\n    del sys.modules[name]\n",
    "forks": (
        "import os, sys\npid = os.fork()\nprint('child' if pid == 0 else 'parent', flush=True) if pid == 0 else os.waitpid(pid, 0)\n"
        "print('end', flush=True)\n"
    ),
    "spawns a worker that needs __main__": (
        "import multiprocessing\n\n\ndef double(x):\n    return 2 * x\n\n\nif __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        print(pool.map(double, [1, 2]))\n"
    ),
    "starts a Python": "import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import sys; print(sys.path)'])\n",
    "leaves a file open": "f = open('out.txt', 'w')\nf.write('kept')\n",
    "warns": "import warnings\nwarnings.warn('careful')\n",
    "is killed": "import os, signal\nprint('before', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "interrupts itself": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n",
}


@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS)
def test_a_script_prints_and_ends_as_without_us_when_it(shell, source):
    shell.write(source)
    plain = shell.python("train.py")
    files = {path.name: path.read_bytes() for path in shell.work.iterdir()}
    watched = shell.deeplocalize("run", "train.py")
    assert watched.stdout == plain.stdout + b"\nINCONCLUSIVE: no training step was seen\n"
    assert watched.stderr == plain.stderr
    assert {path.name: path.read_bytes() for path in shell.work.iterdir()} == files
    own = plain.returncode if plain.returncode >= 0 else 128 - plain.returncode
    assert watched.returncode == (own or 4)


def test_a_script_cannot_tell_that_it_is_watched(shell):
    shell.write(FACTS)
    arguments = ["train.py", "--format", "json", "-m", "--", "--help", "*"]
    plain = shell.python(*arguments)
    watched = shell.deeplocalize("run", *arguments)
    assert plain.returncode == 0
    assert watched.stdout.startswith(plain.stdout)
    del shell.env["PYTHONPATH"]
    assert shell.deeplocalize("run", *arguments).stdout.startswith(shell.python(*arguments).stdout)


def test_a_module_runs_as_python_runs_it(shell):
    (shell.work / "package").mkdir()
    shell.write("", "package/__init__.py")
    shell.write(FACTS.replace("__spec__", "__spec__.name"), "package/train.py")
    shell.write("raise ValueError", "package/__main__.py")
    plain, watched = shell.python("-m", "package.train", "-x"), shell.deeplocalize("run", "-m", "package.train", "-x")
    assert plain.returncode == 0
    assert watched.stdout.startswith(plain.stdout)
    plain, watched = shell.python("-m", "package"), shell.deeplocalize("run", "-m", "package")
    assert watched.stderr == plain.stderr
    assert watched.returncode == plain.returncode == 1


def test_the_users_own_sitecustomize_is_imported(shell):
    shell.write("import sys\nsys.mark = 'mine'\n", "sitecustomize.py")
    shell.write("import sys, sitecustomize\nprint(sys.mark, sitecustomize.__file__)\n")
    shell.env["PYTHONPATH"] = str(shell.work)
    assert shell.deeplocalize("run", "train.py").stdout.startswith(b"mine " + bytes(shell.work / "sitecustomize.py"))


def test_a_module_of_the_users_with_a_librarys_name_does_not_reach_us(shell):
    shell.write("print('fine')\n")
    for name in ("random.py", "click.py", "json.py", "tempfile.py"):
        shell.write("raise RuntimeError('not for you')", name)
    watched = shell.deeplocalize("run", "train.py")
    assert (watched.stderr, watched.returncode) == (b"", 4)


def test_the_flags_of_the_interpreter_are_the_scripts_too(shell):
    shell.write("import sys, warnings\nprint(sys.flags.optimize, sys._xoptions)\nwarnings.warn('x')\n")
    watched = shell.python("-O", "-W", "error", "-X", "importtime=0", "-m", "deeplocalize", "run", "train.py")
    assert watched.stdout.startswith(b"1 {'importtime'")
    assert b"UserWarning: x" in watched.stderr
    assert watched.returncode == 1


def test_a_descriptor_from_the_shell_reaches_the_script(shell):
    shell.write("import sys\nprint(open(sys.argv[1]).read())\n")
    command = f'"{sys.executable}" -m deeplocalize run train.py <(echo hello)'
    assert shell.python("-c", f"import subprocess; subprocess.run(['bash', '-c', {command!r}])").stdout.startswith(
        b"hello"
    )
