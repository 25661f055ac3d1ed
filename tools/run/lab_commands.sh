# shellcheck shell=bash
# Keeps a folder with the commands of a lab's shell until its standard input closes, which the kernel sees to when the
# tool is gone. Prints the folder.
# Arguments: the texts of on_host.sh and of lab_bashrc.sh.
folder=$(mktemp -d) || exit
trap '' HUP INT TERM
printf %s "$1" >"$folder/on" && chmod +x "$folder/on" && printf %s "$2" >"$folder/bashrc" && echo "$folder"
cat >/dev/null
rm -rf "$folder"
