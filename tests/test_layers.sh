#!/bin/bash
# test_layers.sh: includes point downwards only, and a component needs nothing but its contract and the graph's pieces.
#
# A layer that knows the one above it can no longer be read, tested or replaced by itself. Run from the repository's root.
set -euo pipefail

# What each folder of harness/ may include beside itself.
declare -A below=(
    [base]=""
    [tensor]="base"
    [registry]="base tensor"
    [model]="base tensor registry"
    [store]="base tensor registry"
    [train]="base tensor registry model"
    [sweep]="base tensor registry model train store"
    [report]="base registry store"
    [check]="base tensor registry model train sweep"
    [bench]="base tensor registry model store train sweep"
    [cli]="base tensor registry model store train sweep report check bench"
    [main.c]="base registry cli"
)
component_includes=" registry/component.h tensor/ops.h tensor/twice.h tensor/lane.h "

troubles=0
trouble() {
    echo "$1"
    troubles=$((troubles + 1))
}

# "file:line:name" of every include in quotes.
includes() {
    grep -rnoE --include='*.[ch]' '^ *# *include +"[^"]+"' "$@" | sed -E 's/# *include +//; s/ *"([^"]+)"/\1/'
}

while IFS=: read -r file line name; do
    from=${file#harness/}
    from=${from%%/*}
    to=${name%%/*}
    if [ -z "${below[$from]+known}" ]; then
        trouble "$file: harness/$from is no layer of tests/test_layers.sh; say there what it may include"
    elif [ "$name" != "$to" ] && [ "$from" != "$to" ] && [[ " ${below[$from]} " != *" $to "* ]]; then
        trouble "$file:$line: includes $name, but $from stands below $to or beside it"
    elif [ ! -f "harness/$name" ] && [ ! -f "$(dirname "$file")/$name" ]; then
        trouble "$file:$line: no header harness/$name"
    fi
done < <(includes harness)

# A component may bring a folder of its own name; what lies there stands on base alone.
while IFS=: read -r file line name; do
    IFS=/ read -r _ slot component rest <<<"$file"
    if [ -n "$rest" ]; then
        [[ $name == base/* || -f "$(dirname "$file")/$name" ]] && continue
    else
        [[ $component_includes == *" $name "* || $name == "${component%.c}"/* ]] && continue
    fi
    trouble "$file:$line: includes $name; a component of $slot includes${component_includes}and its own folder"
done < <(includes variants)

[ "$troubles" -eq 0 ] || exit 1
