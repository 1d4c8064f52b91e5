# Builds lstm_ext.so (the SQLite extension) and lstm-train (the tool that trains its models). One file for GNU make,
# objects under build/. Start with `make demo`; `make help` lists the targets.

SHELL  := /bin/bash

BUILD  := build
PREFIX := /usr/local
WERROR := -Werror
ifeq ($(origin CC),default)
CC     := gcc
endif
ifeq ($(origin CXX),default) # for the CUDA backend only
CXX    := $(if $(findstring clang,$(CC)),clang++,g++)
endif
NVCC      := $(shell command -v nvcc)
CUDA_HOME := $(or $(patsubst %/bin/nvcc,%,$(NVCC)),/usr/local/cuda)

# Sources: what lies in a folder belongs to it.

MODEL_SRC := $(wildcard model/*.c)
EXT_SRC   := $(wildcard ext/*.c ext/*.S)
TRAIN_SRC := $(wildcard train/*.c)
TEST_SRC  := $(wildcard tests/test_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
SHARED_TEST_SRC := $(filter-out tests/test_% tests/fuzz_%,$(wildcard tests/*.c)) # what several tests use

objects = $(addprefix $(BUILD)/,$(addsuffix .o,$(basename $(1))))

MODEL_OBJ  := $(call objects,$(MODEL_SRC))
EXT_OBJ    := $(call objects,$(EXT_SRC))
STATIC_OBJ := $(EXT_OBJ:$(BUILD)/ext/%=$(BUILD)/ext_static/%)
TRAIN_OBJ  := $(call objects,$(TRAIN_SRC))
TESTS      := $(TEST_SRC:%.c=$(BUILD)/%)
BENCH_OBJ  := $(call objects,$(BENCH_SRC))

# The only place where instruction sets meet flags: model/cpu_<isa>.c is compiled with ISA_<isa>, everything else for
# the baseline of the architecture. Contraction is off so that a fused multiply-add stands only where we wrote one.

ISA_avx2       := -mavx2 -mfma -mf16c
ISA_avxvnni    := $(ISA_avx2) -mavxvnni
ISA_avx512     := $(ISA_avx2) -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
ISA_avx512vnni := $(ISA_avx512) -mavx512vnni
ISA_avx512bf16 := $(ISA_avx512) -mavx512bf16
ISA_sha        := -msha -msse4.1

WARNINGS := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
            -Wconversion -Wsign-conversion -Wformat=2 $(WERROR)
CPPFLAGS := -I. -D_POSIX_C_SOURCE=200809L -MMD -MP
ifdef SANITIZE # address,undefined or thread; give another BUILD with it. Sanitizers make gcc warn of what is not so: -w
OPTIMISE := -O1
KERNELS  := -O2
CFLAGS   := -w -g1 -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS  := -fsanitize=$(SANITIZE)
else
OPTIMISE := -O2
KERNELS  := -O3
CFLAGS   := -g
LDFLAGS  :=
SO_DEFS  := -Wl,-z,defs
endif

COMPILE := $(CC) -std=c11 -ffile-prefix-map=$(CURDIR)=. $(CPPFLAGS) -fPIC -fvisibility=hidden -ffp-contract=off \
           -fno-math-errno $(WARNINGS) $(CFLAGS)
isa      = $(ISA_$(patsubst cpu_%,%,$(filter cpu_%,$(basename $(notdir $(1))))))
level    = $(if $(filter cpu_%,$(notdir $(1))),$(KERNELS),$(OPTIMISE))
LIBS    := -l:libutf8proc.a -lm -lpthread -ldl

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY: # keep every object
.PHONY: all help deps demo test unit sql-tests job-tests readme-tests check fuzz bench lint format train-default
.PHONY: install clean FORCE

all: lstm_ext.so $(BUILD)/lstm-train

lstm_ext.so: $(BUILD)/lstm_ext.so
	@cp $< $@.new && mv -f $@.new $@ # whole at every moment: somebody may have it loaded

$(BUILD)/lstm_ext.so: $(EXT_OBJ) $(MODEL_OBJ) $(BUILD)/sources
	@echo "  LD  $@"
	@$(CC) -shared $(LDFLAGS) -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now,-z,noexecstack $(SO_DEFS) -o $@ \
	    $(filter %.o,$^) $(LIBS)

# The tool and the tests have the extension inside; from the archive each takes only what it uses.
GPU_PLAIN_OBJ := $(call objects,$(addprefix gpu/,plan.c packing.c packing_decoder.c round.c)) # what needs no CUDA
$(BUILD)/liblstm.a: $(MODEL_OBJ) $(STATIC_OBJ) $(GPU_PLAIN_OBJ) $(filter-out %/main.o,$(TRAIN_OBJ)) \
                    $(call objects,$(SHARED_TEST_SRC)) $(BUILD)/sources
	@mkdir -p $(@D)
	@rm -f $@.new && ar rcs $@.new $(filter %.o,$^) && mv $@.new $@

$(BUILD)/lstm-train: $(BUILD)/train/main.o $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ -lsqlite3 $(LIBS)

$(TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lsqlite3 $(LIBS)

# It puts failures of its own in front of the scorer.
$(BUILD)/tests/test_score_rows: private LDFLAGS += -Wl,--wrap=lstm_worker_classify

# Fakes of the plug-in with CUDA's backends; one of them needs a library that is not found.
FAKES := $(patsubst tests/plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard tests/plugins/*.c))
$(BUILD)/tests/test_plugin $(BUILD)/tests/test_ext_device: | $(FAKES)
$(BUILD)/plugins/%.so: $(BUILD)/tests/plugins/%.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) -shared $(LDFLAGS) -o $@ $< $(if $(findstring needy,$@),-L$(@D)/hidden -labsent)
$(BUILD)/plugins/needy.so: $(BUILD)/plugins/hidden/libabsent.so
$(BUILD)/plugins/hidden/libabsent.so: FORCE
	@mkdir -p $(@D)
	@[ -e $@ ] || echo 'int something_absent(void) { return 0; }' | $(CC) -shared -fPIC -x c -o $@ -

$(BUILD)/bench/bench: $(BENCH_OBJ) $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $^ -lsqlite3 $(LIBS)

# Compiling. $(BUILD)/flags changes when the compiler or its flags do, and everything is compiled again.

define compile
@mkdir -p $(@D)
@echo "  CC  $<"
@$(COMPILE) $(call level,$<) $(call isa,$<) $(1) -c -o $@ $<
endef

$(BUILD)/ext_static/%.o: ext/%.c $(BUILD)/flags
	$(call compile,-DSQLITE_CORE)

$(BUILD)/ext_static/%.o: ext/%.S $(BUILD)/flags
	$(call compile,-DSQLITE_CORE)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call compile)

$(BUILD)/%.o: %.S $(BUILD)/flags
	$(call compile)

# What the assembler's .incbin reads is in no dependency file.
$(call objects,$(filter %.S,$(EXT_SRC))) $(STATIC_OBJ): $(wildcard sql/schema.sql model/*.safetensors)

# It changes when a source comes, goes or moves: a library without it is older than none of its objects.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@sources='$(MODEL_SRC) $(EXT_SRC) $(TRAIN_SRC) $(SHARED_TEST_SRC) $(GPU_PLAIN_OBJ)'; \
	echo "$$sources" | cmp -s - $@ || echo "$$sources" > $@

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@flags='$(COMPILE) $(OPTIMISE) $(KERNELS) $(ISA_avxvnni) $(ISA_avx512vnni) $(ISA_avx512bf16) $(ISA_sha) \
	    $(CUDA_COMPILE) $(NVCC_FLAGS)'; \
	echo "$$flags" | cmp -s - $@ || echo "$$flags" > $@

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# The CUDA backend. nvcc makes lstm_cuda.so of it, which the extension looks for beside itself. Wherever CUDA's headers
# are, the same sources are compiled for the CPU too, and run on tests/cuda_host, a test double of CUDA.

CUDA_ARCHS     := 75 80 86 89 90 100 120
CUDA_HEADERS   := $(and $(wildcard $(CUDA_HOME)/include/cuda_runtime.h),$(wildcard \
                  $(CUDA_HOME)/include/cublas_v2.h),$(shell command -v $(CXX)))
NO_CUDA_HEADERS := SKIPPED: the CUDA backend on the CPU: it needs $(CXX) and CUDA's headers in $(CUDA_HOME)/include, \
                   NVIDIA's packages cuda-nvcc-13-0, cuda-cudart-dev-13-0, cuda-cccl-13-0 and libcublas-dev-13-0
GPU_C          := $(call objects,$(wildcard gpu/*.c))
GPU_CU         := $(wildcard gpu/*.cu)
NVCC_OBJ       := $(GPU_CU:gpu/%.cu=$(BUILD)/nvcc/%.o)
CUDA_HOST_TEST := $(addprefix $(BUILD)/,$(basename $(wildcard tests/cuda_host/test_*)))
# Of the emulation. `make test` runs them in their short form, `make gpu-host-test` thoroughly.
GPU_TESTS      := $(if $(CUDA_HEADERS),$(CUDA_HOST_TEST))
CUDA_HOST_OBJ  := $(call objects,$(wildcard tests/cuda_host/*.cc))
CUDA_HOST_GPU  := $(GPU_C) $(GPU_CU:gpu/%.cu=$(BUILD)/cuda_host/%.o)
CUDA_INCLUDES  := -isystem $(CUDA_HOME)/include -isystem $(CUDA_HOME)/include/cccl

# No frame in memory, no spill; ptxas tells what each kernel takes, and tests/gpu_resources.sh makes a table of it.
NVCC_FLAGS := -std=c++17 -O3 -I. -MMD -MP \
              $(foreach arch,$(CUDA_ARCHS),-gencode arch=compute_$(arch),code=sm_$(arch)) \
              -gencode arch=compute_$(lastword $(CUDA_ARCHS)),code=compute_$(lastword $(CUDA_ARCHS)) \
              -Werror all-warnings -Xptxas -v,--warn-on-spills,--warn-on-local-memory-usage \
              -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra

# NVIDIA's half is no trivial type for other compilers, and they do not know the pragma that unrolls.
CXX_COMPILE  := $(CXX) -std=c++17 -ffile-prefix-map=$(CURDIR)=. -MMD -MP -fPIC -fvisibility=hidden \
                -ffp-contract=off $(OPTIMISE) -Wall -Wextra $(WERROR)
CUDA_COMPILE := $(CXX_COMPILE) -Itests/cuda_host/twins -I. $(CUDA_INCLUDES) -include tests/cuda_host/simt.h \
                -Wno-unknown-pragmas $(if $(findstring clang,$(CXX)),,-Wno-class-memaccess)

.PHONY: gpu gpu-host-test gpu-host-unit gpu-host-sql
gpu:
	@if [ -n "$(NVCC)" ]; then $(MAKE) --no-print-directory lstm_cuda.so; \
	else echo "SKIPPED: lstm_cuda.so: there is no nvcc on the PATH"; fi

lstm_cuda.so: $(BUILD)/lstm_cuda.so
	@cp $< $@.new && mv -f $@.new $@

$(BUILD)/lstm_cuda.so: $(NVCC_OBJ) $(GPU_C) $(BUILD)/liblstm.a
	@tests/gpu_resources.sh $(NVCC_OBJ:.o=.log) | tee $(BUILD)/nvcc/resources.txt
	@echo "  LD  $@"
	@$(NVCC) -shared -cudart static -o $@ $(filter-out %.a,$^) -L$(@D) -llstm -lcublas -lpthread \
	    -Xlinker --exclude-libs,ALL,-z,relro,-z,now,-z,noexecstack

$(BUILD)/nvcc/%.o: gpu/%.cu $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  NVCC $<"
	@$(NVCC) $(NVCC_FLAGS) -c -o $@ $< > $(@:.o=.log) 2>&1 || { cat $(@:.o=.log); exit 1; }

$(GPU_C): CPPFLAGS += -isystem $(CUDA_HOME)/include

$(BUILD)/tests/cuda_host/cublas.o: OPTIMISE := -O3 # products in plain loops: whoever tests waits for them

# The double is never built with -fsanitize=thread: what it does is the hardware's doing.
$(BUILD)/tests/cuda_host/%.o: tests/cuda_host/%.cc $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CXX $<"
	@$(CXX_COMPILE) -I. $(CUDA_INCLUDES) $(if $(findstring thread,$(CFLAGS)),-w -g,$(CFLAGS)) -c -o $@ $<

$(BUILD)/tests/cuda_host/%.o: tests/cuda_host/%.cu $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CXX $<"
	@$(CUDA_COMPILE) $(CFLAGS) -x c++ -c -o $@ $<

$(BUILD)/cuda_host/%.o: gpu/%.cu $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CXX $<"
	@$(CUDA_COMPILE) $(CFLAGS) -x c++ -c -o $@ $<

$(CUDA_HOST_TEST): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/cuda_host/machine.o $(CUDA_HOST_OBJ) $(CUDA_HOST_GPU) \
                   $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CXX) $(CFLAGS) -o $@ $^ -lcmocka -lsqlite3 $(LIBS) -ldl

# The plug-in itself, with a CUDA of its own inside.
$(BUILD)/cuda_host/lstm_cuda.so: $(CUDA_HOST_OBJ) $(CUDA_HOST_GPU) $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CXX) -shared $(CFLAGS) $(LDFLAGS) -Wl,--exclude-libs,ALL $(SO_DEFS) -o $@ $^ $(LIBS)

gpu-host-unit: $(GPU_TESTS)
	@tests/run_unit.sh $(BUILD)/tests/logs $(GPU_TESTS)

gpu-host-sql: $(BUILD)/lstm_ext.so $(BUILD)/cuda_host/lstm_cuda.so
	@tests/run_sql.sh $< tests/cuda_host/shell.sql

# What a developer runs: all paths with four seeds, the extension in the shell, each of the sanitizers. SHORT=1: each
# set of kernels once. The shipped models' tables take the sanitizers minutes and show them nothing new.
SANITIZED_GPU_TESTS = $(patsubst $(BUILD)/%,build/$(1)/%, \
                        $(filter-out %/test_shipped %/test_shipped_summaries,$(GPU_TESTS)))
gpu-host-test:
	@[ -n "$(CUDA_HEADERS)" ] || { echo "$(strip $(NO_CUDA_HEADERS))"; exit 0; }; \
	unset CUDA_HOST_SEEDS; $(if $(SHORT),,export CUDA_HOST_SEEDS=4;) \
	$(MAKE) --no-print-directory gpu-host-unit gpu-host-sql && \
	{ $(if $(SHORT),,export CUDA_HOST_SEEDS=1;) \
	$(MAKE) --no-print-directory CC=gcc BUILD=build/asan SANITIZE=address,undefined gpu-host-unit \
	    GPU_TESTS="$(call SANITIZED_GPU_TESTS,asan)" && \
	$(MAKE) --no-print-directory CC=gcc BUILD=build/tsan SANITIZE=thread gpu-host-unit \
	    GPU_TESTS="$(call SANITIZED_GPU_TESTS,tsan)" && \
	if echo 'int main(void) { return 0; }' | clang -fsanitize=memory -x c - -o /dev/null 2> /dev/null; then \
	    echo "SKIPPED: planted faults under MemorySanitizer, which tells four of them in words of its own"; \
	    $(MAKE) --no-print-directory CC=clang BUILD=build/msan SANITIZE=memory gpu-host-unit \
	        GPU_TESTS="$(filter-out %/test_faults,$(call SANITIZED_GPU_TESTS,msan))"; \
	else echo "SKIPPED: the CUDA backend under MemorySanitizer: no clang with it here"; fi; }

# On a machine with a GPU: everything that cannot be shown without one, into one report. What is missing is a failure.
GPU_CHECKS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/gpu/*.c))
$(GPU_CHECKS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lsqlite3 $(LIBS)

.PHONY: gpu-check
gpu-check: $(GPU_CHECKS)
	@[ -n "$(NVCC)" ] || { echo "gpu-check: there is no nvcc on the PATH"; exit 1; }
	@$(MAKE) --no-print-directory lstm_cuda.so
	@tests/gpu/check.sh $(BUILD) $(CURDIR)/lstm_cuda.so $(BUILD)/gpu-report.md

# What a Debian or Ubuntu needs to build and test; nothing happens when all of it is there.

PACKAGES := gcc libc6-dev sqlite3 libsqlite3-dev libutf8proc-dev libcmocka-dev xz-utils

deps:
	@command -v dpkg-query > /dev/null && command -v apt-get > /dev/null || \
	    { echo "not a Debian: needed are the equivalents of $(PACKAGES)"; exit 0; }; \
	missing=; \
	for package in $(PACKAGES); do \
	    dpkg-query -W -f '$${db:Status-Status}' $$package 2> /dev/null | grep -qx installed || \
	        missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	[ "$$(id -u)" -eq 0 ] && sudo= || sudo=sudo; \
	echo "installing$$missing"; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

SQLITE := sqlite3 -batch -init /dev/null

demo: deps
	@$(MAKE) --no-print-directory all
	@rm -f $(BUILD)/demo.db
	@$(SQLITE) $(BUILD)/demo.db < sql/demo_reviews.sql
	@$(SQLITE) $(BUILD)/demo.db < sql/demo.sql
	@echo "The database is $(BUILD)/demo.db, the queries are sql/demo.sql."

# Tests. `test` is what a user runs; it needs neither Python nor a corpus and says what it skips.

TEST_PARTS := unit sql-tests job-tests readme-tests $(if $(GPU_TESTS),gpu-host-unit)

test: deps
	@$(MAKE) --no-print-directory all $(TESTS) $(GPU_TESTS)
	@$(if $(GPU_TESTS),,echo "$(strip $(NO_CUDA_HEADERS))")
	@for part in $(TEST_PARTS); do $(MAKE) --no-print-directory $$part; done | \
	    tee $(BUILD)/test.log; \
	awk '/: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped/ { \
	         sub(/.*: /, ""); passed += $$1; failed += $$3; skipped += $$5; parts++ } \
	     END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; \
	           exit failed || parts != $(words $(TEST_PARTS)) }' $(BUILD)/test.log

unit: $(TESTS)
	@tests/run_unit.sh $(BUILD)/tests/logs $(TESTS)

sql-tests: $(BUILD)/lstm_ext.so
	@tests/run_sql.sh $< $(wildcard tests/sql/*.sql)

job-tests: $(BUILD)/lstm_ext.so
	@tests/jobs.sh $<

readme-tests: all
	@tests/readme.sh

# What a developer runs before a commit; SHORT=1 is what the CI does. Each part says what it skips and why.

FUZZ_SECONDS  := $(if $(SHORT),10,120)
THREAD_TESTS  := $(filter $(addprefix %/,test_ext test_registry test_run test_ext_summaries test_encoder \
                   test_scorer test_result_cache test_cluster),$(TESTS))

.PHONY: check-asan check-threads check-clang check-objects check-headers check-readahead check-oracles
check: all check-objects check-headers lint check-clang check-asan check-threads gpu-host-test fuzz check-readahead \
       check-oracles
	@echo "check: all passed"

check-objects: all
	@tests/check_symbols.sh $(BUILD)

check-headers:
	@ISA_avx2="$(ISA_avx2)" ISA_avxvnni="$(ISA_avxvnni)" ISA_avx512="$(ISA_avx512)" \
	    ISA_avx512vnni="$(ISA_avx512vnni)" ISA_avx512bf16="$(ISA_avx512bf16)" tests/check_headers.sh gcc clang

check-clang:
	@if command -v clang > /dev/null; then $(MAKE) --no-print-directory CC=clang BUILD=build/clang unit; \
	else echo "SKIPPED: the tests built by clang: no clang here"; fi

check-asan:
	@SQL_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    $(MAKE) --no-print-directory CC=gcc BUILD=build/asan SANITIZE=address,undefined unit sql-tests

check-threads:
	@$(if $(THREAD_TESTS),$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread unit \
	    TESTS="$(THREAD_TESTS:$(BUILD)/%=build/tsan/%)",echo "SKIPPED: ThreadSanitizer: no test uses threads")

check-readahead: $(filter %/test_readahead %/test_readahead_hazards %/test_readahead_random %/test_readahead_faults \
                   %/test_interrupts,$(TESTS))
	@READAHEAD_STATEMENTS=$(if $(SHORT),10000,50000) READAHEAD_FAULTS=$(if $(SHORT),20,100) \
	    tests/run_unit.sh $(BUILD)/tests/logs $(BUILD)/tests/test_readahead_random $(BUILD)/tests/test_readahead_faults
	@READAHEAD_STATEMENTS=$(if $(SHORT),1000,6000) tests/check_sqlite_versions.sh $(BUILD)

# Oracles are independent: Python's sqlite3 module, PyTorch. Debian's python3 is the one that may have PyTorch.
check-oracles: all
	@for oracle in $(wildcard tests/check_*.py); do \
	    if grep -q '^import torch' $$oracle && ! /usr/bin/python3 -c 'import torch' 2> /dev/null; then \
	        echo "SKIPPED: $$oracle: no PyTorch for /usr/bin/python3"; \
	    elif ! command -v /usr/bin/python3 > /dev/null; then \
	        echo "SKIPPED: $$oracle: no /usr/bin/python3"; \
	    else \
	        echo "$$oracle" && /usr/bin/python3 $$oracle || exit 1; \
	    fi; \
	done

FUZZERS := $(patsubst tests/%.c,%,$(wildcard tests/fuzz_*.c))

fuzz:
	@if ! echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	    clang -fsanitize=fuzzer -x c - -o /dev/null 2> /dev/null; then \
	    echo "SKIPPED: $(FUZZERS): no clang with libFuzzer (libclang-rt-dev) here"; \
	else \
	    for fuzzer in $(FUZZERS); do \
	        $(MAKE) --no-print-directory CC=clang BUILD=build/fuzz SANITIZE=address,undefined,fuzzer-no-link \
	            build/fuzz/$$fuzzer || exit 1; \
	        mkdir -p build/fuzz/corpus; \
	        build/fuzz/$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
	            -artifact_prefix=build/fuzz/ build/fuzz/corpus tests/data > build/fuzz/$$fuzzer.log 2>&1 || \
	            { tail -n 40 build/fuzz/$$fuzzer.log; exit 1; }; \
	        echo "$$fuzzer: $$(tail -n 1 build/fuzz/$$fuzzer.log)"; \
	    done; \
	fi

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz_%.o $(BUILD)/liblstm.a
	@echo "  LD  $@"
	@$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ -lsqlite3 $(LIBS)

# How fast this machine is, beside other LSTMs where they are installed (tests/bench/peer.h); BENCH='int8 threads' for
# some of the parts, LSTM_DATA for the reviews of IMDb as texts. bench-chart draws the chart of the README.

BENCH       :=
BENCH_TEXTS := $(BUILD)/bench/$(if $(wildcard $(LSTM_DATA)/imdb_test.csv.xz),imdb,demo).db

.PHONY: bench-chart bench-peers
bench: $(BUILD)/bench/bench $(BENCH_TEXTS) bench-peers
	@$< $(BENCH_TEXTS) $(BENCH)

bench-chart: $(BUILD)/bench/bench $(BENCH_TEXTS) bench-peers
	@$< $(BENCH_TEXTS) chart > $(BUILD)/bench/chart.tsv
	@awk -f tests/bench/chart.awk $(BUILD)/bench/chart.tsv > tests/bench/chart.svg

bench-peers: $(BUILD)/bench/bench # what cannot be built here is named by the benchmark itself
	@$(MAKE) -s $(BUILD)/bench/onednn_lstm 2> $(BUILD)/bench/onednn_lstm.log || true

$(BUILD)/bench/onednn_lstm: tests/bench/onednn_lstm.cpp
	g++ -std=c++17 -O2 -o $@ $< -ldnnl

$(BENCH_TEXTS): tests/bench/texts.sh sql/demo_reviews.sql
	@tests/bench/texts.sh $@

lint:
	@tests/lint.sh

TEST_FOLDERS := $(addprefix tests/,bench gpu plugins cuda_host cuda_host/twins/gpu)
FORMATTED := $(foreach folder,model ext train gpu tests $(TEST_FOLDERS),$(addprefix $(folder)/*.,c h inc cc cu))
format: # all but what tests/lint.sh leaves alone too
	clang-format -i $(filter-out model/vec_%,$(wildcard $(FORMATTED)))

# The model that is compiled into the extension, trained again from the data sets in the folder named by LSTM_DATA.
train-default: all # some hours, from the data sets in the folder LSTM_DATA
	@train/default_sentiment.sh
	@train/default_summary.sh

install: all
	install -D -m 755 $(BUILD)/lstm_ext.so $(DESTDIR)$(PREFIX)/lib/lstm_ext.so
	[ ! -e lstm_cuda.so ] || install -D -m 755 lstm_cuda.so $(DESTDIR)$(PREFIX)/lib/lstm_cuda.so
	install -D -m 755 $(BUILD)/lstm-train $(DESTDIR)$(PREFIX)/bin/lstm-train
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/share/lstm_ext sql/score_in_chunks.sh
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/lstm_ext sql/score_*.sql sql/score-reviews.*
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/lstm_ext/README.md
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/lstm_ext/LICENSE

clean:
	rm -rf build lstm_ext.so

help:
	@echo "make               lstm_ext.so and build/lstm-train"
	@echo "make demo          scores example reviews in the sqlite3 shell"
	@echo "make test          unit tests, SQL tests, the examples of the README"
	@echo "make gpu           lstm_cuda.so, by nvcc"
	@echo "make gpu-host-test its kernels and host code on the CPU, with several seeds, under the sanitizers"
	@echo "make check         all of that under sanitizers and clang, and more; SHORT=1 for less"
	@echo "make bench         this machine beside other LSTMs; BENCH='int8 threads' for parts; bench-chart draws"
	@echo "make deps lint format fuzz train-default install clean"
