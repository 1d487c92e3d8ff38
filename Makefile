# Makefile: builds ./ablate and its tests. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# A component is found by its place, variants/<slot>/<name>.c: adding or deleting the file is all there is to it. What it needs
# beside that file lies in variants/<slot>/<name>/.

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
ARCH    ?= native
BUILD   ?= build
PROGRAM ?= ablate
JOBS    ?= $(shell nproc)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE -Iharness -I$(BUILD)
CFLAGS   ?= -O3 -g
COMPILE  := -std=c11 -march=$(ARCH) -mprefer-vector-width=512 -ffp-contract=fast -fno-math-errno -fno-trapping-math \
            -fopenmp-simd -fvisibility=default $(WARNINGS) -MMD -MP
# The one C++ file, for Google Benchmark.
COMPILE_CXX := -std=c++17 -march=$(ARCH) $(filter-out -Wstrict-prototypes -Wmissing-prototypes,$(WARNINGS)) -MMD -MP
LDLIBS   := -lsqlite3 -lyaml -ljansson -lgsl -lgslcblas -lmd -ldl -lpthread -lm
LDFLAGS  += -rdynamic

SOURCES    := $(wildcard harness/*.c harness/*/*.c harness/*/*/*.c)
SOURCE_CXX := harness/bench/google_benchmark.cc
COMPONENTS := $(sort $(wildcard variants/*/*.c))
HELPERS    := $(sort $(wildcard variants/*/*/*.c))
VERBS      := $(sort $(wildcard harness/cli/verb_*.c))
GENERATED  := $(addprefix $(BUILD)/,components.o verbs.o schema.o made.o benchmark_bytes.o)
OBJECTS    := $(patsubst %.c,$(BUILD)/%.o,$(SOURCES) $(COMPONENTS) $(HELPERS)) $(GENERATED)
TESTS      := $(wildcard tests/*.c)
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(TESTS))
TEST_SCRIPTS := $(sort $(wildcard tests/*.sh))
PLUGINS      := $(patsubst tests/plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard tests/plugins/*.c))
HEADERS      := $(wildcard harness/*/*.h harness/*/*/*.h tests/*.h variants/*/*/*.h)
OWN_C        := $(SOURCES) $(COMPONENTS) $(HELPERS) $(TESTS) $(wildcard tests/plugins/*.c tests/faults/*.c)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

# One short line for each thing made; V=1 shows the commands.
ifeq ($(V),)
QUIET = @echo '  $@';
endif

# The end of a rule that has written $@.new: what did not change keeps its age, and nothing is made from it again.
REPLACE = cmp -s $@.new $@ && rm $@.new || mv $@.new $@

all: $(PROGRAM)   ## builds ./ablate

$(PROGRAM): $(OBJECTS) $(BUILD)/files
	$(QUIET) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)

# What is linked, so that a file that is gone is unlinked too; and what compiles it, so that other flags compile everything again
# and the flags that a run's provenance names are true.
MADE_FLAGS := $(filter-out -W% -M%,$(COMPILE) $(CFLAGS))
$(BUILD)/files: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(OBJECTS) $(TEST_OBJECTS) > $@.new; $(REPLACE)

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(MADE_FLAGS)' > $@.new; $(REPLACE)

# What runs before it is known whether this CPU has what the rest was built for.
$(addprefix $(BUILD)/harness/,main.o base/cpu.o base/error.o): BASELINE := -march=x86-64

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET) $(CC) $(CPPFLAGS) $(COMPILE) $(CFLAGS) $(BASELINE) -c -o $@ $<

# A list of what files define: $(call LIST,header,type,array,names).
define LIST
	@mkdir -p $(@D)
	@{ echo '// Written by make from the names of files.'; echo '#include "$(1)"'; \
	   printf 'extern const struct $(2) %s;\n' $(4); echo 'extern const struct $(2) *const $(3)[];'; \
	   echo 'const struct $(2) *const $(3)[] = {'; printf '    &%s,\n' $(4); echo '    NULL};'; } > $@.new; $(REPLACE)
endef

# variants/ffn/swiglu.c defines ffn_swiglu, harness/cli/verb_run.c verb_run.
$(BUILD)/components.c: FORCE
	$(call LIST,registry/component.h,component,components_built_in,$(subst /,_,$(COMPONENTS:variants/%.c=%)))

$(BUILD)/verbs.c: FORCE
	$(call LIST,cli/verb.h,verb,verbs,$(notdir $(VERBS:.c=)))

# The schema becomes a part of the program; bytes, because a string literal of its length is not portable.
$(BUILD)/schema.c: harness/store/schema.sql
	@mkdir -p $(@D)
	@{ echo '// Written by make from harness/store/schema.sql.'; echo 'extern const char store_schema[];'; \
	   echo 'const char store_schema[] = {'; od -An -v -tu1 $< | sed 's/ *\([0-9][0-9]*\)/\1,/g'; echo '0};'; } > $@

# The C++ part is opened when a benchmark runs (see benchmark.c), and is a part of the program, as bytes, so that it is found.
$(BUILD)/google_benchmark.so: $(SOURCE_CXX) $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET) $(CXX) $(CPPFLAGS) $(COMPILE_CXX) $(CFLAGS) -g0 -fPIC -shared -o $@ $< -lbenchmark -lstdc++

$(BUILD)/benchmark_bytes.c: $(BUILD)/google_benchmark.so
	@{ echo '// Written by make.'; echo '__asm__(".section .rodata;"'; \
	   echo '        ".global google_benchmark_bytes, google_benchmark_size;"'; \
	   echo '        "google_benchmark_bytes: .incbin \"$<\"; google_benchmark_end: .balign 8;"'; \
	   echo '        "google_benchmark_size: .quad google_benchmark_end - google_benchmark_bytes; .previous");'; } > $@

# What the program was made from, for the provenance of its runs: the commit where this folder is a repository's own, and
# where its code differs from that, "+" and a hash of the code, so that two states of a component under work are told apart.
CODE = Makefile $(sort $(shell find harness variants -type f))
$(BUILD)/made.c: FORCE
	@mkdir -p $(@D)
	@commit=unknown; if prefix=$$(git rev-parse --show-prefix 2>/dev/null) && [ -z "$$prefix" ]; then \
	   commit=$$(git rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown; \
	   [ -z "$$(git status --porcelain Makefile harness variants 2>/dev/null)" ] || \
	      commit="$$commit+$$(cat $(CODE) | sha256sum | cut -c1-8)"; fi; \
	 { echo '// Written by make.'; echo 'extern const char made_commit[], made_flags[];'; \
	   echo "const char made_commit[] = \"$$commit\";"; \
	   echo 'const char made_flags[] = "$(subst ",\",$(MADE_FLAGS))";'; } > $@.new; $(REPLACE)

$(GENERATED): $(BUILD)/%.o: $(BUILD)/%.c $(BUILD)/flags
	$(QUIET) $(CC) $(CPPFLAGS) $(COMPILE) $(CFLAGS) -c -o $@ $<

# A component file as a plug-in, and a library to preload that lets calls fail. Tests find both, and the program that some of them
# run, where this build has put them.
$(BUILD)/plugins/%.so: tests/plugins/%.c
	@mkdir -p $(@D)
	$(QUIET) $(CC) $(CPPFLAGS) $(COMPILE) $(CFLAGS) -fPIC -shared -o $@ $<

$(BUILD)/tests/faults/inject.so: tests/faults/inject.c
	@mkdir -p $(@D)
	$(QUIET) $(CC) $(CPPFLAGS) -std=c11 $(WARNINGS) -O2 -g -fPIC -shared -o $@ $< -ldl

TEST_FLAGS = -I. -DPLUGINS='"$(BUILD)/plugins"' -DFAULTS_LIBRARY='"$(BUILD)/tests/faults/inject.so"' -DPROGRAM='"$(PROGRAM)"'
$(BUILD)/tests/%.o: CPPFLAGS += $(TEST_FLAGS)

$(BUILD)/tests/run: | $(PLUGINS) $(BUILD)/tests/faults/inject.so $(PROGRAM)
$(BUILD)/tests/run: $(filter-out $(BUILD)/harness/main.o,$(OBJECTS)) $(TEST_OBJECTS) $(BUILD)/files
	$(QUIET) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -lcriterion $(LDLIBS)

# ---- What people call ------------------------------------------------------------------------------------------------------

# Asked for by name, so that another make can be given the number of jobs.
BUILD_ALL = $(MAKE) -j$(JOBS) $(PROGRAM) $(BUILD)/tests/run

setup:   ## installs the packages of packages.txt that are missing
	@.ci/setup

demo: setup   ## runs the default experiment; ends with its table and results/demo/report.html
	@$(MAKE) -j$(JOBS) $(PROGRAM)
	./$(PROGRAM) run experiments/demo.yaml

test: setup   ## builds and passes every test
	@$(BUILD_ALL)
	@set -e; for script in $(TEST_SCRIPTS); do echo "$$script"; BUILD=$(BUILD) PROGRAM=./$(PROGRAM) bash $$script; done
	@$(BUILD)/tests/run

lint: $(BUILD)/schema.c   ## formatting, warnings as errors, cppcheck
	@clang-format --dry-run -Werror $(OWN_C) $(SOURCE_CXX) $(HEADERS)
	@awk 'length > 128 {print FILENAME ":" FNR ": longer than 128 columns"; long = 1} END {exit long}' \
	   $(OWN_C) $(SOURCE_CXX) $(HEADERS) $(wildcard plots/*.gp) # comments, which clang-format leaves alone
	@printf '%s\n' $(OWN_C) | xargs -P$(JOBS) -n4 \
	   $(CC) $(CPPFLAGS) $(TEST_FLAGS) $(filter-out -M%,$(COMPILE)) -fsyntax-only -Werror
	@$(CXX) $(CPPFLAGS) $(filter-out -M%,$(COMPILE_CXX)) -fsyntax-only -Werror $(SOURCE_CXX)
	@cppcheck --quiet -j$(JOBS) --std=c11 --error-exitcode=1 --inline-suppr --suppressions-list=.cppcheck \
	   --enable=warning,performance,portability -D_GNU_SOURCE -Iharness $(SOURCES) $(COMPONENTS) $(HELPERS)

format:   ## rewrites the files as clang-format wants them
	@clang-format -i $(OWN_C) $(SOURCE_CXX) $(HEADERS)

# A plug-in may bear the name of a component that is built in; what it is refused for is not an error of ours.
sanitize:   ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer; ARCH=x86-64-v3 for older machines
	@$(MAKE) -j$(JOBS) BUILD=build-sanitize PROGRAM=build-sanitize/ablate build-sanitize/ablate build-sanitize/tests/run \
	   CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
	@ASAN_OPTIONS=detect_odr_violation=0 LSAN_OPTIONS=suppressions=tests/sanitize.leaks:print_suppressions=0 \
	   build-sanitize/tests/run

bench:   ## speed of the models it is held to, beside the peaks of this machine
	@$(MAKE) -j$(JOBS) $(PROGRAM)
	./$(PROGRAM) bench models

help:   ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r name words; do \
	   printf 'make %-10s %s\n' "$$name" "$$words"; done

clean:   ## removes what was built; results stay
	rm -rf $(BUILD) build-sanitize $(PROGRAM)

.PHONY: all setup demo test lint format sanitize bench help clean FORCE
-include $(BUILD)/google_benchmark.d $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(PLUGINS:.so=.d)
