# The two commands: `make demo` and `make test`. Everything else is for contributors.
.PHONY: demo test chaos soak check clean

HOTLINE := .venv/bin/hotline
ARGS ?=

demo: ## Set everything up and run one real call; ARGS=--exit stops after it.
	@tools/setup phones
	@$(HOTLINE) demo $(ARGS)

test: ## Set up what the tests need and run them all, on a real Asterisk.
	@tools/setup test -- sip-tester
	@$(HOTLINE) asterisk install
	@$(MAKE) --no-print-directory check
	@.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: ## Hurt a running hotline in every way there is, and see who is still served; ARGS="kill9 --seed 2" picks.
	@tools/setup test -- sip-tester
	@$(HOTLINE) asterisk install
	@.venv/bin/python -m tests.chaos $(ARGS)

soak: ## Half an hour of callers, the daemon killed once a minute; ARGS="--minutes 5 --rate 3" for less.
	@tools/setup test -- sip-tester
	@$(HOTLINE) asterisk install
	@.venv/bin/python -m tests.chaos.soak $(ARGS)

check: ## Types and style.
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy --no-error-summary

clean: ## Remove what set-up and runs have made, recordings and store included.
	@test ! -d .asterisk -a ! -d var || $(HOTLINE) asterisk stop || true
	@rm -rf .venv .asterisk var build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
