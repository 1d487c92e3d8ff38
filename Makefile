# Makefile: builds ./ablate and its tests. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# A component is found by its place, variants/<slot>/<name>.c: adding or deleting the file is all there is to it.

CC      ?= gcc
ARCH    ?= native
BUILD   ?= build
PROGRAM ?= ablate

PACKAGES := $(shell cat packages.txt 2>/dev/null | sed 's/\#.*//')
LIBRARIES := sqlite3 yaml-0.1 jansson gsl libmd

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE -Iharness -I$(BUILD)
CFLAGS   ?= -O3 -g
COMPILE  := -std=c11 -march=$(ARCH) -mprefer-vector-width=512 -ffp-contract=fast -fno-math-errno -fno-trapping-math \
            -fopenmp-simd -fvisibility=default $(WARNINGS) -MMD -MP
LDLIBS   := -lsqlite3 -lyaml -ljansson -lgsl -lgslcblas -lmd -ldl -lpthread -lm
LDFLAGS  += -rdynamic

SOURCES    := $(wildcard harness/*.c harness/*/*.c harness/*/*/*.c)
COMPONENTS := $(sort $(wildcard variants/*/*.c))
VERBS      := $(sort $(wildcard harness/cli/verb_*.c))
OBJECTS    := $(patsubst %.c,$(BUILD)/%.o,$(SOURCES) $(COMPONENTS)) $(BUILD)/components.o $(BUILD)/verbs.o \
              $(BUILD)/schema.o $(BUILD)/made.o
TESTS      := $(wildcard tests/*.c)
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(TESTS))
PLUGINS      := $(patsubst tests/plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard tests/plugins/*.c))

all: $(PROGRAM)

$(PROGRAM): $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPILE) $(CFLAGS) -c -o $@ $<

# The list of components is the list of files; it is rewritten only when that changes.
$(BUILD)/components.c: FORCE
	@mkdir -p $(BUILD)
	@{ echo '// Written by make from the files in variants/.'; echo '#include "registry/component.h"'; \
	   echo 'extern const struct component *const components_built_in[];'; \
	   $(foreach c,$(COMPONENTS),echo 'extern const struct component $(word 2,$(subst /, ,$(c)))_$(basename $(notdir $(c)));';) \
	   echo 'const struct component *const components_built_in[] = {'; \
	   $(foreach c,$(COMPONENTS),echo '    &$(word 2,$(subst /, ,$(c)))_$(basename $(notdir $(c))),';) \
	   echo '    NULL};'; } > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/verbs.c: FORCE
	@mkdir -p $(BUILD)
	@{ echo '// Written by make from the files harness/cli/verb_*.c.'; echo '#include "cli/verb.h"'; \
	   $(foreach v,$(basename $(notdir $(VERBS))),echo 'extern const struct verb $(v);';) \
	   echo 'const struct verb *const verbs[] = {'; \
	   $(foreach v,$(basename $(notdir $(VERBS))),echo '    &$(v),';) \
	   echo '    NULL};'; } > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The schema becomes a part of the program; bytes, because a string literal of its length is not portable.
$(BUILD)/schema.c: harness/store/schema.sql
	@mkdir -p $(BUILD)
	@{ echo '// Written by make from harness/store/schema.sql.'; echo 'extern const char store_schema[];'; \
	   echo 'const char store_schema[] = {'; od -An -v -tu1 $< | sed 's/ *\([0-9][0-9]*\)/\1,/g'; echo '0};'; } > $@

# What the program was made from, for the provenance of its runs: the commit where this folder is a repository's own, with
# "+changes" when files differ from it.
MADE_FLAGS := $(filter-out -W% -M%,$(COMPILE) $(CFLAGS))
$(BUILD)/made.c: FORCE
	@mkdir -p $(BUILD)
	@commit=unknown; if prefix=$$(git rev-parse --show-prefix 2>/dev/null) && [ -z "$$prefix" ]; then \
	   commit=$$(git rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown; \
	   [ -z "$$(git status --porcelain 2>/dev/null)" ] || commit="$$commit+changes"; fi; \
	 { echo '// Written by make.'; echo 'extern const char made_commit[], made_flags[];'; \
	   echo "const char made_commit[] = \"$$commit\";"; \
	   echo 'const char made_flags[] = "$(subst ",\",$(MADE_FLAGS))";'; } > $@.new; \
	 cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/components.o $(BUILD)/verbs.o $(BUILD)/schema.o $(BUILD)/made.o: $(BUILD)/%.o: $(BUILD)/%.c
	$(CC) $(CPPFLAGS) $(COMPILE) $(CFLAGS) -c -o $@ $<

# A component file as a plug-in. Tests find them where this build has put them.
$(BUILD)/plugins/%.so: tests/plugins/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/plugins $(COMPILE) $(CFLAGS) -fPIC -shared -o $@ $<

$(BUILD)/tests/%.o: CPPFLAGS += -DPLUGINS='"$(BUILD)/plugins"'

$(BUILD)/tests/run: | $(PLUGINS)
$(BUILD)/tests/run: $(filter-out $(BUILD)/harness/main.o,$(OBJECTS)) $(TEST_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

clean:
	rm -rf $(BUILD) $(PROGRAM)

.PHONY: all clean FORCE
-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(PLUGINS:.so=.d)
