# Shortcuts for frequent commands: `just --list`

default: check

# Create the sample stack on the local cloud
up:
    cargo run -- reconcile

# Run all tests
test *ARGS:
    cargo test --workspace {{ARGS}}

# Check formatting and lints, as CI does
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Run everything that CI runs
ci:
    .ci/run

# Update the schema that editors use for stack.yaml
schema:
    cargo run -- schema > stack.schema.json

# Update the list of all fields
fields:
    cargo run -- schema --fields > docs/fields.md

# Update the page of AWS's answers
pages:
    STACKWRIGHT_WRITE_PAGES=1 cargo test --test it -- the_page_has_every_answer
