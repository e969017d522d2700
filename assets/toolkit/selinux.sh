#!/usr/bin/env bash
# Allows nginx to use the apps' sockets where SELinux is enabled. Never sets a permissive mode.

selinux_module=uwsgi_nginx

selinux_is_enabled() {
  command -v selinuxenabled > /dev/null && selinuxenabled
}

# Labels a socket folder, so that nginx may write to the sockets in it. Argument: FOLDER below /run
label_socket_folder() {
  selinux_is_enabled || return 0
  local rule
  rule=$(socket_rule "$1")
  if ! has_rule "$rule"; then
    quietly "Labelling $1 for SELinux" semanage fcontext --add --type httpd_var_run_t "$rule"
    # systemd makes the folder. Old versions read the rules only when they start.
    systemctl daemon-reexec
  fi
  [[ ! -e $1 ]] || quietly "Labelling $1 for SELinux" restorecon -R "$1"
}

unlabel_socket_folder() {
  selinux_is_enabled || return 0
  local rule
  rule=$(socket_rule "$1")
  if has_rule "$rule"; then quietly "Removing the SELinux label of $1" semanage fcontext --delete "$rule"; fi
}

# The policy uses the old name of /run.
socket_rule() { printf '/var/run/%s(/.*)?' "${1#/run/}"; }

# Here and below, each list is read completely before it is searched. With a pipe, a search that ends early would make its
# source fail, and with pipefail the search too.
has_rule() {
  local rules
  rules=$(semanage fcontext --list --locallist --noheading)
  grep --quiet --fixed-strings -e "$1 " <<< "$rules"
}

# Whether SELinux has denied nginx access to an app's socket since a time, which depends on the version of the policy.
# Argument: seconds since 1970
nginx_was_denied() {
  local denials
  selinux_is_enabled || return 1
  denials=$({ ausearch --message AVC --start "$(date --date "@$1" +%x)" "$(date --date "@$1" +%T)" --raw ||
    journalctl --dmesg --since "@$1" --output cat; } 2> /dev/null) || denials=''
  grep --quiet 'denied  *{ connectto }.*scontext=[^ ]*:httpd_t[: ].*tcontext=[^ ]*:unconfined_service_t[: ].*tclass=unix_stream_socket' \
    <<< "$denials"
}

# Allows only that access.
allow_nginx() {
  local folder
  folder=$(mktemp -d)
  cat > "$folder/$selinux_module.te" <<- EOT
	module $selinux_module 1.0;
	require {
	  type httpd_t;
	  type unconfined_service_t;
	  class unix_stream_socket connectto;
	}
	allow httpd_t unconfined_service_t:unix_stream_socket connectto;
	EOT
  # checkmodule requires that the output has the module's name.
  quietly "Compiling the SELinux rule" checkmodule -M -m -o "$folder/$selinux_module.mod" "$folder/$selinux_module.te"
  quietly "Packaging the SELinux rule" semodule_package -o "$folder/$selinux_module.pp" -m "$folder/$selinux_module.mod"
  quietly "Installing the SELinux rule" semodule -i "$folder/$selinux_module.pp"
  rm -rf "$folder"
}

disallow_nginx() {
  local modules
  selinux_is_enabled || return 0
  modules=$(semodule -l)
  if grep --quiet "^$selinux_module\b" <<< "$modules"; then quietly "Removing the SELinux rule" semodule -r "$selinux_module"; fi
}
