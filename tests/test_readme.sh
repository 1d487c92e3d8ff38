#!/usr/bin/env bash
# test_readme.sh: what the README shows is what is there: the component file to the letter, every path, every verb and option.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${PROGRAM:-./ablate}
failed=0
complain() { echo "README.md: $*"; failed=1; }

# The C block is the whole of the file that the text names.
if ! diff <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d') variants/ffn/relu2.c; then
    complain "the component shown is not variants/ffn/relu2.c"
fi

# Links lead somewhere.
while read -r target; do
    [ -e "$target" ] || complain "no $target"
done < <(grep -o '](\([^)]*\))' README.md | sed 's/^](//; s/)$//' | grep -v '^http')

# Commands are ones that the program takes: the verb exists and every option is in its help.
while read -r _ verb rest; do
    help=$("$program" "$verb" --help 2>/dev/null) || { complain "no verb $verb"; continue; }
    for word in $rest; do
        case $word in
        \#*) break ;;
        --*) grep -q -- "$word" <<<"$help" || complain "$verb has no $word" ;;
        esac
    done
done < <(grep '^\./ablate [a-z]' README.md)

# The packages are listed in one place.
for package in $(sed 's/#.*//' packages.txt); do
    case $package in gcc | make | git) continue ;; esac
    if grep -qw -- "$package" README.md .ci/run; then
        complain "$package is named outside packages.txt"
    fi
done
exit $failed
