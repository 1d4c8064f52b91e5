#!/bin/sh
# tests/check_symbols.sh BUILD: looks into what was built. The extension exports its entry point and nothing else, needs
# libc and libm only, has no executable stack; outside model/cpu_avx*.c nothing needs more than the baseline processor.
set -u
build=$1
bad=0
fail() {
    echo "FAILED: $*"
    bad=1
}

exported=$(nm -D --defined-only "$build/lstm_ext.so" | awk '{ print $3 }')
[ "$exported" = sqlite3_lstmext_init ] || fail "lstm_ext.so exports $(echo $exported), expected sqlite3_lstmext_init"

needed=$(readelf -dW "$build/lstm_ext.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for library in $needed; do
    case $library in
    libc.so.* | libm.so.* | libpthread.so.* | ld-linux*) ;;
    *) fail "lstm_ext.so needs $library" ;;
    esac
done

readelf -lW "$build/lstm_ext.so" | grep 'GNU_STACK' | grep -q 'RW ' || fail "lstm_ext.so asks for an executable stack"

wide() { # instructions with a VEX or EVEX prefix are written with a v
    objdump -d --no-show-raw-insn "$1" | awk '$2 ~ /^v/ || /%[yz]mm/ { n++ } END { exit !n }'
}
if [ "$(uname -m)" = x86_64 ]; then
    for object in "$build"/model/*.o "$build"/ext/*.o "$build"/ext_static/*.o "$build"/train/*.o; do
        [ -e "$object" ] || continue
        case $object in
        */model/cpu_avx*.o) wide "$object" || fail "$object has no wide instruction: were its flags lost?" ;;
        *) ! wide "$object" || fail "$object has instructions that the baseline processor lacks" ;;
        esac
    done
else
    echo "SKIPPED: wide instructions are looked for on x86_64 only"
fi
[ $bad -eq 0 ] && echo "objects: one exported symbol, no wide instructions outside model/cpu_avx*.c"
exit $bad
