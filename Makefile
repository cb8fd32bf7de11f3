# Only Go and make are assumed; everything else is built from the modules that tools/ pins.

GO  ?= go
BIN := bin

# Scratch of the checks: images, regenerated code, the schemas of an earlier commit.
BUILD := .build
IMAGE := $(BUILD)/schema.binpb

# What `wertfach --version` says. A tree without git history still builds.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)

# The race detector needs a C compiler; without one the tests still run, and say what they lack.
RACE = $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

SERVERS    := $(BIN)/vault $(BIN)/minio $(BIN)/toxiproxy
GENERATORS := $(BIN)/proto $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc

# Our own programs under tools/, each a module of its own; the rest of tools/ only pins what others wrote.
OWN_TOOLS := tools/house tools/proto tools/alerts

# Each can be run alone. Quick ones first; one that fails does not keep the others from speaking.
CHECKS := check-house check-format check-schema check-generated check-modules check-vet check-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## start wertfach with a sample institute on this machine, and keep it up
	$(BIN)/wertfach dev --data .wertfach --sample

.PHONY: demo
demo: build ## walk the whole job, from enrolling to the erasure receipt, telling what each step shows
	$(GO) run ./internal/demo

.PHONY: test
test: $(SERVERS) ## run every test, against the embedded store and the real Vault and MinIO
	$(if $(RACE),,@echo 'No C compiler found: the tests run WITHOUT the race detector.')
	@for tool in $(OWN_TOOLS); do $(GO) test -C $$tool -count=1 ./... || exit 1; done
	$(GO) test $(RACE) -count=1 -p 2 -timeout 25m ./...

.PHONY: check
check: ## format, vet, lint, modules, schemas and house rules: all that needs no running server
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)
	@echo 'All checks pass.'

.PHONY: bench
bench: build $(SERVERS) ## measure against the floors of Vault and MinIO; writes docs/performance.md
	$(GO) run ./bench

.PHONY: tools
tools: $(SERVERS) $(GENERATORS) $(BIN)/staticcheck $(BIN)/house ## build the pinned servers and tools into bin/ (cold: some 10 minutes)

.PHONY: generate
generate: image ## write the Go code of the schemas in proto/, docs/access.md and docs/export.schema.json
	$(BIN)/buf generate $(IMAGE) --path wertfach
	$(GO) run ./internal/accesspage docs/access.md
	$(GO) run ./internal/exportschema docs/export.schema.json

.PHONY: build
build: ## build bin/wertfach
	$(GO) build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o $(BIN)/wertfach ./cmd/wertfach

.PHONY: clean
clean: ## remove what was built: bin/ and .build/
	rm -rf $(BIN) $(BUILD)

# --- schemas ---------------------------------------------------------------------------------------------------------

# Always made anew: it takes a tenth of a second, and a removed schema would not show in a timestamp.
.PHONY: image
image: $(GENERATORS)
	@mkdir -p $(BUILD)
	@$(BIN)/proto -root proto -out $(IMAGE)

# --- checks ----------------------------------------------------------------------------------------------------------

.PHONY: check-house
check-house: $(BIN)/house
	@echo '== house rules'
	@$(BIN)/house rules

.PHONY: check-format
check-format:
	@echo '== gofmt'
	@unformatted="$$("$$($(GO) env GOROOT)/bin/gofmt" -l .)" && \
		if [ -n "$$unformatted" ]; then printf '%s: not formatted; run go fmt\n' $$unformatted; exit 1; fi

# Only the modules with code of ours: those that just pin a tool are held by go.sum.
.PHONY: check-modules
check-modules:
	@echo '== go mod tidy'
	@for module in . $(OWN_TOOLS); do $(GO) -C $$module mod tidy -diff >/dev/null || \
		{ echo "$$module/go.mod: not tidy; run go mod tidy there"; exit 1; }; done

.PHONY: check-schema
check-schema: image $(BIN)/house
	@echo '== buf lint and buf breaking'
	@$(BIN)/buf lint $(IMAGE) --path wertfach
	@rm -rf $(BUILD)/earlier && $(BIN)/house earlier $(BUILD)/earlier
	@if [ -d $(BUILD)/earlier ]; then \
		$(BIN)/proto -root $(BUILD)/earlier/proto -out $(BUILD)/earlier.binpb && \
		$(BIN)/buf breaking $(IMAGE) --against $(BUILD)/earlier.binpb --path wertfach; fi

.PHONY: check-generated
check-generated: image $(BIN)/house
	@echo '== generated code'
	@rm -rf $(BUILD)/made && $(BIN)/buf generate $(IMAGE) --path wertfach --output $(BUILD)/made
	@$(BIN)/house same $(BUILD)/made .

.PHONY: check-vet
check-vet:
	@echo '== go vet'
	@for module in . $(OWN_TOOLS); do $(GO) -C $$module vet ./... || exit 1; done

# ST1000, a comment on every package, is among the house rules: those see a package of generated code alone as well.
.PHONY: check-lint
check-lint: $(BIN)/staticcheck
	@echo '== staticcheck'
	@for module in . $(OWN_TOOLS); do (cd $$module && $(abspath $(BIN))/staticcheck -checks all,-ST1000 ./...) || exit 1; done

# --- pinned tools ----------------------------------------------------------------------------------------------------
#
# A tool is built when it is missing or when its pin changed. The pin is the content of its module's files, not their
# age, so that a fresh checkout beside a kept bin/ builds nothing: each pin is an empty file whose name carries the
# checksum, made anew when that name is new, and a tool depends on its pin.

pin = $(BIN)/.pin/$1-$(shell cat tools/$1/*.* | cksum | tr -s ' \t' '-')

$(BIN)/.pin/%:
	@mkdir -p $(@D) && rm -f $(@D)/$(firstword $(subst -, ,$*))-* && touch $@

# $(call install,MODULE,PACKAGE,FLAGS) builds the package into the rule's target, in the version that the module under
# tools/ pins. The touch dates a file that go found to be up to date.
install = $(GO) build -C tools/$1 -buildvcs=false $3 -o $(abspath $@) $2 && touch $@

# Tag minimal leaves out the database and cloud plugins; transit, approle, cert, jwt, pki and raft stay.
$(BIN)/vault: $(call pin,vault)
	$(call install,vault,github.com/hashicorp/vault,-tags minimal)

$(BIN)/minio: $(call pin,minio)
	$(call install,minio,github.com/minio/minio)

$(BIN)/toxiproxy: $(call pin,toxiproxy)
	$(call install,toxiproxy,github.com/Shopify/toxiproxy/v2/cmd/server)

$(BIN)/buf: $(call pin,buf)
	$(call install,buf,github.com/bufbuild/buf/cmd/buf)

$(BIN)/proto: $(call pin,proto)
	$(call install,proto,.)

$(BIN)/protoc-gen-go: $(call pin,proto)
	$(call install,proto,google.golang.org/protobuf/cmd/protoc-gen-go)

$(BIN)/protoc-gen-go-grpc: $(call pin,proto)
	$(call install,proto,google.golang.org/grpc/cmd/protoc-gen-go-grpc)

$(BIN)/staticcheck: $(call pin,lint)
	$(call install,lint,honnef.co/go/tools/cmd/staticcheck)

$(BIN)/house: $(call pin,house)
	$(call install,house,.)
