#!/usr/bin/env bash
# Lets nginx use the apps' sockets where SELinux is enabled; does nothing where it is not. Never a permissive mode.

selinux_module=uwsgi_nginx

selinux_is_enabled() {
  command -v selinuxenabled > /dev/null && selinuxenabled
}

# Gives what is made in a socket folder the type that nginx may write to. Argument: FOLDER below /run
label_socket_folder() {
  selinux_is_enabled || return 0
  local rule
  rule=$(socket_rule "$1")
  if ! has_rule "$rule"; then
    quietly "labelling $1 for SELinux" semanage fcontext --add --type httpd_var_run_t "$rule"
    # An old systemd, which makes the folder, knows only the rules that there were when it began.
    systemctl daemon-reexec
  fi
  [[ ! -e $1 ]] || quietly "labelling $1 for SELinux" restorecon -R "$1"
}

unlabel_socket_folder() {
  selinux_is_enabled || return 0
  local rule
  rule=$(socket_rule "$1")
  if has_rule "$rule"; then quietly "taking back the SELinux label of $1" semanage fcontext --delete "$rule"; fi
}

# The policy knows /run by its old name.
socket_rule() { printf '/var/run/%s(/.*)?' "${1#/run/}"; }

# Here and below each list is taken whole before it is searched: a search that ends early would end its source, too, and
# that counts as a failure.
has_rule() {
  local rules
  rules=$(semanage fcontext --list --locallist --noheading)
  grep --quiet --fixed-strings -e "$1 " <<< "$rules"
}

# Whether SELinux has kept nginx from an app's socket since then; it depends on the release of the policy.
# Argument: seconds since 1970
nginx_was_denied() {
  local denials
  selinux_is_enabled || return 1
  denials=$({ ausearch --message AVC --start "$(date --date "@$1" +%x)" "$(date --date "@$1" +%T)" --raw ||
    journalctl --dmesg --since "@$1" --output cat; } 2> /dev/null) || denials=''
  grep --quiet 'denied  *{ connectto }.*scontext=[^ ]*:httpd_t[: ].*tcontext=[^ ]*:unconfined_service_t[: ].*tclass=unix_stream_socket' \
    <<< "$denials"
}

# Allows that, and no more.
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
  # checkmodule wants the output named like the module.
  quietly "compiling the SELinux rule" checkmodule -M -m -o "$folder/$selinux_module.mod" "$folder/$selinux_module.te"
  quietly "packing the SELinux rule" semodule_package -o "$folder/$selinux_module.pp" -m "$folder/$selinux_module.mod"
  quietly "installing the SELinux rule" semodule -i "$folder/$selinux_module.pp"
  rm -rf "$folder"
}

disallow_nginx() {
  local modules
  selinux_is_enabled || return 0
  modules=$(semodule -l)
  if grep --quiet "^$selinux_module\b" <<< "$modules"; then quietly "removing the SELinux rule" semodule -r "$selinux_module"; fi
}
