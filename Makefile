# Everything runs in the environment that ./attn makes; nothing needs to be installed by hand.

COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --quiet

# Deno only formats and checks here; what it remembers stays in the project.
export DENO_DIR = .attn/deno
export DENO_NO_UPDATE_CHECK = 1

# Takes files alone, no folders.
DJADE = find attendance courses reports tests users webhooks -name '*.html' -exec ./attn exec djade --target-version 5.2

.PHONY: check style types documents format test coverage soak demo bench docs lock clean

check: style types documents

style:
	./attn exec ruff check .
	./attn exec ruff format --check .
	./attn exec lint-imports --no-cache
	$(DJADE) --check {} +
	./attn exec djlint --quiet --lint attendance courses reports tests users webhooks
	./attn exec deno fmt --check
	./attn exec deno lint
	./attn exec deno check --quiet attendance/static/attendance/*.js
	./attn exec python -m tests.lint

types:
	./attn exec mypy attendance attn_project bench courses demo jobs launcher reports tests users webhooks

documents:
	./attn exec sphinx-build -q -W --keep-going docs docs/_build

format:
	./attn exec ruff check --fix .
	./attn exec ruff format .
	-$(DJADE) {} +
	./attn exec deno fmt

test:
	./attn test

# Measuring takes nearly as long again as the tests do, so it is done before a release.
coverage:
	./attn test --quick --cov --cov-report=
	./attn test --beside --cov --cov-append --cov-report=
	./attn exec coverage report --skip-covered --fail-under=90

# Everything fails at random for a long time: docs/reliability.md.
SECONDS ?= 1200
soak:
	ATTN_SOAK_SECONDS=$(SECONDS) ATTN_SEED=$(SEED) ./attn test tests/faults/soak.py -q -s
	ATTN_SOAK_SECONDS=$(SECONDS) ./attn test tests/webhooks/test_sending.py -k many_drainers \
		-m "" -q -s -o timeout=$$(($(SECONDS) + 300))

demo:
	./attn demo

# Every figure, side by side on servers of their own, written into docs/performance.md. The board
# comes last: its browser leaves a loop behind, in which no other can run.
bench:
	ATTN_WRITE_FIGURES=yes ./attn test bench/persist.py bench/check_in.py bench/rush.py bench/register.py \
		bench/streams.py bench/serving.py bench/rosters.py bench/totals.py bench/growth.py \
		bench/many_lessons.py bench/reports.py bench/board.py -s

docs:
	./attn exec sphinx-build -q -W docs docs/_build

# Writes the locks anew; read them before you commit: no path and no host may be in them.
lock:
	$(COMPILE) requirements/site.in -o requirements.txt
	$(COMPILE) requirements/demo.in -c requirements.txt -o requirements/demo.txt
	$(COMPILE) requirements/parquet.in -c requirements.txt -o requirements/parquet.txt
	$(COMPILE) requirements/dev.in -c requirements.txt -o requirements/dev.txt
	$(COMPILE) --no-deps requirements/postgres.in -o requirements/postgres.txt
	$(COMPILE) --no-deps requirements/redis.in -o requirements/redis.txt
	$(COMPILE) --no-deps requirements/uv.in -o requirements/uv.txt

clean:
	./attn down
	rm -rf .attn docs/_build .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache
