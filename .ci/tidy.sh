#!/usr/bin/env bash
# The tidy lane by hand: `make tidy-check`.
cd "$(dirname "$0")/.." && exec bash .ci/lanes/tidy.sh
