#!/bin/sh
# tests/check_headers.sh COMPILER...: every header of the project compiles alone. Headers of an instruction set
# (*_avx2.h) get its flags from ISA_avx2 and so on in the environment.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0 count=0
for compiler in "$@"; do
    if ! command -v "$compiler" > /dev/null; then
        echo "SKIPPED: headers with $compiler: it is not installed"
        continue
    fi
    for header in model/*.h ext/*.h train/*.h tests/*.h; do
        [ -e "$header" ] || continue
        case $header in
        *_avx2.h) isa=${ISA_avx2:-} ;;
        *_avxvnni.h) isa=${ISA_avxvnni:-} ;;
        *_avx512.h) isa=${ISA_avx512:-} ;;
        *_avx512vnni.h) isa=${ISA_avx512vnni:-} ;;
        *_avx512bf16.h) isa=${ISA_avx512bf16:-} ;;
        */vec_math.h | */cell_math.h) isa='-include model/vec_generic.h' ;; # over the vocabulary that the including file has chosen
        *) isa= ;;
        esac
        # Unused static functions are fine in a header.
        echo "#include \"$header\"" | $compiler -std=c11 -D_POSIX_C_SOURCE=200809L -I. -Wall -Wextra -Werror \
            -Wno-unused-function $isa -fsyntax-only -x c - || bad=1
        count=$((count + 1))
    done
done
[ $bad -eq 0 ] && echo "headers: $count compiled alone ($*)"
exit $bad
