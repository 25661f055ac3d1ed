# shellcheck shell=bash
# Read by the shells of deno task lab: the person's own settings, and a prompt that says which host one is on.
# shellcheck source=/dev/null
[[ -r ~/.bashrc ]] && . ~/.bashrc
PATH=$TIMEWAIT_BIN:$PATH
unset PROMPT_COMMAND
# shellcheck disable=SC2016 # expanded with each prompt
PS1='$TIMEWAIT_HOST:\w$ '
