# Sourced by scripts/check and scripts/test: runs named steps, goes on after a failure, and sums up at the end.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_CACHE_DIR="$PWD/.cache/pip" NO_MKDOCS_2_WARNING=1 PYO3_PYTHON="$PWD/.venv/bin/python"
bin="$PWD/.venv/bin"
steps_failed=()
steps_lines=()

# step NAME COMMAND…
step() {
    local name=$1 started=$SECONDS state=ok
    shift
    printf '\n=== %s\n' "$name"
    if ! "$@"; then
        state=FAILED
        steps_failed+=("$name")
    fi
    steps_lines+=("$(printf '%-24s %-7s %5d s' "$name" "$state" $((SECONDS - started)))")
}

summary() {
    printf '\n=== summary\n'
    printf '%s\n' "${steps_lines[@]}"
    [ ${#steps_failed[@]} -eq 0 ] || printf 'failed: %s\n' "${steps_failed[*]}"
}

# What needs no run of the product, the cheapest first.
static_steps() {
    step 'cargo fmt' cargo fmt --all --check
    step 'ruff check' "$bin/ruff" check .
    step 'ruff format' "$bin/ruff" format --check .
    step 'import-linter' "$bin/lint-imports"
    step 'mypy' "$bin/mypy"
    step 'stubtest' "$bin/python" -m mypy.stubtest --allowlist tests/stubtest_allowlist.txt algo_trade._native
    step 'clippy' cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
}
