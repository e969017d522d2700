#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# The user and the group of an app, which no other app and no other service shares.

# Makes the app's user, unless it exists. Assigns its group to the caller's group.
make_user() {
  local entry comment
  comment=$(user_comment "$app")
  if entry=$(getent passwd "$uid"); then
    if [[ $(id -u "$uid") == 0 ]]; then
      fail "The user $uid of app $app is root." "choose another user with apps.$app.uid."
    fi
    # It may become root, and uploads what root runs.
    if [[ $uid == $(stat --format %U "$uploads_folder") ]]; then
      fail "The user $uid of app $app is the login user, who can become root." "choose another user with apps.$app.uid."
    fi
    if [[ $entry == *":uwsgi-nginx "* && $entry != *":$comment:"* ]]; then
      fail "The user $uid of app $app was made for something else of this stack." "choose another user with apps.$app.uid."
    fi
    if [[ $uid_given != true && $entry != *":$comment:"* ]]; then
      fail "The server already has a user $uid, who was not made for app $app." \
        "choose another user with apps.$app.uid, or set it to $uid to use this one."
    fi
  else
    if getent group "$uid" > /dev/null; then
      fail "The server already has a group $uid, whose rights app $app would get." "choose another user with apps.$app.uid."
    fi
    quietly "Making the user $uid" useradd --system --user-group --no-create-home --home-dir "$folder" \
      --shell /sbin/nologin --comment "$comment" "$uid"
  fi
  require_own_group
}

# Code and data are the group's, so nobody else may be in it.
require_own_group() {
  local id name members
  # shellcheck disable=SC2034 # used by the parts
  group=$(id -gn "$uid")
  id=$(id -g "$uid")
  members=$(getent group "$id" | cut -d : -f 4)
  for name in ${members//,/ } $(getent passwd | awk -F : -v id="$id" '$4 == id { print $1 }'); do
    if [[ $name != "$uid" ]]; then
      fail "The user $uid of app $app is in the group $group with others ($name), who could read the app's code and data." \
        "choose another user with apps.$app.uid, or give this one a group of its own (groupadd, usermod --gid)."
    fi
  done
}

# Gives the app's data to another user. Nothing of the app may run. Arguments: OLD_USER_ID USER
move_data() {
  say "$app: giving its data to the user $2"
  # The folder itself comes last, and says whether all has been moved.
  find "$folder/shared" -xdev -depth -uid "$1" -exec chown --no-dereference "$2:$(id -g "$2")" {} +
}

# nginx gets through the folder to the public copies of static folders (static.sh), and nobody else into what is in it.
make_releases_folder() {
  local name owners
  if [[ ! -e $folder/releases ]]; then install -d -m 751 -g "$group" "$folder/releases"; fi
  [[ $(stat --format %a "$folder/releases") == 750 ]] || return 0
  # Earlier versions closed the folder only, and not each release.
  owners=$(stat --format %G "$folder/releases")
  for name in "$folder"/releases/*/app; do
    [[ ! -d $name ]] || { chgrp "$owners" "$name" && chmod 750 "$name"; }
  done
  chmod 751 "$folder/releases"
}

# Keeps how the folders are, for open_folders, before data is moved and folders are closed. A run that was cut off may have
# done both.
remember_folders() {
  local folders
  if [[ -s $folder/folders.before ]]; then return 0; fi
  folders=$(stat --format '%a %G %n' "$folder/shared" "$folder/releases" "$folder"/releases/*/app "$folder"/venvs/*) &&
    write_text "$folders"$'\n' "$folder/folders.before"
}

# Lets only root and the app's group into what is the app's. While the app of version 0.2.0 or of another user runs, it needs
# them as they are.
close_folders() {
  local folders=("$folder/shared" "$folder"/releases/*/app "$folder"/venvs/*)
  chgrp "$group" "${folders[@]}" "$folder/releases" && chmod 750 "${folders[@]}"
}

# Makes close_folders undone, and what move_data has done to the folders.
open_folders() {
  local mode group_before name
  [[ -e $folder/folders.before ]] || return 0
  while read -r mode group_before name; do
    if [[ -e $name ]]; then chgrp "$group_before" "$name" && chmod "$mode" "$name"; fi
  done < "$folder/folders.before"
  rm -f "$folder/folders.before"
}

# Ends what a user has started, and removes the user with what it has left outside of the app's folder: another user may get
# its number. Argument: USER
remove_user() {
  local id
  id=$(id -u "$1" 2> /dev/null) || return 0
  end_processes "$1"
  # The rules of rendering/hardening.ts.
  iptables -w -D OUTPUT -d 169.254.169.254 -m owner --uid-owner "$id" -j REJECT 2> /dev/null || true
  ip6tables -w -D OUTPUT -d fd00:ec2::254 -m owner --uid-owner "$id" -j REJECT 2> /dev/null || true
  find /tmp /var/tmp /dev/shm /dev/mqueue /run/lock /var/spool/cron -xdev -uid "$id" -delete 2> /dev/null || true
  userdel "$1" || true
}

# Ends a user's processes and removes the System V memory, semaphores and queues that they leave. Argument: USER
end_processes() {
  local id kind number
  id=$(getent passwd "$1" | cut -d : -f 3) || return 0
  wait_for 10 has_no_processes "$1" || true
  # The columns of the owner; the creator is two further.
  for kind in shm:8 msg:8 sem:5; do
    awk -v id="$id" -v column="${kind#*:}" 'NR > 1 && ($column == id || $(column + 2) == id) { print $2 }' "/proc/sysvipc/${kind%:*}" 2> /dev/null |
      while read -r number; do ipcrm "${kind%:*}" "$number" > /dev/null 2>&1 || true; done || true
  done
}

has_no_processes() { ! pkill -KILL -U "$1"; }
