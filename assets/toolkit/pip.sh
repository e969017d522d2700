#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2034 # declared by app.sh; build_place and build_variables are used by build.sh
# Installs an app's requirements with pip, and says what to do if that fails.

# Without the working directory on the path: the app may have modules with the names of pip's, or of Python's own.
own_pip='import sys; sys.path[:] = [it for it in sys.path if it]; import runpy; runpy.run_module("pip", run_name="__main__", alter_sys=True)'

# Installs requirements_file, which is in the app's code, or the text requirements. pip runs in a copy of the code, so that the
# files and folders of it that the requirements name are there.
run_requirements() {
  local build_place=$venv/code build_variables=() hidden=() file=$requirements_file version output what
  say "$app: installing the requirements"
  version=$("$python" --version 2>&1)
  if [[ -z $file ]]; then
    file=$build_folder/requirements.txt
    printf '%s' "$requirements" > "$file"
  fi
  take_pip_secrets
  # pip would break long lines.
  build_variables+=(COLUMNS=1000)
  copy_code_for_pip
  what="Installing the requirements with $version"
  if ! run_silently in_unit "$venv/bin/python" -c "$own_pip" install --requirement "$file"; then
    hide_pip_secrets
    fail "Installing the requirements with $version failed." "$(pip_advice "$version" <<< "$output")" "$(pip_lines <<< "$output")"
  fi
  leave_code
}

copy_code_for_pip() {
  as_builder mkdir "$venv/code"
  as_builder tar -C "$venv/code" -xzf - --no-same-owner --no-same-permissions --touch < "$code" ||
    fail "The archive $code with the code of app $app is broken." "deploy again."
}

# The code stays only if something in it was installed as editable.
leave_code() {
  local build_place='' build_variables=()
  # git keeps the URL that it has cloned, with its password.
  # shellcheck disable=SC2016 # expanded by that bash
  build "Removing the code from $venv" bash -ec 'rm -rf "$1"/src/*/.git
    grep --recursive --quiet --fixed-strings --include "*.pth" --include "*.egg-link" --include "__editable__*" "$1/code" "$1/lib" ||
    rm -rf "$1/code"' bash "$venv"
}

# Assigns what only pip gets to know to the caller's build_variables, and what its output must not show to hidden.
take_pip_secrets() {
  local line netrc='' file=$state_folder/secrets/$app.pip
  if [[ -z $pip_secrets ]]; then
    while IFS= read -r line; do
      if [[ -n $line ]]; then build_variables+=("$line"); fi
    done <<< "$pip_indexes"
    return
  fi
  [[ $(head -n 1 "$file" 2> /dev/null) == "# $pip_secrets" ]] ||
    fail "The secrets of pip for app $app are not on the server anymore ($file)." \
      "change one of them (apps.$app.pip.secrets), then deploy again, which sends them."
  while IFS= read -r line; do
    case $line in
      'set '*) build_variables+=("${line#set }") ;;
      'netrc '*) netrc+=${line#netrc }$'\n' ;;
      'hide '*) hidden+=("${line#hide }") ;;
    esac
  done < "$file"
  [[ -n $netrc ]] || return 0
  install -m 640 -g "_$app" /dev/null "$build_folder/netrc"
  printf '%s' "$netrc" > "$build_folder/netrc"
  build_variables+=("NETRC=$build_folder/netrc")
}

# Takes secrets out of the caller's output.
hide_pip_secrets() {
  local it
  for it in ${hidden[@]+"${hidden[@]}"}; do output=${output//"$it"/[secret]}; done
}

pip_errors='^[^A-Za-z]*(ERROR|Error|error|fatal error|[A-Za-z.]*(Error|Exception)):|: (fatal )?error: |No such file or directory|not found|No space left|requires? a different [Pp]ython|Requires-Python|[45][0-9][0-9] (Client |Server )?Error|Failed to establish|Name or service not known|name resolution|[Pp]roxy|timed out|CERTIFICATE|required to install|from versions:'
pip_noise='\[notice\]|should consider upgrading|(subprocess-exited-with|legacy-install|metadata-generation)-|^WARNING: Discarding|egg_info|logs for full command output'

# Prints the lines of pip's output on stdin that say what is wrong.
pip_lines() {
  local output lines
  output=$(cat)
  if grep --quiet 'DO NOT MATCH THE HASHES' <<< "$output"; then
    lines=$(grep --after-context 8 'DO NOT MATCH THE HASHES' <<< "$output")
  else
    lines=$(grep --extended-regexp "$pip_errors" <<< "$output" | grep --invert-match --extended-regexp "$pip_noise" |
      sed -E 's/^WARNING: Retrying .* after (connection broken)/\1/; s/ object at 0x[0-9a-f]+//; s/\(from versions: .*, (([^,]+, ){7}[^,]+)\)/(from versions: …, \1)/; s/^ +//' | cut -c 1-500 | awk '!seen[$0]++' | tail -n 12) || true
    lines=${lines:-$(tail -n 25 <<< "$output")}
  fi
  printf '%s\n' "$lines"
}

# What pip's output says if a program or a library is missing, as NEED: PATTERN.
pip_signs="postgresql: pg_config executable not found|pg_config: (command )?not found|libpq-fe\.h
mysql: mysql_config: (command )?not found|mysql_config not found|Can not find valid pkg-config name|mysql\.h: No such
python: Python\.h: No such
ldap: (lber|ldap|sasl)\.h: No such
ffi: ffi\.h: No such|No package 'libffi' found
openssl: openssl/[a-z0-9_]+\.h: No such|Could not find directory of OpenSSL
xml: lib(xml|xslt)/[a-zA-Z]+\.h: No such|make sure the libxml2 and libxslt development packages are installed
jpeg: headers or library files could not be found for jpeg|jpeglib\.h: No such
zlib: headers or library files could not be found for zlib|zlib\.h: No such
cc: ((command|execute) '?[^' ]*(gcc|cc)'?( failed)?: No such file)|No such file or directory: '[^' ]*(gcc|cc)'|(gcc|cc): (command )?not found|no acceptable C compiler
cxx: cannot execute .*cc1plus|error trying to exec 'cc1plus'|(command|execute) '?[^' ]*[gc]\+\+'?( failed)?: No such file|No such file or directory: '[^' ]*[gc]\+\+'|[gc]\+\+: (command )?not found
rust: can.t find Rust compiler|requires Rust|Rust toolchain|(cargo|rustc)'?: (command )?not found|No such file or directory: '(cargo|rustc)'
make: (^|[^a-z])make'?: (command )?not found|No such file or directory: 'make'
cmake: cmake'?: (command )?not found|No such file or directory: 'cmake'|CMake must be installed
pkgconfig: pkg-config'?: (command )?not found|No such file or directory: 'pkg-config'
git: Cannot find command '?git|git'?: (command )?not found|No such file or directory: '?git"

# Prints the system packages that the output on stdin asks for, separated by commas.
pip_missing() {
  local output line need pattern pair all='' needs=''
  output=$(cat)
  while IFS= read -r line; do
    need=${line%%: *} pattern=${line#*: }
    if grep --quiet --extended-regexp "$pattern" <<< "$output"; then needs+=" $need"; fi
  done <<< "$pip_signs"
  # The next thing that would be missing.
  if [[ -n $needs && $needs != ' git' ]] && ! command -v gcc > /dev/null; then needs+=' python cc'; fi
  for need in $needs; do
    for pair in $pip_packages; do
      if [[ $pair == "$need="* ]]; then all+=" ${pair#*=}"; fi
    done
  done
  for need in ${all//,/ }; do printf '%s\n' "$need"; done | awk '!seen[$0]++' | paste -s -d , | sed 's/,/, /g'
}

# Prints the host of the index that pip has used. With pip's own configuration, nobody knows here.
index_host() {
  local variable url=${PIP_INDEX_URL:-}
  for variable in ${build_variables[@]+"${build_variables[@]}"}; do
    if [[ $variable == PIP_INDEX_URL=* ]]; then url=${variable#*=}; fi
  done
  if [[ -z $url ]]; then printf 'the package index'; else sed -E 's#^https?://([^/@]*@)?([^/:]*).*#\2#' <<< "$url"; fi
}

# Prints what to do about pip's output on stdin: of old versions (20.3, for Python 2.7) and new ones. Argument: VERSION, of Python
pip_advice() {
  local version=$1 output errors missing newer='' clock compile=''
  output=$(cat)
  has() { grep --quiet --extended-regexp "$1" <<< "$output"; }
  [[ -z $newer_pythons ]] || newer=", or set apps.$app.python to ${newer_pythons%% *}"
  errors=$(grep --extended-regexp '^ *(ERROR|Could not|No matching)' <<< "$output") || true
  clock=$(clock_advice <<< "$output")
  missing=$(pip_missing <<< "$output")
  if has 'No space left on device'; then
    printf 'free some disk space on the server (df -h), then deploy again.'
  elif has 'certificate verify failed|CERTIFICATE_VERIFY_FAILED'; then
    printf '%sset server.caCertificates to the certificates of whoever has signed that of the package index.' "$clock"
  elif has 'DO NOT MATCH THE HASHES'; then
    printf 'find out why the package index has another file than the requirements say; if it is right, write their hashes anew.'
  elif has 'Hashes are required in --require-hashes mode'; then
    printf 'add a hash to each requirement, or remove all of them.'
  elif has '40[13] (Client )?Error|HTTP error 40[13]|Credentials not correct'; then
    if [[ -n $pip_secrets ]]; then
      printf 'correct the values in apps.%s.pip.secrets: the package index does not accept them.' "$app"
    else
      # shellcheck disable=SC2016 # not a variable
      printf 'give pip the password of the package index: write it as ${NAME} into apps.%s.pip.index, and set apps.%s.pip.secrets.NAME with --secret.' "$app" "$app"
    fi
  elif [[ $errors == *'from versions: none'* || $errors == *'Max retries'* || $errors == *Connection* ]] &&
    has 'Failed to establish a new connection|name resolution|Name or service not known|[Cc]onnection refused|timed out|ProxyError|Cannot connect to proxy|Connection aborted|RemoteDisconnected'; then
    printf 'make sure that the server reaches %s (curl), or set apps.%s.pip.index, server.pipIndex or server.proxy to one that it reaches.' \
      "$(index_host)" "$app"
  elif [[ -n $missing ]]; then
    printf 'add these packages to apps.%s.packages: [%s]; or choose releases of the requirements that are there as wheels.' "$app" "$missing"
  elif has 'requires a different Python|require a different python|Requires-Python'; then
    printf "choose releases of the requirements that run on the server's %s%s." "$version" "$newer"
  elif has 'from versions: [0-9]'; then
    printf 'choose one of these versions: they are those for %s%s.' "$version" "$newer"
  elif has 'from versions: none'; then
    # shellcheck disable=SC2016 # not a variable
    printf 'correct the name of the requirement. If it comes from another index, set apps.%s.pip.index; if that wants a password, write it there as ${NAME}, and set apps.%s.pip.secrets.NAME with --secret.' \
      "$app" "$app"
  else
    command -v gcc > /dev/null || compile=" If one of them is compiled, add these packages to apps.$app.packages: $compiler."
    printf "correct the requirements. If one of them needs a newer Python than the server's %s, choose an older release of it%s.%s" \
      "$version" "$newer" "$compile"
  fi
}
