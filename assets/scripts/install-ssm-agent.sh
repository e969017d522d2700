#!/usr/bin/env bash
# Installs Amazon's SSM agent at the first boot, if Amazon has signed it. Otherwise the server works without the agent, and
# the deployment shows the reason (wait-for-boot.sh).
# Parameters: NAME=VALUE… (url of the package, with its signature beside it; keys: URL of Amazon's public keys; fingerprint
# of the key that must have signed; install: the command; notice: file for the reason)

main() {
  local url='' keys='' fingerprint='' install='' notice='' problem='' folder=''
  parameters "$@"
  if ! install_agent; then
    printf 'Warning: The SSM agent was not installed: %s The server works without it.\nFix: %s\n' \
      "${problem:-"its installation failed."}" 'see "Log in without an open port" in docs/aws.md.' | tee "$notice"
  fi
  [[ -z $folder ]] || rm -rf "$folder"
}

install_agent() {
  local package=${url##*/} status
  command -v gpgv > /dev/null || { problem="gpgv is missing."; return 1; }
  folder=$(mktemp --directory) && cd "$folder" || return
  download "$package" "$url" && download "$package.sig" "$url.sig" && download keys.asc "$keys" || return
  dearmor < keys.asc > keys.gpg || { problem="$keys has no public keys."; return 1; }
  # The keys can be anybody's. The fingerprint is that of the one whose signature this is.
  if ! status=$(gpgv --status-fd 1 --keyring "$folder/keys.gpg" "$package.sig" "$package") ||
    [[ $'\n'$status != *$'\n'"[GNUPG:] VALIDSIG $fingerprint "* ]]; then
    problem="$url is not signed with the key $fingerprint."
    return 1
  fi
  # shellcheck disable=SC2086 # a command and its options
  $install "$folder/$package"
}

download() {
  curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$1" "$2" ||
    { problem="$2 cannot be downloaded."; return 1; }
}

# Decodes public keys, because gpgv reads no text. Each block has headers, an empty line, base64 and a checksum.
dearmor() {
  local line text='' part=none
  while IFS= read -r line; do
    case $part,$line in
      none,'-----BEGIN PGP PUBLIC KEY BLOCK-----') part=headers text='' ;;
      headers,'') part=text ;;
      text,=*) part=checksum ;;
      text,-----END* | checksum,-----END*) base64 --decode <<< "$text" || return; part=none ;;
      text,*) text+=$line ;;
    esac
  done
  [[ -n $text ]]
}
