#!/bin/sh
# Runs the examples on the local platform with events as the platform sends
# them, shows what goes in and out and how long it takes, and fails if an answer
# is not the one it has to be.
set -u
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
log=$tmp/log out=$tmp/out
failed=0
bold='' plain=''
if [ -t 1 ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

# demo FOLDER EVENT PATTERN [OPTION…]: the answer has to match PATTERN, as in case.
# The event is one of events/, or FOLDER's own if its name has a slash.
demo() {
    folder=examples/$1 event=examples/events/$2 pattern=$3
    case $2 in */*) event=examples/$2 ;; esac
    shift 3
    printf '\n%s\n' "${bold}fgdev invoke $folder -e $event$plain"
    printf '  in    %.100s\n' "$(tr -s ' \n' ' ' <"$event")"
    if ! bin/fgdev invoke "$folder" -e "$event" "$@" >"$out" 2>"$log"; then
        printf '  FAILED:\n'
        sed 's/^/  /' "$log" "$out"
        failed=1
        return
    fi
    sed -n 's/^[^ ]* [0-9a-f-]\{36\} [A-Z]* /  log   /p' "$log"
    printf '  out   %.300s\n' "$(tr '\n' ' ' <"$out")"
    sed -n 's/.*Finish invoke.*, duration: \([^,]*\),.*/  time  \1/p' "$log"
    # The pattern is meant to be one.
    # shellcheck disable=SC2254
    case $(cat "$out") in
    $pattern) ;;
    *) printf '  WRONG: the answer should match %s\n' "$pattern"; failed=1 ;;
    esac
}

demo pipe-sh apig.json '{"statusCode":200,*"text/html*Hello, *'
demo pipe-sh apig_base64.json '{"statusCode":200,*application/json*Hello, world*'
demo pipe-go timer.json '{"summary":"timer nightly of *clean up*'
demo pipe-go obs.json '*pictures-in*'
demo pipe-awk obs.json '*lines, *words*'
# The entry is still there when the next instance starts: /tmp is the same here.
demo cgi-sh cgi-sh/form.json '{"statusCode":303,*"Location":"/"*' -c TMPDIR="$tmp"
demo cgi-sh apig_page.json '{"statusCode":200,*text/html*Zoë<dd>&lt;b>hello*' -c TMPDIR="$tmp"
demo cgi-sh timer.json 'The book is empty.' -c TMPDIR="$tmp"
demo worker-sh timer.json '{"done":"nightly","tasks":1}'
demo worker-awk apig.json '{"statusCode":302,*greetings*'
demo http-go apig_prefix.json '{"statusCode":200,*text/html*GET /files/docs/%C3%9Cbersicht%201.txt*'
demo http-go apig_base64.json '{"statusCode":200,*application/json*bodyBytes*:24}*'
demo http-go obs.json '{"seen":?"object pictures-in/inbox/job.png"]}*'
if command -v python3 >/dev/null; then
    demo pipe-python apig.json '{"statusCode": 200*'
    demo pipe-python timer.json '{"timer": "nightly", "message": "clean up"}'
    demo pipe-python obs.json '{"objects": *'
    demo worker-python apig.json '{"statusCode":200,*2\\n3\\n5*'
    demo worker-actionloop-python apig.json '{"statusCode":200,*Hello, Ada!*'
    demo http-python apig_page.json '{"statusCode":200,*text/html*<table*'
    demo http-python http-python/month.json '{"statusCode":200,*45*2026-11-02*'
    demo http-python timer.json '{"day": "2026-11-02", "week": 45, "workday": true}'
    # The note is still there when the next instance starts: /tmp is the same here.
    demo http-webapp http-webapp/form.json '{"statusCode":303,*"name=Zo%C3%AB;*"said=*"./"*' -c TMPDIR="$tmp"
    demo http-webapp apig_page.json '{"statusCode":200,*Pinboard*value=*Ada*&lt;b&gt;sharp*Zoë*' -c TMPDIR="$tmp"
    demo http-webapp timer.json '{"deleted": 0}' -c TMPDIR="$tmp"
else
    printf '\nThe Python examples are left out: there is no python3 here.\n'
fi
if command -v node >/dev/null; then
    demo worker-node kafka.json '{"delivered":5}'
    demo http-node smn.json '{"alarms":2}'
    demo http-node apig_page.json '{"statusCode":200,*text/html*All is well.*'
else
    printf '\nThe Node examples are left out: there is no node here.\n'
fi
echo
if [ $failed -ne 0 ]; then
    echo "The demo failed." && exit 1
fi
echo "All answers are right. Your own: bin/fgdev invoke DIRECTORY -e EVENT.json"
