#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh and release.sh
# What an app may write to: the folders and files of its code that are kept across releases (apps.APP.folders, apps.APP.files).
# They are in its folder `shared`, and each release has links to them. Everything in `shared` is done as its owner, because
# root must not follow a link that the app has made there.

# Puts links to what is kept into the code of a release, and first keeps what the release has there, unless something is kept
# already. Argument: FOLDER
link_folders() {
  local path
  while IFS= read -r path; do
    if [[ -n $path ]]; then link_kept "$1" "$path" folder; fi
  done <<< "$kept_folders"
  while IFS= read -r path; do
    if [[ -n $path ]]; then link_kept "$1" "$path" file; fi
  done <<< "$kept_files"
}

# Arguments: FOLDER PATH folder|file
link_kept() {
  local place=$1/$2 parent=$1 part shipped=false
  # Nothing in the code of a release is a link, except those of here.
  if [[ -e $place ]]; then
    shipped=true
    case $3 in
      folder) [[ -d $place ]] || fail_kept "$2" folders "a file at \"$2\"" ;;
      file) [[ -f $place ]] || fail_kept "$2" files "a folder at \"$2\"" ;;
    esac
  fi
  tar_of_shipped "$place" "$shipped" | as_owner "$keep_program" keep "$folder/shared" "$2" "$3" "$shipped" ||
    fail "The $3 \"$2\" of app $app could not be kept in $folder/shared." \
      "solve the problem that is reported above, such as a full disk (df -h), then deploy again."
  rm -rf "$place"
  while IFS= read -r -d / part; do
    parent+=/$part
    [[ -d $parent ]] || install -d -m 750 -g "$group" "$parent" || fail_kept "$2" "${3}s" "a file at \"${parent#"$1"/}\""
  done <<< "$2"
  ln -sT "$folder/shared/$2" "$place"
}

# Arguments: PATH SETTING WHAT
fail_kept() {
  fail "The code of app $app has $3, so \"$1\" cannot be one of apps.$app.$2." "choose another path, or move that in the code."
}

# What a release brings, whatever it is called. Arguments: PATH WHETHER_IT_IS_THERE
tar_of_shipped() {
  [[ $2 == false ]] || tar -C "${1%/*}" --transform 's#^\./[^/]*#kept#' -cf - "./${1##*/}"
}

# Runs a script as the owner of the app's data: while an update changes the user, that is still the former one.
# Arguments: SCRIPT ARGUMENT…
as_owner() { (close_locks && exec runuser -u "$(id -un "$owner")" -- bash -c "$@"); }

# Arguments: SHARED PATH folder|file WHETHER_IT_IS_SHIPPED. What was copied is complete when it gets its name.
# shellcheck disable=SC2016 # expanded by that bash
keep_program='
set -euo pipefail
umask 027
cd "$1"
place=./$2 new=./.copy-of-kept
if [[ $4 == true && ! -e $place && ! -L $place ]]; then
  rm -rf "$new"
  mkdir -p "$new" "${place%/*}"
  tar -C "$new" -xf - --no-same-permissions --touch
  chmod -R u+rwX "$new/kept"
  mv -nT "$new/kept" "$place"
  rm -rf "$new"
elif [[ $3 == folder ]]; then
  [[ -d $place ]] || mkdir -p "$place"
else
  mkdir -p "${place%/*}"
fi
# All of it, or tar would fail.
cat > /dev/null
'

# Prints a fix if a log says that the app could not write, with the path if the log names it. Argument: LOG
write_advice() {
  local line path folders=apps.$app.folders files=apps.$app.files others=apps.$app.readWritePaths
  line=$(grep -m 1 -E 'Read-only file system|Permission denied|unable to open database file|attempt to write a readonly database' <<< "$1") || return 0
  path=$(sed -n -E "s/.*(Read-only file system|Permission denied): [ub]?['\"]([^'\"]+)['\"].*/\2/p" <<< "$line")
  case $path in
    "$folder"/current/app/*) path=${path#"$folder"/current/app/} ;;
    "$folder"/trial/app/*) path=${path#"$folder"/trial/app/} ;;
    "$folder"/releases/*/app/*) path=${path#"$folder"/releases/*/app/} ;;
  esac
  path=${path#./}
  case $path in
    '') printf 'let the app write where it must, with %s or %s for paths in its code (for a SQLite database, its folder), or %s for others, then deploy again.' "$folders" "$files" "$others" ;;
    "$folder"/* | ../*) ;;
    /*) printf 'list the folder of %s in %s and let the user %s write there, if the app should, then deploy again.' "$path" "$others" "$uid" ;;
    */*) printf 'list "%s" in %s, or "%s" in %s, so that the app may write there, then deploy again.' "${path%/*}" "$folders" "$path" "$files" ;;
    *) printf 'list "%s" in %s, or in %s if it is a folder, so that the app may write there, then deploy again.' "$path" "$files" "$folders" ;;
  esac
}

# Copies stdin to stdout without the values of the app's secrets that have six or more characters, nor the lines of one. The
# system's own Python does it, so that no value is an argument.
hide_secrets() {
  # shellcheck disable=SC2086 # a list of words
  "$python" $isolation -S -c "$hide_program" "$folder"/releases/{,.new-}*/secrets "$state_folder/secrets/$app"
}

hide_program='
import re, sys

hidden = set()

def hide(value):
    for part in [value] + value.split(b"\n"):
        for form in (part, part.strip(), part.replace(b"\\", b"\\\\"), part.replace(b"\n", b"\\n")):
            if len(form) >= 6:
                hidden.add(form)

# As variableLines in rendering/environment.ts writes them.
for name in sys.argv[1:]:
    try:
        with open(name, "rb") as file:
            text = file.read()
    except (IOError, OSError):
        continue
    for value in re.findall(br"""^[A-Za-z_][A-Za-z0-9_]*="((?:[^"\\]|\\.)*)"$""", text, re.M | re.S):
        hide(re.sub(br"""\\(.)""", br"\1", value, flags=re.S))

text = getattr(sys.stdin, "buffer", sys.stdin).read()
for value in sorted(hidden, key=len, reverse=True):
    text = text.replace(value, b"[secret]")
# The journal divides long lines, so a part of a long value may be left.
long = [value for value in hidden if len(value) > 1000]
parts = set(value[i:i + 32] for value in long for i in range(0, len(value) - 31, 32))
lines = text.split(b"\n")
if parts:
    lines = [b"[secret]" if any(part in line for part in parts) else line for line in lines]
getattr(sys.stdout, "buffer", sys.stdout).write(b"\n".join(lines))
'
