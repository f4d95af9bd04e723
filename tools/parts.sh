# shellcheck shell=bash
# tools/parts.sh - what tools/kafka, tools/dynamodb, tools/sns-sqs and tools/toxiproxy share: how a
# part is fetched, started, found and stopped. Each of them sources this file, says with a few
# functions and variables what is its own, and ends with `main "$@"`:
#
#   PORT_DEFAULT            where it listens when nothing else is said
#   SETTINGS                other settings that `start` takes, beside port
#   fetch_part              fills the empty directory $new with the program
#   prepare_start           writes what a start needs below $home (its configuration)
#   run_part                sets `command`, the array that is run in $home
#   is_healthy              true once it answers
#   finish_start            what a start does besides, then
#   print_endpoint          how clients are told of it
#
# Everything of one part lies in DIR/<part>: data, configuration, log, process id. Its programs are
# kept once per machine, below $TALLYSTICK_DOWNLOADS.
set -euo pipefail

START_TIMEOUT_S=120
STOP_TIMEOUT_S=20

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
part=$(basename "$0")
# shellcheck source=tools/versions
. "$tools/versions"
export LC_ALL=C

main() {
    local verb=${1:-}
    declare -F "part_$verb" > /dev/null || usage
    shift
    choose_downloads
    if [ "$verb" != fetch ]; then
        [ $# -ge 1 ] || usage
        home=$(realpath -m -- "$1")/$part
        shift
    fi
    "part_$verb" "$@"
}

usage() {
    sed -n '3,/^#$/p' "$tools/$part" | cut -c3- >&2
    exit 2
}

say() { echo "$part: $*" >&2; }
die() { say "$*"; exit 1; }

# ---- the verbs -----------------------------------------------------------------------------------

# Made aside and moved, so that a download that broke off leaves nothing half made; of two at a time
# the second waits and finds it done.
part_fetch() {
    [ ! -e "$program" ] || return 0
    mkdir -p "$downloads"
    exec 8> "$program.lock"
    flock 8
    [ ! -e "$program" ] || return 0
    new=$program.new
    rm -rf "$new"
    mkdir "$new"
    say "fetching $(basename "$program") into $downloads"
    fetch_part 8>&- || { rm -rf "$new"; die "the download failed; what it said stands above"; }
    mv "$new" "$program"
    exec 8>&-
}

part_start() {
    read_settings "$@"
    mkdir -p "$home"
    exec 9> "$home/lock"
    flock -w "$START_TIMEOUT_S" 9 || die "another start of $home is under way"
    if is_running; then
        [ "$(cat "$home/settings")" = "$settings" ] ||
            die "it runs already, with other settings; they take effect at a start"
        ! becomes_healthy || return 0
    fi
    part_fetch
    becomes_free ||
        die "port $port is taken$(holder_of_port); choose another: port=NUMBER"
    echo "$settings" > "$home/settings"
    keep_log_small
    prepare_start 9>&-
    run_part
    spawn
    becomes_healthy || { show_log; die "it ended while starting; its log is $home/log"; }
    finish_start
}

finish_start() { :; }

part_stop() {
    local tries
    is_running || return 0
    kill -TERM "$process" 2> /dev/null || true
    for ((tries = STOP_TIMEOUT_S * 20; tries > 0; tries--)); do
        is_running || break
        sleep 0.05
    done
    if is_running; then
        say "it did not stop within $STOP_TIMEOUT_S s and was killed"
        kill -KILL "$process" 2> /dev/null || true
    fi
    rm -f "$home/process"
}

part_status() {
    is_running || { echo "stopped"; return 1; }
    find_port
    echo "running as process $process at $(print_endpoint)"
}

part_endpoint() {
    find_port
    print_endpoint
}

part_destroy() {
    part_stop
    rm -rf "$home"
}

# ---- settings ------------------------------------------------------------------------------------

# Port: what `start` was given, or the environment's KAFKA_PORT (DYNAMODB_PORT, SNS_SQS_PORT,
# TOXIPROXY_PORT), or the default.
# Sets port, one variable for each name in SETTINGS, extra (what the part itself understands) and
# settings (all of it in a line, to compare).
read_settings() {
    local setting name variable=${part//-/_}_PORT
    variable=${variable^^}
    port=${!variable:-$PORT_DEFAULT}
    extra=()
    for setting in "$@"; do
        name=${setting%%=*}
        case " port $SETTINGS " in
            *" $name "*) printf -v "$name" %s "${setting#*=}" ;;
            *" ... "*)   extra+=("$setting") ;;
            *)           die "there is no setting $name; there are: port $SETTINGS" ;;
        esac
    done
    [[ $port =~ ^[0-9]{1,5}$ ]] && [ "$port" -gt 0 ] && [ "$port" -le 65535 ] ||
        die "port=$port is no port number"
    settings="port=$port $*"
}

# The port of the last start.
find_port() {
    [ -s "$home/settings" ] || die "it has not been started below ${home%/*}"
    read -r port _ < "$home/settings"
    port=${port#port=}
}

# is_free ADDRESS PORT
is_free() { ! (exec 3<> "/dev/tcp/$1/$2") 2> /dev/null; }

# The port. One of ours that was killed a moment ago may still have it.
becomes_free() {
    local tries
    for ((tries = 50; tries > 0; tries--)); do
        ! is_free 127.0.0.1 "$port" || return 0
        [ -s "$home/process" ] || return 1
        sleep 0.1
    done
    return 1
}

# " by nginx (process 123)", or nothing where that cannot be known.
holder_of_port() {
    command -v ss > /dev/null || return 0
    ss -Hltnp "sport = :$port" |
        sed -nE 's/.*\("([^"]+)",pid=([0-9]+).*/ by \1 (process \2)/p' | head -n 1
}

# ---- processes -----------------------------------------------------------------------------------

# A process id alone proves little: after a reboot it may be anybody's. A part works inside $home.
is_running() {
    [ -s "$home/process" ] || return 1
    process=$(cat "$home/process")
    [ "/proc/$process/cwd" -ef "$home" ]
}

# A session of its own: Ctrl-C in the caller's terminal is not for it.
spawn() {
    cd "$home"
    setsid "${command[@]}" < /dev/null >> "$home/log" 2>&1 9>&- &
    echo $! > "$home/process"
    disown
    cd "$OLDPWD"
}

# Not so when it ends: while it starts, or because it was killed a moment ago.
becomes_healthy() {
    local deadline=$((SECONDS + START_TIMEOUT_S))
    while is_running; do
        ! is_healthy || return 0
        [ $SECONDS -lt $deadline ] ||
            { show_log; die "it does not answer after $START_TIMEOUT_S s; its log is $home/log"; }
        sleep 0.1
    done
    return 1
}

show_log() { tail -n 15 "$home/log" >&2; }

keep_log_small() {
    [ ! -e "$home/log" ] || [ "$(stat -c %s "$home/log")" -lt 10000000 ] ||
        mv "$home/log" "$home/log.old"
}

# ---- downloads -----------------------------------------------------------------------------------

choose_downloads() {
    if [ -n "${TALLYSTICK_DOWNLOADS:-}" ]; then
        downloads=$TALLYSTICK_DOWNLOADS
    elif [ -n "${HOME:-}" ]; then
        downloads=$HOME/.cache/tallystick
    else
        die "neither TALLYSTICK_DOWNLOADS nor HOME says where downloads go"
    fi
    mkdir -p "$downloads"
    downloads=$(cd "$downloads" && pwd -P)
    program=$downloads/$PROGRAM
}

need() {
    command -v "$1" > /dev/null || die "$1 is not installed; tools/setup $part installs it"
}

# fetch_jars GROUP:ARTIFACT:VERSION... - these and all they need to run, by Maven, into $new. Its
# repository is not the user's own: two Mavens at a time would get in each other's way there, and
# nothing of it is needed again.
fetch_jars() {
    local plugin=org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN
    need mvn
    write_pom "$@" > "$new/pom.xml"
    mvn --quiet --batch-mode --strict-checksums "-Dmaven.repo.local=$new/repository" \
        --file "$new/pom.xml" "$plugin:copy-dependencies" -DincludeScope=runtime \
        "-DoutputDirectory=$new" > "$new/log" 2>&1 ||
        { sed 's/\x1b\[[0-9;]*m//g' "$new/log" >&2; return 1; }
    rm -rf "$new/repository"
}

write_pom() {
    local artifact group name version
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0">'
    echo '<modelVersion>4.0.0</modelVersion><packaging>pom</packaging>'
    echo '<groupId>tallystick</groupId><artifactId>part</artifactId><version>1</version>'
    echo '<dependencies>'
    for artifact in "$@"; do
        IFS=: read -r group name version <<< "$artifact"
        echo "<dependency><groupId>$group</groupId><artifactId>$name</artifactId>" \
            "<version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
}
