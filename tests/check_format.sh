#!/bin/sh
# Fails when a C++ file is not as clang-format ($1) writes it.
git ls-files '*.cc' '*.h' | xargs "$1" --dry-run -Werror
