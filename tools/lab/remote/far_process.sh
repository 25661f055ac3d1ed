# shellcheck shell=sh
# Starts one process of the bench on a remote host. Runs as `sh -c THIS sh TOKEN HOLDERS FOLDER COMMAND…`: HOLDERS are the
# processes that hold the lease, FOLDER is where the command runs, empty for where the prefix leads. What comes through standard input after the line "started" is the
# command's, which writes to standard output and error directly. On each of the two, a line before and a line after
# surround what it writes: what a client of the prefix says of its own stands outside.
token=$1
holders=$2
folder=$3
shift 3
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin

# What starts when the lease is over would be ended by nobody.
for holder in $holders; do
  stat=
  { read -r stat <"/proc/$holder/stat"; } 2>/dev/null
  case ${stat##*) } in '' | Z* | X*)
    echo "the lease there is over, or not seen from here" >&2
    exit
    ;;
  esac
done

# A session of its own where it can be had, else that of the channel.
session=
command -v setsid >/dev/null 2>&1 && session=setsid
read -r launcher _ </proc/self/stat

# shellcheck disable=SC2016 # the inner shell is to expand it
become='
token=$1 launcher=$2 session=$3 folder=$4
shift 4
read -r pid _ _ _ group _ </proc/self/stat
printf "\036%s started\n" "$token" >&2
printf "\036%s started %s\n" "$token" "$pid $group $launcher $session"
ulimit -n "$(ulimit -Hn)" 2>/dev/null
[ -z "$folder" ] || cd "$folder" || exit
exec "$@"'

# The words of this shell about a signal that has ended the command are nobody's.
exec 3>&2 2>/dev/null
# shellcheck disable=SC2086 # nothing, or one word
(exec $session sh -c "$become" sh "$token" "$launcher" "${session:-none}" "$folder" "$@" 2>&3 3>&-)
code=$?
printf '\036%s ended\n' "$token" >&3
printf '\036%s ended %s\n' "$token" "$code"
