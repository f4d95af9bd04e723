# The commands of Tallystick; `make help` lists them. Meson and Ninja do the building.
# Options are given as in the environment: make run TALLYSTICK_GATEWAY_PORT=18080. The event bus and
# the key store too: make run BUS=postgres|kafka|sns-sqs KEYSTORE=none|dynamodb

.DEFAULT_GOAL := help
.PHONY: test-faults
.PHONY: help run build test test-matrix test-compose image dist check bench bench-parts
.PHONY: bench-overload bench-profile bench-tracing fuzz fuzz-contract simulate test-mutations lint format clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: build ## build, start a private PostgreSQL (BUS=kafka: and Kafka) and the services, show logs
	@tools/run

build: ## build into build/
	@tools/setup run
	@[ -e build/build.ninja ] || meson setup build
	@ninja -C build

test: ## install what tests need, then check, build with gcc and clang, run every test
	@tools/test

test-matrix: ## system tests over every event bus with every key store (half an hour)
	@tools/test-matrix

test-faults: ## kill rounds under load: ROUNDS=20 SEED=n BUS=kafka KEYSTORE=dynamodb (7 s a round)
	@tools/test-faults

test-compose: ## docker-compose up and docker compose up, with faults (root; many minutes)
	@tools/test-compose

fuzz-contract: ## requests that fit contracts/openapi.yaml, or do not: SECONDS=60 SEED=1
	@tools/setup test
	@tools/venv
	@[ -e build-asan/build.ninja ] || CC=gcc meson setup --werror -Dtests=enabled build-asan \
	  -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan
	@TALLYSTICK_FUZZ_SECONDS=$(or $(SECONDS),60) TALLYSTICK_TEST_SEED=$(or $(SEED),$(strip $(shell od -An -N3 -tu4 /dev/urandom))) \
	  .venv/bin/pytest -s tests/system/test_contract_fuzz.py -k as_declared

simulate: build ## RUNS schedules of the real services under a seeded scheduler, from SEED on
	@tools/setup test
	@build/tests/simulation/simulate --runs $(or $(RUNS),100000) $(or $(SEED),1)

test-mutations: build ## break one rule of the sources at a time: the simulation must notice (minutes)
	@tools/setup test
	@tests/simulation/mutations.py --build build

fuzz: ## libFuzzer on every target: SECONDS=60 for each, TARGET="http json", SEED=
	@tools/setup test
	@tools/venv
	@tools/build-fuzz
	@.venv/bin/python tests/fuzz/run.py --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) $(TARGET)

image: ## build the container image tallystick:local
	@docker build -f deploy/Dockerfile -t tallystick:local --build-arg VERSION=$$(cat VERSION) \
	  --build-arg REVISION=$$(git rev-parse HEAD) \
	  --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .

dist: build ## make the source archive of this commit and its checksum in build/meson-dist/
	@meson dist -C build --no-tests --formats gztar

check: ## layout, sizes, names and the include rule of the sources
	@tools/setup test
	@tools/check

bench: build ## floors and ourselves in turn (20 minutes): ONLY="floors 256 hot" ROUNDS=2 BUS=kafka
	@tools/setup test $(if $(filter kafka sns-sqs,$(BUS)),$(BUS))
	@tools/venv
	@.venv/bin/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(BUS),--bus $(BUS)) $(if $(SOAK),--soak) \
	  $(if $(GROWN),--grown $(if $(filter 1,$(GROWN)),10000000,$(GROWN)))

bench-profile: build ## where a load's CPU goes: LOAD=256 ALONE=1 BOOKED=1 STATEMENTS=1 WHO=gateway
	@tools/setup test
	@tools/venv
	@.venv/bin/python -m bench.profile --load $(or $(LOAD),256) $(if $(ALONE),--alone) \
	  $(if $(BOOKED),--booked) $(if $(STATEMENTS),--statements) $(if $(WHO),--who $(WHO))

bench-parts: build ## booked transactions a second over each event bus and key store (minutes)
	@tools/setup kafka dynamodb sns-sqs test
	@tools/venv
	@.venv/bin/python bench/parts.py

bench-overload: build ## what the door does when more is asked than fits (three minutes)
	@tools/setup test
	@tools/venv
	@.venv/bin/python bench/overload.py

bench-tracing: build ## what traces cost, sampled and whole, and a collector that is away (minutes)
	@tools/setup test
	@tools/venv
	@.venv/bin/python bench/tracing.py

lint: build ## static analysis by clang-tidy (minutes)
	@tools/setup test
	@tools/lint

format: ## lay out the C sources
	@git ls-files '*.[ch]' | xargs clang-format -i

clean: ## delete what building made; the data below var/ stay
	@rm -rf build build-gcc build-clang build-asan build-fuzz
