# What is typed often. `just --list`

default: check

# Bring up the sample stack on the local cloud
up:
    cargo run -- reconcile

# All tests
test *ARGS:
    cargo test --workspace {{ARGS}}

# Formatting and lints, as CI does
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Everything that CI runs
ci:
    .ci/run

# The schema that editors read beside stack.yaml
schema:
    cargo run -- schema > stack.schema.json

# The table of all fields
fields:
    cargo run -- schema --fields > docs/fields.md
