# Copyright (C) the ngx_http_push_module authors
#
# make run, make test; "make help" lists the rest.  GNU make.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:

TOP := $(CURDIR)

ifneq ($(words $(TOP)),1)
$(error nginx cannot build in a folder whose path has blanks: $(TOP))
endif

# a user's PATH may lack the folder of nginx and redis-server
export PATH := $(PATH):/usr/sbin:/sbin

MODULE := ngx_http_push_module.so
NPROC := $(shell nproc 2>/dev/null || echo 2)


# What may be set on the command line

NGINX ?= nginx
CFLAGS ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS ?= -Wl,-z,relro,-z,now -Wl,-Bsymbolic-functions
JOBS ?= 4
PORT ?= 8080
CONF ?= conf-examples/quickstart.conf
FUZZ_SECONDS ?= 60
MINUTES ?= 10
BUS ?= zone redis
REDIS_URL ?= redis://127.0.0.1:6379
REDIS_KEYS ?= push:
CLANG ?= clang

# Another nginx source tree than the headers of the package nginx-dev
NGINX_SRC ?=


# Where nginx's configure is: the package's, or that of NGINX_SRC

dev_dir = $(shell dpkg -L nginx-dev 2>/dev/null | sed -n 's,/conf_flags$$,,p')
src_dir = $(if $(NGINX_SRC),$(abspath $(NGINX_SRC)),$(dev_dir))

BUILD := $(TOP)/build
SANITIZER := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

# The sanitized module is a second one, beside the normal one: "make test"
# has both.  Its flags go in by CC, at make time, because configure's own
# probes must not see them: they would change nginx's signature.

ifdef SANITIZE
OUT := $(BUILD)/sanitize
module_cc := $(CC) $(SANITIZER)
else
OUT := $(BUILD)
module_cc := $(CC)
endif

OBJS := $(OUT)/objs

# nginx's own flags have -Werror
cc_opt = $(CFLAGS) -Wall -Wextra -Wno-unused-parameter \
	-ffile-prefix-map=$(TOP)=.

HEADERS := $(wildcard src/*/*.h)
SOURCES := $(wildcard ngx_http_push_module.c src/*/*.c)


.PHONY: all deps deps-test deps-browser build run test suites unit fuzz lint \
	bench bench-million instructions soak soak-programs install uninstall \
	redis-functions \
	clean help FORCE

all: build

help:
	@echo 'make                 build/$(MODULE)'
	@echo 'make run             a push server with a demo page (PORT=8080)'
	@echo 'make test            lint, unit tests and suites; one: T=t/x.t'
	@echo '                     SANITIZE=1 or VALGRIND=1: the suites so'
	@echo 'make lint unit fuzz  one kind of test (FUZZ_SECONDS=60 each)'
	@echo 'make soak            faults at random, each of BUS="zone redis" for'
	@echo '                     MINUTES=10; SEED=N repeats one'
	@echo 'make bench           against a bare epoll loop, as ratios'
	@echo 'make bench-million   as many connections as the machine allows'
	@echo 'make instructions    per delivery and per connect, by callgrind'
	@echo 'make install         into the modules folder of $(NGINX); DESTDIR'
	@echo 'make uninstall       and out of it again'
	@echo 'make deps deps-test  install what building and testing need'
	@echo 'make deps-browser    ... and what t/pushjs.t and t/browser.t need'
	@echo 'make redis-functions push_pub and others into REDIS_URL, for keys='
	@echo '                     of REDIS_KEYS ($(REDIS_KEYS))'
	@echo 'make clean           remove build/ and what the tests left'
	@echo
	@echo 'NGINX_SRC=FOLDER builds for the nginx whose sources are there,'
	@echo 'NGINX=FILE is the binary to run; CC, CFLAGS and LDFLAGS as usual'


# Packages

nginx_packages = $(if $(NGINX_SRC),,nginx nginx-dev)
build_packages = gcc make libc6-dev libhiredis-dev libyajl-dev zlib1g-dev \
	libssl-dev libpcre2-dev $(nginx_packages)
test_packages = perl libnet-ssleay-perl openssl redis-server cppcheck \
	valgrind
fuzz_packages = clang libclang-rt-dev

# $(call install,PACKAGES): quiet and without network when all are there

define install
@missing=; \
for p in $(1); do \
    dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null \
        | grep -qx installed || missing="$$missing $$p"; \
done; \
[ -z "$$missing" ] && exit 0; \
if ! command -v apt-get >/dev/null; then \
    echo "This is no Debian: cannot tell whether these are installed, or" \
         "what they are called here:$$missing"; \
    exit 0; \
fi; \
as=; \
[ "$$(id -u)" = 0 ] || as=sudo; \
if [ -z "$$as" ] || command -v sudo >/dev/null; then \
    echo "Installing:$$missing"; \
    get="$$as env DEBIAN_FRONTEND=noninteractive apt-get -q"; \
    in="install -y --no-install-recommends$$missing"; \
    mkdir -p $(BUILD); \
    $$get $$in >$(BUILD)/deps.log 2>&1 && exit 0; \
    { $$get update && $$get $$in; } >$(BUILD)/deps.log 2>&1 && exit 0; \
    tail -n 15 $(BUILD)/deps.log; \
else \
    echo "Neither root, nor is there sudo."; \
fi; \
echo; \
echo "Missing packages:$$missing"; \
echo "As root: apt-get update && apt-get install$$missing"; \
exit 1
endef

deps:
	$(call install,$(build_packages))

deps-test: deps
	$(call install,$(test_packages))
	@sh t/lib/install-test-nginx.sh

# For push.js: Node and Chromium, unless they are there from elsewhere, and a
# few packages of npm, which stay in build/.  Without them these two suites are
# skipped.

JS := $(BUILD)/js

browser_packages = $(if $(shell command -v npm),,nodejs npm) \
	$(if $(shell command -v chromium),,chromium)

deps-browser:
	$(call install,$(browser_packages))
	@mkdir -p $(JS)
	@cmp -s t/js/package-lock.json $(JS)/package-lock.json \
	&& [ -d $(JS)/node_modules ] \
	|| { cp t/js/package.json t/js/package-lock.json $(JS) \
	     && cd $(JS) && npm ci --no-audit --no-fund >npm.log 2>&1; } \
	|| { tail -n 15 $(JS)/npm.log; rm -f $(JS)/package-lock.json; exit 1; }


# The module.  configure runs again when anything that it read has changed:
# config, the flags, the set of headers, or nginx.

$(OUT)/configured-for: FORCE
	@mkdir -p $(OUT)
	@if [ -z '$(src_dir)' ] || ! [ -f '$(src_dir)/src/core/nginx.h' ]; then \
	    echo 'No nginx sources or headers to build with: "make deps"' \
	         'installs the package nginx-dev,'; \
	    echo 'or: make NGINX_SRC=/path/to/nginx-source'; \
	    exit 1; \
	fi
	@{ echo '$(src_dir) $(CC)'; echo '$(cc_opt)'; echo '$(LDFLAGS)'; \
	   echo '$(HEADERS)'; cat config $(src_dir)/src/core/nginx.h; \
	   cat $(src_dir)/conf_flags 2>/dev/null; true; } >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(OBJS)/Makefile: $(OUT)/configured-for
	@echo 'configure $(OBJS:$(TOP)/%=%)'
	@rm -rf $(OBJS)
	@cd $(src_dir) && NGX_CONF_FLAGS=(--with-compat) \
	&& { ! [ -f conf_flags ] || . ./conf_flags; } \
	&& if [ -f configure ]; then run=./configure; \
	   else run=auto/configure; fi \
	&& $$run "$${NGX_CONF_FLAGS[@]}" --builddir=$(OBJS) \
	    --with-cc='$(CC)' --with-cc-opt='$(cc_opt)' \
	    --with-ld-opt='$(LDFLAGS)' --add-dynamic-module=$(TOP) \
	    >$(OUT)/configure.log 2>&1 \
	|| { grep -A 4 error: $(OUT)/configure.log \
	     || tail -n 20 $(OUT)/configure.log; \
	     echo 'The whole output is in $(OUT)/configure.log'; exit 1; }

# MAKEFLAGS would carry a CFLAGS of the command line into nginx's Makefile

build: $(OBJS)/Makefile
	@cd $(src_dir) && MAKEFLAGS= MFLAGS= $(MAKE) -s -j$(NPROC) \
	    -f $(OBJS)/Makefile modules CC='$(module_cc)'
	@cmp -s $(OBJS)/$(MODULE) $(OUT)/$(MODULE) \
	|| { install -m 755 $(OBJS)/$(MODULE) $(OUT)/$(MODULE) \
	     && echo 'built $(OUT:$(TOP)/%=%)/$(MODULE)'; }

modules_path = $(DESTDIR)$(or $(MODULES_PATH),$(shell $(NGINX) -V 2>&1 \
	| tr ' ' '\n' | sed -n -e 's,^--prefix=\(.*\),\1/modules,p' \
	                       -e 's,^--modules-path=,,p' | tail -n 1), \
	/usr/local/nginx/modules)

install: build
	install -D -m 644 $(BUILD)/$(MODULE) $(modules_path)/$(MODULE)
	@echo 'Put this at the top of nginx.conf:'
	@echo 'load_module $(modules_path:$(DESTDIR)%=%)/$(MODULE);'

uninstall:
	rm -f $(modules_path)/$(MODULE)


# Tests

suite_environment = PUSH_MODULE=$(OUT)/$(MODULE) CC='$(CC)' \
	PUSH_NGINX=$(NGINX) \
	$(if $(SANITIZE),PUSH_SANITIZE=1,TEST_NGINX_BINARY=$(NGINX)) \
	$(if $(VALGRIND),TEST_NGINX_USE_VALGRIND=1)

test:
ifdef T
	@$(MAKE) --no-print-directory suites
else
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) --no-print-directory SANITIZE= build
	@$(MAKE) --no-print-directory SANITIZE=1 build
	@rc=0; for kind in lint unit suites; do \
	    $(MAKE) --no-print-directory $$kind || rc=1; \
	done; exit $$rc
endif

suite_files = $(or $(T),$(sort $(wildcard t/*.t)))

suite_roots = $(patsubst t/%.t,$(BUILD)/t/%,$(suite_files))

# What an aborted run has left behind: a server on the suite's port, which the
# next one would share by reuseport, and a folder that Test::Nginx refuses.

suites: build soak-programs
	@echo 'suites with $(OUT:$(TOP)/%=%)/$(MODULE)'
	@for root in $(suite_roots); do \
	    pid=$$(cat $$root/logs/nginx.pid 2>/dev/null) || continue; \
	    if grep -qsaF $$root/ /proc/$$pid/cmdline; then kill $$pid; fi; \
	done; rm -rf $(suite_roots)
	@$(suite_environment) prove -j$(JOBS) $(suite_files)


# Unit tests: src/codec and nothing else, and simulations, src/core or src/shm
# with the few parts of nginx that they need made up; with sanitizers and
# asserts

UNIT := $(BUILD)/unit
unit_tests := $(patsubst t/unit/%.c,$(UNIT)/%,$(wildcard t/unit/test_*.c))
unit_objects := $(patsubst src/codec/%.c,$(UNIT)/%.o,$(wildcard src/codec/*.c))
unit_flags := -std=gnu99 -O1 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	$(SANITIZER) -Isrc/codec -It/unit -MMD -MP

sims := $(patsubst t/unit/%.c,$(UNIT)/%,$(wildcard t/unit/sim_*.c))
sim_objects := $(patsubst src/core/%.c,$(UNIT)/%.o,$(wildcard src/core/*.c))
sim_zone_objects := $(patsubst %,$(UNIT)/ngx_http_push_%.o,form hub msg \
	audience history inbox mailbox post recall repeat segment store)
sim_flags = $(unit_flags) -fno-sanitize=alignment -Isrc/core -Isrc/shm \
	-I$(OBJS) $(addprefix -I$(src_dir)/src/,core event os/unix)

unit: build
	@$(MAKE) --no-print-directory -s -j$(NPROC) $(unit_tests) $(sims)
	@prove -j$(NPROC) --exec '' $(unit_tests) $(sims)

$(UNIT)/%.o: src/core/%.c Makefile
	@mkdir -p $(UNIT)
	$(CC) $(sim_flags) -c -o $@ $<

$(UNIT)/%.o: src/shm/%.c Makefile
	@mkdir -p $(UNIT)
	$(CC) $(sim_flags) -c -o $@ $<

$(UNIT)/sim_%.o: t/unit/sim_%.c Makefile
	@mkdir -p $(UNIT)
	$(CC) $(sim_flags) -c -o $@ $<

$(UNIT)/sim_%: $(UNIT)/sim_%.o $(sim_objects) $(unit_objects)
	$(CC) $(unit_flags) -o $@ $^ -lyajl -lz

$(UNIT)/sim_history: $(UNIT)/sim_history.o $(sim_zone_objects) $(unit_objects)
	$(CC) $(unit_flags) -o $@ $^ -lyajl -lz

$(UNIT)/%.o: src/codec/%.c Makefile
	@mkdir -p $(UNIT)
	$(CC) $(unit_flags) -c -o $@ $<

$(UNIT)/test_%.o: t/unit/test_%.c Makefile
	@mkdir -p $(UNIT)
	$(CC) $(unit_flags) -c -o $@ $<

$(UNIT)/test_%: $(UNIT)/test_%.o $(unit_objects)
	$(CC) $(unit_flags) -o $@ $^ -lyajl -lz

.PRECIOUS: $(UNIT)/%.o

-include $(wildcard $(UNIT)/*.d)


# Fuzzers: what they learn stays in build/fuzz/, what breaks stays there too

FUZZ := $(BUILD)/fuzz
fuzzers := $(patsubst t/fuzz/%.c,$(FUZZ)/%,$(wildcard t/fuzz/fuzz_*.c))
fuzz_flags := -O1 -g -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -Isrc/codec -It/unit

fuzz:
	$(call install,$(fuzz_packages))
	@$(MAKE) --no-print-directory -s -j$(NPROC) $(fuzzers)
	@cd $(FUZZ) && for f in $(notdir $(fuzzers)); do \
	    mkdir -p $$f.corpus; \
	    echo "$$f: $(FUZZ_SECONDS) s"; \
	    ./$$f -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=10 \
	        -print_final_stats=1 -verbosity=0 -artifact_prefix=$$f- \
	        $$f.corpus $$(ls -d $(TOP)/t/fuzz/$$f.seeds 2>/dev/null) \
	        >$$f.log 2>&1 \
	    || { tail -n 60 $$f.log; echo "$$f: see $(FUZZ)/$$f.log"; exit 1; }; \
	    grep -h number_of_executed $$f.log; \
	done

$(FUZZ)/%: t/fuzz/%.c $(wildcard src/codec/*.[ch]) Makefile
	@mkdir -p $(FUZZ)
	$(CLANG) $(fuzz_flags) -o $@ $< $(wildcard src/codec/*.c) -lyajl -lz


lint:
	@rc=0; \
	for check in arrows text config directives script cppcheck examples; do \
	    t/lint/$$check || rc=1; \
	done; exit $$rc


# Publishing from any language: FCALL push_pub, Redis 7 or later

redis-functions:
	@sed "s/^local PREFIX = .*/local PREFIX = '$(REDIS_KEYS)'/" \
	    conf-examples/push.lua \
	| redis-cli --no-auth-warning -e -u '$(REDIS_URL)' \
	    -x FUNCTION LOAD REPLACE


# Faults at random for a while, and clients that miss nothing.  With SANITIZE=1
# the workers have the sanitizers' module.

soak: build soak-programs
	@rc=0; for bus in $(BUS); do \
	    NGINX=$(if $(SANITIZE),$(TOP)/t/lib/nginx-sanitized,$(NGINX)) \
	    MODULE=$(OUT)/$(MODULE) t/soak/run --bus $$bus \
	        --seconds $$(($(MINUTES) * 60)) \
	        $(if $(SEED),--seed $(SEED)) $(ARGS) || rc=1; \
	done; exit $$rc

soak-programs:
	@$(MAKE) --no-print-directory -s -C t/soak


# Figures

bench bench-million instructions: build
	@$(MAKE) --no-print-directory -C t/bench $@ \
	    NGINX=$(NGINX) MODULE=$(BUILD)/$(MODULE)


# A push server to try

RUN := $(BUILD)/run

# The links make the paths of the example those of an installed nginx.  With
# reuseport a second server on the same port would start without a word and
# take half of the clients, so the port is tried before.

run:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory build
	@mkdir -p $(RUN)/logs $(RUN)/tmp
	@ln -sfn $(BUILD) $(RUN)/modules
	@ln -sfn $(TOP)/conf-examples/html $(RUN)/html
	@sed 's/\(127\.0\.0\.1:\|listen \)8080/\1$(PORT)/g' $(CONF) \
	    >$(RUN)/nginx.conf
	@if (exec 3<>/dev/tcp/127.0.0.1/$(PORT)) 2>/dev/null; then \
	    echo 'Port $(PORT) of 127.0.0.1 is in use; choose another:' \
	         'make run PORT=8081'; \
	    exit 1; \
	fi; \
	ulimit -n "$$(ulimit -H -n)" 2>/dev/null; \
	set -- $(NGINX) -p $(RUN) -c $(RUN)/nginx.conf; \
	global='daemon off;'; \
	grep -q '^pid ' $(RUN)/nginx.conf || global="$$global pid logs/pid;"; \
	if [ "$$(id -u)" = 0 ] && ! su -s /bin/sh nobody -c \
	    'test -r $(TOP)/conf-examples/html/index.html' 2>/dev/null; \
	then \
	    user=$$(stat -c '%U %G' .); \
	    global="$$global user $$user;"; \
	    echo "The workers run as $$user: nobody cannot read $(TOP)"; \
	fi; \
	"$$@" -g "$$global" -t -q || exit 1; \
	echo; \
	echo '    http://127.0.0.1:$(PORT)/    (Ctrl-C stops it)'; \
	echo; \
	exec "$$@" -g "$$global"


clean:
	rm -rf $(BUILD) t/servroot*
	@if [ -f t/bench/Makefile ]; then $(MAKE) -s -C t/bench clean; fi
