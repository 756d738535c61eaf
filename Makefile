# `make demo` shows what DeepLocalize does, `make test` checks it. Both build .venv when it is missing.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test corpus models lint docs rule

# Finding the fault is what the demo is for, so here exit status 1 (a fault was found) is success.
demo: $(VENV)/demo.stamp
	@$(BIN)/deeplocalize run examples/digits.py; status=$$?; \
	if [ $$status -ne 1 ]; then echo "the demo's fault was not found (exit status $$status)" >&2; exit 1; fi

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadscope -m "not corpus"

# Every program of faults/ on every backend; longer than the tests.
corpus: $(VENV)/test.stamp
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m corpus tests/faults

# Every kind of model as a step-by-step program, on every backend of Keras; longer than the tests.
models: $(VENV)/test.stamp
	DEEPLOCALIZE_ALL_MODELS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/frameworks/keras -k program

# The pages of docs/rules/, from the rules.
docs: $(VENV)/test.stamp
	@$(BIN)/python docs/generate.py

# The files of a new rule, to be filled in: make rule FAMILY NAME, or make rule FAMILY=loop NAME=same-batch-every-step.
# An environment may have a NAME of its own, which is not meant.
WANTED = $(if $(filter command,$(origin NAME)),$(FAMILY) $(NAME),$(wordlist 2,9,$(MAKECMDGOALS)))
rule: $(VENV)/test.stamp
	@$(BIN)/python docs/skeleton.py $(WANTED)

# The words after `rule` are no goals of their own.
ifeq (rule,$(firstword $(MAKECMDGOALS)))
WORDS := $(wordlist 2,9,$(MAKECMDGOALS))
.PHONY: $(WORDS)
$(WORDS): ; @:
endif

lint: $(VENV)/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# PyTorch first and alone: what follows must not bring another build of it.
$(VENV)/torch.stamp:
	@for python in python3.11 python3 ''; do \
		if [ -z "$$python" ]; then echo 'Python 3.11 or newer is needed, as python3.11 or python3 on the PATH' >&2; exit 1; fi; \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	test -x $(BIN)/python || $$python -m venv $(VENV)
	$(PIP) torch==2.13.0
	@touch $@

$(VENV)/demo.stamp: $(VENV)/torch.stamp pyproject.toml
	$(PIP) --editable '.[torch]' 'scikit-learn>=1.5'
	@touch $@

$(VENV)/test.stamp: $(VENV)/torch.stamp pyproject.toml
	$(PIP) --editable '.[torch,keras,jax,tensorflow,test]'
	@touch $@
